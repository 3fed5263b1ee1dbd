"""Owns what a car says of itself: each value with the moment it was measured, and any of them may be missing."""

import re
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

import msgspec

from shared.domain.geo import Position
from shared.domain.odometer import Reading

T = TypeVar("T")
CarState = Literal["driving", "parked", "unknown", "offline"]

# Values of one report carry slightly different times; beyond this they speak of different moments.
SAME_MOMENT = timedelta(minutes=2)

# The id that a driver gives a car, which is part of addresses and of ids in the store.
CAR_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Measured(msgspec.Struct, Generic[T], frozen=True):
    """A value, and when the car measured it (aware UTC)."""

    value: T
    at: datetime


class CarValues(msgspec.Struct, frozen=True):
    """One answer of a car's cloud: odometer in km, position in WGS84 degrees, state."""

    odometer_km: Measured[float] | None = None
    position: Measured[Position] | None = None
    state: Measured[CarState] | None = None

    def reading(self) -> Reading | None:
        """The odometer, with the state and position of the same moment; None where there is no odometer.

        A state that says unknown or offline, or that is of another moment, lets nothing be concluded.
        """
        odometer = self.odometer_km
        if odometer is None:
            return None
        state, position = _of_moment(self.state, odometer.at), _of_moment(self.position, odometer.at)
        lat, lng = position or (None, None)
        return Reading(odometer.at, odometer.value, state == "driving", lat, lng)


def _of_moment(measured: Measured[T] | None, moment: datetime) -> T | None:
    return measured.value if measured and abs(measured.at - moment) <= SAME_MOMENT else None
