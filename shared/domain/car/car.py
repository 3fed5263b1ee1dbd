"""Owns what a car says of itself: each value with the moment it was measured, and any of them may be missing."""

from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

import msgspec

from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from shared.domain.thresholds import MOST_REFUSALS

T = TypeVar("T")
CarState = Literal["driving", "parked", "unknown", "offline"]

# Values of one report carry slightly different times; beyond this they speak of different moments.
SAME_MOMENT = timedelta(minutes=2)


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


class Car(msgspec.Struct, frozen=True):
    """A user's car. `login_refusals` counts how often its cloud refused the credentials since they were set.

    The period in which it was available is in dates (yyyy-mm-dd), the odometer at its start in km. Of the credentials
    it says which fields were set and when (aware UTC).
    """

    id: str
    provider: str
    name: str = ""
    vin: str = ""
    brand: str = ""
    plate: str = ""
    make: str = ""
    type: str = ""
    colour: str = ""
    available_from: str | None = None
    available_until: str | None = None
    start_odometer_km: float | None = None
    login_refusals: int = 0
    credentials_set_at: dict[str, datetime] = {}

    @property
    def login_stopped(self) -> bool:
        """Whether the car is not asked any more until its credentials change."""
        return self.login_refusals >= MOST_REFUSALS

    @property
    def budget_name(self) -> str:
        """Under which name its requests are counted: another provider is another budget."""
        return f"{self.id} {self.provider}"
