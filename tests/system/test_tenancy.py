"""No call shows or changes what belongs to somebody else."""

from typing import get_args

import pytest
import requests

from shared.domain.driver import Scope
from tests.calls import Call, all_calls
from tests.system.fixtures import UTRECHT, Driver, Stack, ago

CALLS = [call for call in all_calls() if call.function.is_public]
OTHERS = [(call.method, call.address) for call in CALLS if call.scope != "webhook"]
WEBHOOKS = [(call.method, call.address) for call in CALLS if call.scope == "webhook"]
MANUAL = {
    "started_at": "2026-01-23T08:12:00+01:00",
    "ended_at": "2026-01-23T08:41:00+01:00",
    "from": {"address": "Dorpsstraat 1, Utrecht"},
    "to": {"address": "Havenweg 2, Breda"},
    "distance_km": 22.4,
}


def test_each_call_of_a_public_function_wants_a_key_and_iam_guards_the_others() -> None:
    assert [call for call in CALLS if call.scope is None] == []
    assert len(CALLS) > 25
    assert {call.scope for call in all_calls() if not call.function.is_public} == {None}


@pytest.mark.parametrize(("method", "path"), OTHERS + WEBHOOKS)
def test_whoever_has_no_right_key_learns_nothing(stack: Stack, driver: Driver, method: str, path: str) -> None:
    other = stack.driver()
    callers = [
        ({}, {}),
        ({"Authorization": "Bearer wrong"}, {"user": driver.email}),
        ({"Authorization": f"Bearer {other.key}"}, {"user": driver.email}),
        ({"Authorization": f"Bearer {driver.key}"}, {"user": "nobody@example.com"}),
        ({"X-User-Email": driver.email}, {}),
        ({}, {"user": driver.email, "key": other.webhook_key}),
        ({"Authorization": f"Bearer {driver.key}"}, {"user": "a/b@example.com"}),
    ]
    answers = [
        requests.request(method, f"{stack.url}{path}", headers=headers, params=query, timeout=30)
        for headers, query in callers
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert driver.active() == {}


def good_for(call: Call) -> set[Scope]:
    """The scopes of which a key is good for a call. The routes are held against this, and are not where it is from."""
    if call.function.name.startswith("webhook_"):
        return {"webhook", "full"}
    if (call.method, call.path) == ("POST", "/cars/<car_id>/odometer"):
        return {"reading", "full"}
    return {"read", "full"} if call.method == "GET" and call.function.name not in ("cars", "settings") else {"full"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_a_key_may_do_what_its_scope_is_for_and_nothing_else(driver: Driver, call: Call) -> None:
    by_scope = {scope: driver.new_key(scope) for scope in get_args(Scope)}
    told = {scope: driver.call(call.method, call.address, key=key) for scope, key in by_scope.items()}
    assert {scope for scope, answer in told.items() if answer.status_code != 403} == good_for(call)
    refused = [answer.json()["detail"] for answer in told.values() if answer.status_code == 403]
    assert len(set(refused)) == len(refused)
    assert {answer.status_code for answer in told.values()} & {401, 500} == set()


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_a_webhook_key_can_only_start_and_end_trips(driver: Driver, method: str, path: str) -> None:
    assert driver.call(method, path, key=driver.webhook_key).status_code == 403


@pytest.mark.parametrize("path", [path for _, path in WEBHOOKS])
def test_a_webhook_key_may_start_and_end_trips(driver: Driver, path: str) -> None:
    assert driver.call("POST", path, key=driver.webhook_key).status_code == 200


def test_a_key_alone_names_its_owner_and_an_email_is_compared_without_case(stack: Stack, driver: Driver) -> None:
    by_key = requests.get(f"{stack.url}/stats", params={"key": driver.key}, timeout=30).json()
    upper = {"user": driver.email.upper(), "key": driver.key}
    assert by_key["user"] == driver.email
    assert requests.get(f"{stack.url}/stats", params=upper, timeout=30).json()["user"] == driver.email


def test_a_revoked_key_is_worth_nothing(stack: Stack, driver: Driver) -> None:
    assert driver.call("GET", "/stats").status_code == 200
    stack.admin("revoke-key", driver.email, "full")
    assert driver.call("GET", "/stats").status_code == 401


def test_another_users_trip_cannot_be_seen_or_changed(stack: Stack, driver: Driver) -> None:
    trip = driver.call("POST", "/trips", json=MANUAL).json()
    other = stack.driver()
    path = f"/trips/{trip['id']}"
    assert other.call("GET", path).status_code == 404
    assert other.call("PATCH", path, json={"notes": "mine"}).status_code == 404
    assert other.call("DELETE", path).status_code == 404
    assert driver.call("GET", path).json() == trip
    assert other.trips() == []


def odometers(driver: Driver) -> set[float]:
    """What the comparison shows as read from their car."""
    return {reading["odometer_km"] for reading in driver.call("GET", "/compare").json()["odometer_readings"]}


def test_two_drivers_at_the_same_time_never_meet(stack: Stack) -> None:
    boris, tim = stack.driver(), stack.driver()
    tim.set_car(odometer_km=800.0, measured_at=ago(600))
    boris.phone("start", ago(30), UTRECHT)
    assert tim.active() == {}
    assert tim.phone("end", ago(20))["status"] == "end_noted"
    tim.phone("start", ago(15), (51.4, 5.4))
    assert boris.active()["points"] == 1
    assert tim.call("DELETE", "/trips/active").status_code == 204
    assert boris.active()["user"] == boris.email
    boris.set_car(odometer_km=12360.0, measured_at=ago(1), state="driving")
    boris.wait_read(12360.0)
    assert 12360.0 in odometers(boris)
    assert odometers(tim) <= {800.0}  # their own car's, if a poll was there before they dropped their trip
