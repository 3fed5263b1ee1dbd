"""Which drives there were, when and in which car, by what the phone told and what the cars said."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.driven import driven
from shared.domain.log.marking import marks
from shared.domain.log.summary import Drive, Said, Summary, trail_of
from shared.domain.place.trail import Fix
from shared.domain.thresholds import Rules

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
PLACES = {"H": (52.0, 5.0), "O": (52.16, 5.2), "P": (52.3, 4.9)}
RESUME_WITHIN = Rules().resume_within

Word = tuple[float, str | None]  # a minute, and the name of a place


def at(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def told(*words: Word, ended: bool = True, begun: bool = True, **fields: Any) -> Summary:
    """A drive of which the phone spoke at these minutes, at these places: its start, its pings, its end."""
    fixes = [Fix(at(minute), *(PLACES[place] if place else (None, None))) for minute, place in words]
    times = [fix.at for fix in fixes]
    silences = tuple((a, b) for a, b in pairwise(times) if b - a > RESUME_WITHIN)
    return Summary(
        id=fields.pop("id", f"{words[0][0]:g}"),
        began_at=times[0],
        ended_at=times[-1],
        begun=begun,
        ended=ended,
        trail=trail_of(marks(fixes, times[0], times[-1], ())),
        silences=silences,
        **fields,
    )


def end(minute: float, place: str | None = None, **fields: Any) -> Summary:
    """An end of which no start was heard."""
    return told((minute, place), begun=False, **fields)


def pings(since: int, until: int, a: str, b: str) -> list[Word]:
    """A minute each: the places are those of begin and end, on the way it is not known where."""
    return [(since, a), *((minute, None) for minute in range(since + 1, until)), (until, b)]


def parked(minute: float, km: float, place: str | None = None, **fields: Any) -> Reading:
    return Reading(at(minute), km, False, *(PLACES[place] if place else (None, None)), **fields)


def driving(minute: float, km: float, place: str | None = None, **fields: Any) -> Reading:
    return Reading(at(minute), km, True, *(PLACES[place] if place else (None, None)), **fields)


def made(summaries: Sequence[Summary], *readings: Reading) -> list[Drive]:
    """The drives of somebody with one car."""
    return driven(summaries, {"a": readings}, "a", ["a"])


def minutes(drives: Sequence[Drive]) -> list[tuple[float, float]]:
    return [tuple((moment - MORNING) / timedelta(minutes=1) for moment in (d.began_at, d.ended_at)) for d in drives]  # type: ignore[misc]


def cars(drives: Sequence[Drive]) -> list[str | None]:
    return [drive.car_id for drive in drives]


# --- as the phone told


def test_a_drive_with_start_and_end_is_what_the_phone_said() -> None:
    (drive,) = made([told((0, "H"), (30, "O"))], parked(-5, 10_000), parked(31, 10_027))
    assert minutes([drive]) == [(0, 30)]
    assert (drive.car_id, drive.part, drive.began_estimated, drive.ended_estimated) == ("a", 0, False, False)


def test_drives_come_by_their_begin_however_late_they_were_told() -> None:
    assert minutes(made([told((100, "O"), (120, "H")), told((0, "H"), (20, "O")), told((60, "O"), (80, "O"))])) == [
        (0, 20),
        (60, 80),
        (100, 120),
    ]


def test_somebody_without_a_car_has_drives_without_one() -> None:
    (drive,) = driven([told((0, "H"), (40, None))], {}, None, [])
    assert (drive.car_id, drive.is_car_unsure) == (None, False)


def test_a_drive_of_four_hours_without_a_word_on_the_way_is_one() -> None:
    readings = (parked(-5, 10_000), parked(241, 10_421))
    assert minutes(made([told((0, "H"), (240, "P"))], *readings)) == [(0, 240)]


# --- a car refutes an end


def test_a_car_that_drives_on_refutes_an_end_until_it_stands() -> None:
    readings = [driving(m, 10_000 + m) for m in (5, 20, 30, 40)]
    (drive,) = made([told((0, "H"), (10, None))], parked(-5, 10_000), *readings, parked(50, 10_048))
    assert minutes([drive]) == [(0, 50)]
    assert not drive.ended_estimated


def test_one_later_reading_refutes_no_end_however_high_it_is() -> None:
    readings = (parked(-5, 10_000), driving(5, 10_005), parked(40, 10_040))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 10)]


def test_a_rise_fast_enough_between_two_later_readings_refutes_an_end_where_a_car_tells_no_state() -> None:
    readings = (parked(-5, 10_000), parked(12, 10_012), parked(22, 10_022), parked(40, 10_022))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 22)]


def test_a_slow_rise_after_an_end_is_somebody_elses_drive() -> None:
    readings = (parked(-5, 10_000), parked(12, 10_012), parked(60, 10_022), parked(70, 10_022))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 10)]


def test_a_car_that_stood_after_an_end_and_drove_later_refutes_nothing() -> None:
    readings = (parked(-5, 10_000), parked(11, 10_010), driving(20, 10_015), driving(25, 10_020), parked(40, 10_030))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 10)]


def test_nor_does_one_without_states_that_showed_the_same_for_a_while_first() -> None:
    readings = (parked(-5, 10_000), parked(11, 10_010), parked(17, 10_010), parked(27, 10_025), parked(40, 10_025))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 10)]


def test_a_car_that_says_for_ten_minutes_that_it_drives_and_stays_where_it_is_refutes_nothing() -> None:
    readings = (parked(-5, 10_000), *(driving(m, 10_006, "P") for m in (8, 11, 14, 17, 22)), parked(30, 10_027, "O"))
    assert minutes(made([told((0, "H"), (10, None))], *readings)) == [(0, 10)]


def test_a_car_still_on_its_last_metres_at_the_end_refutes_nothing() -> None:
    readings = (parked(-5, 10_000), driving(31, 10_026), parked(36, 10_027))
    assert minutes(made([told((0, "H"), (30, "O"))], *readings)) == [(0, 30)]


def test_a_drive_goes_on_no_longer_than_three_minutes_before_the_next() -> None:
    readings = [driving(m, 10_000 + m) for m in (5, 20, 30, 40, 44, 50)]
    drives = made([told((0, "H"), (10, None)), told((45, "P"), (60, "O"))], parked(-5, 10_000), *readings)
    assert minutes(drives) == [(0, 40), (45, 60)]
    assert drives[0].ended_estimated


def test_an_end_heard_while_a_refuted_one_goes_on_is_its_end() -> None:
    readings = [driving(m, 10_000 + m) for m in (5, 20, 30)]
    (drive,) = made([told((0, "H"), (10, None)), end(39, "O")], parked(-5, 10_000), *readings, parked(45, 10_040))
    assert minutes([drive]) == [(0, 39)]
    assert not drive.ended_estimated


# --- no end was heard


def test_a_sleeping_car_says_when_it_came_to_stand_however_often_it_tells_that() -> None:
    readings = (parked(-5, 10_000, "H"), driving(15, 10_013), parked(30, 10_027, "O"), parked(110, 10_054, "H"))
    drives = made([told((0, "H"), (80, "O"), (110, "H"))], *readings)
    assert minutes(drives) == [(0, 30), (80, 110)]
    assert [drive.part for drive in drives] == [0, 1]


def test_the_same_of_a_car_without_states_and_positions_that_is_read_twice() -> None:
    readings = (parked(-5, 10_000), parked(30, 10_027), parked(60, 10_027), parked(110, 10_054))
    assert minutes(made([told((0, None), (80, None), (110, None))], *readings)) == [(0, 30), (80, 110)]


def test_a_car_that_is_silent_leaves_a_long_silence_to_the_phone() -> None:
    assert minutes(made([told((0, "H"), (200, "O"), (230, "H"))])) == [(0, 0), (200, 230)]
    assert minutes(made([told((0, "H"), (100, "O"), (130, "H"))])) == [(0, 130)]


def test_a_silence_that_the_car_drove_through_splits_nothing() -> None:
    readings = [driving(m, 10_000 + m) for m in range(5, 225, 20)]
    assert minutes(made([told((0, "H"), (200, None), (230, "P"))], *readings)) == [(0, 230)]


def test_a_phone_that_is_where_it_was_after_a_silence_stood_with_its_car() -> None:
    words = [*pings(0, 20, "H", "O"), *pings(60, 80, "O", "H")]
    drives = made([told(*words)])
    assert minutes(drives) == [(0, 20), (60, 80)]
    assert drives[0].ended_estimated


def test_a_stand_at_which_the_phone_goes_on_speaking_splits_nothing() -> None:
    readings = (parked(-5, 10_000), *(parked(m, 10_027) for m in (32, 38, 44, 50)), parked(91, 10_070))
    assert minutes(made([told(*pings(0, 90, "H", "P"))], *readings)) == [(0, 90)]


def test_a_long_stop_without_a_word_makes_two_drives_and_loses_nothing() -> None:
    readings = (parked(-5, 10_000), *(parked(m, 10_027) for m in (32, 38, 44, 50)), parked(91, 10_070))
    assert minutes(made([told((0, "H"), (90, "P"))], *readings)) == [(0, 32), (50, 90)]


def test_a_car_that_waits_before_it_drives_is_no_drive_before() -> None:
    readings = (parked(-5, 10_000), parked(4, 10_000), parked(12, 10_000), parked(60, 10_027))
    assert minutes(made([told((0, "H"), (15, "H"), (59, "O"))], *readings)) == [(0, 59)]


def test_a_car_that_stands_before_the_end_is_told_is_no_drive_after() -> None:
    readings = (parked(-5, 10_000), parked(30, 10_027), parked(38, 10_027), parked(60, 10_027))
    assert minutes(made([told((0, "H"), (45, "O"))], *readings)) == [(0, 45)]


def test_equal_whole_kilometres_of_a_slow_car_are_no_stand() -> None:
    readings = [parked(m, 10_000 + m // 20, resolution_km=1.0) for m in range(-5, 100, 5)]
    assert minutes(made([told((0, None), (90, None))], *readings)) == [(0, 90)]


def test_a_drive_without_an_end_lasts_until_the_car_stands() -> None:
    readings = (parked(-5, 10_000), driving(15, 10_013), parked(30, 10_027))
    (drive,) = made([told((0, "H"), ended=False)], *readings)
    assert minutes([drive]) == [(0, 30)]
    assert not drive.ended_estimated


def test_a_drive_without_an_end_is_over_when_its_driver_begins_another() -> None:
    summaries = [told((0, "H"), ended=False, car_id="a"), told((60, "H"), (80, "O"), car_id="b")]
    readings = {"a": [parked(-5, 10_000), driving(50, 10_010), parked(75, 10_012)], "b": []}
    assert minutes(driven(summaries, readings, "a", ["a", "b"])) == [(0, 60), (60, 80)]


def test_of_a_drive_without_an_end_whose_car_is_read_hours_later_the_end_is_estimated_by_its_kilometres() -> None:
    (drive,) = made([told((0, "H"), ended=False)], parked(-5, 10_000), parked(400, 10_020))
    assert minutes([drive]) == [(0, 30)]
    assert drive.ended_estimated


def test_a_car_that_is_silent_until_the_next_drive_does_not_drive_until_then() -> None:
    readings = (parked(-5, 10_000), driving(5, 10_005), driving(199.8, 10_025), parked(231, 10_050))
    drives = made([told((0, None), (200, None), (230, None))], *readings)
    assert minutes(drives) == [(0, 35), (200, 230)]


def test_a_drive_without_an_end_and_without_a_car_ends_with_the_last_that_was_heard() -> None:
    (drive,) = driven([told((0, "H"), (20, "O"), ended=False)], {}, None, [])
    assert minutes([drive]) == [(0, 20)]
    assert drive.ended_estimated


# --- an end without a start


def test_an_end_alone_begins_where_the_kilometres_say() -> None:
    (drive,) = made([end(100, "O")], parked(-500, 10_000), parked(101, 10_020))
    assert minutes([drive]) == [(70, 100)]
    assert drive.began_estimated


def test_it_begins_no_earlier_than_the_car_is_known_to_have_stood() -> None:
    (drive,) = made([end(100, "O")], parked(-500, 10_000), parked(85, 10_000), parked(101, 10_020))
    assert minutes([drive]) == [(85, 100)]


def test_it_begins_no_earlier_than_the_drive_before_was_over() -> None:
    summaries = [told((0, "H"), (80, "P")), end(100, "O")]
    drives = made(summaries, driving(5, 10_003), parked(81, 10_060), parked(101, 10_080))
    assert minutes(drives) == [(0, 80), (81, 100)]


def test_an_end_just_after_another_at_the_same_place_is_the_same() -> None:
    summaries = [told((0, "H"), (30, "O")), end(34, "O")]
    assert minutes(made(summaries, parked(-5, 10_000), parked(40, 10_027))) == [(0, 30)]


def test_an_end_just_after_another_at_another_place_is_one_of_its_own() -> None:
    summaries = [told((0, "H"), (30, "O")), end(34, "P")]
    assert len(made(summaries, driving(5, 10_003), parked(31, 10_027), parked(40, 10_045))) == 2


def test_an_end_alone_is_no_drive_where_the_odometer_did_not_move() -> None:
    assert made([end(100, "H")], parked(-5, 10_000), parked(101, 10_000)) == []


def test_an_end_alone_waits_while_the_car_has_said_nothing_since() -> None:
    (drive,) = made([end(100, "O")], parked(-5, 10_000))
    assert minutes([drive]) == [(100, 100)]
    assert drive.began_estimated


def test_an_end_alone_has_no_kilometres_that_another_drive_explains() -> None:
    words = pings(0, 30, "H", "O")
    drives = made([told(*words), end(300, "O")], parked(-5, 10_000), parked(301, 10_027.5))
    assert minutes(drives) == [(0, 30)]


def test_a_phone_that_stays_in_a_car_that_stands_tells_its_end_late() -> None:
    (drive,) = made([end(100, "O")], parked(-500, 10_000), parked(90, 10_020), parked(101, 10_020))
    assert minutes([drive]) == [(70, 100)]


# --- which car


def two(summaries: Sequence[Summary], a: Sequence[Reading], b: Sequence[Reading], default: str = "a") -> list[Drive]:
    """The drives of somebody with two cars."""
    return driven(summaries, {"a": a, "b": b}, default, ["a", "b"])


def test_the_named_car_is_the_one_whatever_others_did() -> None:
    drives = two([told((0, "H"), (30, "O"), car_id="a")], [], [parked(-5, 5_000), parked(31, 5_027)])
    assert (cars(drives), drives[0].is_car_unsure) == (["a"], False)


def test_what_the_driver_says_wins_over_what_the_phone_named() -> None:
    moved = told((0, "H"), (30, "O"), car_id="a", said=Said(has_car=True, car_id="b"))
    foreign = told((60, "O"), (90, "H"), car_id="a", said=Said(has_car=True))
    assert cars(two([moved, foreign], [], [])) == ["b", None]


def test_a_car_that_the_driver_does_not_have_is_none() -> None:
    (drive,) = made([told((0, "H"), (30, "O"), is_stray=True)])
    assert (drive.car_id, drive.is_car_unsure) == (None, False)


def test_the_car_that_moved_is_the_one_though_another_is_meant_usually() -> None:
    stood = [parked(-5, 10_000, "H"), parked(31, 10_000, "H")]
    (drive,) = two([told((0, "H"), (30, "O"))], stood, [parked(-4, 5_000, "H"), parked(32, 5_029, "O")])
    assert (drive.car_id, drive.is_car_unsure) == ("b", False)


def test_a_car_that_says_twice_during_a_drive_that_it_stands_is_not_the_one() -> None:
    words = pings(0, 30, "H", "O")
    (drive,) = two([told(*words)], [parked(5, 10_000, "H"), parked(25, 10_000, "H")], [])
    assert (drive.car_id, drive.is_car_unsure) == ("b", False)


def test_a_car_that_reports_at_switch_off_is_the_one_though_the_other_was_never_heard() -> None:
    readings = [parked(-600, 10_000), parked(29.5, 10_027)]
    (drive,) = two([told((0, None), (30, None))], readings, [parked(-600, 5_000)], default="b")
    assert (drive.car_id, drive.is_car_unsure) == ("a", False)


def test_the_car_that_stood_where_a_drive_began_is_the_one() -> None:
    (drive,) = two([told((0, "O"), (30, "H"))], [parked(-60, 10_000, "H")], [parked(-60, 5_000, "O")])
    assert (drive.car_id, drive.is_car_unsure) == ("b", False)


def test_where_its_last_drive_ended_a_silent_car_still_stands() -> None:
    summaries = [told((0, "H"), (30, "O"), car_id="b"), told((400, "O"), (430, "H"))]
    drives = two(summaries, [parked(-60, 10_000, "H")], [])
    assert (cars(drives), drives[1].is_car_unsure) == (["b", "b"], False)


def test_what_follows_from_an_unsure_drive_is_unsure_too() -> None:
    drives = two([told((0, None), (30, "O")), told((400, "O"), (430, "H"))], [], [parked(-60, 5_000, "P")])
    assert [drive.is_car_unsure for drive in drives] == [True, True]
    assert cars(drives) == ["a", "a"]


def test_where_nothing_tells_it_is_the_car_of_the_drive_before_and_the_driver_is_asked() -> None:
    drives = two([told((0, None), (30, None), car_id="b"), told((60, None), (90, None))], [], [])
    assert cars(drives) == ["b", "b"]
    assert [drive.is_car_unsure for drive in drives] == [False, True]


def test_where_nothing_tells_and_there_was_no_drive_before_it_is_the_usual_car() -> None:
    (drive,) = two([told((0, None), (30, None), default_car_id="b")], [], [])
    assert (drive.car_id, drive.is_car_unsure) == ("b", True)
    assert cars(two([told((0, None), (30, None))], [], [])) == ["a"]


def test_two_drives_at_one_time_are_in_two_cars() -> None:
    summaries = [told((0, None), (30, None), car_id="a", id="one"), told((0, None), (30, None), id="two")]
    assert sorted(map(str, cars(two(summaries, [], [])))) == ["a", "b"]
    named = [replace(summary, car_id=car) for summary, car in zip(summaries, "ab", strict=True)]
    assert minutes(two(named, [], [])) == [(0, 30), (0, 30)]


def test_whole_kilometres_that_stay_the_same_prove_no_stand_of_a_short_drive() -> None:
    coarse = [parked(-5, 10_000, resolution_km=1.0), parked(31, 10_000, resolution_km=1.0)]
    (drive,) = two([told((0, None), (4, None))], coarse, [])
    assert drive.is_car_unsure


def test_a_lost_end_and_a_start_in_another_car_make_a_drive_in_each() -> None:
    a = [parked(m, 10_000, "H") for m in (-5, 20, 55)] + [driving(70, 10_010), parked(91, 10_027, "O")]
    b = [parked(-5, 5_000, "O"), driving(10, 5_010), *(parked(m, 5_027, "H") for m in (25, 40, 60, 91))]
    drives = two([told((0, "O"), (60, "H"), (90, "O"))], a, b)
    assert list(zip(cars(drives), minutes(drives), strict=True)) == [("b", (0, 25)), ("a", (60, 90))]


def test_an_end_alone_is_of_the_car_that_has_kilometres_which_no_drive_has() -> None:
    stood = [parked(-5, 10_000), parked(102, 10_000)]
    (drive,) = two([end(100)], stood, [parked(-5, 5_000), parked(101, 5_020)])
    assert (drive.car_id, minutes([drive])) == ("b", [(70, 100)])


def test_a_car_that_stands_where_an_end_alone_was_told_is_not_the_one_for_that() -> None:
    a, b = [parked(-5, 10_000, "H")], [parked(-5, 5_000, "O"), parked(101, 5_020, "H")]
    (drive,) = two([end(100, "H")], a, b)
    assert (drive.car_id, drive.is_car_unsure) == ("b", False)


def test_the_car_that_moves_after_a_start_without_an_end_is_the_one() -> None:
    a = [parked(m, 10_000, "H") for m in (-5, 5, 15, 25)]
    b = [parked(-5, 5_000, "H"), driving(5, 5_004), driving(15, 5_012), parked(25, 5_020)]
    (drive,) = two([told((0, "H"), ended=False)], a, b)
    assert (drive.car_id, drive.is_car_unsure, minutes([drive])) == ("b", False, [(0, 25)])


# --- the driver's word

TOUCHED = Said(is_touched=True)


def test_a_drive_that_the_driver_touched_is_not_split_and_not_refuted() -> None:
    still = (parked(-5, 10_000), parked(30, 10_027), parked(60, 10_027), parked(110, 10_054))
    assert minutes(made([told((0, None), (80, None), (110, None), said=TOUCHED)], *still)) == [(0, 110)]
    on = [driving(m, 10_000 + m) for m in (5, 20, 30, 40)]
    assert minutes(made([told((0, "H"), (10, None), said=TOUCHED)], *on, parked(50, 10_040))) == [(0, 10)]


def test_an_end_alone_that_the_driver_touched_is_never_dropped() -> None:
    said = Said(began_at=at(80), is_touched=True)
    assert minutes(made([end(100, "H", said=said)], parked(-5, 10_000), parked(101, 10_000))) == [(80, 100)]


def test_the_times_that_the_driver_set_are_those_of_the_drive() -> None:
    said = Said(began_at=at(-10), ended_at=at(25), is_touched=True)
    assert minutes(made([told((0, "H"), (30, "O"), said=said)])) == [(-10, 25)]


def test_a_drive_found_inside_one_that_the_driver_touched_belongs_to_it() -> None:
    assert minutes(made([told((0, "H"), (60, "O"), said=TOUCHED), told((20, None), (40, None))])) == [(0, 60)]


def test_of_a_drive_that_overlaps_one_that_the_driver_touched_the_rest_stays() -> None:
    summaries = [told((0, "H"), (60, "O"), said=TOUCHED), told((50, None), (90, None))]
    assert minutes(made(summaries)) == [(0, 60), (60, 90)]


def test_a_drive_by_hand_is_what_its_driver_entered() -> None:
    by_hand = Summary(
        id="h", began_at=at(0), ended_at=at(30), is_by_hand=True, said=Said(has_car=True, car_id="a", is_touched=True)
    )
    readings = (parked(-5, 10_000), parked(31, 10_000))
    assert [(drive.car_id, *minutes([drive])[0]) for drive in made([by_hand], *readings)] == [("a", 0, 30)]


# --- whatever is told

moments = some.integers(0, 300)
spots = some.sampled_from([None, "H", "O", "P"])
summaries = some.lists(
    some.builds(
        lambda words, ended, begun, car, fixed, n: told(
            *(sorted(words, key=lambda word: word[0]) if begun else words[:1]),
            ended=ended,
            begun=begun,
            car_id=car,
            id=f"s{n}",
            said=TOUCHED if fixed else Said(),
        ),
        some.lists(some.tuples(moments, spots), min_size=2, max_size=5),
        some.booleans(),
        some.booleans(),
        some.sampled_from([None, None, "a", "b"]),
        some.booleans(),
        some.integers(0, 1_000),
    ),
    max_size=6,
    unique_by=lambda summary: summary.id,
)
rising = some.lists(
    some.tuples(moments, some.floats(0, 40).map(lambda km: round(km, 1)), some.booleans(), spots), max_size=10
).map(
    lambda values: [
        Reading(at(minute), 10_000 + km, is_driving, *(PLACES[place] if place else (None, None)))
        for (minute, _, is_driving, place), km in zip(
            sorted(values, key=lambda one: one[0]), sorted(value[1] for value in values), strict=True
        )
    ]
)


@given(summaries, rising, rising, some.randoms(use_true_random=False))
def test_the_order_in_which_facts_came_to_be_known_does_not_matter(
    facts: list[Summary], a: list[Reading], b: list[Reading], random: Random
) -> None:
    found = two(facts, a, b)
    for sequence in (facts, a, b):
        random.shuffle(sequence)
    assert two([*facts, *facts[:1]], [*a, *a[:1]], b) == found


@given(summaries, rising, rising)
def test_drives_never_run_back_and_those_of_one_car_never_overlap(
    facts: list[Summary], a: list[Reading], b: list[Reading]
) -> None:
    drives = two(facts, a, b)
    assert drives == sorted(drives, key=lambda drive: drive.began_at)
    assert all(drive.began_at <= drive.ended_at for drive in drives)
    free = [drive for drive in drives if not drive.summary.said.is_touched]
    for car in ("a", "b", None):
        for former, later in pairwise([drive for drive in free if drive.car_id == car]):
            assert former.ended_at <= later.began_at


@given(summaries, rising, rising)
def test_what_the_driver_touched_is_as_they_saw_it(facts: list[Summary], a: list[Reading], b: list[Reading]) -> None:
    touched = {summary.id: summary for summary in facts if summary.said.is_touched}
    drives = {drive.summary.id: drive for drive in two(facts, a, b) if drive.summary.id in touched}
    assert {name: (drive.began_at, drive.ended_at, drive.part) for name, drive in drives.items()} == {
        name: (summary.began_at, summary.ended_at, 0) for name, summary in touched.items()
    }


@given(summaries, rising)
def test_no_drive_with_a_start_is_lost_but_into_one_that_the_driver_touched(
    facts: list[Summary], readings: list[Reading]
) -> None:
    drives = made(facts, *readings)
    kept = {drive.summary.id for drive in drives}
    lost = [one for one in facts if one.begun and one.id not in kept]
    fixed = [one for one in facts if one.said.is_touched]
    assert all(any(one.began_at >= other.began_at for other in fixed) for one in lost)


@pytest.mark.parametrize("n", range(3))
def test_a_fold_of_many_drives_is_the_fold_of_their_facts(n: int) -> None:
    facts = [told((60 * k, "H"), (60 * k + 20, "O"), id=f"{k:02}") for k in range(n * 10)]
    assert minutes(made(facts)) == [(60 * k, 60 * k + 20) for k in range(n * 10)]
