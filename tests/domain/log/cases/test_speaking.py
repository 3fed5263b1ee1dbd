"""Cars that speak late, seldom or only when they are switched off."""

import pytest

from tests.domain.log.cases.script import gap_km, is_near, kms, log_of, only, played

SWITCHED_OFF = "10000@-5 parked\n start 0\n 10027@29.3 parked\n end 30"


def test_a_car_that_reports_when_it_is_switched_off_measures_its_trip() -> None:
    """stellantis-vehicles#241: it never says anything newer than a moment before the phone's end."""
    trip = only(log_of(SWITCHED_OFF))
    assert (trip.km, trip.source, trip.pending) == (27.0, "odometer", False)
    assert (trip.from_km, trip.to_km) == (10000.0, 10027.0)
    assert (trip.start_known, trip.end_known) == ("read", "read")


def test_so_does_each_trip_of_a_long_row() -> None:
    """stellantis-vehicles#241: 674 trips, none of them by odometer."""
    lengths, text, odometer = [3.1 + 1.7 * (n % 9) for n in range(40)], "10000@-5 parked", 10000.0
    for n, length in enumerate(lengths):
        odometer += length
        text += f"\n start {70 * n} \n {odometer:.1f}@{70 * n + 29.3} parked\n end {70 * n + 30}"
    log = log_of(text.replace(" \n", "\n"))
    assert kms(log) == pytest.approx(lengths, abs=0.11)
    assert {(trip.source, trip.pending) for trip in log.trips} == {("odometer", False)}
    assert gap_km(log) == 0


def test_a_car_that_sleeps_ends_a_trip_whose_end_the_phone_never_told() -> None:
    """Pelican#27: the answer of its last moment is told again and again, and the next drive was joined to this one."""
    there = "10000@-5 parked H\n start 0 H\n 10013@15 driving\n 10027@30 parked O"
    first, second = log_of(f"{there}\n start 80 O\n end 110 H\n 10054@111 parked H").trips
    assert (first.km, second.km) == (27.0, 27.0)
    assert (first.end - first.start).total_seconds() == pytest.approx(30 * 60, abs=180)
    assert is_near(first.to, "O")


TRAIL = "\n".join(f"ping {n} H+{0.92 * n:.2f}n" for n in range(2, 21, 2))  # 18 km in 20 minutes


def old_value(new_at: float) -> str:
    return (
        f"10000@-5 parked H\n start 0 H\n {TRAIL}\n end 21 H+19n\n 10000@22 parked H+19n\n 10023@{new_at} parked H+19n"
    )


def test_an_old_value_under_a_new_time_drops_no_trip() -> None:
    """kia_uvo#594: the cloud says what it said before for ten minutes more."""
    world = played(old_value(32))
    world.until(24)
    assert world.keeper.waits()
    trip = only(world.rest())
    assert (trip.km, trip.pending) == (23.0, False)


def test_while_it_goes_on_the_trip_is_shown_and_pending() -> None:
    """kia_uvo#594: for some hours."""
    world = played(old_value(300))
    trip = only(world.until(120))
    assert trip.pending
    assert trip.km == pytest.approx(19.4, abs=1.5)
    assert world.keeper.waits()
    trip = only(world.rest())
    assert (trip.km, trip.pending) == (23.0, False)


def test_a_round_trip_while_the_cloud_is_down_is_pending_and_then_measured() -> None:
    """Expensify/App#81660: it became "no trip", and a gap."""
    world = played("10000@-5 parked H\n start 0 H\n down 1 299\n end 60 H\n 10040@300 parked H")
    assert only(world.until(200)).pending
    assert world.keeper.waits()
    log = world.rest()
    trip = only(log)
    assert (trip.km, trip.pending) == (40.0, False)
    assert gap_km(log) == 0
    assert log.closed["car"]


def test_short_drives_of_a_car_that_shows_whole_kilometres_are_trips() -> None:
    """OVMS-3 PR#798: drives of 0.8 and 0.9 km from 10000.5 on."""
    there = "10000@-5 parked H\n start 0 H\n end 4 H+0.7n\n 10001@5 parked H+0.7n"
    log = log_of(f"{there}\n start 60 H+0.7n\n end 64 H\n 10002@65 parked H", resolution_km=1.0)
    first, second = log.trips
    true_km = ((10000.5, 10001.3), (10001.3, 10002.2))
    for trip, (from_km, to_km) in zip((first, second), true_km, strict=True):
        assert trip.from_km == pytest.approx(from_km, abs=1.0)
        assert trip.to_km == pytest.approx(to_km, abs=1.0)
        assert trip.km > 0
    assert first.km + second.km + gap_km(log) == pytest.approx(1.7, abs=1.0)


def test_ten_drives_of_such_a_car_are_ten_trips_without_a_gap() -> None:
    """Whole kilometres only; 2.4 km each, from 10000.3 on."""
    text = "10000@-5 parked H"
    for n in range(10):
        begin, end = ("H", "H+1.9n") if n % 2 == 0 else ("H+1.9n", "H")
        odometer = int(10000.3 + 2.4 * (n + 1))
        text += f"\n start {60 * n} {begin}\n end {60 * n + 7} {end}\n {odometer}@{60 * n + 8} parked {end}"
    log = log_of(text, resolution_km=1.0)
    assert len(log.trips) == 10
    assert sum(kms(log)) == pytest.approx(24.0, abs=1.0)
    assert kms(log) == pytest.approx([2.4] * 10, abs=1.0)
    assert gap_km(log) == 0
    assert log.closed["car"]


CHARGED = (
    "10000@-5 parked H\n start 0 H\n 10027@32 parked O\n 10027@37 parked O\n 10027@42 parked O\n 10027@47 parked O"
)
ON = "end 90 O+33n\n 10070@91 parked O+33n"


@pytest.mark.parametrize("on_the_way", ["10040@62 driving", "down 50 91", ""])
def test_a_charger_on_the_way_loses_nothing(on_the_way: str) -> None:
    """TeslaLogger#1705: the phone stays connected, so that nobody says that it goes on; the end was ignored."""
    log = log_of(f"{CHARGED}\n {on_the_way}\n {ON}")
    assert sum(kms(log)) == pytest.approx(70.0, abs=0.11)
    assert len(log.trips) in (1, 2)
    assert gap_km(log) == 0
    assert is_near(max(log.trips, key=lambda trip: trip.end).to, "O+33n")


def test_a_reading_on_the_way_that_is_the_last_sign_of_a_drive_counts() -> None:
    """The end never comes, and the last reading lies exactly on what is taken for it."""
    text = "10000@-5 parked H\n down 21.5 5000\n start 0 H\n 10010@20 driving H+8n\n ping 20 H+8n"
    trip = only(log_of(text))
    assert trip.km >= 10.0
    assert trip.km < 25.0


LEFT_EARLY = "10000@-5 parked H\n start 0 H\n end 10 H+8n"


def test_a_car_that_drives_on_after_an_end_is_on_the_same_trip() -> None:
    text = "10010@10 driving H+8n\n 10020@20 driving\n 10030@30 driving\n 10040@40 parked"
    log = log_of(f"{LEFT_EARLY}\n {text}")
    assert only(log).km == pytest.approx(40.0, abs=0.11)
    assert gap_km(log) == 0


def test_what_nobody_saw_of_it_is_a_gap() -> None:
    """No poll came while it drove on."""
    log = log_of(f"{LEFT_EARLY}\n down 10.5 41\n 10040@42 parked")
    assert 8.0 <= only(log).km <= 14.0
    assert only(log).km + gap_km(log) == pytest.approx(40.0, abs=0.11)
    assert not log.closed["car"]


def test_ignition_just_before_the_start_belongs_to_the_drive_and_never_to_the_one_before() -> None:
    """The car says that it drives 12 s before the phone says so; its last word is the one of its switch-off."""
    text = ""
    for n in range(3):
        t, km = 100 * n, 10000 + 50 * n
        text += f"{km}@{t - 0.2:.1f} driving\n start {t}\n {km + 50}@{t + 39.8:.1f} parked\n end {t + 40}\n"
    log = log_of(text)
    assert kms(log) == [50.0, 50.0, 50.0]
    assert gap_km(log) == 0


@pytest.mark.parametrize("ahead", [2, -2])
def test_a_phone_whose_clock_is_off_changes_no_kilometres(ahead: int) -> None:
    """107 km were driven from minute 0 on; the phone has them two minutes later, or earlier."""
    text = f"""
        10000@-5 parked
        start {ahead} arrives 0
        10001@1 driving
        10037@25 driving
        10070@55 driving
        10107@80.2 parked
        end {80 + ahead} arrives 80
    """
    log = log_of(text)
    assert only(log).km == pytest.approx(107.0, abs=0.11)
    assert gap_km(log) == 0
