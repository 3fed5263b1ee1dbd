"""The model: the same seed makes the same world, its truth holds together, and its facts are made of that truth."""

from itertools import pairwise

import pytest

from tests.worlds.cloud import Cloud
from tests.worlds.ground import Point, Road, lat_lng, straight_m
from tests.worlds.oracle import Oracle
from tests.worlds.phone import sent
from tests.worlds.plan import DAY, HOME, HOUR, Car, Drive, Message, Plan, Quirk
from tests.worlds.planning import planned
from tests.worlds.playing import play
from tests.worlds.presets import PRESETS
from tests.worlds.truth import Impossible, Truth

USUAL = PRESETS["usual"]
AWAY = Point(9_000.0, 12_000.0)
THERE = Drive(0, "a", 8 * HOUR, AWAY, 0.8, 60, (Message("start", "begin", 0), Message("end", "end", 0)))
BACK = Drive(1, "a", 10 * HOUR, HOME, 0.8, 60)


def made(*quirks: Quirk, start_m: int = 10_000_000) -> Truth:
    """A drive there and an untold one back, in a car of some kind."""
    return Truth(Plan(USUAL, 0, (Car("a", start_m),), (THERE, BACK), quirks))


@pytest.mark.parametrize("name", PRESETS)
def test_a_seed_always_makes_the_same_world(name: str) -> None:
    assert planned(PRESETS[name], 3) == planned(PRESETS[name], 3) != planned(PRESETS[name], 4)


def test_a_world_that_is_played_again_tells_the_same() -> None:
    plan = planned(PRESETS["everything"], 3)
    assert play(plan, Oracle)[1:] == play(plan, Oracle)[1:]


@pytest.mark.parametrize("name", PRESETS)
def test_drives_follow_each_other_in_time_in_place_and_on_the_odometer(name: str) -> None:
    truth = Truth(planned(PRESETS[name], 5))
    assert all(a.ends_s < b.begins_s for a, b in pairwise(truth.drives))
    for car in truth.plan.cars:
        for a, b in pairwise(truth.of(car.id)):
            assert (a.to_m, a.ends_at) == (b.from_m, b.begins_at)


def test_there_are_at_most_twenty_presets_each_described() -> None:
    assert len(PRESETS) <= 20
    assert all(preset.about for preset in PRESETS.values())


def test_a_road_is_longer_than_the_straight_line_and_ends_where_it_should() -> None:
    road = Road((HOME, AWAY), 0.8)
    assert 1.05 < road.length_m / straight_m(HOME, AWAY) < 1.4
    assert straight_m(road.at(road.length_m), AWAY) < 2
    assert lat_lng(HOME) != lat_lng(AWAY)


def test_the_odometer_stands_before_a_drive_and_in_its_stops_and_rises_between() -> None:
    truth = made()
    drive = truth.drives[0]
    times_s = range(drive.begins_s - HOUR, drive.ends_s + HOUR, 60)
    odometers_m = [truth.where("a", at_s).odometer_m for at_s in times_s]
    assert odometers_m == sorted(odometers_m)
    assert (odometers_m[0], odometers_m[-1]) == (drive.from_m, drive.to_m)


def test_nobody_is_in_two_places() -> None:
    with pytest.raises(Impossible):
        Truth(Plan(USUAL, 0, (Car("a", 0),), (THERE, BACK._replace(begins_s=THERE.begins_s + 60))))


def test_a_message_carries_the_phones_clock_and_arrives_as_late_and_as_often_as_planned() -> None:
    late = Message("start", "begin", 30, delay_s=600, again_s=(900,))
    truth = Truth(made().plan._replace(drives=(THERE._replace(messages=(late,)),), clock_s=-120))
    first, again = sent(truth)
    assert (first.at_s, first.true_s) == (THERE.begins_s - 90, THERE.begins_s + 30)
    assert (first.arrives_s, again.arrives_s) == (THERE.begins_s + 631, THERE.begins_s + 931)


def test_a_live_cloud_tells_the_moment_and_one_at_switch_off_the_last_stand() -> None:
    truth = made()
    drive = truth.drives[0]
    on_the_way_s = (drive.begins_s + drive.ends_s) // 2
    live = Cloud(truth, truth.plan.cars[0]).answer(on_the_way_s)
    seldom = Cloud(truth, truth.plan.cars[0]._replace(cloud="switch_off")).answer(drive.ends_s + HOUR)
    assert live and live.answer.state == "driving"
    assert drive.from_m < 1000 * live.answer.odometer_km < drive.to_m
    assert seldom and (seldom.measured_s, seldom.answer.state) == (drive.ends_s, "parked")


def test_coarse_odometers_show_less_than_they_went() -> None:
    truth = made(start_m=10_000_900)
    shown = {
        resolution: told.answer.odometer_km
        for resolution in ("exact", "km", "mile")
        if (told := Cloud(truth, truth.plan.cars[0]._replace(resolution=resolution)).answer(0))
    }
    assert shown == {"exact": 10_000.9, "km": 10_000.0, "mile": 10_000.464}


def test_an_old_value_is_told_under_a_new_time_and_known_as_untrue() -> None:
    since_s = THERE.begins_s - 60
    truth = made(Quirk("a", "old", since_s, since_s + 5 * HOUR))
    after_s = truth.drives[0].ends_s + HOUR
    told = Cloud(truth, truth.plan.cars[0]).answer(after_s)
    assert told and not told.true
    assert (told.measured_s, told.answer.odometer_km) == (after_s, 10_000.0)


def test_a_wild_value_comes_once_and_a_silent_cloud_says_nothing() -> None:
    wild = Cloud(made(Quirk("a", "wild", 0, DAY, "+1000")), made().plan.cars[0])
    told = [wild.answer(at_s) for at_s in (HOUR, 2 * HOUR)]
    assert [one and (one.answer.odometer_km, one.true) for one in told] == [(11_000.0, False), (10_000.0, True)]
    assert Cloud(made(Quirk("a", "silent", 0, DAY)), made().plan.cars[0]).answer(HOUR) is None
