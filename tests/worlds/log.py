"""What passes between a world and whoever keeps its log. All of it is plain; kilometres, aware UTC."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

Played = Literal["played", "refused", "cannot"]
Known = Literal["read", "typed", "estimated"]
Position = tuple[float, float]


class PhoneEvent(NamedTuple):
    """A message of the phone; `at` by its own clock."""

    kind: Literal["start", "ping", "end"]
    at: datetime
    lat: float | None = None
    lng: float | None = None
    accuracy_m: float | None = None
    car: str | None = None


class CarAnswer(NamedTuple):
    """What a car's cloud answers. The odometer stands from `odometer_km` up to, but not at, that and `resolution_km`:
    its provider is known to speak so.
    """

    odometer_km: float
    measured_at: datetime
    state: str = "unknown"
    lat: float | None = None
    lng: float | None = None
    resolution_km: float = 0.1


class Correction(NamedTuple):
    """What the driver does by hand. `trip_id` is the trip that it is about, `car`, `since`, `until` those of a new one.

    classify: kind and purpose; distance: `km`; manual: a new trip of `km`; delete; eye: the odometer of `car` is `km`.

    patch: `fields` of the trip, by the names and with the values of the API (times are aware UTC); one that is None is
    given back to the automation.
    drop: the drive going on is none (`DELETE /trips/active`).
    confirm: eye, and it is true whatever the car said; new_series: eye, and the car has another odometer since.
    withdraw: the newest reading by eye of `car` that shows `km` was none.
    explain: the gap `gap_id` is `fields` (explained_as, reason, business_km).

    "refused" is for what the API answers with 4xx, and then nothing is changed.
    """

    kind: Literal[
        "classify",
        "distance",
        "manual",
        "delete",
        "eye",
        "patch",
        "drop",
        "confirm",
        "new_series",
        "withdraw",
        "explain",
    ]
    trip_id: str = ""
    car: str = ""
    since: datetime | None = None
    until: datetime | None = None
    km: float = 0.0
    gap_id: str = ""
    fields: Mapping[str, Any] | None = None


class Trip(NamedTuple):
    """A trip of the log, as it is shown: all kilometres to 0.1. `excess_km` is what it shows beyond its stretch.

    `from_` and `to` are where it began and ended (WGS84 degrees), None where that is not known. `start_known` and
    `end_known` say how its odometers are, None where it has none.
    """

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
    from_: Position | None = None
    to: Position | None = None
    start_known: Known | None = None
    end_known: Known | None = None
    purpose: str = ""
    set_by_hand: tuple[str, ...] = ()


class Gap(NamedTuple):
    """Kilometres of a car that no trip has; below 0 where two trips have them."""

    car: str
    km: float
    from_km: float | None
    to_km: float | None
    since: datetime | None
    until: datetime | None
    id: str = ""
    explained_as: str | None = None


class Seen(NamedTuple):
    """A reading of an odometer as the driver is shown it; `why` it is not believed."""

    car: str
    at: datetime
    km: float
    source: Literal["car", "eye"] = "car"
    believed: bool = True
    why: str = ""


class Log(NamedTuple):
    """The log as the driver sees it; `closed` by car.

    What lies behind the last finished drive of a car is the last of its gaps, with the id `open-CAR`; `open` has the
    kilometres of that by car. `readings` are all that were taken. `warnings` are what the driver is told of each car:
    a reading that is not believed, another odometer, a contradiction.
    """

    trips: tuple[Trip, ...]
    gaps: tuple[Gap, ...]
    closed: Mapping[str, bool]
    open: Mapping[str, float] = {}
    readings: tuple[Seen, ...] = ()
    warnings: Mapping[str, tuple[str, ...]] = {}


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
