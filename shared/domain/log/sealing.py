"""Owns the seal of a car's closed year, and the corrections of what is sealed.

A seal is a hash over all rows of the year, and over the seal of the year before: who has it can tell that none of them
was changed, left out or put in since.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.fitting import Conflict
from shared.domain.log.history import ALWAYS_CHANGED, Author
from shared.domain.log.shown import row_view, zulu
from shared.domain.log.tiling import Row

# Whose log it is says nothing of a row: taken along under another e-mail it is the same.
UNSEALED = ("user", *ALWAYS_CHANGED)


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """The seal of a car's year: the hash over its `rows` rows, and `prev`, that of the year before ("" if none).

    It was closed at `closed_at` (aware UTC) by whom the label says, and ended by the clock of `timezone` (IANA name);
    `reasons` has, by the number of each check that did not allow it, why it was closed all the same. `timestamp_token`
    is an RFC 3161 token over the hash, as base64, None where there is none (yet).
    """

    car_id: str
    year: int
    rows: int
    hash: str
    prev: str = ""
    closed_at: datetime
    by: str
    timezone: str = ""
    reasons: dict[str, str] = {}
    timestamp_token: str | None = None

    @property
    def id(self) -> str:
        """That of its document."""
        return seal_id(self.car_id, self.year)


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


class YearIsClosed(Conflict):
    """Rows of a sealed year would change, each as it is and as it would be, by this author: nothing was written."""

    def __init__(self, email: str, author: Author | None, rows: Sequence[tuple[Row | None, Row | None]]) -> None:
        years = sorted({one.year for pair in rows for one in pair if one})
        named = " and ".join(map(str, years))
        super().__init__(f"The log of {named} is closed: say why, and it is kept as a correction beside it.", "why")
        self.email, self.author, self.rows = email, author, rows


def seal_id(car_id: str, year: int) -> str:
    """The id of the seal of a car's year."""
    return f"{year}-{car_id}"


def seal_hash(car_id: str, year: int, prev: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256, in hexadecimal, of the rows of a year as callers see them (`shown.row_view`), in their order, with the
    hash of the year before, as canonical JSON (RFC 8785)."""
    return hashlib.sha256(_canonical({"car_id": car_id, "year": year, "prev": prev, "rows": _sealed(rows)})).hexdigest()


def is_changed(former: Row | None, row: Row | None) -> bool:
    """Whether a seal over a row would not hold any more with the other one in its place."""
    [before, after] = _sealed([row_view(one) if one else {} for one in (former, row)])
    return before != after


def correction(author: Author, car_id: str, year: int, former: Row | None, row: Row | None) -> Correction:
    """What would have changed in a row of a closed year. The same said twice is one correction."""
    [before, after] = _sealed([row_view(one) if one else {} for one in (former, row)])
    if before and after:
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        before, after = ({name: view[name] for name in names if name in view} for view in (before, after))
    row_id = next(one.id for one in (former, row) if one)
    told: dict[str, Any] = {"row": row_id, "before": before, "after": after, "why": author.why, "by": author.by}
    return Correction(
        id=f"{seal_id(car_id, year)}-{hashlib.sha256(_canonical(told)).hexdigest()[:16]}",
        car_id=car_id,
        year=year,
        at=author.now,
        **told,
    )


def seal_view(seal: Seal) -> dict[str, Any]:
    """A seal as callers see it."""
    return {**msgspec.to_builtins(seal), "closed_at": zulu(seal.closed_at)}


def correction_view(one: Correction) -> dict[str, Any]:
    """A correction as callers see it."""
    return {**msgspec.to_builtins(one), "at": zulu(one.at)}


def _sealed(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in UNSEALED} for row in rows]


def _canonical(told: dict[str, Any]) -> bytes:
    # Few calls seal or prove anything: what makes JSON canonical is no part of their cold start.
    import rfc8785

    return rfc8785.dumps(told)
