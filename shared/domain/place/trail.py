"""Owns what a phone saw on the way: fixes, and the distance that a trail of them stands for."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from shared.domain.place.geo import Position, distance_km
from shared.domain.thresholds import LEAST_LEG_KM, LONG_LEG_FACTOR, MOST_ACCURACY_M, SHORT_LEG_FACTOR, SHORT_LEG_KM


class Fix(msgspec.Struct, frozen=True, omit_defaults=True):
    """One start, ping or end as the phone saw it; the position may be missing. `at` is an aware UTC datetime."""

    at: datetime
    lat: float | None = None
    lng: float | None = None
    accuracy_m: float | None = None
    car_id: str | None = None

    @property
    def position(self) -> Position | None:
        """WGS84 degrees, or None where the phone did not know."""
        return None if self.lat is None or self.lng is None else Position(self.lat, self.lng)


def sort_key(fix: Fix) -> tuple[datetime, float, float, float, str]:
    """Orders fixes by time, and those of one moment always in the same way."""
    return fix.at, fix.lat or 0.0, fix.lng or 0.0, fix.accuracy_m or 0.0, fix.car_id or ""


def in_order(fixes: Iterable[Fix]) -> list[Fix]:
    """The fixes by time, each once: a message may come twice and late."""
    return sorted(set(fixes), key=sort_key)


def located(fixes: Iterable[Fix]) -> list[Fix]:
    """The fixes by time that can be measured with: a position, and an accuracy not worse than 100 m."""
    return [
        fix for fix in in_order(fixes) if fix.position and (fix.accuracy_m is None or fix.accuracy_m <= MOST_ACCURACY_M)
    ]


def trail_distance_km(fixes: Iterable[Fix]) -> float:
    """Estimated road km along the fixes: straight legs of 50 m and more, times 1.15 where under 1 km, 1.3 beyond."""
    return sum(_leg_km(start, end) for start, end in _legs(located(fixes)))


def moved_from(anchor: Fix, fixes: Sequence[Fix], by_km: float) -> bool:
    """Whether any of the fixes is at least `by_km` away from the anchor."""
    return any(_straight_km(anchor, fix) >= by_km for fix in fixes)


def _legs(fixes: list[Fix]) -> Iterable[tuple[Fix, Fix]]:
    if not fixes:
        return
    last = fixes[0]
    for fix in fixes[1:]:
        if _straight_km(last, fix) >= LEAST_LEG_KM:
            yield last, fix
            last = fix


def _leg_km(start: Fix, end: Fix) -> float:
    straight_km = _straight_km(start, end)
    return straight_km * (SHORT_LEG_FACTOR if straight_km < SHORT_LEG_KM else LONG_LEG_FACTOR)


def _straight_km(a: Fix, b: Fix) -> float:
    return distance_km(a.position, b.position) if a.position and b.position else 0.0
