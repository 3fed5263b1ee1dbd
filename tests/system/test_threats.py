"""What a stranger, another driver or a crafted request might try at the door; docs/threat-model.md says why."""

import io
import json
import logging
import socket
import sys
from base64 import urlsafe_b64encode
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from shared import logs
from shared.domain.driver import EMAIL
from shared.handlers.cursors import cursor_of
from shared.handlers.http import MOST_BYTES
from shared.repositories.accounts import hash_key, new_key
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_budgets import Metered, metered  # noqa: F401 - a fixture
from tests.system.test_tenancy import CALLS, MANUAL, OTHERS, WEBHOOKS
from tools.measure.metering import Functions

# What takes more than others reads it once the key is proven: a stranger is told that before it is there.
LARGE = [(call.method, call.address) for call in CALLS if call.most_bytes > MOST_BYTES]
BODIES = [(method, path) for method, path in OTHERS + WEBHOOKS if method in ("POST", "PUT", "PATCH")]
LONG = "x" * 10_000
MADE_UP = ("..", ".", "../settings", "%2e%2e", "a%2Fb", "a/b", "%60", "a.b", "__a__", "%00", LONG, "%F0%9F%92%A5")


# --- what is sent back


@pytest.mark.parametrize("path", ["/trips", "/trips/active", "/stats", "/cars", "/settings/keys", "/nothing"])
def test_no_answer_is_kept_or_guessed_at_or_tells_where_it_was(driver: Driver, path: str) -> None:
    for key in (driver.key, driver.webhook_key, "wrong"):
        headers = driver.call("GET", path, key=key).headers
        assert headers["Content-Type"].split("+")[-1].split("/")[-1] == "json" or path == "/nothing"
        if path != "/nothing":  # which is of no function, but of the local server
            wanted = {
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            }
            assert wanted.items() <= dict(headers).items()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST", "HEAD"])
def test_no_page_of_somebody_else_may_read_an_answer(driver: Driver, method: str) -> None:
    asked = {
        "Origin": "https://elsewhere.example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
        "Authorization": f"Bearer {driver.key}",
    }
    answer = requests.request(method, f"{driver.stack.url}/trips", headers=asked, timeout=30)
    assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []
    assert answer.headers.get("Set-Cookie") is None
    assert answer.status_code == {"OPTIONS": 405, "POST": 400}.get(method, 200)
    assert (answer.content == b"") == (method == "HEAD")


@pytest.mark.parametrize("sent", [{LONG: 1}, {"kind": LONG}, {"notes": LONG}, {"<script>alert(1)</script>": 1}])
def test_an_error_repeats_little_of_what_was_sent_and_as_json_alone(driver: Driver, sent: Any) -> None:
    answer = driver.call("POST", "/trips", json=sent)
    assert answer.status_code == 400
    assert len(answer.content) < 1000
    assert answer.headers["Content-Type"] == "application/problem+json"


# --- what is sent in


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_nobody_makes_the_server_keep_a_large_body_in_memory(stack: Stack, method: str, path: str) -> None:
    """A stranger announces ten million bytes, or sends without end; he is told so before they are there."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    for how, body in (("Content-Length: 10000000", b""), ("Transfer-Encoding: chunked", b"20000\r\n" + b"x" * 0x20000)):
        with socket.create_connection(("127.0.0.1", stack.port), timeout=20) as connection:
            connection.sendall(f"{head}{how}\r\n\r\n".encode() + body)
            told = b"401" if (method, path) in LARGE and "chunked" in how else b"413"
            assert connection.recv(12) == b"HTTP/1.1 " + told


def test_a_form_of_too_many_parts_is_refused(driver: Driver) -> None:
    parts = b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n" * 1200 + b"--b--\r\n"
    assert len(parts) < 65_536
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Authorization": f"Bearer {driver.key}"}
    url = f"{driver.stack.url}/webhook/start"
    assert requests.post(url, data=parts, headers=headers, timeout=30).status_code == 413
    assert driver.active() == {}


@pytest.mark.parametrize("bomb", [b"[" * 65_000, b'{"a":' * 13_000, b'{"from":{"lat":' + b"[" * 60_000, b"1" * 65_000])
@pytest.mark.parametrize(("method", "path"), BODIES)
def test_a_body_that_is_nested_without_end_is_refused(driver: Driver, method: str, path: str, bomb: bytes) -> None:
    key = driver.webhook_key if path.startswith("/webhook") else driver.key
    taken = (405, 404) if path in ("/trips/some-id", "/locations/some-id", "/locations/some-id/apply") else ()
    ignoring = ("/cars/car/test",)
    status = driver.call(method, path, key=key, data=bomb).status_code
    assert status == 400 or status in taken or path in ignoring, status


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        *(("PATCH", "/trips/{trip}", {name: value}) for name, value in {
            "id": "20260101T000000Z-aaaaaa", "user": "other@example.com", "created_at": "2020-01-01T00:00:00Z",
            "source": "automatic", "distance_source": "odometer", "flags": [], "gap_before_km": 0, "year": 2020,
        }.items()),
        *(("POST", "/trips", {**MANUAL, name: value}) for name, value in {
            "id": "20260101T000000Z-aaaaaa", "user": "other@example.com", "source": "automatic", "flags": [],
        }.items()),
        *(("PUT", "/cars/car", {"provider": "simulated", name: value}) for name, value in {
            "id": "other", "login_refusals": 0, "credentials_set_at": {}, "user": "other@example.com",
        }.items()),
        *(("PATCH", "/settings", {name: value}) for name, value in {
            "email": "other@example.com", "keys": {}, "key_hashes": [], "user": "other@example.com", "scope": "full",
        }.items()),
        *(("POST", "/settings/keys", {"scope": "full", name: value}) for name, value in {
            "sha256": "0" * 64, "id": "full", "key": "mine", "user": "other@example.com",
        }.items()),
        *(("POST", "/locations", {"name": "x", "lat": 52, "lng": 5, name: value}) for name, value in {
            "id": "x", "shared": True, "user": "other@example.com",
        }.items()),
        ("POST", "/cars/car/odometer", {"odometer_km": 12400, "source": "car"}),
        ("POST", "/cars/car/odometer", {"odometer_km": 12400, "car_id": "other"}),
    ],
    ids=lambda value: next(reversed(value)) if isinstance(value, dict) else None,
)  # fmt: skip
def test_what_is_not_for_the_caller_to_set_is_refused(driver: Driver, method: str, path: str, more: Any) -> None:
    trip = driver.call("POST", "/trips", json=MANUAL).json()
    answer = driver.call(method, path.format(trip=trip["id"]), json=more)
    assert answer.status_code == 400, answer.text
    assert driver.call("GET", f"/trips/{trip['id']}").json() == trip


def test_a_revision_is_compared_and_never_set(driver: Driver) -> None:
    trip = driver.call("POST", "/trips", json=MANUAL).json()
    path = f"/trips/{trip['id']}"
    assert driver.call("PATCH", path, json={"notes": "x", "revision": 7}).status_code == 409
    assert driver.call("PATCH", path, json={"notes": "x", "revision": 1}).json()["revision"] == 2


def test_a_message_of_a_phone_is_about_its_own_driver_whoever_it_names(stack: Stack, driver: Driver) -> None:
    other = stack.driver()
    for body in ({"user": other.email}, {"email": other.email}, {"user": other.email, "key": other.key}):
        told = requests.post(
            f"{stack.url}/webhook/start",
            json=body,
            headers={"Authorization": f"Bearer {driver.webhook_key}"},
            timeout=30,
        )
        assert (told.status_code, told.json()["user"]) == (200, driver.email)
    assert other.active() == {}


def test_an_answer_to_a_webhook_key_has_no_place_in_it(driver: Driver) -> None:
    driver.add_place(*UTRECHT, "private")
    for event, minutes in (("start", 30), ("start", 20), ("end", 5), ("end", 4)):
        body = {"lat": UTRECHT[0], "lng": UTRECHT[1], "timestamp": ago(minutes).isoformat()}
        answer = driver.call("POST", f"/webhook/{event}", key=driver.webhook_key, json=body)
        assert set(answer.json()) <= {"status", "reason", "user", "car_id", "started_at", "ended_at", "message"}
        assert "A private place" not in answer.text


# --- ids, cursors, names


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/trips/{}"), ("DELETE", "/trips/{}"), ("PATCH", "/trips/{}"), ("PUT", "/cars/{}"),
        ("DELETE", "/cars/{}"), ("GET", "/cars/{}/data"), ("PUT", "/cars/{}/credentials"), ("PATCH", "/locations/{}"),
        ("DELETE", "/locations/{}"), ("POST", "/locations/{}/apply"), ("DELETE", "/settings/keys/{}"),
    ],
)  # fmt: skip
def test_an_id_leads_nowhere_but_to_what_is_the_callers(driver: Driver, method: str, path: str) -> None:
    headers = {"Authorization": f"Bearer {driver.key}", "Content-Type": "application/json"}
    for made in MADE_UP:
        # Not by requests, which would tidy the path up.
        connection = HTTPConnection("127.0.0.1", driver.stack.port, timeout=30)
        connection.request(method, path.format(made), '{"provider": "simulated"}', headers)
        assert connection.getresponse().status in (400, 404, 405), made
        connection.close()
    assert set(driver.store.cars.list_cars()) == {"car"}


def test_a_cursor_moves_in_the_callers_own_log_alone(stack: Stack, driver: Driver) -> None:
    other = stack.driver()
    mine, his = (one.call("POST", "/trips", json=MANUAL).json() for one in (driver, other))
    trip = other.store.trips.find(his["id"])
    assert trip is not None
    cursor = cursor_of(trip.value)
    told = driver.call("GET", f"/trips?cursor={cursor}").json()["trips"]
    assert {one["user"] for one in told} <= {driver.email}
    assert driver.trips() == [mine]


@pytest.mark.parametrize("trip_id", ["", "x" * 2000, "../../x", "users/a@example.com", "é", "\x00"])
def test_a_cursor_that_was_made_up_is_refused(driver: Driver, trip_id: str) -> None:
    cursor = urlsafe_b64encode(f"2026-01-01T00:00:00+00:00 {trip_id}".encode()).decode()
    answer = driver.call("GET", f"/trips?cursor={cursor}")
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    "email",
    [
        "__a@example.com__",
        "a\x00@example.com",
        "a@\x1b[2J",
        "a/../b@example.com",
        "é" * 64 + "@" + "💥" * 190,
        "@",
        "a@b@c",
    ],
)
def test_an_email_that_no_document_could_have_is_a_stranger(stack: Stack, driver: Driver, email: str) -> None:
    query = {"user": email, "key": driver.key}
    assert requests.get(f"{stack.url}/stats", params=query, timeout=30).status_code == 401


@pytest.mark.parametrize("key", ["x" * 7000, "\x00", "é💥", "' OR 1=1", "null", " ", hash_key("x")])
def test_a_key_may_be_anything_and_opens_nothing(stack: Stack, driver: Driver, key: str) -> None:
    for query in ({"key": key}, {"key": key, "user": driver.email}):
        assert requests.get(f"{stack.url}/stats", params=query, timeout=30).status_code == 401


def test_the_hash_of_a_key_that_somebody_read_in_the_store_opens_nothing(stack: Stack, driver: Driver) -> None:
    for key in (hash_key(driver.key), hash_key(driver.webhook_key)):
        assert driver.call("GET", "/stats", key=key).status_code == 401


def test_an_email_that_is_registered_costs_a_guesser_what_any_other_does(metered: Metered) -> None:  # noqa: F811
    functions = Functions()

    def cost(email: str) -> tuple[int, int]:
        metered.meter.reset()
        headers = {"Authorization": f"Bearer {new_key()}", "X-User-Email": email}
        assert functions.call("stats", "GET", "/", headers=headers).status_code == 401
        return metered.meter.read + metered.meter.missing, metered.meter.changed

    assert cost(metered.driver.email) == cost("nobody@example.com") == (1, 0)


# --- the log


def test_a_log_line_stays_one_line_and_says_who_wrote_it(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logging.getLogger("mileage"), "handlers", [])
    monkeypatch.setattr(sys, "stdout", written)
    logs.configure()
    forged = 'x\n{"severity": "CRITICAL", "message": "all keys revoked"}\r\n\x1b[2J\u2028'
    logs.log().warning("car not read: %s", forged, extra={"user": forged})
    (line,) = written.getvalue().splitlines()
    told = json.loads(line)
    assert (told["severity"], told["user"]) == ("WARNING", forged)
    assert line.isascii()
    assert line.isprintable()


# --- who may be registered


@pytest.mark.parametrize("email", ["a@b", "boris@example.com", "o'brien+log@example.com"])
def test_ordinary_emails_are_taken(email: str) -> None:
    assert EMAIL.fullmatch(email)


def test_a_trip_that_was_changed_by_hand_says_so_by_its_revision_and_the_cars_readings_stay(driver: Driver) -> None:
    driver.phone("start", ago(30))
    driver.wait_read(12345.0)
    driver.set_car(odometer_km=12357.4, measured_at=ago(4).isoformat(), state="parked")
    driver.phone("end", ago(5))
    (trip,) = driver.wait_trips(1)
    before = driver.call("GET", "/compare").json()["odometer_readings"]
    change = {"start_odometer_km": 12345.0, "end_odometer_km": 12400.0}
    changed = driver.call("PATCH", f"/trips/{trip['id']}", json=change).json()
    assert (changed["revision"], changed["distance_km"]) == (trip["revision"] + 1, 55.0)
    told = driver.call("GET", "/compare").json()
    assert told["odometer_readings"] == before
    # What they typed is shown, and the odometer keeps what the car said: the rest is a contradiction that all can see.
    assert (changed["end_odometer_km"], changed["excess_km"], changed["flags"]) == (12357.4, 42.6, ["contradicted"])
    assert (told["comparison"]["difference_km"], told["closed"]) == (0.0, False)
    assert any("42.6 km more than the odometer" in warning for warning in told["warnings"])
