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
