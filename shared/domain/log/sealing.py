"""Owns the seal of a car's closed year, and the corrections of what is sealed.

A seal is a hash over all rows of the year, and over the seal of the year before: who has it can tell that none of them
was changed, left out or put in since.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The seal of a car's year: the hash over its `rows` rows, and `prev`, that of the year before ("" if none).

    It was closed at `closed_at` (aware UTC) by whom the label says; `reasons` has, by the number of each check that did
    not allow it, why it was closed all the same. `timestamp_token` is an RFC 3161 token over the hash, as base64, None
    where there is none (yet).
    """

    car_id: str
    year: int
    rows: int
    hash: str
    prev: str = ""
    closed_at: datetime
    by: str
    reasons: dict[str, str] = {}
    timestamp_token: str | None = None


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What would have changed in a row of a closed year, by the names that the API has for the fields: it is proposed,
    by whom and why, and stands beside the year, whose rows stay as they are sealed.

    `before` is empty for a row that would have come, `after` for one that would have gone. `at` is aware UTC.
    """

    id: str
    car_id: str
    year: int
    at: datetime
    by: str
    why: str
    row: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


def seal_hash(car_id: str, year: int, prev: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256, in hexadecimal, of the rows of a year as callers see them (`shown.row_view`), in their order, with the
    hash of the year before, as canonical JSON (RFC 8785)."""
    # Few calls seal or prove anything: what makes JSON canonical is no part of their cold start.
    import rfc8785

    told: dict[str, Any] = {"car_id": car_id, "year": year, "prev": prev, "rows": [dict(row) for row in rows]}
    return hashlib.sha256(rfc8785.dumps(told)).hexdigest()
