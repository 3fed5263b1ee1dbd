"""All that is a user's goes into one file and comes back from it, to the last field, also under another e-mail."""

import json
import re
import secrets
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.domain.fitting import Unfit
from shared.domain.log.drive import Heard
from shared.domain.reminding.told import Told
from shared.formats.user_file import read_user_file
from shared.repositories.accounts import AccountRepository, hash_key
from shared.repositories.reminders import ReminderRepository
from shared.repositories.user_store import shard_of
from shared.repositories.whole import WholeRepository
from tests.system.fixtures import UTRECHT, Driver, Stack, ago
from tests.system.test_closing import ENDS, YEAR, close, moment, with_year
from tests.tools.admin.conftest import Operator
from tools.admin import leaving
from tools.local.processes import wait_until
from tools.verify_export import main as verify_export

AMERSFOORT = (52.16, 5.39)
VALUES = {
    "whole": 3.0, "count": 3, "nothing": None, "yes": True, "zero": -0.0, "far": float("inf"), "bytes": b"\x00\xff",
    "at": datetime(2026, 1, 23, 7, 12, 0, 123456, tzinfo=UTC), "list": [1, 1.0, {}], "a.b": {"`": {"x/y": "é\n"}},
}  # fmt: skip


def documents(stack: Stack, email: str) -> dict[str, Any]:
    """All documents of a user by their paths, found by listing; but what is computed again of the rest."""

    def below(document: Any) -> Iterator[Any]:
        for collection in document.collections():
            for one in collection.list_documents():
                yield one.get()
                yield from below(one)

    root = stack.db.document(f"users/{email}")
    found = {one.reference.path.split("/", 2)[-1]: one.to_dict() for one in [root.get(), *below(root)] if one.exists}
    return {path: fields for path, fields in found.items() if not path.startswith("checks/")}


def as_restored(before: dict[str, Any], email: str, former: str) -> dict[str, Any]:
    """What has to be there of what was: no credentials, and the e-mail of the user where theirs stood."""
    after = {path: dict(fields) for path, fields in before.items() if path != "settings/credentials"}
    for car in after["settings/car"]["cars"].values():
        car |= {"login_refusals": 0, "credentials_set_at": {}}
    if email != former:
        after[email] = {**after.pop(former), "email": email}
        after["cache/trip_start"]["shard"] = shard_of(email)
        for path, fields in after.items():
            if path.startswith(("trips/", "gaps/")):
                fields["user"] = email
    return after


def exact(value: Any) -> Any:
    """What tells 3 from 3.0, too."""
    if isinstance(value, dict):
        return {name: exact(inner) for name, inner in value.items()}
    return [exact(inner) for inner in value] if isinstance(value, list) else (type(value), value)


def said(driver: Driver, method: str, path: str, **body: Any) -> Any:
    answer = driver.call(method, path, json=body)
    assert answer.ok, answer.text
    return answer.json() if answer.content else None


def with_everything(driver: Driver) -> Driver:
    """The driver with a closed year and a correction, trips by hand and by phone, and something of all else."""
    with_year(driver)
    driver.add_car("zoe", secrets.token_hex(8).upper())
    driver.add_place(*UTRECHT, "private")
    said(driver, "PUT", "/cars/car", provider="simulated", vin=driver.vin, name="Boris's car", plate="XX-123-X")
    said(driver, "PATCH", "/settings", language="en", reminders={"weekly": False})
    rows = driver.call("GET", f"/logbook?year={YEAR}").json()["rows"]
    [gap] = (row for row in rows if row["row"] == "gap")
    said(driver, "PATCH", f"/logbook/gaps/{gap['id']}", explained_as="other", reason="The garage", business_km=1.5)
    assert close(driver).status_code == 200
    corrected = driver.call("PATCH", f"/trips/{rows[0]['id']}", json={"kind": "private", "why": "A holiday"})
    assert corrected.status_code == 202
    drive(driver)
    at = {"started_at": ago(200).isoformat(), "ended_at": ago(180).isoformat()}
    gone = said(driver, "POST", "/trips", **at, **ENDS, distance_km=5)
    said(driver, "DELETE", f"/trips/{gone['id']}?why=None")
    driver.phone("start", ago(3), AMERSFOORT)
    change = driver.store.change()
    change.add_block(0, [Heard(ago(3), *AMERSFOORT)])
    change.commit()
    reminders = ReminderRepository(driver.stack.db, driver.email)
    reminders.put(reminders.read(), Told(on="2026-01-23", things={"gap": {"2026-01 car": 5}}))
    driver.stack.db.document(f"users/{driver.email}/later/thing/of/kind").set(VALUES)
    wait_until(lambda: is_left_alone(driver), "that no message finds anything to do")
    return driver


def is_left_alone(driver: Driver) -> bool:
    """Whether nothing writes their log by itself for a while; who is due is put off."""
    state = driver.store.state().value
    due = [car_id for car_id, log in state.open.items() if log.due_at and log.due_at < ago(-5)]
    for car_id in due:
        driver.put_log(car_id, ask_at=ago(-60))
    return not (due or state.asking.under_way or state.folding_until)


def drive(driver: Driver) -> None:
    """A drive that the phone tells of, with its end read."""
    count = len(driver.trips())
    driver.set_car(odometer_km=1125.0, measured_at=ago(60))
    driver.phone("start", ago(50), UTRECHT)
    driver.wait_read(1125.0)
    driver.arrive(ago(20), AMERSFOORT, 1150.0, lat=AMERSFOORT[0], lng=AMERSFOORT[1])
    driver.wait_trips(count + 1)


def removed(driver: Driver) -> None:
    AccountRepository(driver.stack.db).forget(driver.email)
    assert documents(driver.stack, driver.email) == {}


@pytest.fixture
def full(driver: Driver) -> Driver:
    return with_everything(driver)


def exported(operator: Operator, driver: Driver, folder: Path) -> Path:
    file = folder / "user.json"
    operator.call("export-user", driver.email, str(file))
    return file


def new_email() -> str:
    return f"n{secrets.token_hex(6)}@example.com"


def test_a_user_comes_back_into_an_empty_store_to_the_last_field_and_drives_on(
    full: Driver, operator: Operator, tmp_path: Path
) -> None:
    before, shown = documents(full.stack, full.email), full.call("GET", f"/logbook/{YEAR}").json()
    file = exported(operator, full, tmp_path)
    removed(full)
    told = operator.call("restore", full.email, "--from", str(file))
    after = documents(full.stack, full.email)
    assert exact(after) == exact(as_restored(before, full.email, full.email))
    assert "Nothing differs." in told
    assert "keys: 2." in told
    assert {path.split("/")[0] for path in after} >= {
        full.email, "trips", "gaps", "drives", "history", "chapters", "odometer_readings", "seals", "corrections",
        "stats", "locations", "settings", "cache", "later",
    }  # fmt: skip
    assert full.differences() == []
    assert shown["holds"] is True
    assert full.call("GET", f"/logbook/{YEAR}").json() == shown
    assert full.phone("start", ago(1), AMERSFOORT)["status"] == "ping_recorded"
    [car] = (one for one in full.call("GET", "/cars").json()["cars"] if one["id"] == "car")
    assert {one["set_at"] for one in car["credentials"]} == {None}
    operator.call("set-car", full.email, "car", "--credentials", json.dumps({"token": f"t-{full.vin}"}))
    asked = full.asked()
    full.phone("end", ago(0), UTRECHT)
    full.set_car(odometer_km=1155.0, measured_at=datetime.now(UTC))
    full.wait(lambda: full.asked() > asked, "that the car is asked again")
    assert full.differences() == []


def test_under_another_e_mail_it_is_theirs_and_the_first_user_stays_as_they_are(
    full: Driver, operator: Operator, tmp_path: Path
) -> None:
    before = documents(full.stack, full.email)
    file, email = exported(operator, full, tmp_path), new_email()
    told = operator.call("restore", email.upper(), "--from", str(file))
    assert documents(full.stack, full.email) == before
    due = as_restored(before, email, full.email)
    due[email] |= {"keys": {}, "key_hashes": []}
    after = documents(full.stack, email)
    assert exact(after) == exact(due)
    assert "keys of another user, left out: 2" in told
    assert "Nothing differs" in operator.call("verify", email)
    told_of = {path for path, fields in after.items() if full.email in json.dumps(fields, default=str)}
    assert {path.split("/")[0] for path in told_of} == {"history"}, "it says what it said, or no hash would hold"
    key = operator.call("add-key", email, "--scope", "full").split("key: ")[-1].strip()
    url, headers = full.stack.url, {"Authorization": f"Bearer {key}"}
    assert requests.get(f"{url}/logbook/{YEAR}", headers=headers, timeout=30).json()["holds"] is True
    ping = requests.post(f"{url}/webhook/start", headers=headers, timeout=30).json()
    assert (ping["status"], ping["user"]) == ("ping_recorded", email)
    assert full.call("GET", "/stats").json()["user"] == full.email


def test_every_log_in_the_file_can_be_verified_and_is_that_of_the_export(
    full: Driver, operator: Operator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = exported(operator, full, tmp_path)
    assert verify_export([str(file)]) == 0
    out = capsys.readouterr().out
    assert f"car car, {YEAR}:" in out
    assert f"car car, {YEAR + 1}:" in out
    assert "is over exactly these rows" in out
    assert "zoe" not in out, "it has no rows"
    content = json.loads(file.read_bytes())
    [log] = (one for one in content["logs"] if one["year"] == YEAR)
    answer = full.call("GET", f"/export?year={YEAR}&format=json&view=full").json()
    assert {**log, "made_at": ""} == {**answer, "made_at": ""}
    assert (content["format"], content["version"], content["user"]) == ("mileage-log", 1, full.email)
    content["logs"][0]["rows"][0]["purpose"] = "Another"
    file.write_text(json.dumps(content))
    assert verify_export([str(file)]) == 1
    out = capsys.readouterr().out
    assert "the seal is not over these rows" in out
    assert "the file as a whole is not as it was written" in out


def test_no_credential_and_no_key_is_in_the_file_and_nobody_else_can_read_it(
    full: Driver, operator: Operator, tmp_path: Path
) -> None:
    file = exported(operator, full, tmp_path)
    content = file.read_text()
    sealed = full.kept("settings")["credentials"]["sealed"]
    for secret in (f"t-{full.vin}", full.key, full.webhook_key, *sealed.values()):
        assert secret not in content
    assert hash_key(full.key) in content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_whoever_is_there_is_not_restored_over(driver: Driver, operator: Operator, tmp_path: Path) -> None:
    file = exported(operator, driver, tmp_path)
    before, left = documents(driver.stack, driver.email), new_email()
    assert "has a log already" in operator.refused("restore", driver.email, "--from", str(file))
    assert documents(driver.stack, driver.email) == before
    driver.stack.db.document(f"users/{left}/stats/2026").set({"months": {}})
    assert "has a log already" in operator.refused("restore", left, "--from", str(file))
    assert "no e-mail address" not in operator.refused("restore", "nobody", "--from", str(file))
    email = new_email()
    operator.call("restore", email, "--from", str(file))
    assert "has a log already" in operator.refused("restore", email, "--from", str(file))


def test_who_was_only_registered_keeps_the_keys_that_they_were_given(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    file, email = exported(operator, driver, tmp_path), new_email()
    key = operator.call("add-user", email).split("key: ")[-1].strip()
    operator.call("restore", email, "--from", str(file))
    answer = requests.get(f"{driver.stack.url}/cars", params={"key": key}, timeout=30).json()
    assert [car["id"] for car in answer["cars"]] == ["car"]


@pytest.mark.parametrize("registered", [False, True])
def test_killed_between_any_two_commits_and_run_again_it_is_the_same(
    driver: Driver, operator: Operator, tmp_path: Path, registered: bool
) -> None:
    with_year(driver)
    before = documents(driver.stack, driver.email)
    file = exported(operator, driver, tmp_path)
    removed(driver)
    whole = range(1, len(json.loads(file.read_bytes())["kept"]) // 3, 2)
    assert len(whole) >= 3
    for stops in whole:
        if registered:
            AccountRepository(driver.stack.db).save(driver.account)
        going = leaving.restored(leaving._given(driver.email, file), at_once=3)
        assert [next(going) for _ in range(stops)][-1] == 3 * stops
        assert driver.call("POST", "/webhook/start").status_code == (503 if registered else 401)
        operator.call("restore", driver.email, "--from", str(file))
        due = as_restored(before, driver.email, driver.email)
        assert exact(documents(driver.stack, driver.email)) == exact(due)
        removed(driver)


def test_while_it_is_half_there_nobody_reads_it_or_takes_it_over_and_no_other_file_goes_over_it(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    with_year(driver)
    file, email = exported(operator, driver, tmp_path), new_email()
    other = tmp_path / "other.json"
    operator.call("export-user", driver.email, str(other))
    operator.call("add-user", email)
    next(leaving.restored(leaving._given(email, file), at_once=7))
    half = documents(driver.stack, email)
    assert "is being restored from another file" in operator.refused("restore", email, "--from", str(other))
    assert "is being restored" in operator.refused("verify", email)
    assert "is being restored" in operator.refused("export-user", email, str(other))
    assert "is being restored" in operator.stopped("upgrade", email)[0]
    assert f"The log of {email} is being restored" in operator.stopped("list-users")[0]
    assert documents(driver.stack, email) == half
    one, two = (leaving.restored(leaving._given(email, file), at_once=7) for _ in range(2))
    next(one)
    next(two)
    with pytest.raises(leaving.store.Wrong, match="Somebody else writes"):
        next(one)
    assert "Nothing differs" in operator.call("restore", email, "--from", str(file))


def damaged(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Files that are none, each with a word of why."""
    yield "damaged", content[:-1000]
    yield "damaged", b""
    yield "damaged", b"[]"
    yield "damaged", content.replace(b"integerValue", b"doubleValue", 1)
    yield "damaged", re.sub(rb'"sha256":"(.)', lambda one: b'"sha256":"' + (b"1" if one[1] == b"0" else b"0"), content)
    yield "damaged", json.dumps(json.loads(content)).encode()
    yield "is of version 2", content.replace(b'"version":1', b'"version":2', 1)
    yield "no export of a user", json.dumps(json.loads(content)["logs"][0]).encode()
    for at in range(0, len(content) - 100, len(content) // 20):
        yield "", content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_a_file_that_is_damaged_or_not_known_here_is_refused_and_changes_nothing(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    with_year(driver)
    content, email = exported(operator, driver, tmp_path).read_bytes(), new_email()
    file = tmp_path / "damaged.json"
    for why, wrong in damaged(content):
        with pytest.raises(Unfit) as refused:
            read_user_file(wrong)
        assert why in str(refused.value)
    file.write_bytes(content.replace(b"2", b"3", 1))
    assert "damaged" in operator.refused("restore", email, "--from", str(file))
    assert "cannot be read" in operator.refused("restore", email, "--from", str(tmp_path / "none.json"))
    assert documents(driver.stack, email) == {}


def test_what_is_written_meanwhile_is_not_half_in_the_file(driver: Driver) -> None:
    with_year(driver)
    before = documents(driver.stack, driver.email)
    whole = WholeRepository(driver.stack.db, driver.email).read()
    assert whole
    first = next(whole.documents)
    trip = driver.trips()[-1]
    said(driver, "PATCH", f"/trips/{trip['id']}", purpose="Later")
    said(driver, "DELETE", f"/trips/{driver.trips()[0]['id']}")
    found = {one.path: one.fields for one in [first, *whole.documents]}
    due = as_restored(before, driver.email, driver.email)
    del due[driver.email]
    assert found == due


def test_a_file_that_cannot_be_written_leaves_the_one_that_was_there(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    assert "cannot be written" in operator.refused("export-user", driver.email, str(tmp_path / "none" / "user.json"))
    (tmp_path / "user.json").mkdir()
    assert "cannot be written" in operator.stopped("export-user", driver.email, str(tmp_path / "user.json"))[1]
    assert [one.name for one in tmp_path.iterdir()] == ["user.json"]
    assert "is not registered" in operator.refused("export-user", new_email(), str(tmp_path / "x"))


def test_a_log_that_cannot_be_read_keeps_nothing_from_being_taken_along(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    with_year(driver)
    driver.stack.db.document(f"users/{driver.email}/odometer_readings/x").set({"car_id": "car", "at": moment(5, 9)})
    file, email = tmp_path / "user.json", new_email()
    assert f"log: car {YEAR} is left out, see verify" in operator.call("export-user", driver.email, str(file))
    assert [log["year"] for log in json.loads(file.read_bytes())["logs"]] == [YEAR + 1]
    assert "Differences: 1" in operator.call("restore", email, "--from", str(file))
    assert {*documents(driver.stack, email)} >= {"odometer_readings/x"}
