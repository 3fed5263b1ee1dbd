"""Owns what a car says of itself: each value with the moment it was measured, and any of them may be missing."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec

from shared.domain.car.odometer import FINEST_KM, SAME_MOMENT, Reading
from shared.domain.place.geo import Position
from shared.domain.thresholds import MOST_REFUSALS

T = TypeVar("T")
CarState = Literal["driving", "parked", "unknown", "offline"]
CREDENTIALS_OF_CAR = ("login_refusals", "credentials_set_at")


class Measured(msgspec.Struct, Generic[T], frozen=True):
    """A value, and when the car measured it (aware UTC): at `at`, or at some moment from `since` to `at`."""

    value: T
    at: datetime
    since: datetime | None = None


class CarValues(msgspec.Struct, frozen=True):
    """One answer of a car's cloud: odometer in km, position in WGS84 degrees, state.

    The odometer is told in steps of `resolution_km`, rounded down.
    """

    odometer_km: Measured[float] | None = None
    position: Measured[Position] | None = None
    state: Measured[CarState] | None = None
    resolution_km: float = FINEST_KM

    def reading(self) -> Reading | None:
        """The odometer, with the state and position of the same moment; None where there is no odometer.

        A state that says unknown or offline, or that is of another moment, lets nothing be concluded.
        """
        odometer = self.odometer_km
        if odometer is None:
            return None
        state, position = _of_moment(self.state, odometer), _of_moment(self.position, odometer)
        lat, lng = position or (None, None)
        driving = state == "driving"
        return Reading(odometer.at, odometer.value, driving, lat, lng, odometer.since, self.resolution_km)


def _of_moment(measured: Measured[T] | None, odometer: Measured[float]) -> T | None:
    if measured is None:
        return None
    moments = [moment for one in (measured, odometer) for moment in (one.since or one.at, one.at)]
    return measured.value if max(moments) - min(moments) <= SAME_MOMENT else None


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


def car_view(car: Car, is_default: bool) -> dict[str, Any]:
    """A car as callers see it, without what its credentials are about."""
    view = {name: value for name, value in msgspec.structs.asdict(car).items() if name not in CREDENTIALS_OF_CAR}
    return {**view, "default": is_default}
