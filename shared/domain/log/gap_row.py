"""Owns the row of a log for kilometres that no trip has, and what a driver says of them."""

import re
from datetime import datetime
from typing import Literal

import msgspec

from shared.domain.log.trip import km, shown_km

Explanation = Literal["private", "business", "correction", "other"]

GAP_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a car's odometer, in metres, that belongs to no trip. Times are aware UTC.

    `date`, `year` and `month` are those of `since` in the user's time zone. `business_m` is the part of an explained
    stretch that was business. `series` counts up where the car has another odometer than before, which was set on by
    `set_on_m` metres then. `after_trip` and `before_trip` are the ids of the trips beside it, where there are some. One
    of which its driver ever said something stays `is_touched`.
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
    set_on_m: int = 0
    after_trip: str | None = None
    before_trip: str | None = None
    explained_as: Explanation | None = None
    reason: str = ""
    business_m: int = 0
    is_touched: bool = False
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def missing_m(self) -> int:
        """How many metres it has."""
        return self.to_m - self.from_m

    @property
    def missing_km(self) -> float:
        """How many kilometres it shows: the difference of its odometers as they are shown."""
        return km(shown_km(self.to_m) - shown_km(self.from_m))

    @property
    def business_km(self) -> float:
        """How many of these were business, to 0.1."""
        whole = self.business_m == self.missing_m
        return self.missing_km if whole else min(km(self.business_m / 1000), self.missing_km)


class Explained(msgspec.Struct, frozen=True):
    """What a driver said of an interval of a car's odometer, in metres: it holds for whatever gap lies in it."""

    from_m: int
    to_m: int
    explained_as: Explanation
    reason: str = ""
    business_m: int = 0
    series: int = 0


def share_m(word: Explained, from_m: int, to_m: int) -> int:
    """How many metres of a part of an explained interval were business: its share of all."""
    return round(word.business_m * (to_m - from_m) / max(word.to_m - word.from_m, 1))
