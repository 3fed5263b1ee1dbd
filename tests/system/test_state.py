"""A state is read back as it was meant, is one document of bounded size, and an earlier version's is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import requests

from shared.domain.car.asking import Asking, Window
from shared.domain.car.odometer import Reading
from shared.domain.log.book import Start
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard
from shared.domain.log.gap_row import Explained
from shared.domain.log.summary import Mark, Piece, Said, Settled, Summary, trail_of
from shared.domain.place.trail import Fix
from shared.domain.tracking.state import DriverState, GoingOn, LookUps, OpenLog
from tests.calls import all_calls
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_at_once import deliver
from tests.system.test_rules import NORTH
from tools.local import processes

NOW = datetime(2026, 1, 23, 8, 12, 0, 123456, tzinfo=UTC)
MOST_BYTES = 20_000


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


READ = Reading(
    at(1),
    12345.6,
    True,
    52.0907,
    5.1214,
    since=at(-60),
    resolution_km=1.0,
    source="eye",
    is_confirmed=True,
    begins_series=True,
)
OPEN = OpenLog(
    start=Start(at(-7000), 12_300_000), gap_before_km=4999.9,
    after_trip="20260122T071200Z-7f3a9c", before_trip="20260124T071200Z-7f3a9c",
    readings=(READ, Reading(at(30), 0.1)), explained=(Explained(5, 705, "other", "A garage", 300, 2),), series=2,
    told=READ, pending_since=at(3), asked=6, failures=7, retry_at=at(8), ask_at=at(9), leased_until=at(10),
    is_mute=True, set_on_m=5_000, timezone="Asia/Tokyo",
)  # fmt: skip
DRIVE = GoingOn(
    started_at=at(-900), car_id="car", heard_at=at(0.000001), polls_after_end=3, is_asked=False, blocks=2, points=150,
    km=31.4159, last=Fix(at(-1), 52.3, 5.3, 4.5, "car"),
)  # fmt: skip
SAID = Said(
    at(-4900),
    at(-4100),
    True,
    "b",
    12_345_000,
    12_346_000,
    1_100,
    True,
    True,
    at(-4890),
    at(-4110),
    True,
    "b",
    True,
    1_050,
)
TOLD = Summary(
    id="20260123T071200Z-0123456789ab", began_at=at(-5000), ended_at=at(-4000), car_id="b", is_stray=True, begun=False,
    ended=False, trail=trail_of((Mark(at(-5000)), Mark(at(-4000), 900, 80, 240, 52.4, 5.4))),
    silences=((at(-4800), at(-4300)),),
    default_car_id="car", driver="Anna", is_by_hand=True, moved=SAID, said=SAID, trip_ids=("20260123T071200Z-7f3a9c",),
    pieces=(Piece(at(-5000), at(-4600), 12_345_000, 12_346_000, 1_000, 990, 1_010), Piece(at(-4500), at(-4000))),
    settled=Settled("b", at(-5000), at(-4000), True, True),
)  # fmt: skip
# As long as one is opened anew it is a part of a state, though of none that is stored.
CHAPTER = Chapter(
    car_id="b", begin=Start(at(-9000), 12_000_000), end=Start(at(-8000), 12_100_000), timezone="UTC", series=1,
    series_behind=2, without_trip=(TOLD,), explained=(Explained(5, 705, "other", "A garage", 300, 2),), times="0" * 64,
)  # fmt: skip
WORDS = (
    Heard(
        at(11), -52.000001, 179.999999, 0.0, "b", delay_s=0.123, is_end=True, is_pause=True, is_stray=True, by="Anna"
    ),
    Heard(at(11)),
    Heard(at(12), 0.5, 0.0, car_id="Ж 'quoted' \\ \"\u2028"),
)
FULL = DriverState(
    drive=DRIVE,
    default_car_id="car",
    events=WORDS,
    late=WORDS[:1],
    late_at=at(12),
    folding_until=at(14),
    told=(TOLD,),
    open={"car": OPEN, "b": OpenLog(chapter=CHAPTER), "a.b/c`d": OpenLog(asked=1)},
    car_ids=("b", "car"),
    asking=Asking(
        windows={"car simulated": Window(at(86400), 3, 2, 1)},
        under_way={"car": (at(13), at(14))}, lost={"b": (at(15),)},
        looked_at=at(-86400),
    ),
    look_ups=LookUps(("20260123T071200Z-7f3a9c",), 2, at(16)),
    rejected=4,
    closed_years={"car": (2024, 2025), "a.b/c`d": (2025,)},
    closed_in={"car": "Europe/Amsterdam"},
    last_hash="0" * 64,
    entries=2**40,
)  # fmt: skip


def structs_in(value: Any) -> Iterator[msgspec.Struct]:
    """All structs of a value, however deep."""
    if isinstance(value, msgspec.Struct):
        yield value
        value = [getattr(value, name) for name in value.__struct_fields__]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from structs_in(inner)


def test_all_that_can_be_remembered_is_in_the_state_that_the_tests_store() -> None:
    alike = set[tuple[str, str]]()
    for kind in {type(struct) for struct in structs_in(FULL)}:
        for field in msgspec.structs.fields(kind):
            usual = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
            found = [getattr(one, field.name) for one in structs_in(FULL) if type(one) is kind]
            alike |= {(kind.__name__, field.name)} if all(value == usual for value in found) else set()
    assert alike == set()


@pytest.mark.parametrize("state", [FULL, DriverState(), DriverState(drive=DRIVE), DriverState(open={"car": OPEN})])
def test_what_is_stored_is_read_back_as_it_was_meant(driver: Driver, state: DriverState) -> None:
    for one in (FULL, state, state):
        driver.put_state(**msgspec.structs.asdict(one))
    assert driver.store.state().value == state
    assert driver.kept("cache").keys() == {"trip_start"}


def test_a_phone_that_names_another_unknown_car_each_time_is_taken_and_makes_the_state_no_bigger(
    driver: Driver,
) -> None:
    begin = ago(320)
    for n in range(300):
        told = driver.phone("start", begin + timedelta(minutes=n), UTRECHT, car_id=f"{n:032}", accuracy_m=12.345)
        assert (told["status"], told["car_id"]) == ("ping_recorded" if n else "trip_started", None)
    assert driver.size_of("cache/trip_start") < MOST_BYTES
    assert driver.kept("cache").keys() == {"trip_start"}
    assert driver.active()["points"] == 300
    driver.phone("end", begin + timedelta(minutes=299.5), NORTH)
    (trip,) = driver.wait_trips(1)
    assert (trip["car_id"], "car_unknown" in trip["flags"]) == (None, True)
    assert driver.size_of("cache/trip_start") < MOST_BYTES


# --- an earlier version --------------------------------------------------------------------------------------------

SENTENCE = "The log of {0} was kept by an earlier version: first run `python -m tools.admin upgrade {0}`."


def with_old_state(driver: Driver) -> None:
    """As the version before stored a drive going on whose poll is due."""
    fields = {"active": True, "started_at": ago(30), "car_id": "car", "fixes": [{"at": ago(30)}], "heard_at": ago(30)}
    driver.store._state.set({**fields, "next_poll_at": ago(20), "shard": 3})


def with_old_account(driver: Driver) -> None:
    driver.stack.db.document(f"users/{driver.email}").update({"log_version": 1})


CALLS = [
    ("POST", "/webhook/start", {"lat": 52.0, "lng": 5.0}),
    ("POST", "/webhook/end", {}),
    ("GET", "/trips/active", None),
    ("DELETE", "/trips/active", None),
    ("POST", "/cars/car/odometer", {"odometer_km": 12346.0}),
    ("POST", "/cars/car/test", {}),
]


@pytest.mark.parametrize("make_old", [with_old_state, with_old_account])
def test_a_log_of_an_earlier_version_is_refused_with_one_sentence_and_left_as_it_is(
    stack: Stack, make_old: Any
) -> None:
    driver, other = stack.driver(), stack.driver()
    make_old(driver)
    before = driver.kept("cache")
    for method, path, body in CALLS:
        answer = driver.call(method, path, json=body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600"), (path, answer.text)
        assert answer.json()["detail"] == SENTENCE.format(driver.email)
    assert driver.kept("cache") == before
    assert driver.asked() == 0
    other.phone("start", ago(30), UTRECHT)
    other.wait_read(12345.0)


def test_every_call_of_who_has_an_account_of_an_earlier_version_is_refused(driver: Driver) -> None:
    with_old_account(driver)
    calls = [call for call in all_calls() if call.scope]
    assert len(calls) >= 25
    for call in calls:
        answer = driver.call(call.method, call.address, json={})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3600"), (call, answer.text)


def test_nobody_without_a_right_key_learns_that_a_log_is_of_an_earlier_version(driver: Driver) -> None:
    with_old_account(driver)
    answer = requests.get(f"{driver.stack.url}/trips?user={driver.email}&key=wrong", timeout=30)
    assert answer.status_code == 401


def test_polls_of_a_log_of_an_earlier_version_are_dropped_with_an_error_and_hinder_nobody(stack: Stack) -> None:
    driver, other = stack.driver(), stack.driver()
    with_old_state(driver)
    before = driver.kept("cache")
    assert [deliver(stack, driver.email, datetime.now(UTC), reason) for reason in ("schedule", "daily")] == [200, 200]
    other.phone("start", ago(30), UTRECHT)
    other.set_car(odometer_km=12357.4, measured_at=ago(4))
    other.phone("end", ago(5), NORTH)
    assert other.wait_trips(1)
    assert (driver.kept("cache"), driver.asked()) == (before, 0)
    errors = f"poll dropped: {SENTENCE.format(driver.email)}"
    processes.wait_until(lambda: errors in (stack.data / "logs" / "functions.log").read_text(), "the line")
