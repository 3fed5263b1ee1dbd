"""Says in words what a driver should know of their log: what is not closed, not believed or not asked."""

from collections.abc import Iterator, Sequence

from shared.domain.car.car import Car
from shared.domain.car.sentences import why_sentence
from shared.domain.log.comparison import Comparison
from shared.domain.log.gap_row import GapRow
from shared.repositories.doubts import Doubted


def warnings(car: Car | None, result: Comparison, gaps: Sequence[GapRow], doubted: Doubted | None) -> list[str]:
    """One sentence for each thing. `gaps` are those that nobody explained."""
    found = [*_of_car(car), *_of_rows(result, gaps)]
    if doubted:
        found.append(_of_doubted(doubted))
    return found if result.start_odometer_km is not None else [*found, "There is no odometer reading yet."]


def _of_car(car: Car | None) -> Iterator[str]:
    """Why its cloud is not asked, if it is not."""
    if car is None:
        return
    if car.login_stopped:
        yield "The car's cloud refuses the credentials and is not asked any more until they are set again."
    elif not car.credentials_set_at:
        yield "The car is not asked: its credentials are not set."


def _of_rows(result: Comparison, gaps: Sequence[GapRow]) -> Iterator[str]:
    """What keeps the log from being closed."""
    if gaps:
        missing_km = sum(gap.missing_km for gap in gaps)
        yield f"No trip has {missing_km:.1f} km of the odometer, in {_counted(len(gaps), 'gap')} that can be explained."
    if result.untold_km:
        yield f"The odometer shows {result.untold_km:.1f} km that belong to no trip and no gap yet."
    if result.sums.pending:
        yield f"The odometer is awaited for {_counted(result.sums.pending, 'trip')}."
    if result.sums.excess_m:
        yield f"Trips show {result.sums.excess_m / 1000:.1f} km more than the odometer: they contradict it."
    if result.sums.set_on_m:
        set_on_km = result.sums.set_on_m / 1000
        yield f"The car got another odometer, which shows {set_on_km:+,.1f} km beside the one before: that is no gap."


def _of_doubted(doubted: Doubted) -> str:
    told = f"{doubted.newest.km:.1f} km of {doubted.newest.at:%Y-%m-%d %H:%M} UTC"
    why = why_sentence(doubted.why, "en")
    verb = "is" if doubted.number == 1 else "are"
    return f"{_counted(doubted.number, 'odometer reading')} {verb} not believed. Of the newest, {told}: {why}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count:,} {what}s"
