"""What a world is made of, as plain values: a shrinker takes away what it likes, and the truth is worked out anew.

Times are whole seconds since the world's first midnight (UTC), distances whole metres.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from tests.worlds.ground import Point
from tests.worlds.presets import Cloud, Preset, Resolution

MIDNIGHT = datetime(2026, 3, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3600, 86_400
HOME = Point(0.0, 0.0)
RENTAL, RENTAL_STANDS_AT = "rental", Point(1_500.0, -1_200.0)  # a car of which the system knows nothing

Kind = Literal["start", "ping", "end"]
WordKind = Literal["classify", "distance", "manual", "delete", "eye"]


def moment(at_s: float) -> datetime:
    """A time of the world as others know it."""
    return MIDNIGHT + timedelta(seconds=at_s)


def seconds(at: datetime) -> float:
    """A time that others name, as the world counts it."""
    return (at - MIDNIGHT).total_seconds()


class Message(NamedTuple):
    """What the phone sends `offset_s` after a drive's begin or end; it arrives after `delay_s`, and again after each
    of `again_s`. `off` is how many metres the phone's position is out by, None where it knows none.
    """

    kind: Kind
    since: Literal["begin", "end"]
    offset_s: int
    delay_s: int = 0
    again_s: tuple[int, ...] = ()
    off: Point | None = Point(0.0, 0.0)
    names: str | None = None


class Stop(NamedTuple):
    """The car stands on the way, after a share of the road, with the phone connected."""

    share: float
    stands_s: int


class Drive(NamedTuple):
    """A drive from where the car stands to a point. Without messages nobody tells the system of it."""

    n: int
    car: str
    begins_s: int
    to: Point
    bend: float
    km_h: int
    messages: tuple[Message, ...] = ()
    via: Point | None = None
    stops: tuple[Stop, ...] = ()


class Car(NamedTuple):
    """A car and how its cloud tells of it. Reports come `lag_s` late; `phase_s` shifts those at fixed times."""

    id: str
    start_m: int
    stands_at: Point = HOME
    cloud: Cloud = "live"
    resolution: Resolution = "exact"
    positions: bool = True
    states: bool = True
    at_ignition: bool = False
    lag_s: int = 0
    phase_s: int = 0


class Quirk(NamedTuple):
    """What is wrong with a car's cloud for a time.

    old: it tells the values of the begin of that time under new times; silent: it tells nothing;
    wild: its first report of that time has a wrong odometer, `how` it is wrong.
    """

    car: str
    kind: Literal["old", "wild", "silent"]
    since_s: int
    until_s: int
    how: str = ""


class Word(NamedTuple):
    """What the driver says at a moment: of the trip of drive `n`, or of the odometer of its car."""

    kind: WordKind
    at_s: int
    n: int
    by_m: int = 0


class Plan(NamedTuple):
    """A whole world: cars that the system knows, drives by time, quirks, the driver's words, the phone's clock."""

    preset: Preset
    seed: int
    cars: tuple[Car, ...]
    drives: tuple[Drive, ...]
    quirks: tuple[Quirk, ...] = ()
    words: tuple[Word, ...] = ()
    clock_s: int = 0
