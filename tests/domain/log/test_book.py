"""The fold of a car's book: rows that tile its odometer, whatever is known of its drives."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.book import Book, Start, TripOutline, folded
from shared.domain.log.marking import marks
from shared.domain.log.summary import Drive, Said, Summary, trail_of
from shared.domain.place.geo import Position
from shared.domain.place.trail import Fix
from shared.domain.thresholds import LEAST_DRIVE_M

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOME = Position(52.0, 5.0)
KM_PER_DEGREE = 111.195
NOTHING = Said()

Fixes = Sequence[tuple[float, float | None]]  # minutes, and km north of home


def at(minutes: float) -> datetime:
    return MORNING + timedelta(minutes=minutes)


def north(km: float) -> Position:
    return Position(HOME.lat + km / KM_PER_DEGREE, HOME.lng)


def drive(since: float, until: float, fixes: Fixes = (), said: Said = NOTHING, **fields: Any) -> Drive:
    """A drive in car a, of which the phone saw this."""
    found = [Fix(at(minute), *(north(km) if km is not None else (None, None))) for minute, km in fixes]
    summary = Summary(
        id=f"{since:g}",
        began_at=at(since),
        ended_at=at(until),
        car_id=fields.pop("named", None),
        trail=trail_of(marks(found, at(since), at(until), ())),
        said=said,
    )
    return Drive(summary=summary, car_id="a", began_at=at(since), ended_at=at(until), **fields)


def ends(since: float, until: float, a_km: float, b_km: float, **fields: Any) -> Drive:
    """A drive of which the phone told where it began and where it ended."""
    return drive(since, until, [(since, a_km), (until, b_km)], **fields)


def pings(since: int, until: int, a_km: float, b_km: float, **fields: Any) -> Drive:
    """A drive with a ping each minute."""
    way = [(minute, a_km + (b_km - a_km) * (minute - since) / (until - since)) for minute in range(since, until + 1)]
    return drive(since, until, way, **fields)


def read(minutes: float, km: float, **fields: Any) -> Reading:
    where = fields.pop("where", None)
    return Reading(at(minutes), km, **({"lat": where.lat, "lng": where.lng} if where else {}), **fields)


def km_of(book: Book) -> list[float]:
    """What its trips show, to 0.1 km."""
    return [round(trip.shown_m / 1000, 1) for trip in book.trips]


def gaps_of(book: Book) -> list[float]:
    return [round((gap.to_m - gap.from_m) / 1000, 1) for gap in book.gaps]


def only(book: Book) -> TripOutline:
    (trip,) = book.trips
    return trip


# --- what is shared out


def test_a_drive_between_two_readings_has_what_the_odometer_says() -> None:
    trip = only(folded("a", [ends(0, 30, 0, 20)], [read(-5, 10000.0), read(31, 10027.0)]))
    assert (trip.from_m, trip.to_m, trip.shown_m) == (10_000_000, 10_027_000, 27_000)
    assert (trip.from_known, trip.to_known, trip.source, trip.flags) == ("read", "read", "odometer", ())


def test_drives_without_a_reading_between_them_lie_at_one_point_between_least_and_most() -> None:
    book = folded("a", [pings(0, 20, 0, 10), pings(60, 80, 10, 30)], [read(-5, 10000.0), read(90, 10033.0)])
    first, second = (trip.shown_m for trip in book.trips)
    assert first + second == 33_000
    assert second == pytest.approx(2 * first, rel=0.06)
    assert book.gaps == ()


def test_kilometres_of_nobody_are_a_gap_where_nobody_watched_for_longest() -> None:
    drives = [pings(0, 20, 0, 10), pings(60, 80, 10, 20), pings(300, 320, 20, 30)]
    book = folded("a", drives, [read(-5, 10000.0), read(330, 10131.0)])
    (gap,) = book.gaps
    assert (gap.since, gap.until) == (at(80), at(300))
    assert km_of(book) == [10.2, 10.2, 10.2]


def test_where_a_drive_begins_elsewhere_than_the_last_one_ended_the_way_between_is_nobodys() -> None:
    book = folded("a", [pings(0, 20, 0, 10), pings(60, 80, 18, 28)], [read(-5, 10000.0), read(90, 10030.0)])
    (gap,) = book.gaps
    assert gap.to_m - gap.from_m >= 8_000
    assert (gap.since, gap.until) == (at(20), at(60))


def test_a_break_of_the_way_is_none_where_the_odometer_has_no_room_for_it() -> None:
    book = folded("a", [pings(0, 20, 0, 10), pings(60, 80, 18, 28)], [read(-5, 10000.0), read(90, 10021.0)])
    assert book.gaps == ()
    assert sum(km_of(book)) == pytest.approx(21.0)


def test_a_coarse_odometer_is_moved_only_as_far_as_the_drives_ask() -> None:
    readings = [read(minute, km, resolution_km=1.0) for minute, km in ((-5, 10000), (10, 10000), (40, 10001))]
    book = folded("a", [pings(0, 5, 0, 0.8), pings(30, 35, 0.8, 1.7)], readings)
    assert [trip.shown_m > 0 for trip in book.trips] == [True, True]
    assert book.gaps == ()
    assert 1_000 <= sum(trip.shown_m for trip in book.trips) <= 2_000


def test_a_car_that_stands_beyond_the_phones_last_fix_was_read_at_the_end_of_the_drive() -> None:
    told = replace(drive(0, 8, [(minute, minute) for minute in range(9)]), ended_at=at(10))
    trip = only(folded("a", [told], [read(-5, 10000.0), read(10, 10009.4, where=north(9.2))]))
    assert (trip.to_m, trip.to_known, trip.flags) == (10_009_400, "read", ())


def test_a_car_from_which_the_phone_goes_on_was_read_on_the_way() -> None:
    told = drive(0, 10, [(minute, minute) for minute in range(11)])
    trip = only(folded("a", [told], [read(-5, 10000.0), read(9, 10009.4, where=north(9))]))
    assert (trip.to_known, trip.flags) == ("estimated", ("odometer_pending",))


def test_kilometres_that_a_drive_cannot_have_gone_since_its_start_were_there_when_it_began() -> None:
    told = pings(0, 40, 0, 40)
    book = folded("a", [told], [read(-600, 10000.0), read(0.1, 10053.0), read(41, 10094.0)])
    assert (only(book).from_m, only(book).from_known, gaps_of(book)) == (10_053_000, "read", [53.0])


def test_a_car_that_stood_and_from_which_the_phone_drives_on_was_not_in_the_drive_between() -> None:
    rented, own = ends(0, 16, 8, 15), ends(264, 290, 0.31, 33)
    stood = [read(minute, 10000.0, where=north(0)) for minute in (-300, 1, 15, 17, 88, 263)]
    book = folded("a", [rented, own], [*stood, read(291, 10040.5, where=north(33))])
    assert [(trip.car_id, round(trip.shown_m / 1000, 1)) for trip in book.trips] == [("a", 40.5)]
    assert [elsewhere.summary.id for elsewhere in book.elsewhere] == ["0"]


def test_a_car_that_stood_until_the_phone_drove_on_from_there_was_not_in_the_short_drive_before() -> None:
    rented, own = ends(0, 8, 8, 4.2), ends(110, 148, 0, 45)
    stood = [read(minute, 10000.0, where=north(0)) for minute in (-300, -0.3, 4.9, 8, 20, 60, 109.7)]
    book = folded("a", [rented, own], [*stood, read(149, 10058.0, where=north(45))])
    assert (km_of(book), [elsewhere.summary.id for elsewhere in book.elsewhere]) == ([58.0], ["0"])


@pytest.mark.parametrize("looked_at", [31, 60])
def test_what_an_eye_rounds_is_what_the_car_told_of_the_same_stand(looked_at: int) -> None:
    readings = [read(-5, 10000.0), read(91 - looked_at, 10026.859), read(looked_at, 10026.9, source="eye")]
    trip = only(folded("a", [ends(0, 30, 0, 20)], readings))
    assert (trip.to_m, trip.to_known) == (10_026_859, "read")


# --- what the odometer says nothing of


def test_behind_the_last_reading_a_drive_has_what_its_trail_says_and_waits() -> None:
    trip = only(folded("a", [pings(0, 20, 0, 10)], [read(-5, 10000.0)]))
    assert (trip.from_m, trip.shown_m, trip.from_known, trip.to_known) == (10_000_000, 10_200, "read", "estimated")
    assert trip.flags == ("odometer_pending",)


def test_a_drive_of_which_nothing_is_known_waits_and_shows_nothing() -> None:
    trip = only(folded("a", [drive(0, 20)], [read(-5, 10000.0)]))
    assert (trip.shown_m, trip.flags) == (0, ("odometer_pending", "distance_unknown"))


def test_before_the_first_reading_a_drive_ends_where_that_begins() -> None:
    trip = only(folded("a", [pings(0, 20, 0, 10)], [read(21, 10000.0)]))
    assert (trip.from_m, trip.to_m) == (9_989_800, 10_000_000)
    assert trip.flags == ("start_odometer_estimated",)


def test_what_is_read_behind_the_last_drive_is_open_for_a_day_and_then_a_gap() -> None:
    day = 24 * 60
    drives, readings = [pings(0, 20, 0, 10)], [read(-5, 10000.0), read(21, 10010.0), read(600, 10060.0)]
    fresh = folded("a", drives, readings)
    assert fresh.open is not None
    assert (fresh.open.from_m, fresh.open.to_m, fresh.gaps) == (10_010_000, 10_060_000, ())
    later = folded("a", drives, [*readings, read(600 + day, 10060.0)])
    assert (later.open, gaps_of(later)) == (None, [50.0])


# --- no trip


def test_a_drive_is_none_where_odometer_and_positions_say_that_the_car_stood() -> None:
    book = folded("a", [ends(0, 20, 0, 0.05)], [read(-5, 10000.0), read(21, 10000.0)])
    assert (book.trips, book.gaps) == ((), ())


def test_without_positions_it_is_none_once_the_odometer_said_the_same_again() -> None:
    readings = [read(-5, 10000.0), read(21, 10000.0)]
    assert only(folded("a", [drive(0, 20)], readings)).flags == ("odometer_pending", "distance_unknown")
    assert folded("a", [drive(0, 20)], [*readings, read(32, 10000.0)]).trips == ()


def test_a_trail_waits_for_an_odometer_that_has_not_moved_yet() -> None:
    drives, readings = [pings(0, 5, 0, 1.5)], [read(-5, 10000.0), read(6, 10000.0), read(90, 10000.0)]
    assert "odometer_pending" in only(folded("a", drives, readings)).flags
    drives.append(pings(200, 220, 1.5, 11.5))
    assert "odometer_pending" not in folded("a", drives, [*readings, read(221, 10010.0)]).trips[0].flags


# --- what contradicts


def test_a_trail_that_nothing_explains_is_shown_and_is_in_excess() -> None:
    readings = [read(-5, 10000.0), read(31, 10004.0), read(200, 10004.0), read(2000, 10010.0)]
    trip = only(folded("a", [pings(0, 30, 0, 30, named="a")], readings))
    assert "contradicted" in trip.flags
    assert trip.shown_m >= 26_000
    assert trip.excess_m == trip.shown_m - (trip.to_m or 0) + (trip.from_m or 0)


def test_an_old_value_under_a_new_time_is_set_aside_until_a_newer_one_comes() -> None:
    drives, readings = [pings(0, 30, 0, 25)], [read(-5, 10000.0), read(31, 10000.0)]
    waiting = folded("a", drives, readings)
    assert (only(waiting).flags, waiting.old) == (("odometer_pending",), (readings[1],))
    settled = folded("a", drives, [*readings, read(41, 10027.0)])
    assert (only(settled).shown_m, settled.old, settled.gaps) == (27_000, (readings[1],), ())
    assert dict(settled.standings)[readings[1]] == "old news"


@pytest.mark.parametrize(
    "told",
    [
        (read(31, 10000.0, source="eye", is_confirmed=True), read(40, 10000.0)),
        (read(31, 10000.0, source="eye", is_confirmed=True), read(40, 10000.0), read(100, 10027.0)),
        (read(31, 10000.0), read(40, 10000.05, resolution_km=0.001, is_confirmed=True)),
    ],
)
def test_what_agrees_with_a_word_that_was_confirmed_is_no_old_value(told: tuple[Reading, ...]) -> None:
    book = folded("a", [pings(0, 30, 0, 25)], [read(-5, 10000.0), *told])
    assert (book.old, only(book).has("contradicted")) == ((), True)


def test_a_car_that_says_the_same_while_it_says_to_drive_tells_what_was() -> None:
    old = [read(minute, 10020.0, driving=True) for minute in (22, 26, 31, 34)]
    book = folded("a", [pings(0, 30, 0, 25)], [read(-5, 10000.0), *old, read(39, 10026.0)])
    assert (km_of(book), book.gaps) == ([26.0], ())


def test_an_old_value_is_set_aside_where_the_phone_set_out_far_from_there() -> None:
    there, then = {"where": north(30)}, ends(150, 174, 60, 20)
    old = [read(minute, 10035.0, **there) for minute in (31, 149.7, 155, 160)]
    later = [read(165, 10090.0, driving=True, where=north(35)), read(175, 10106.0, where=north(20))]
    book = folded("a", [ends(0, 30, 0, 30), then], [read(-5, 10000.0), *old, *later])
    assert (book.old, gaps_of(book)[0] >= 30, sum(km_of(book)) + sum(gaps_of(book))) == (tuple(old[2:]), True, 106.0)


def test_an_old_value_is_set_aside_where_the_car_told_from_how_far_away_the_drive_went_on() -> None:
    charging = [read(minute, 10020.0, where=north(18)) for minute in (20, 25, 60.05)]
    readings = [read(-1, 10000.0), read(10, 10011.0, driving=True), *charging, read(70, 10045.0, where=north(40))]
    book = folded("a", [ends(0, 60, 0, 40)], readings)
    assert (km_of(book), book.gaps, charging[-1] in book.old) == ([45.0], (), True)


def test_what_a_car_said_before_a_drive_that_it_is_late_for_still_counts() -> None:
    drives = [ends(0, 20, 0, 15), ends(60, 90, 15, 40)]
    readings = [read(-5, 10000.0), *(read(minute, 10018.0) for minute in (21, 40, 92)), read(110, 10048.0)]
    assert km_of(folded("a", drives, readings)) == [18.0, 30.0]


def test_drives_in_another_car_are_found_by_what_this_one_said_meanwhile() -> None:
    home = {"where": HOME}
    readings = [read(-5, 10000.0, **home), *(read(minute, 10000.0, **home) for minute in (10, 20, 100))]
    book = folded("a", [pings(0, 30, 0, 20)], readings)
    assert (book.trips, [one.summary.id for one in book.elsewhere]) == ((), ["0"])


# --- what the driver said


def test_a_typed_distance_is_shown_whatever_the_odometer_says() -> None:
    book = folded("a", [drive(0, 30, said=Said(distance_m=24_000))], [read(-5, 10000.0), read(31, 10000.0)])
    assert (only(book).shown_m, only(book).excess_m, only(book).source) == (24_000, 24_000, "manual")
    assert "contradicted" in only(book).flags


def test_a_trip_by_distance_alone_takes_its_kilometres_out_of_the_gap_around_it() -> None:
    drives = [
        drive(0, 20),
        drive(100, 120, said=Said(distance_m=5_000, is_touched=True)),
        drive(300, 320),
    ]
    book = folded("a", drives, [read(-5, 1000.0), read(21, 1010.0), read(299, 1070.0), read(321, 1080.0)])
    assert km_of(book) == [10.0, 5.0, 10.0]
    assert sum(gaps_of(book)) == 55.0
    assert (book.trips[2].from_m, book.trips[2].to_m) == (1_070_000, 1_080_000)


def test_a_typed_odometer_yields_to_what_the_car_said() -> None:
    said = Said(from_m=9_900_000, to_m=9_930_000, is_touched=True)
    trip = only(folded("a", [drive(0, 20, said=said)], [read(-5, 10000.0), read(21, 10027.0)]))
    assert (trip.from_m, trip.to_m, trip.shown_m, trip.excess_m) == (10_000_000, 10_027_000, 30_000, 3_000)


def test_a_deleted_drive_leaves_its_kilometres_to_nobody() -> None:
    drives = [pings(0, 20, 0, 10), pings(60, 80, 10, 20, said=Said(is_deleted=True, is_touched=True))]
    book = folded("a", [*drives, pings(120, 140, 20, 30)], [read(-5, 10000.0), read(150, 10030.6)])
    assert km_of(book) == [10.2, 10.2]
    assert gaps_of(book) == [10.2]
    assert (book.gaps[0].since, book.gaps[0].until) == (at(60), at(80))


def test_a_deleted_drive_that_the_odometer_has_no_room_for_was_none() -> None:
    drives = [pings(0, 20, 0, 10), pings(60, 100, 10, 40, said=Said(is_deleted=True, is_touched=True))]
    book = folded("a", drives, [read(-5, 10000.0), read(150, 10010.3)])
    assert (km_of(book), book.gaps) == ([10.3], ())


def test_what_was_typed_for_a_deleted_trip_counts_as_long_as_nothing_says_otherwise() -> None:
    typed = drive(0, 20, said=Said(from_m=1_000_000, to_m=1_020_000, is_touched=True))
    gone = drive(60, 80, said=Said(from_m=1_060_000, to_m=1_080_000, is_touched=True, is_deleted=True))
    assert gaps_of(folded("a", [typed, gone], [])) == [40.0, 20.0]
    corrected = folded("a", [typed, gone], [read(200, 1030.0)])
    assert corrected.open is not None
    assert (corrected.gaps, corrected.open.to_m - corrected.open.from_m) == ((), 10_000)


# --- ends


def test_a_trip_begins_where_the_phone_was_else_where_the_car_said_to_stand_else_where_the_last_one_ended() -> None:
    drives = [ends(0, 20, 0, 10), drive(60, 80, [(80, 30.0)]), ends(120, 140, 30, 40)]
    assert [trip.begin for trip in folded("a", drives, []).trips] == [
        pytest.approx(north(km), abs=1e-5) for km in (0, 10, 30)
    ]
    by_car = folded("a", drives, [read(40, 10000.0, where=north(12))])
    assert by_car.trips[1].begin == pytest.approx(north(12), abs=1e-5)


def test_an_end_that_neither_phone_nor_car_knows_is_not_known() -> None:
    drives = [drive(0, 20, [(0, 0.0)])]
    assert only(folded("a", drives, [])).end is None
    assert only(folded("a", drives, [read(21, 10000.0, where=north(9))])).end == north(9)


def test_in_a_drive_of_minutes_the_end_is_not_taken_for_the_begin() -> None:
    trips = folded("a", [ends(0, 20, 0, 10), drive(60, 62, [(60, None), (62, 11.5)])], []).trips
    assert trips[1].begin == pytest.approx(north(10), abs=1e-5)
    assert trips[1].end == pytest.approx(north(11.5), abs=1e-5)


# --- where a book begins


def test_what_was_driven_between_the_start_of_a_book_and_its_first_reading_is_a_gap() -> None:
    start = Start(at(-9999), 9_900_000, known="typed")
    book = folded("a", [pings(0, 20, 0, 10)], [read(-5, 10000.0), read(21, 10010.3)], start)
    assert (gaps_of(book), km_of(book)) == ([100.0], [10.3])
    assert book.gaps[0].from_m == 9_900_000


def test_a_start_is_believed_whatever_comes_after_it() -> None:
    start = Start(at(-10), 10_000_000)
    readings = [read(minute, 9_000.0 + minute / 10) for minute in (10, 20, 30)]
    book = folded("a", [], readings, start)
    assert book.series == 1
    assert [(before.km, after.km) for before, after in book.breaks] == [(10000.0, 9001.0)]


# --- for all facts


class Facts(NamedTuple):
    drives: tuple[Drive, ...]
    readings: tuple[Reading, ...]


def days(seed: int, resolution_km: float = 0.1) -> Facts:
    """Some drives of a car, told more or less well, what its cloud said, and what its driver said."""
    dice = Random(seed)
    drives, readings = list[Drive](), list[Reading]()
    minute, odometer_km, place_km = 0, 10_000.0, 0.0
    for _ in range(dice.randint(1, 9)):
        minute += dice.choice((7, 15, 60, 400))
        minutes, km = dice.randint(2, 50), 0.0
        km = minutes * dice.choice((0.0, 0.1, 0.5, 1.2))
        to_km = place_km + dice.choice((-0.9, 0.9, 0.9)) * km
        told = dice.choice(("pings", "ends", "ends", "begin", "nothing", "untold"))
        fixes: list[tuple[float, float | None]] = [(minute, place_km), (minute + minutes, to_km)]
        if told == "pings":
            fixes = [(minute + n, place_km + (to_km - place_km) * n / minutes) for n in range(minutes + 1)]
        said = dice.choice(
            (Said(),) * 9 + (Said(is_deleted=True, is_touched=True), Said(distance_m=dice.randint(0, 40_000)))
        )
        if told != "untold":
            seen = {"begin": fixes[:1], "nothing": []}.get(told, fixes)
            drives.append(drive(minute, minute + minutes, seen, said=said, named=dice.choice((None, "a"))))
        for n in range(minutes):
            if dice.random() < 0.08:
                readings.append(read(minute + n, odometer_km + km * n / minutes, driving=dice.random() < 0.7))
        odometer_km += km
        for late in (0, 5, 40):
            if dice.random() < 0.4:
                shown_km = odometer_km + dice.choice((0,) * 9 + (-5.0, 1_000.0, 55_535.0))
                readings.append(read(minute + minutes + late * dice.random(), shown_km))
        minute, place_km = minute + minutes, to_km
    grid = 1000 * resolution_km
    coarse = (one.km * 1000 // grid * grid / 1000 for one in readings)
    readings = [
        Reading(one.at, round(km, 3), one.driving, resolution_km=resolution_km)
        for one, km in zip(readings, coarse, strict=True)
    ]
    return Facts(tuple(drives), tuple(readings))


facts = some.builds(days, some.integers(0, 10**9), some.sampled_from((0.1, 0.1, 1.0)))


def rows(book: Book) -> list[tuple[int, int]]:
    """Trips and gaps by the odometer, and what is open."""
    found = [(trip.from_m, trip.to_m) for trip in book.trips if trip.from_m is not None and trip.to_m is not None]
    found += [(gap.from_m, gap.to_m) for gap in book.gaps]
    return sorted(found + ([(book.open.from_m, book.open.to_m)] if book.open else []))


@given(facts)
def test_rows_tile_the_odometer_without_hole_and_without_overlap(known: Facts) -> None:
    book = folded("a", known.drives, known.readings)
    assert all(trip.shown_m >= 0 and trip.excess_m >= 0 for trip in book.trips)
    if book.series:
        return
    tiles = rows(book)
    assert all(a_m <= b_m for a_m, b_m in tiles)
    assert all(a[1] == b[0] for a, b in pairwise(tiles))


@given(facts)
def test_trips_and_gaps_without_excess_are_what_the_odometer_went(known: Facts) -> None:
    book = folded("a", known.drives, known.readings)
    tiles = rows(book)
    if book.series or not tiles:
        return
    with_odometer = [trip for trip in book.trips if trip.from_m is not None]
    # What a trip shows less than its stretch would be lost; more is its excess.
    assert all(
        trip.shown_m - trip.excess_m == trip.to_m - trip.from_m for trip in with_odometer if trip.source != "manual"
    )
    shown = sum(trip.shown_m - trip.excess_m for trip in with_odometer)
    gaps = sum(b - a for a, b in tiles) - sum((trip.to_m or 0) - (trip.from_m or 0) for trip in with_odometer)
    assert abs(shown + gaps - (tiles[-1][1] - tiles[0][0])) <= len(with_odometer)


@given(facts, some.randoms(use_true_random=False))
def test_the_order_in_which_the_facts_are_given_does_not_matter(known: Facts, dice: Random) -> None:
    shuffled = list(known.readings) * 2
    dice.shuffle(shuffled)
    assert folded("a", known.drives, shuffled) == folded("a", known.drives, known.readings)


@given(facts)
def test_no_trail_of_two_kilometres_is_silently_shortened(known: Facts) -> None:
    book = folded("a", known.drives, known.readings)
    for trip in book.trips:
        last = trip.drive.summary.marks[-1]
        if last.dense_m >= LEAST_DRIVE_M and trip.source == "odometer":
            assert trip.shown_m >= 0.9 * last.dense_m - 400


@given(facts)
def test_a_book_that_is_cut_at_an_anchor_goes_on_as_if_it_were_whole(known: Facts) -> None:
    whole = folded("a", known.drives, known.readings)
    for anchor in whole.anchors:
        start = anchor.start
        later = tuple(one for one in known.drives if one.began_at > start.at)
        rest = folded("a", later, known.readings, start)
        since = [trip for trip in whole.trips if trip.drive in later]
        assert [trip._replace(begin=None) for trip in rest.trips] == [trip._replace(begin=None) for trip in since]
        assert [gap[:4] for gap in rest.gaps] == [
            gap[:4] for gap in whole.gaps if gap.from_m >= start.m and gap.since >= start.at
        ]
        assert rest.open == whole.open or rest.open is None
        assert list(rest.elsewhere) == [one for one in whole.elsewhere if one in later]
