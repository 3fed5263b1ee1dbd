"""What can happen to a driver's state, and what comes of it."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.drive import Finished, Heard
from shared.domain.tracking.state import DriverState

Status = Literal["trip_started", "ping_recorded", "trip_resumed", "ending", "paused", "end_noted", "ignored", ""]
WhyIgnored = Literal["no_active_trip", "trip_went_on", ""]


class Started(msgspec.Struct, frozen=True):
    """The phone connected, or pings. `default_car_id` counts where the phone names no car."""

    heard: Heard
    default_car_id: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The phone left the car."""

    heard: Heard
    default_car_id: str | None = None


class CarRead(msgspec.Struct, frozen=True):
    """A car's cloud answered; the reading is None where the answer held no odometer.

    On the way it is asked again not before a moment, if one is given: its budget may be small.
    """

    car_id: str
    reading: Reading | None
    lease_until: datetime | None = None
    not_before: datetime | None = None


class CarFailed(msgspec.Struct, frozen=True):
    """A car's cloud failed; it may have said how long to wait."""

    car_id: str
    retry_after: timedelta = timedelta(0)
    lease_until: datetime | None = None


class NotAsked(msgspec.Struct, frozen=True):
    """Time passed and no car was asked. Where one was to be asked: there is none, or not before a moment."""

    car_id: str | None = None
    has_car: bool = True
    lease_until: datetime | None = None
    not_before: datetime | None = None


class Dropped(msgspec.Struct, frozen=True):
    """The driver wants no trip of the drive going on."""


Event = Started | Ended | CarRead | CarFailed | NotAsked | Dropped


class Told(msgspec.Struct, frozen=True):
    """What a car or its driver said of an odometer, to be kept whatever comes of it.

    With `why_not` it cannot be true whatever else was said.
    """

    car_id: str
    reading: Reading
    why_not: Disbelief | None = None


class Asked(msgspec.Struct, frozen=True):
    """A car was asked or could not be: it is asked again when something waits for it, not before a moment if one is."""

    car_id: str
    not_before: datetime | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of an event: the new state, and all that the log has to fold in the same commit.

    `finished` are drives that are over; with `weaves` the words of earlier times, for which nobody waits any more, are
    taken in as well.
    """

    state: DriverState
    status: Status = ""
    reason: WhyIgnored = ""
    finished: tuple[Finished, ...] = ()
    weaves: bool = False
    told: Told | None = None
    asked: Asked | None = None
    block: tuple[Heard, ...] = ()
    poll_now: bool = False
