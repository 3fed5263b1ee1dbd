"""The checker finds each kind of wrong log when it is handed one, and nothing in a right one."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from tests.worlds.checker import COUNTS, checked, counted
from tests.worlds.log import CarAnswer, Gap, Log
from tests.worlds.oracle import Oracle
from tests.worlds.plan import Word
from tests.worlds.planning import planned
from tests.worlds.playing import Run, Spoken, play
from tests.worlds.presets import PRESETS

MINUTE = timedelta(minutes=1)


@cache
def right(name: str = "usual", seed: int = 1) -> Run:
    """A run whose log is the truth."""
    return play(planned(PRESETS[name], seed), Oracle)


@cache
def beside_untold() -> Run:
    """A right run in which an untold drive of 10 km and more comes just before a told one."""
    for seed in range(50):
        run = right("untold", seed)
        if any(_untold_before(run)):
            return run
    raise AssertionError("no such seed")


def _untold_before(run: Run) -> list[int]:
    """The numbers of told drives just after a long untold one."""
    drives = run.truth.drives
    return [b.n for a, b in pairwise(drives) if not a.plan.messages and b.plan.messages and a.length_m > 10_000]


def with_log(run: Run, **fields: Any) -> Run:
    """The run with another log."""
    return run._replace(log=run.log._replace(**fields))


def with_trip(run: Run, n: int, **fields: Any) -> Run:
    """The run with one of its trips changed."""
    trips = list(run.log.trips)
    trips[n] = trips[n]._replace(**fields)
    return with_log(run, trips=tuple(trips))


def lost() -> Run:
    return with_log(right(), trips=right().log.trips[:1] + right().log.trips[2:])


def doubled() -> Run:
    trips = right().log.trips
    return with_log(right(), trips=(*trips, trips[0]._replace(id="again")))


def while_nobody_drove() -> Run:
    trip = right().log.trips[-1]
    later = trip._replace(id="never", start=trip.end + 100 * MINUTE, end=trip.end + 110 * MINUTE)
    return with_log(right(), trips=(*right().log.trips, later))


def merged() -> Run:
    a, b, *others = right().log.trips
    return with_log(right(), trips=(a._replace(end=b.end, km=round(a.km + b.km, 1), to_km=b.to_km), *others))


def split() -> Run:
    trip, *others = right().log.trips
    half = trip.start + (trip.end - trip.start) / 2
    first, second = trip._replace(end=half, km=1.0), trip._replace(id="rest", start=half, km=round(trip.km - 1, 1))
    return with_log(right(), trips=(first, second, *others))


def km_wrong() -> Run:
    return with_trip(right(), 0, km=right().log.trips[0].km + 0.3)


def km_of_nobody() -> Run:
    run = beside_untold()
    told = _untold_before(run)[0]
    place = next(n for n, trip in enumerate(run.log.trips) if trip.id == f"drive-{told}")
    return with_trip(run, place, km=run.log.trips[place].km + 10)


def sums_differ() -> Run:
    gaps = (Gap("a", 5.0, None, None, None, right().log.trips[1].start),)
    return with_log(right(), gaps=gaps)


def closed_untrue() -> Run:
    return with_log(beside_untold(), closed={"a": True})


def closed_while_pending() -> Run:
    return with_trip(right(), 0, pending=True)


def stuck() -> Run:
    return right()._replace(waits=True, due_s=None)


def polled_for_ever() -> Run:
    return right()._replace(idle_polls=500)


def word_lost() -> Run:
    run = next(run for seed in range(50) if (run := right("by_hand", seed)).spoken and _spoke(run, "classify"))
    trips = tuple(trip._replace(kind="private") for trip in run.log.trips)
    return with_log(run, trips=trips)


def _spoke(run: Run, kind: str) -> bool:
    return any(one.word.kind == kind for one in run.spoken)


def word_refused() -> Run:
    run = next(run for seed in range(50) if (run := right("by_hand", seed)).spoken)
    return run._replace(spoken=(run.spoken[0]._replace(played="refused"),))


class Raising(Oracle):
    """A keeper that has a fault."""

    def poll(self, now: datetime, ask: Callable[[str], CarAnswer | None]) -> None:
        raise ValueError("a fault")


def crashed() -> Run:
    return play(planned(PRESETS["usual"], 1), Raising)


WRONG = {
    "lost": (lost,),
    "doubled": (doubled, while_nobody_drove),
    "merged or split": (merged, split),
    "km wrong": (km_wrong,),
    "km of nobody": (km_of_nobody,),
    "sums differ": (sums_differ,),
    "closed untrue": (closed_untrue, closed_while_pending),
    "stuck": (stuck, polled_for_ever),
    "word lost": (word_lost, word_refused),
    "crashed": (crashed,),
}


@pytest.mark.parametrize(("count", "wrong"), [(count, wrong) for count, all_ in WRONG.items() for wrong in all_])
def test_each_kind_of_wrong_log_is_counted(count: str, wrong: Callable[[], Run]) -> None:
    assert counted(checked(wrong()))[count] >= 1


def test_each_count_is_tried() -> None:
    assert tuple(WRONG) == COUNTS


def test_a_right_log_counts_nothing() -> None:
    assert checked(right()) == checked(beside_untold()) == []


def test_what_a_keeper_raised_is_kept_with_its_place() -> None:
    assert "in poll" in crashed().crash


def test_a_gap_that_holds_a_drives_kilometres_stands_for_it() -> None:
    trip, *others = right().log.trips
    gap = Gap("a", trip.km, trip.from_km, trip.to_km, None, None)
    found = counted(checked(with_log(right(), trips=tuple(others), gaps=(gap,), closed={})))
    assert not found


def test_a_tenth_of_a_kilometre_is_tolerated_where_both_ends_were_read() -> None:
    assert not checked(with_trip(right(), 0, km=round(right().truth.drives[0].length_m / 1000, 1)))


def test_a_small_untold_drive_beside_a_told_one_is_not_judged_without_a_reading_between() -> None:
    run = beside_untold()
    silent = run._replace(told=())
    assert not checked(silent._replace(log=Log(run.log.trips, run.log.gaps, {})))


def test_a_word_that_could_not_be_played_counts_nothing() -> None:
    run = right()
    word = Word("distance", 0, run.truth.drives[0].n)
    assert not checked(run._replace(spoken=(Spoken(word, "cannot", run.log.trips[0].id, 999.0),)))
