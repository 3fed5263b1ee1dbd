"""Owns the bodies that speak of a car: the car itself, an odometer that the driver read by eye."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from shared.domain.car.odometer import HIGHEST_KM, Reading, WordSource
from shared.domain.fitting import moment, number
from shared.domain.log.trip import km
from shared.domain.thresholds import CLOCK_AHEAD
from shared.handlers.problems import bad

OLDEST_READING = datetime(2000, 1, 1, tzinfo=UTC)


class CarBody(Struct, forbid_unknown_fields=True):
    """A car as a driver says it; what they leave out is empty."""

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
    default: bool = False

    def said(self) -> dict[str, Any]:
        """All that is said of the car, by the names of its fields."""
        return {field: value for field, value in msgspec.structs.asdict(self).items() if field != "default"}


class OdometerBody(Struct, forbid_unknown_fields=True):
    """An odometer that the driver says: when it was read and where, and whether it holds against what the car said.

    With `new_series` the car has another odometer from then on.
    """

    odometer_km: float
    at: str | None = None
    source: WordSource = "eye"
    confirm: bool = False
    new_series: bool = False
    why: str | None = None

    def reading(self, source: WordSource, timezone: str, now: datetime) -> Reading:
        """The reading, told by this source. Raises 400. A clock that is a little ahead means now."""
        found = number(self.odometer_km, "odometer_km", 0.1, HIGHEST_KM) or 0.0
        at = moment(self.at, "at", timezone) if self.at is not None else now
        if not OLDEST_READING <= at <= now + CLOCK_AHEAD:
            raise bad("at", "must not be in the future or before the year 2000")
        return Reading(
            min(at, now),
            km(found),
            source=source,
            is_confirmed=self.confirm,
            begins_series=self.new_series,
        )
