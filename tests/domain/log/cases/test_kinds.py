"""The kinds of the cases: what holds of each for every drive, not only for the one that somebody complained of."""

from itertools import accumulate

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.domain.log.cases.script import Script, gap_km, kms, only

few = settings(max_examples=max(10, settings.default.max_examples // 3), phases=tuple(set(Phase) - {Phase.explain}))
EVERY_MIN, DRIVE_MIN = 300, 30  # so far apart that no untold drive could be the end of the one before
lengths = st.lists(st.integers(30, 400).map(lambda tenths: tenths / 10), min_size=1, max_size=5)
FIRST_KM = 10_000.0


def odometers(driven: list[float], first_km: float = FIRST_KM) -> list[float]:
    """The odometer before all drives, and after each."""
    return [round(km, 1) for km in accumulate(driven, initial=first_km)]


def drives(driven: list[float], readings: list[str], positions: bool = True) -> str:
    """Drives of half an hour, to the north and to the south, and what the cloud says in between."""
    text, north = list[str](), 0.0
    for n, km in enumerate(driven):
        begin, to = EVERY_MIN * n, north + (0.8 if n % 2 == 0 else -0.8) * km
        places = (f" H{north:+.2f}n", f" H{to:+.2f}n") if positions else ("", "")
        text += [f"start {begin}{places[0]}", f"end {begin + DRIVE_MIN}{places[1]}"]
        north = to
    return "\n".join([*text, *readings])


@few
@given(lengths, st.integers(-25, 25), st.booleans())
def test_a_car_that_speaks_within_three_minutes_of_an_end_measures_each_trip(
    driven: list[float], tenths: int, positions: bool
) -> None:
    """It speaks but once, just before or just after the phone's end."""
    off, km = tenths / 10, odometers(driven)
    readings = [f"{km[0]}@-5 parked"]
    readings += [f"{km[n + 1]}@{EVERY_MIN * n + DRIVE_MIN + off:.1f} parked" for n in range(len(driven))]
    log = Script().play(drives(driven, readings, positions)).rest()
    assert kms(log) == pytest.approx(driven, abs=0.11)
    assert {(trip.source, trip.pending) for trip in log.trips} == {("odometer", False)}
    assert gap_km(log) == 0
    assert log.closed["car"]


@few
@given(st.integers(0, 9), lengths)
def test_whole_kilometres_make_no_gap_and_no_contradiction(tenths: int, driven: list[float]) -> None:
    km = odometers(driven, FIRST_KM + tenths / 10)
    readings = [f"{int(km[0])}@-5 parked"]
    readings += [f"{int(km[n + 1])}@{EVERY_MIN * n + DRIVE_MIN + 1} parked" for n in range(len(driven))]
    log = Script(resolution_km=1.0).play(drives(driven, readings)).rest()
    assert len(log.trips) == len(driven)
    for trip, from_km, to_km in zip(log.trips, km, km[1:], strict=False):
        assert trip.from_km == pytest.approx(from_km, abs=1.01)
        assert trip.to_km == pytest.approx(to_km, abs=1.01)
        assert trip.excess_km == 0
    assert sum(kms(log)) == pytest.approx(km[-1] - km[0], abs=1.01)
    assert gap_km(log) == 0
    assert log.closed["car"]


@few
@given(
    st.lists(st.integers(30, 400).map(lambda tenths: tenths / 10), min_size=4, max_size=6),
    st.data(),
    st.sampled_from(["0", "6553.5", "65535", "1048575", "4294967295", "more", "less", "miles"]),
)
def test_one_wrong_reading_among_true_ones_changes_no_trip(driven: list[float], data: st.DataObject, how: str) -> None:
    """It is told while the car stands, before the next drive, and followed by a true one when that begins."""
    km, n = odometers(driven), data.draw(st.integers(1, len(driven) - 2))
    wrong = {"more": km[n] + 1000, "less": km[n] - 1000, "miles": round(km[n] / 1.609344, 1)}.get(how) or float(how)
    readings = [f"{km[0]}@-5 parked"]
    readings += [f"{km[n + 1]}@{EVERY_MIN * n + DRIVE_MIN + 1} parked" for n in range(len(driven))]
    at = EVERY_MIN * n - 30
    readings += [f"{wrong}@{at} parked", f"{km[n]}@{EVERY_MIN * n - 10} parked", f"look {at + 5}"]
    log = Script().play(drives(driven, readings)).rest()
    assert kms(log) == pytest.approx(driven, abs=0.11)
    assert gap_km(log) == 0
    assert [seen.km for seen in log.readings if not seen.believed] == [wrong]
    assert log.warnings["car"]


@few
@given(lengths, st.data(), st.integers(60, 900).map(lambda tenths: tenths / 10))
def test_what_was_driven_untold_is_a_gap_and_in_no_trip(
    driven: list[float], data: st.DataObject, untold: float
) -> None:
    """Read before and after it, while the car stood."""
    n = data.draw(st.integers(1, len(driven)))
    km = odometers([*driven[:n], untold, *driven[n:]])
    stands = [*range(n), *range(n + 1, len(driven) + 1)]
    readings = [f"{km[0]}@-5 parked"]
    readings += [f"{km[i + 1]}@{EVERY_MIN * k + DRIVE_MIN + 1} parked" for k, i in enumerate(stands)]
    readings += [f"{km[n + 1]}@{EVERY_MIN * n - 10} parked", f"look {EVERY_MIN * n - 5}"]
    log = Script().play(drives(driven, readings)).rest()
    assert kms(log) == pytest.approx(driven, abs=0.11)
    assert gap_km(log) == pytest.approx(untold, abs=0.11)
    assert not log.closed["car"]
    assert not any(trip.pending for trip in log.trips)


@few
@given(st.integers(30, 900).map(lambda tenths: tenths / 10), st.integers(-400, 400))
def test_what_the_driver_typed_is_shown_and_what_the_odometer_says_adds_up(typed: float, tenths: int) -> None:
    """Whatever the car says when it speaks at last: the difference is excess or a gap, and never a changed trip."""
    world = Script().play("10000@-5 parked\n down 1 100\n start 0\n end 60")
    assert world.says("patch", only(world.until(90)), fields={"distance_km": typed}) == "played"
    went = max(0.0, round(typed + tenths / 10, 1))
    log = world.play(f"{FIRST_KM + went:.1f}@100 parked").rest()
    trip = only(log)
    assert trip.km == typed
    assert trip.excess_km == pytest.approx(max(0.0, typed - went), abs=0.11)
    assert gap_km(log) == pytest.approx(max(0.0, went - typed), abs=0.11)
    if abs(typed - went) > 0.25:
        assert not log.closed["car"]
    elif typed == went:
        assert log.closed["car"]
