"""Years of a log for the checks, and what one check finds in them."""

from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading, Reading, ReadingSource, Standing
from shared.domain.checks.check import Outcome
from shared.domain.checks.examined import Examined
from shared.domain.checks.table import CHECKS
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.log.year import YearLog
from tests.rows import ZONE, at, trip

CAR = Car("car", "simulated", brand="", plate="AB-123-C", make="Skoda", type="Enyaq", available_from="2026-01-01")
UTRECHT, BREDA = (52.0907, 5.1214), (51.5866, 4.7756)
TODAY = date(2026, 12, 31)


def year(*rows: Row, car: Car = CAR, today: date = TODAY, **more: Any) -> Examined:
    """The year 2026 with these rows; `before`, `behind` and `readings` are those of its log."""
    of_log = {name: more.pop(name) for name in ("before", "behind", "readings") if name in more}
    return Examined(YearLog(car, 2026, ZONE, rows, **of_log), today, **more)


def outcome(n: int, examined: Examined) -> Outcome:
    """What the n-th check finds; that it can be told in each language."""
    found = CHECKS[n - 1].outcome(examined)
    for language in ("nl", "en"):
        told = found.advice.filled(language, found.numbers)
        assert bool(told) == (found.result in ("warns", "fails") or n in (9, 21))
        assert "{" not in told
    return found


def found(n: int, examined: Examined) -> tuple[str, tuple[str, ...]]:
    """The result of the n-th check, and the ids of the rows that it concerns."""
    told = outcome(n, examined)
    return told.result, told.rows


def end(
    position: tuple[float, float] | None = None, address: str = "Dorpsstraat 1, 3500 AA Utrecht", **more: Any
) -> Endpoint:
    """An end of a trip."""
    return Endpoint(*(position or (None, None)), address=address, **more)


def drive(n: int, **more: Any) -> Trip:
    """The n-th trip of a log in which all is well: 10 km each, one an hour."""
    fields: dict[str, Any] = {
        "kind": "business", "from_": end(), "to": end(), "start_odometer_known": "read", "end_odometer_known": "read",
    }  # fmt: skip
    unplaced = {name: more.pop(name) for name in ("from_m", "to_m") if name in more}
    found = trip(1_000_000 + 10_000 * n, 1_010_000 + 10_000 * n, at(n), **{**fields, **more})
    return replace(found, **unplaced)


def reading(
    hours: float, km: float, source: ReadingSource = "car", standing: Standing = "believed", **more: Any
) -> KeptReading:
    """A reading of so many hours after the first trip."""
    return KeptReading(f"r{hours}", Reading(at(hours), km, source=source, **more), standing, "", at(hours))


def moment(month: int, day: int, hour: int = 12) -> datetime:
    """A moment of the year."""
    return at(0).replace(month=month, day=day, hour=hour)
