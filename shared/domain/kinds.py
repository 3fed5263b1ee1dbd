"""Owns what a driver says of his habits, from which the kind of a trip is proposed."""

import msgspec

from shared.domain.trip import TripKind


class Habits(msgspec.Struct, frozen=True):
    """Days and hours of a driver, in his time zone: ISO weekdays (Monday is 1), hours as HH:MM from and until."""

    default_kind: TripKind = "unclassified"
    private_days: tuple[int, ...] = ()
    business_hours: tuple[str, str] | None = None
