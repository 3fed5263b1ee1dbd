"""What can happen to a driver's state, and what comes of it."""

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.log.drive import Drive, EarlierStart, Heard
from shared.domain.tracking.state import DriverState

Status = Literal["trip_started", "ping_recorded", "trip_resumed", "ending", "paused", "end_noted", "ignored", ""]
WhyIgnored = Literal["no_active_trip", "trip_already_closed", "trip_went_on", ""]


class Started(msgspec.Struct, frozen=True):
    """The phone connected, or pings. `default_car_id` counts where the phone names no car."""

    heard: Heard
    default_car_id: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The phone left the car."""

    heard: Heard


class CarRead(msgspec.Struct, frozen=True):
    """A car's cloud answered; the reading is None where the answer held no odometer.

    `known` is the newest reading that the log holds of a car of which the state knows none.
    """

    car_id: str
    reading: Reading | None
    lease_until: datetime | None = None
    known: Reading | None = None


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


class Settlement(msgspec.Struct, frozen=True):
    """The end odometer that a finished trip was waiting for."""

    trip_id: str
    reading: Reading


class Told(msgspec.Struct, frozen=True):
    """What a car said of its odometer, to be kept whatever comes of it; why it is not believed, if it is not.

    What says nothing of a drive that can still change is neither believed nor not.
    """

    car_id: str
    reading: Reading
    is_judged: bool = True
    why_not: Disbelief | None = None


class Beside(msgspec.Struct, frozen=True):
    """A word of the phone that is in no drive any more, and the id of the events that it is kept with.

    If it came before, it may be with those of another drive that it is near to.
    """

    drive_id: str
    heard: Heard
    near: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of an event: the new state, and all that must be stored in the same commit."""

    state: DriverState
    status: Status = ""
    reason: WhyIgnored = ""
    drives: tuple[Drive, ...] = ()
    dropped: Drive | None = None
    settlement: Settlement | None = None
    earlier_start: EarlierStart | None = None
    told: Told | None = None
    block: tuple[Heard, ...] = ()
    beside: tuple[Beside, ...] = ()
    poll_now: bool = False
