"""A driver of the demo goes on from whatever a former run left: a half set-up, half a drive, a full day."""

import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore
from tests.system.fixtures import Stack, ago
from tools.local.demo import ROOT, _next_steps, _play
from tools.local.driver import DayFull, Driver
from tools.local.drives import LASTS, UTRECHT
from tools.local.processes import environment

New = Callable[[], Driver]


class BrokenOff(Exception):
    """Somebody pressed Ctrl-C."""


@pytest.fixture
def new(stack: Stack) -> Iterator[New]:
    """Makes the same driver again, as each run of the demo does."""
    name, settings = f"D{secrets.token_hex(4)}", stack.operator_env()
    with environment(settings):
        client.cache_clear()
        yield lambda: Driver(name, UTRECHT, 20_000.0, settings)
        client.cache_clear()
    stack.db.document(f"users/{name.lower()}@example.com/cache/trip_start").delete()


def run(new: New) -> Driver:
    """One run of the demo to its end."""
    driver = new()
    driver.set_up()
    driver.plan()
    driver.drive(lambda: None)
    return driver


def breaking_off(steps: int) -> Callable[[], None]:
    left = [steps]

    def advance() -> None:
        left[0] -= 1
        if left[0] == 0:
            raise BrokenOff

    return advance


def broken_off(new: New, steps: int) -> Driver:
    """A run that ends after so many steps of the drive."""
    driver = new()
    driver.set_up()
    driver.plan()
    with pytest.raises(BrokenOff):
        driver.drive(breaking_off(steps))
    return driver


def ends(trip: dict[str, Any]) -> tuple[str, str]:
    return trip["from"]["place"], trip["to"]["place"]


# --- setting up ----------------------------------------------------------------------------------------------------


def nothing(driver: Driver, store: UserStore) -> None:
    pass


def a_car_without_credentials(driver: Driver, store: UserStore) -> None:
    driver._send("PUT", "/cars/car", provider="simulated", vin=driver.vin)


def a_car_whose_login_was_refused(driver: Driver, store: UserStore) -> None:
    store.cars.save(Car("car", "simulated", vin=driver.vin, login_refusals=2), {"token": "wrong"})


def another_car_in_its_place(driver: Driver, store: UserStore) -> None:
    driver._send("PUT", "/cars/other", provider="simulated", vin="OTHER")
    driver._send("PUT", "/cars/car", provider="skoda", vin="TMBAAAAA000000001")


def a_car_and_no_place(driver: Driver, store: UserStore) -> None:
    a_car_without_credentials(driver, store)
    driver._send("PUT", "/cars/car/credentials", token="t")


def one_place(driver: Driver, store: UserStore) -> None:
    a_car_and_no_place(driver, store)
    lat, lng = UTRECHT.corners[0]
    driver._send("POST", "/locations", name="Home", lat=lat, lng=lng, radius_m=300)


def everything(driver: Driver, store: UserStore) -> None:
    driver.set_up()


@pytest.mark.parametrize(
    "left",
    [
        nothing,
        a_car_without_credentials,
        a_car_whose_login_was_refused,
        another_car_in_its_place,
        a_car_and_no_place,
        one_place,
        everything,
    ],
)
def test_setting_up_goes_on_from_what_is_there(
    new: New, stack: Stack, left: Callable[[Driver, UserStore], None]
) -> None:
    former = new()
    left(former, UserStore(stack.db, former.email))
    driver = new()
    driver.set_up()
    car = next(one for one in driver.get("/cars")["cars"] if one["id"] == "car")
    assert (car["provider"], car["vin"], car["stopped"]) == ("simulated", driver.vin, None)
    assert [one["set_at"] is not None for one in car["credentials"] if one["needed"]] == [True]
    assert sorted(place["name"] for place in driver.get("/locations")["locations"]) == ["Home", "Work"]


def test_a_user_without_a_key_gets_one_and_the_key_of_a_former_run_makes_room(new: New, stack: Stack) -> None:
    users = AccountRepository(stack.db)
    first = new()
    users.save(replace(users.find(first.email) or Account(first.email), keys={}))
    second, third = new(), new()
    assert second.key != third.key
    assert third.get("/cars") == {"cars": [], "providers": third.get("/cars")["providers"]}
    account = users.find(first.email)
    assert account
    assert sorted((key.label, key.scope) for key in account.keys.values()) == [("demo", "full"), ("demo", "webhook")]


# --- driving -------------------------------------------------------------------------------------------------------


def test_each_drive_goes_on_where_the_one_before_ended(new: New) -> None:
    runs = []
    for _ in range(3):
        runs.append(run(new))
        assert runs[-1].is_right()
    trips = runs[-1].get("/trips?limit=10")["trips"][::-1]
    assert [ends(trip) for trip in trips] == [("Home", "Work"), ("Work", "Home"), ("Home", "Work")]
    odometers = [(trip["start_odometer_km"], trip["end_odometer_km"]) for trip in trips]
    assert odometers == [(20000.0, 20011.1), (20011.1, 20022.2), (20022.2, 20033.3)]
    assert [trip["gap_before_km"] for trip in trips] == [0.0] * 3
    assert runs[-1].get("/compare")["closed"] is True


@pytest.mark.parametrize("steps", [1, 30, 54])
def test_a_drive_that_was_broken_off_is_driven_to_its_end(new: New, steps: int) -> None:
    before = broken_off(new, steps)
    driver = run(new)
    assert driver.samples == before.samples
    assert driver.is_right()
    assert ends(driver.new_trips()[0]) == ("Home", "Work")
    again = run(new)
    assert again.is_right()
    assert ends(again.new_trips()[0]) == ("Work", "Home")


def test_a_trip_that_somebody_tried_meanwhile_is_dropped(new: New) -> None:
    driver = new()
    driver.set_up()
    driver._send("POST", "/webhook/start", lat=53.2, lng=6.5, timestamp=ago(60 * 22).isoformat())
    driver._send("POST", "/webhook/start", lat=53.3, lng=6.6, timestamp=ago(60 * 21).isoformat())
    driver = run(new)
    assert driver.is_right(), (driver.new_trips(), driver.odometer_km, driver.gap_km)
    assert driver.samples[0].at > ago(60 * 21)


def test_a_drive_of_yesterday_that_was_broken_off_is_dropped_and_the_odometer_does_not_fall(
    new: New, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(new)
    broken_off(new, 30)
    monkeypatch.setattr("tools.local.driver.OLDEST_RESUMED", timedelta(0))
    driver = run(new)
    assert driver.is_right()
    assert driver.odometer_km >= 20011.1
    assert ends(driver.new_trips()[0]) == ("Work", "Home")


def log_one(driver: Driver, ended_at: datetime) -> None:
    begin, end = ended_at - timedelta(minutes=10), ended_at
    body = {"from": {"lat": 52.0, "lng": 5.0}, "to": {"lat": 52.1, "lng": 5.1}, "distance_km": 10}
    driver._send("POST", "/trips", started_at=begin.isoformat(), ended_at=end.isoformat(), **body)


def test_a_drive_fits_after_the_last_trip_until_the_day_is_full(new: New) -> None:
    driver = new()
    driver.set_up()
    fits = datetime.now(UTC).replace(microsecond=0) - LASTS - timedelta(minutes=7)
    for ended_at, begins_at in ((ago(60 * 24 * 5), None), (ago(60 * 10), ago(60 * 10 - 6)), (fits, None)):
        log_one(driver, ended_at)
        driver.plan()
        begin = driver.samples[0].at
        assert begin + LASTS <= datetime.now(UTC)
        assert begin > ago(60 * 23 + 1)
        assert begins_at is None or abs(begin - begins_at) < timedelta(seconds=2)
    log_one(driver, datetime.now(UTC) - LASTS)
    with pytest.raises(DayFull, match=r"full of drives: the next one fits from [0-9:]+ on"):
        driver.plan()


def test_a_full_day_is_said_in_a_sentence_and_nobody_drives(new: New, capsys: pytest.CaptureFixture[str]) -> None:
    driver = new()
    driver.set_up()
    log_one(driver, datetime.now(UTC) - LASTS)
    assert _play(Console(width=200), [driver]) is False
    assert "full of drives" in capsys.readouterr().out
    assert len(driver.get("/trips")["trips"]) == 1


def test_where_phones_reach_the_stack_already_they_are_told_no_host(new: New, stack: Stack, tmp_path: Path) -> None:
    env = {**stack.operator_env(), "WEBHOOK_START_URL": "http://192.168.1.20:8080/webhook/start"}
    told = "\n".join(_next_steps(new(), env, tmp_path / "data"))
    assert "--host" not in told
    assert f"source {tmp_path}/data/env && .venv/bin/python -m tools.admin add-key" in told


def test_the_default_folder_is_named_as_it_is_typed_at_the_projects_root(new: New, stack: Stack) -> None:
    told = "\n".join(_next_steps(new(), stack.operator_env(), ROOT / ".local"))
    assert "source .local/env && " in told
    assert "   ./run.sh --host ADDRESS" in told
