"""Owns what lies behind the last finished drive of a car: kilometres that no row of the log has yet."""

from datetime import datetime

import msgspec

from shared.domain.tracking.state import DriverState


class OpenStretch(msgspec.Struct, frozen=True):
    """A stretch of a car's odometer in metres, and the time (aware UTC) in which it was driven."""

    from_m: int
    to_m: int
    since: datetime
    until: datetime


def open_stretch(state: DriverState, car_id: str) -> OpenStretch | None:
    """What is open of a car's log; None where the odometer has not gone on since its last row."""
    return None
