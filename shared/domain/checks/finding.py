"""Owns what a check finds in a car's log of a year."""

from typing import Literal

import msgspec

Result = Literal["holds", "warns", "fails", "not_applicable"]
Basis = Literal["law", "ours"]


class Finding(msgspec.Struct, frozen=True):
    """What the n-th check found: `rows` are the ids of the rows or readings concerned.

    `basis` says whether its limit is law or our own proposal. `name` and `advice` are in the driver's language; the
    advice is empty where there is nothing to do.
    """

    n: int
    name: str
    result: Result
    basis: Basis
    rows: tuple[str, ...] = ()
    advice: str = ""


class PrivateKm(msgspec.Struct, frozen=True):
    """How many private kilometres a year has so far, has at worst, and will have at its end if it goes on as it did;
    of so many that are allowed without tax. All in km to 0.1."""

    so_far: float
    worst_case: float
    forecast: float
    limit: float = 500.0


class Checked(msgspec.Struct, frozen=True):
    """The checks of a car's year, by their numbers, with its private kilometres and those that count for VAT."""

    findings: tuple[Finding, ...]
    private_km: PrivateKm
    private_km_vat: float
