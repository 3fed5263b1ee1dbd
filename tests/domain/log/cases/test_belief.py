"""Which readings are believed, and what a wrong one does to a log: nothing."""

import pytest

from tests.domain.log.cases.script import Script, gap_km, kms, log_of, only, place, played
from tests.worlds.log import Log, Played


def believed(log: Log) -> list[float]:
    """The kilometres of the readings that are believed, each once."""
    return sorted({seen.km for seen in log.readings if seen.believed})


def test_a_value_in_other_units_in_the_middle_of_a_drive_is_not_believed() -> None:
    """bmw-cardata-ha#405: miles were taken for kilometres once, and nothing was believed after it."""
    log = log_of("""
        800@-5 parked
        start 0
        1304@10 driving
        818@20 driving
        827@31 parked
        end 30
    """)
    assert (only(log).km, gap_km(log)) == (27.0, 0)
    assert believed(log) == [800.0, 818.0, 827.0]
    assert [seen.km for seen in log.readings if not seen.believed and seen.why] == [1304.0]
    assert log.warnings["car"]
    assert not only(log).pending


@pytest.mark.parametrize("wrong", [1048575, 400000, 65535, 0])
def test_a_first_reading_that_is_wrong_locks_no_car_out(wrong: int) -> None:
    world = Script().play(f"{wrong}@-5 parked\n start 0 H\n 10027@31 parked O\n end 30 O")
    world.play("start 100 O\n 10054@131 parked H\n end 130 H\n start 200 H\n 10081@231 parked O\n end 230 O")
    log = world.rest()
    assert len(log.trips) == 3
    first, second, third = log.trips
    assert (second.from_km, second.to_km, second.km) == (10027.0, 10054.0, 27.0)
    assert (third.from_km, third.to_km, third.km) == (10054.0, 10081.0, 27.0)
    assert first.km == pytest.approx(28, abs=12)  # by its positions
    assert gap_km(log) == 0
    assert believed(log) == [10027.0, 10054.0, 10081.0]
    assert log.warnings["car"]


def test_a_drivers_own_reading_is_taken_against_one_that_the_car_said_once() -> None:
    world = Script().play("400000@-600 parked\n look -300")
    world.until(-10)
    assert world.says("eye", car="car", km=10000.0) == "played"
    log = world.play("start 0\n 10027@31 parked\n end 30").rest()
    assert kms(log) == [27.0]
    assert believed(log) == [10000.0, 10027.0]


def test_against_what_it_said_twice_the_driver_confirms_theirs() -> None:
    world = Script().play("400000@-900 parked\n look -800\n 400010@-400 parked\n look -300")
    world.until(-10)
    assert world.says("eye", car="car", km=10000.0) == "refused"
    assert world.says("confirm", car="car", km=10000.0) == "played"
    log = world.play("start 0\n 10027@31 parked\n end 30").rest()
    assert kms(log) == [27.0]
    assert gap_km(log) == 0
    assert set(believed(log)) >= {10000.0, 10027.0}


@pytest.mark.parametrize("more", [115_000, -9_990])
def test_another_odometer_is_no_gap_and_distances_go_on(more: int) -> None:
    """ddt4all#438: the cluster was replaced."""
    world = played("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O")
    world.play(f"{10027 + more}@95 parked O\n start 100 O\n {10054 + more}@131 parked H\n end 130 H")
    world.play(f"start 200 H\n {10081 + more}@231 parked O\n end 230 O")
    log = world.rest()
    assert kms(log) == [27.0, 27.0, 27.0]
    assert gap_km(log) == 0
    assert log.trips[-1].to_km == 10081 + more
    assert log.warnings["car"]


def test_the_driver_can_say_that_the_odometer_is_another_one() -> None:
    """ddt4all#438."""
    world = played("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O")
    world.until(60)
    assert world.says("new_series", car="car", km=125_027.0) == "played"
    log = world.play("125027@95 parked O\n start 100 O\n 125054@131 parked H\n end 130 H").rest()
    assert kms(log) == [27.0, 27.0]
    assert (log.trips[-1].from_km, log.trips[-1].to_km) == (125_027.0, 125_054.0)
    assert gap_km(log) == 0
    assert not any(trip.pending for trip in log.trips)


def typed(world: Script, km: float) -> Played:
    """The driver's reading, confirmed where it must be."""
    played = world.says("eye", car="car", km=km)
    return world.says("confirm", car="car", km=km) if played == "refused" else played


@pytest.mark.parametrize("later", [60, 1500])
def test_a_typo_by_hand_can_be_withdrawn_and_the_true_reading_is_taken(later: int) -> None:
    world = played("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O")
    world.until(later)
    assert typed(world, 11027.0) == "played"
    world.until(later + 1)
    assert world.says("withdraw", car="car", km=11027.0) == "played"
    assert world.says("eye", car="car", km=10027.0) == "played"
    log = world.play(f"start {later + 40} O\n 10054@{later + 71} parked H\n end {later + 70} H").rest()
    assert kms(log) == [27.0, 27.0]
    assert gap_km(log) == 0
    assert log.closed["car"]


def test_so_it_can_for_a_car_that_its_driver_alone_reads() -> None:
    world = Script().play("down -1000 9000")
    world.until(-5)
    assert world.says("eye", car="car", km=10000.0) == "played"
    world.play("start 0 H\n end 30 O")
    world.until(40)
    assert typed(world, 11027.0) == "played"
    world.until(42)
    assert world.says("withdraw", car="car", km=11027.0) == "played"
    assert world.says("eye", car="car", km=10027.0) == "played"
    log = world.rest()
    assert kms(log) == [27.0]
    assert (gap_km(log), log.closed["car"]) == (0, True)


def test_a_reading_that_nobody_made_cannot_be_withdrawn() -> None:
    world = played("10000@-5 parked H\n start 0 H\n 10027@31 parked O\n end 30 O")
    world.until(60)
    assert world.says("withdraw", car="car", km=11027.0) == "refused"


# --- positions

STEP_KM = 8.9 / 20


@pytest.mark.parametrize("begin", ["start 0 H", "ping 0 H"])
def test_one_fix_that_is_far_off_makes_no_way_there_and_back(begin: str) -> None:
    """colota#382: 8.9 km without a car, the tenth of 21 fixes 30 km off."""
    fixes = [f"ping {n} H+{STEP_KM * n:.3f}n" for n in range(1, 20)]
    fixes[9] = "ping 10 H+30e"
    trip = only(log_of("\n".join([begin, *fixes, "end 20 H+8.9n"]), cars=()))
    assert trip.car is None
    assert trip.km == pytest.approx(8.9, abs=1.1)


def test_latitude_and_longitude_that_are_swapped_once_are_no_way_across_the_world() -> None:
    """colota#382: 17,000 km."""
    world = Script(cars=())
    lat, lng = place(f"H+{STEP_KM * 10:.3f}n")
    for n in range(21):
        position = (lng, lat) if n == 10 else place(f"H+{STEP_KM * n:.3f}n")
        world.tell("start" if n == 0 else "end" if n == 20 else "ping", n, position)
    assert only(world.rest()).km == pytest.approx(8.9, abs=1.1)
