"""How a user stands, as the operator is told: when the phone was heard, each car read, and what is wrong."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.asking import Asking, Window
from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import LOG_VERSION, Account, Key
from shared.domain.log.drive import Heard
from shared.domain.log.summary import Summary
from shared.domain.place.trail import Fix
from shared.domain.tracking.state import DriverState, GoingOn, LookUps, OpenLog
from shared.repositories.accounts import AccountRepository, account_document
from shared.repositories.readings import reading_fields
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.tools.admin.conftest import Operator
from tools.admin.__main__ import main
from tools.admin.standing import heard, wrong
from tools.measure import metering

NOW = datetime(2026, 1, 23, 12, 0, tzinfo=UTC)
USED = Key("x", "webhook", last_used_on="2026-01-23")
BORIS = Account("boris@example.com", keys={"full": Key("y", "full"), "hook": USED})
CAR = Car("car", "skoda", credentials_set_at={"api_key": NOW})


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def over(minutes: float) -> DriverState:
    """Of a driver whose last drive was over at a minute."""
    return DriverState(told=(Summary(id="id", began_at=at(minutes - 20), ended_at=at(minutes)),))


QUIET = over(-60)

GOING_ON = GoingOn(started_at=at(-300), car_id="car", heard_at=at(-2))
DRIVING = DriverState(drive=GOING_ON, events=(Heard(at(-300)),))


# --- in words ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "day", "words"),
    [
        (DriverState(), "", ""),
        (DriverState(), "2026-01-20", "2026-01-20"),
        (over(-60), "2026-01-23", "2026-01-23 12:00"),
        (over(-3000), "2026-01-23", "2026-01-23"),
        (replace(DRIVING, events=(Heard(at(-60)), Heard(at(-2)))), "", "2026-01-23 12:58"),
        (replace(DRIVING, events=(Heard(at(-60)), Heard(at(-1), is_end=True))), "", "2026-01-23 12:59"),
        (DriverState(drive=replace(GOING_ON, last=Fix(at(-3)))), "", "2026-01-23 12:57"),
        (replace(QUIET, late=(Heard(at(-9)),)), "", "2026-01-23 12:51"),
    ],
    ids=["never", "only the day of its key", "a trip that is over", "a later day of its key", "pings", "an end",
         "older pings", "a word that is in no trip"],
)  # fmt: skip
def test_the_phone_was_last_heard_at_its_last_event_else_on_the_day_its_key_was_used(
    state: DriverState, day: str, words: str
) -> None:
    account = replace(BORIS, keys={"hook": replace(USED, last_used_on=day)})
    assert heard(account, state) == words


def test_of_a_user_with_whom_all_is_well_nothing_is_wrong() -> None:
    assert wrong(BORIS, QUIET, [CAR], NOW) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account": replace(BORIS, keys={})}, "no key, so nobody can call: add-key"),
        ({"account": replace(BORIS, keys={"full": Key("y", "full")})}, "no key for a phone: add-key --scope webhook"),
        (
            {"account": replace(BORIS, keys={"hook": Key("x", "webhook")}), "state": DriverState()},
            "the phone was never heard, its key is not used yet",
        ),
        (
            {"state": replace(DRIVING, drive=replace(GOING_ON, heard_at=at(-200)))},
            "a trip is going on and nothing was heard of it since 2026-01-23 09:40",
        ),
        (
            {"state": replace(QUIET, open={"car": OpenLog(pending_since=at(-40))})},
            "a trip waits for the odometer of car since 2026-01-23 12:20",
        ),
        (
            {"state": replace(QUIET, look_ups=LookUps(("a", "b"), failures=3, due_at=at(5)))},
            "the addresses of 2 trips were looked for in vain",
        ),
        ({"cars": []}, "no car: set-car"),
        (
            {"state": replace(QUIET, open={"car": OpenLog(failures=4, retry_at=at(10))})},
            "car: its cloud failed 4 times in a row, asked again from 2026-01-23 13:10",
        ),
        (
            {"state": replace(QUIET, open={"car": OpenLog(failures=1, retry_at=at(5))})},
            "car: its cloud failed once, asked again from 2026-01-23 13:05",
        ),
        ({"cars": [replace(CAR, provider="cartwheel")]},
         "car: its provider cartwheel is not offered, choose another one"),
        ({"cars": [replace(CAR, credentials_set_at={})]}, "car: credentials are missing: api_key"),
        (
            {"cars": [replace(CAR, login_refusals=2)]},
            "car: its login was refused twice, it is not asked until the credentials are set again",
        ),
        ({"cars": [replace(CAR, login_refusals=1)]}, "car: its login was refused once"),
        (
            {"state": replace(QUIET, asking=Asking(windows={"car skoda": Window(at(30), 20)}))},
            "car: its budget of requests is used up until 2026-01-23 13:30",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words_and_nothing_else(change: dict[str, Any], words: str) -> None:
    found = {"account": BORIS, "state": QUIET, "cars": [CAR], **change}
    assert wrong(found["account"], found["state"], found["cars"], NOW) == [words]


# --- from the store ------------------------------------------------------------------------------------------------


def test_a_user_is_shown_with_phone_trip_and_cars(operator: Operator, driver: Driver) -> None:
    driver.call("PUT", "/cars/second", json={"provider": "simulated", "name": "Second"})
    told = operator.call("show-user", driver.email).splitlines()
    assert told[:5] == [
        f"user: {driver.email}, Europe/Amsterdam",
        "phone: last heard never",
        "trip: none is going on",
        "car car (default): simulated, never read",
        "car second: simulated, Second, never read",
    ]
    assert set(told[5:]) == {
        "wrong: the phone was never heard, its key is not used yet",
        "wrong: second: credentials are missing: token",
    }
    assert driver.call("POST", "/webhook/start", key=driver.webhook_key, json={}).status_code == 200
    driver.wait_read(12345.0)
    told = operator.call("show-user", driver.email)
    assert f"phone: last heard {datetime.now(UTC):%Y-%m}" in told
    assert "trip: going on since " in told
    assert ", last read " in told
    assert ": 12345 km" in told
    assert "never heard" not in told


def test_a_car_whose_newest_odometer_was_read_by_eye_was_read_when_it_was(operator: Operator, driver: Driver) -> None:
    driver.phone("start", ago(40), UTRECHT)
    driver.wait_read(12345.0)
    driver.call("POST", "/cars/car/odometer", json={"odometer_km": 12350.0})
    assert ": 12345 km" in operator.call("show-user", driver.email)
    eye = driver.stack.driver()
    eye.call("POST", "/cars/car/odometer", json={"odometer_km": 12350.0})
    assert "by eye: 12350 km" in operator.call("show-user", eye.email)


def test_all_users_are_listed_each_in_a_line_with_what_is_wrong(operator: Operator, stack: Stack) -> None:
    drivers = [stack.driver(), stack.driver(car=False)]
    lines = {line.split()[0]: line for line in operator.call("list-users").splitlines()}
    assert "cars: car never read" in lines[drivers[0].email]
    assert "cars: no car" in lines[drivers[1].email]
    assert "no car: set-car" in lines[drivers[1].email]
    assert all("phone: never" in lines[driver.email] for driver in drivers)


def test_a_list_goes_on_page_by_page_to_its_end(stack: Stack) -> None:
    own = Stack(stack.data)
    users = AccountRepository(own.db)
    emails = sorted(f"{secrets.token_hex(4)}@example.com" for _ in range(7))
    for email in emails:
        users.save(Account(email, name="N", timezone="UTC", default_car_id="car", keys={"hook": USED}))
    for users_a_page in (1, 3, 7, 8):
        pages = list(users.pages(users_a_page))
        assert [account.email for page in pages for account in page] == emails
        assert max(map(len, pages)) <= users_a_page
    first = pages[0][0]
    assert (first.name, first.timezone, first.keys, first.log_version) == ("N", "UTC", {"hook": USED}, LOG_VERSION)


@pytest.mark.parametrize("call", [("list-users",), ("show-user", "{email}")])
def test_it_reads_a_few_documents_of_a_user_however_long_the_log_is(
    stack: Stack, call: tuple[str, ...], full_log: Callable[[Driver, int], None]
) -> None:
    own = Stack(stack.data)
    own.cloud_url = stack.cloud_url
    driver, read = own.driver(), list[int]()
    with metering.metered({"GOOGLE_CLOUD_PROJECT": own.project}) as meter:
        for days in (1, 40):
            full_log(driver, days)
            meter.reset()
            assert main([word.format(email=driver.email) for word in call]) == 0
            read.append(meter.read)
    # The look at the store, the user (and the end of the list), state, cars, readings.
    assert read[1] <= 8
    assert read[1] - read[0] <= 2


@pytest.fixture
def full_log() -> Callable[[Driver, int], None]:
    """Fills a log with readings of so many days."""

    def fill(driver: Driver, days: int) -> None:
        batch = driver.stack.db.batch()
        for n in range(days):
            reading = reading_fields("car", Reading(ago(1440 * n), 1000.0 - n), ago(0))
            batch.set(driver.stack.db.document(f"users/{driver.email}/odometer_readings/{n}"), reading)
            batch.set(driver.stack.db.document(f"users/{driver.email}/trips/{n}"), {"started_at": ago(1440 * n)})
        batch.commit()

    return fill


# --- logs of an earlier version ------------------------------------------------------------------------------------

OLD = "anna@example.com"
SENTENCE = f"The log of {OLD} was kept by an earlier version: first run `python -m tools.admin upgrade {OLD}`."


def an_account(db: firestore.Client) -> None:
    old = account_document(Account(OLD, keys={"hook": USED}))
    del old["log_version"]
    db.document(f"users/{OLD}").set(old)


def a_state(db: firestore.Client) -> None:
    AccountRepository(db).save(Account(OLD, keys={"hook": USED}))
    db.document(f"users/{OLD}/cache/trip_start").set({"active": False, "next_poll_at": None})


@pytest.mark.parametrize("kept", [an_account, a_state])
def test_a_log_of_an_earlier_version_is_named_in_one_sentence_and_hides_no_other(
    operator: Operator, stack: Stack, kept: Callable[[firestore.Client], None]
) -> None:
    own = Stack(stack.data)
    own.cloud_url = stack.cloud_url
    kept(own.db)
    other = own.driver()
    assert operator.refused("show-user", OLD, GOOGLE_CLOUD_PROJECT=own.project) == SENTENCE
    listed, why = operator.stopped("list-users", GOOGLE_CLOUD_PROJECT=own.project)
    assert why == SENTENCE
    first, second, count = listed.splitlines()
    assert (first, count) == (f"{OLD}  wrong: {SENTENCE}", "2 users")
    assert second.startswith(f"{other.email}  phone: never")


@pytest.mark.parametrize(
    "call",
    [
        "add-key {} --scope webhook",
        "list-keys {}",
        "revoke-key {} hook",
        "set-car {} car --provider simulated",
        "add-place {} Home 52.0 5.0",
    ],
)
def test_nothing_is_changed_or_told_of_an_account_of_an_earlier_version(
    operator: Operator, stack: Stack, call: str
) -> None:
    own = Stack(stack.data)
    an_account(own.db)
    assert operator.refused(*call.format(OLD).split(), GOOGLE_CLOUD_PROJECT=own.project) == SENTENCE
