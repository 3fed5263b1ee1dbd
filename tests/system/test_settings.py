"""What a driver sets for himself, and his keys; and that nobody's change is lost beside another one's."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import FailedPrecondition
from msgspec.structs import replace

from shared.domain.driver import REMINDER_KINDS
from shared.repositories.accounts import AccountRepository
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_tenancy import MANUAL

HABITS = {
    "default_kind": "private",
    "private_days": [7, 6, 6],
    "business_hours": {"from": "08:00", "until": "18:30"},
}


def shown(driver: Driver) -> dict[str, Any]:
    told: dict[str, Any] = driver.call("GET", "/settings").json()
    return told


def keys(driver: Driver) -> dict[str, dict[str, Any]]:
    return {key["id"]: key for key in driver.call("GET", "/settings/keys").json()["keys"]}


def test_a_new_driver_has_settings(driver: Driver) -> None:
    assert shown(driver) == {
        "user": driver.email,
        "name": "",
        "timezone": "Europe/Amsterdam",
        "language": "nl",
        "default_car_id": "car",
        "default_kind": "unclassified",
        "private_days": [],
        "business_hours": None,
        "reminders": dict.fromkeys(REMINDER_KINDS, True),
    }


def test_settings_are_changed_one_by_one_and_stay(driver: Driver) -> None:
    before = shown(driver)
    for name, value in {"name": " Boris ", "language": "en", "timezone": "America/New_York", **HABITS}.items():
        assert driver.call("PATCH", "/settings", json={name: value}).status_code == 200
    expected = {**before, **HABITS, "name": "Boris", "language": "en", "timezone": "America/New_York"}
    assert shown(driver) == {**expected, "private_days": [6, 7]}
    assert driver.call("PATCH", "/settings", json={"business_hours": None}).json()["business_hours"] is None
    habits = AccountRepository(driver.stack.db).find(driver.email).habits  # type: ignore[union-attr]
    assert (habits.default_kind, habits.private_days, habits.business_hours) == ("private", (6, 7), None)


def test_each_kind_of_reminder_is_switched_off_and_on_by_itself(driver: Driver) -> None:
    for said, off in (({"gap": False}, {"gap"}), ({"weekly": False}, {"gap", "weekly"}), ({"gap": True}, {"weekly"})):
        told = driver.call("PATCH", "/settings", json={"reminders": said}).json()["reminders"]
        assert {kind for kind, is_on in told.items() if not is_on} == off
        assert list(told) == list(REMINDER_KINDS)
    assert driver.call("PATCH", "/settings", json={"reminders": {}}).json()["reminders"] == told
    assert shown(driver)["reminders"] == told


def test_another_time_zone_is_for_new_trips(driver: Driver) -> None:
    old = driver.call("POST", "/trips", json=MANUAL).json()
    driver.call("PATCH", "/settings", json={"timezone": "America/New_York"})
    assert driver.call("GET", f"/trips/{old['id']}").json() == old
    new = driver.call("POST", "/trips", json={**MANUAL, "started_at": "2026-01-23T02:30:00+01:00"}).json()
    assert (new["date"], new["started_at"][-6:]) == ("2026-01-22", "-05:00")


def test_the_default_car_is_one_of_the_drivers(driver: Driver) -> None:
    response = driver.call("PATCH", "/settings", json={"default_car_id": "second", "name": "Not kept"})
    assert (response.status_code, response.json()["field"]) == (400, "default_car_id")
    assert (shown(driver)["default_car_id"], shown(driver)["name"]) == ("car", "")
    driver.call("PUT", "/cars/second", json={"provider": "simulated"})
    told = driver.call("PATCH", "/settings", json={"default_car_id": "Second", "name": "Boris"}).json()
    assert (told["default_car_id"], told["name"]) == ("second", "Boris")
    assert driver.phone("start", ago(5), UTRECHT)["car_id"] == "second"


def test_a_car_that_is_deleted_while_it_is_made_the_default_is_not_the_default(driver: Driver) -> None:
    for n in range(4):
        driver.call("PUT", f"/cars/c{n}", json={"provider": "simulated"})
        with ThreadPoolExecutor(2) as pool:
            made = pool.submit(driver.call, "PATCH", "/settings", json={"default_car_id": f"c{n}"})
            gone = pool.submit(driver.call, "DELETE", f"/cars/c{n}")
        assert (made.result().status_code in (200, 400), gone.result().status_code) == (True, 204)
        assert shown(driver)["default_car_id"] == "car"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"name": None}, "name"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": "Europe"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "A" * 5000}, "timezone"),
        ({"language": "de"}, "language"),
        ({"default_car_id": None}, "default_car_id"),
        ({"default_car_id": "a b"}, "car_id"),
        ({"default_kind": "mixed"}, "default_kind"),
        ({"private_days": [0]}, "private_days"),
        ({"private_days": [8]}, "private_days"),
        ({"private_days": ["1"]}, "private_days"),
        ({"business_hours": {"from": "18:00", "until": "08:00"}}, "business_hours"),
        ({"business_hours": {"from": "8:00", "until": "18:00"}}, "business_hours"),
        ({"business_hours": {"from": "08:00", "until": "24:00"}}, "business_hours"),
        ({"business_hours": {"from": "08:00"}}, "business_hours"),
        ({"reminders": {"gap": 1}}, "reminders"),
        ({"reminders": {"gaps": True}}, "reminders"),
        ({"reminders": None}, "reminders"),
        ({"reminders": ["gap"]}, "reminders"),
        ({"email": "other@example.com"}, "email"),
        ({"keys": {}}, "keys"),
    ],
)
def test_a_bad_setting_is_refused_and_changes_nothing(driver: Driver, body: Any, field: str) -> None:
    before = shown(driver)
    response = driver.call("PATCH", "/settings", json={"language": "en", **body})
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert shown(driver) == before


@pytest.mark.parametrize("data", [b"{", b"[]", b"\xff\xfe", b"null", b"", b"[" * 60_000])
def test_a_body_that_is_no_object_is_refused(driver: Driver, data: bytes) -> None:
    for method, path in (("PATCH", "/settings"), ("POST", "/settings/keys")):
        assert driver.call(method, path, data=data).status_code == 400
        assert driver.call(method, path, data=b"{" + b" " * 65536 + b"}").status_code == 413


# --- keys ----------------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_is_good_for_its_scope(driver: Driver) -> None:
    made = driver.call("POST", "/settings/keys", json={"scope": "webhook", "label": "new phone"})
    assert made.status_code == 201, made.text
    told = made.json()
    key = told.pop("key")
    assert keys(driver)[told["id"]] == told
    assert (told["scope"], told["label"], told["last_used_on"]) == ("webhook", "new phone", None)
    assert key not in driver.call("GET", "/settings/keys").text
    assert driver.call("GET", "/settings", key=key).status_code == 403
    assert driver.call("POST", "/webhook/start", key=key).status_code == 200
    assert keys(driver)[told["id"]]["last_used_on"] == datetime.now(UTC).date().isoformat()
    full = driver.call("POST", "/settings/keys", json={"scope": "full"}).json()["key"]
    assert driver.call("GET", "/settings", key=full).status_code == 200
    account = driver.stack.db.document(f"users/{driver.email}").get().to_dict()
    assert key not in str(account)
    assert full not in str(account)
    assert key not in (driver.stack.data / "logs" / "functions.log").read_text()


def test_a_key_can_be_deleted_also_by_itself_but_not_the_last_full_one(driver: Driver) -> None:
    assert driver.call("DELETE", "/settings/keys/full").status_code == 409
    assert driver.call("DELETE", "/settings/keys/hook").status_code == 204
    assert driver.call("DELETE", "/settings/keys/hook").status_code == 404
    assert driver.call("POST", "/webhook/start", key=driver.webhook_key).status_code == 401
    second = driver.call("POST", "/settings/keys", json={"scope": "full"}).json()
    assert driver.call("DELETE", f"/settings/keys/{second['id']}", key=second["key"]).status_code == 204
    assert driver.call("GET", "/settings", key=second["key"]).status_code == 401
    assert set(keys(driver)) == {"full"}


def test_of_two_full_keys_deleted_at_once_one_stays(driver: Driver) -> None:
    second = driver.call("POST", "/settings/keys", json={"scope": "full"}).json()
    calls = [("full", second["key"]), (second["id"], driver.key)]
    with ThreadPoolExecutor(2) as pool:
        told = [
            done.status_code
            for done in pool.map(lambda c: driver.call("DELETE", f"/settings/keys/{c[0]}", key=c[1]), calls)
        ]
    # The one that comes second finds its own key gone, or the other one the last.
    assert sorted(told)[0] == 204
    assert sorted(told)[1] in (401, 409)


def test_a_driver_can_have_twenty_keys(driver: Driver) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = sorted(
            answer.status_code
            for answer in pool.map(
                lambda _: driver.call("POST", "/settings/keys", json={"scope": "webhook"}), range(20)
            )
        )
    assert told == [201] * 18 + [409] * 2
    assert len(keys(driver)) == 20


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "scope"),
        ({"scope": "root"}, "scope"),
        ({"scope": "full", "label": "x" * 41}, "label"),
        ({"scope": "webhook", "label": "Anna\nBram"}, "label"),
        ({"scope": "full", "label": 5}, "label"),
        ({"scope": "full", "sha256": "x"}, "sha256"),
    ],
)
def test_a_bad_key_is_refused_and_not_made(driver: Driver, body: Any, field: str) -> None:
    response = driver.call("POST", "/settings/keys", json=body)
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert set(keys(driver)) == {"full", "hook"}


def test_a_phones_key_is_called_phone_where_nothing_else_is_said(driver: Driver) -> None:
    bodies = ({"scope": "webhook"}, {"scope": "webhook", "label": " "}, {"scope": "webhook", "label": " Anna "})
    told = [driver.call("POST", "/settings/keys", json=body).json()["label"] for body in (*bodies, {"scope": "full"})]
    assert told == ["phone", "phone", "Anna", ""]


def test_another_users_keys_and_settings_are_out_of_reach(stack: Stack, driver: Driver) -> None:
    made = driver.call("POST", "/settings/keys", json={"scope": "webhook"}).json()
    other = stack.driver()
    assert other.call("DELETE", f"/settings/keys/{made['id']}").status_code == 404
    assert set(keys(other)) == {"full", "hook"}
    other.call("PATCH", "/settings", json={"name": "Tim"})
    assert shown(driver)["name"] == ""
    assert made["id"] in keys(driver)


# --- at once -------------------------------------------------------------------------------------------------------


def test_what_many_change_at_once_of_one_account_is_all_kept(driver: Driver) -> None:
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PATCH", "/settings", {"name": "Boris"}),
        ("PATCH", "/settings", {"language": "en"}),
        ("PATCH", "/settings", {"private_days": [7]}),
        ("PATCH", "/settings", {"default_kind": "business"}),
        ("PUT", "/cars/second", {"provider": "simulated", "default": True}),
        *[("POST", "/settings/keys", {"scope": "webhook", "label": f"key {n}"}) for n in range(5)],
    ]
    with ThreadPoolExecutor(12) as pool:
        told = [pool.submit(driver.call, method, path, json=body) for method, path, body in calls]
        # The first use of a key on a day writes the account as well.
        used = pool.submit(driver.call, "POST", "/webhook/start", key=driver.webhook_key)
        assert {done.result().status_code for done in told} == {200, 201}
        assert used.result().status_code == 200
    now = shown(driver)
    assert (now["name"], now["language"], now["private_days"], now["default_kind"], now["default_car_id"]) == (
        "Boris", "en", [7], "business", "second",
    )  # fmt: skip
    assert len(keys(driver)) == 7


def test_a_key_that_is_revoked_does_not_come_back_by_its_last_use(stack: Stack, driver: Driver) -> None:
    users = AccountRepository(stack.db)
    read = users._stored(driver.email)
    assert read
    users.change(driver.email, lambda account: replace(account, keys={"full": account.keys["full"]}))
    with pytest.raises(FailedPrecondition):
        users._with_use_noted(read, "hook", read.value.keys["hook"])
    assert users.proven(driver.email, driver.webhook_key) is None
    found = users.find(driver.email)
    assert found
    assert set(found.keys) == {"full"}
