"""Owns the row of a log for kilometres that no trip has, and what a driver says of them."""

from datetime import datetime
from typing import Literal

import msgspec

Explanation = Literal["private", "business", "correction", "other"]


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a car's odometer, in metres, that belongs to no trip. Times are aware UTC.

    `date`, `year` and `month` are those of `since` in the user's time zone. `business_m` is the part of an explained
    stretch that was business. `series` counts up where the car has another odometer than before.
    """

    id: str
    user: str
    car_id: str
    timezone: str
    date: str
    year: int
    month: int
    from_m: int
    to_m: int
    since: datetime
    until: datetime
    series: int = 0
    explained_as: Explanation | None = None
    reason: str = ""
    business_m: int = 0
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def missing_m(self) -> int:
        """How many metres it has."""
        return self.to_m - self.from_m


class Explained(msgspec.Struct, frozen=True):
    """What a driver said of an interval of a car's odometer, in metres: it holds for whatever gap lies in it."""

    from_m: int
    to_m: int
    explained_as: Explanation
    reason: str = ""
    business_m: int = 0
    series: int = 0
