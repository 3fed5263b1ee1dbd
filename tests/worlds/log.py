"""What passes between a world and whoever keeps its log. All of it is plain; kilometres, aware UTC."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

Played = Literal["played", "refused", "cannot"]


class PhoneEvent(NamedTuple):
    """A message of the phone; `at` by its own clock."""

    kind: Literal["start", "ping", "end"]
    at: datetime
    lat: float | None = None
    lng: float | None = None
    accuracy_m: float | None = None
    car: str | None = None


class CarAnswer(NamedTuple):
    """What a car's cloud answers."""

    odometer_km: float
    measured_at: datetime
    state: str = "unknown"
    lat: float | None = None
    lng: float | None = None
    resolution_km: float = 0.1


class Correction(NamedTuple):
    """What the driver does by hand. `trip_id` is the trip that it is about, `car`, `since`, `until` those of a new one.

    classify: kind and purpose; distance: `km`; manual: a new trip of `km`; delete; eye: the odometer is `km`.
    """

    kind: Literal["classify", "distance", "manual", "delete", "eye"]
    trip_id: str = ""
    car: str = ""
    since: datetime | None = None
    until: datetime | None = None
    km: float = 0.0


class Trip(NamedTuple):
    """A trip of the log. `excess_km` is what it shows beyond its stretch of the odometer."""

    id: str
    car: str | None
    start: datetime
    end: datetime
    km: float
    from_km: float | None = None
    to_km: float | None = None
    pending: bool = False
    source: str = "odometer"
    flags: tuple[str, ...] = ()
    kind: str = "unclassified"
    excess_km: float = 0.0


class Gap(NamedTuple):
    """Kilometres of a car that no trip has; below 0 where two trips have them."""

    car: str
    km: float
    from_km: float | None
    to_km: float | None
    since: datetime | None
    until: datetime | None


class Log(NamedTuple):
    """The log as the driver sees it; `closed` by car."""

    trips: tuple[Trip, ...]
    gaps: tuple[Gap, ...]
    closed: dict[str, bool]


class Keeper(Protocol):
    """Whoever keeps the log of a world. `now` never runs back."""

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """A message of the phone arrives."""

    def due_at(self) -> datetime | None:
        """When it wants to be polled; None where it waits for nothing."""

    def poll(self, now: datetime, ask: Callable[[str], CarAnswer | None]) -> None:
        """Its poll: it may ask cars by their ids; None is the answer of a cloud that fails."""

    def look(self, now: datetime) -> None:
        """The daily reading of all cars becomes due."""

    def correct(self, correction: Correction, now: datetime) -> Played:
        """The driver's word: taken, refused, or "cannot" where this keeper has no way to hear it."""

    def waits(self) -> bool:
        """Whether a trip goes on or waits for an odometer."""

    def log(self) -> Log:
        """The log as it is now."""
