"""Drivers are reminded by e-mail, by a real server: once of each thing, nobody of another's, and never of a place."""

import json
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests
from google.cloud import firestore, pubsub_v1
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.driver import LOG_VERSION, REMINDER_KINDS, Account
from shared.domain.log.summary import Summary
from shared.domain.log.trip import Endpoint
from shared.domain.reminding.told import Told
from shared.domain.tracking.state import GoingOn
from shared.messaging.reminders import REMIND_TOPIC
from shared.repositories.accounts import AccountRepository
from shared.repositories.reminders import Overtaken, ReminderRepository
from shared.repositories.user_store import UserStore
from shared.services import reminding
from tests.mailing.server import HOST, Box, serving
from tests.rows import gap, put, trip
from tests.system.fixtures import Stack, ago
from tools.local.processes import wait_until
from tools.local.relay import as_push
from tools.measure import metering
from tools.measure.metering import Functions, Message, Meter

SECRET = "Secret clinic"
REFUSED = Car("car", "simulated", name="Boris's car", login_refusals=2)


class Office:
    """The function in this process with a project of its own, and the server that takes its mails."""

    def __init__(self, project: str, meter: Meter, box: Box) -> None:
        self.project, self.meter, self.box = project, meter, box
        self.db, self._functions = firestore.Client(project=project), Functions()

    def driver(self, car: Car | None = None, **fields: Any) -> str:
        """A driver with a car; where none is given, one that is read well."""
        email = f"d{secrets.token_hex(6)}@example.com"
        AccountRepository(self.db).add(Account(email, default_car_id="car", language="en", **fields))
        self.store(email).cars.save(car or Car("car", "simulated"))
        return email

    def store(self, email: str) -> UserStore:
        """What is a driver's."""
        return UserStore(self.db, email)

    def reminders(self, email: str) -> ReminderRepository:
        """Where it stands what they were told."""
        return ReminderRepository(self.db, email)

    def told(self, email: str) -> Told:
        """What is remembered of what they were told."""
        return self.reminders(email).read().value

    def put_told(self, email: str, told: Told) -> None:
        """Has something else remembered."""
        reminders = self.reminders(email)
        reminders.put(reminders.read(), told)

    def post(self, path: str, **more: Any) -> Any:
        """The answer to a call."""
        self.meter.reset()
        return self._functions.call("reminders", "POST", path, **more)

    def push(self, email: str) -> Any:
        """The answer to the message about a driver, as Pub/Sub posts it."""
        message = Message(json.dumps({"user": email}).encode(), "1", datetime.now(UTC))
        return self.post("/remind", json=as_push(message, self.project, REMIND_TOPIC)[1])

    def remind(self, email: str) -> bool:
        """Whether the message had a mail sent."""
        answer = self.push(email)
        assert answer.status_code == 200, answer.text
        sent: bool = answer.get_json()["sent"]
        return sent

    def remind_on(self, email: str, today: date) -> bool:
        """The same, looking at all kinds on a day."""
        account = AccountRepository(self.db).find(email)
        assert account
        self.meter.reset()
        return reminding._remind(account, REMINDER_KINDS, datetime.now(UTC), today)


@pytest.fixture
def box() -> Iterator[Box]:
    with serving(Box()) as served:
        yield served


def smtp(box: Box) -> dict[str, str]:
    """What an operator sets."""
    return {"SMTP_HOST": HOST, "SMTP_PORT": str(box.port), "SMTP_SECURITY": "none", "SMTP_FROM": "log@example.com"}


@pytest.fixture
def office(emulators: None, box: Box) -> Iterator[Office]:
    project = f"test-{secrets.token_hex(6)}"
    with metering.metered({"GOOGLE_CLOUD_PROJECT": project, **smtp(box)}) as meter:
        yield Office(project, meter, box)


def text_of(mail: Any) -> str:
    """All of a mail that somebody can read."""
    return f"{mail}\n{mail.get_content()}"


# --- one mail


def test_who_needs_to_know_is_sent_one_mail_and_not_again_the_next_day(office: Office) -> None:
    email = office.driver(REFUSED)
    assert office.remind(email)
    (mail,) = office.box.of(email)
    assert "Boris's car: the login was refused" in mail.get_content()
    assert not office.remind(email), "the same message"
    office.put_told(email, replace(office.told(email), on="2026-01-01"))
    assert not office.remind(email), "the next day"
    assert office.box.asked == 1


def test_messages_that_come_at_once_send_one_mail(office: Office) -> None:
    email = office.driver(REFUSED)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: office.push(email).status_code, range(4)))
    assert set(answers) <= {200, 503}
    assert not office.remind(email)
    assert len(office.box.taken) == 1


def test_while_somebody_sends_it_the_message_comes_again_and_after_them_it_is_sent(office: Office) -> None:
    email = office.driver(REFUSED)
    office.put_told(email, Told(leased_until=ago(-2)))
    answer = office.push(email)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert office.box.asked == 0
    office.put_told(email, Told(leased_until=ago(0.1)))  # whoever had it died
    assert office.remind(email)
    assert office.told(email).leased_until is None


def test_a_mail_that_is_sent_twice_after_a_crash_has_one_id(office: Office) -> None:
    email = office.driver(REFUSED)
    assert office.remind(email)
    office.put_told(email, Told(leased_until=ago(1)))  # died before it could say so
    assert office.remind(email)
    first, second = office.box.of(email)
    assert first["Message-ID"] == second["Message-ID"]


def test_while_the_server_is_down_the_message_comes_again_until_it_is_sent(emulators: None) -> None:
    box, project = Box(), f"test-{secrets.token_hex(6)}"
    with metering.metered({"GOOGLE_CLOUD_PROJECT": project, **smtp(box)}) as meter:
        office = Office(project, meter, box)
        email = office.driver(REFUSED)
        assert office.push(email).status_code == 503
        assert office.told(email) == Told()
        with serving(box):
            box.answer = "451 later"
            assert office.push(email).status_code == 503
            box.answer = "250 OK"
            assert office.remind(email), "at once, no lease is left"
            assert len(box.of(email)) == 1


def test_what_the_server_will_never_take_is_not_tried_again_that_hour_and_not_taken_as_told(office: Office) -> None:
    email = office.driver(REFUSED)
    office.box.answer = "550 no such mailbox"
    assert not office.remind(email)
    assert office.told(email) == Told()
    office.box.answer = "250 OK"
    assert office.remind(email)


# --- of what


def test_two_drivers_are_never_mixed_and_who_has_nothing_to_hear_gets_none(office: Office) -> None:
    boris = office.driver(replace(REFUSED, name="Crimson"), name="Boris")
    tim = office.driver(replace(REFUSED, name="Azure"), name="Tim")
    quiet = office.driver()
    assert [office.remind(email) for email in (boris, tim, quiet)] == [True, True, False]
    assert Counter(tuple(to) for to, _ in office.box.taken) == {(boris,): 1, (tim,): 1}
    for email, own, others in (
        (boris, ("Boris", "Crimson"), (tim, "Tim", "Azure")),
        (tim, ("Tim", "Azure"), (boris, "Boris", "Crimson")),
    ):
        text = text_of(office.box.of(email)[0])
        assert all(word in text for word in own)
        assert not any(word in text for word in others)


@pytest.mark.parametrize(("language", "words"), [("nl", "het inloggen is geweigerd"), ("en", "the login was refused")])
def test_it_is_in_the_drivers_language(language: str, words: str, office: Office) -> None:
    email = office.driver(REFUSED)
    AccountRepository(office.db).change(email, lambda account: replace(account, language=language))
    assert office.remind(email)
    assert words in office.box.of(email)[0].get_content()


def full_log(office: Office, **fields: Any) -> str:
    """A driver of whom there is something of each kind to say, with names of places wherever one can be."""
    email = office.driver(REFUSED, **fields)
    store, began_at = office.store(email), datetime(2026, 5, 20, 8, tzinfo=UTC)
    place = Endpoint(52.031, 5.1367, SECRET, f"{SECRET} 1, Utrecht")
    words: dict[str, Any] = {
        "from_": place,
        "to": place,
        "purpose": SECRET,
        "notes": SECRET,
        "deviation": SECRET,
        "driver": SECRET,
    }
    endless = trip(0, 5000, began_at, flags=("end_unknown",), user=email, **words)
    hole = gap(5000, 20_000, began_at + timedelta(hours=2), reason=SECRET, user=email)
    private = trip(20_000, 30_000, began_at + timedelta(hours=4), user=email, kind="private", **words)
    put(store, endless, hole, private)
    change, read = store.change(), store.state()
    heard = Summary(id="d", began_at=began_at, ended_at=began_at, ended=False, trip_ids=(endless.id,))
    drive = GoingOn(started_at=ago(24 * 60), car_id="car", heard_at=ago(1))
    change.put_state(read, replace(read.value, told=(heard,), drive=drive))
    change.commit()
    return email


def test_a_mail_of_every_kind_names_no_place_and_no_word_of_a_trip(office: Office) -> None:
    email = full_log(office)
    assert office.remind_on(email, date(2026, 6, 1))
    (mail,) = office.box.of(email)
    text = text_of(mail)
    assert [line for line in mail.get_content().splitlines() if line[:1].isalpha() and line[-1].isalpha()] == [
        "Trips without an end", "Cars that are not read any more", "Kilometres without a trip", "Not closed yet",
        "Summary",
    ]  # fmt: skip
    assert "the odometer shows 15.0 km that belong to no trip" in text
    assert "1 trip of 2026 is still to be classified" in text
    for word in (*SECRET.split(), "Utrecht", "52.03", "5.13"):
        assert word not in text


def test_what_is_switched_off_is_not_said_and_all_off_reads_one_document(office: Office) -> None:
    email = full_log(office, reminders_off=("login_refused", "not_closed", "weekly", "trip_without_end"))
    assert office.remind(email)
    assert "login" not in (told := office.box.of(email)[0].get_content())
    assert "15.0 km" in told
    off = full_log(office, reminders_off=REMINDER_KINDS)
    assert not office.remind(off)
    assert (office.meter.billed_reads, office.meter.changed) == (1, 0)


def test_what_is_over_is_forgotten_without_a_mail_and_told_when_it_comes_again(office: Office) -> None:
    email = office.driver(REFUSED)
    assert office.remind(email)
    yesterday = replace(office.told(email), on="2026-01-01")
    office.put_told(email, yesterday)
    cars = office.store(email).cars
    cars.save(replace(REFUSED, login_refusals=0))
    assert not office.remind(email)
    assert office.told(email) == replace(yesterday, things={})
    cars.save(REFUSED)
    assert office.remind(email)


# --- what it costs


def test_a_day_with_nothing_to_say_reads_six_documents_and_writes_none(office: Office) -> None:
    email = office.driver()
    office.remind(email)
    assert not office.remind(email)
    assert office.meter.billed_reads <= 6, "user, told, state, cars, and the sums of a year, in January of two"
    assert office.meter.changed == 0


def test_a_mail_of_every_kind_reads_a_few_more_and_writes_two_twice(office: Office) -> None:
    email = full_log(office)
    assert office.remind_on(email, date(2026, 6, 1))
    assert office.meter.billed_reads <= 7, "told, state, cars, sums, one trip, and a count"
    assert office.meter.changed == 4
    assert not office.remind_on(email, date(2026, 6, 1))
    assert office.meter.billed_reads == 1


# --- who and whom not


def test_of_a_user_who_was_removed_nothing_comes_back(office: Office) -> None:
    email = office.driver(REFUSED)
    reminders = office.reminders(email)
    read = reminders.read()
    AccountRepository(office.db).forget(email)
    with pytest.raises(Overtaken):
        reminders.put(read, Told(on="2026-01-01"))
    assert not office.remind(email)
    assert not reminders.read().version
    assert office.box.taken == []


def test_to_remember_what_was_told_does_not_touch_the_account(office: Office) -> None:
    email = office.driver(REFUSED)
    users = AccountRepository(office.db)
    before = users._stored(email)
    assert office.remind(email)
    assert users._stored(email) == before


def test_a_log_of_an_earlier_version_is_left_alone(office: Office) -> None:
    email = office.driver(REFUSED, log_version=LOG_VERSION - 1)
    assert not office.remind(email)
    assert office.meter.billed_reads == 1


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"\xff", b'{"message": {"data": "!"}}', b'{"message": {"data": "AAAA"}}', b"[" * 60_000]
)
def test_what_is_no_message_is_dropped_and_not_sent_again(office: Office, data: bytes) -> None:
    answer = office.post("/remind", data=data)
    assert (answer.status_code, answer.get_json()) == (200, {"sent": False})
    assert office.meter.billed_reads == 0


@pytest.mark.parametrize("user", ["a/b@example.com", "boris", "", "b@example.com\n", "__x@y__", "nobody@example.com"])
def test_a_message_for_nobody_reminds_nobody(office: Office, user: str) -> None:
    assert not office.remind(user)
    assert office.meter.changed == 0
    assert office.box.taken == []


def test_without_a_server_nobody_is_asked_for_and_nothing_fails(
    office: Office, set_by_operator: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    email = office.driver(REFUSED)
    set_by_operator(SMTP_HOST="")
    log = logging.getLogger("mileage")
    log.addHandler(caplog.handler)
    try:
        assert office.post("/remind-all").get_json() == {"users": 0, "published": 0}
    finally:
        log.removeHandler(caplog.handler)
    assert {line.message for line in caplog.records} == {"nobody is reminded: SMTP_HOST is not set"}
    assert not office.remind(email)
    assert office.meter.billed_reads == 0


def test_the_clock_asks_once_for_each_user_also_without_a_car(office: Office) -> None:
    topic, name = (f"projects/{office.project}/{kind}/{REMIND_TOPIC}" for kind in ("topics", "subscriptions"))
    pubsub_v1.PublisherClient().create_topic(name=topic)
    with pubsub_v1.SubscriberClient() as subscriber:
        subscriber.create_subscription(name=name, topic=topic)
        emails = {office.driver() for _ in range(2)} | {"without@example.com"}
        AccountRepository(office.db).add(Account("without@example.com"))
        assert office.post("/remind-all").get_json() == {"users": 3, "published": 3}
        assert office.meter.read == 3
        found = list[str]()
        while len(found) < len(emails):
            pulled = subscriber.pull(subscription=name, max_messages=10, timeout=30).received_messages
            found += [json.loads(one.message.data)["user"] for one in pulled]
            subscriber.acknowledge(subscription=name, ack_ids=[one.ack_id for one in pulled])
    assert Counter(found) == dict.fromkeys(emails, 1)


def test_on_the_stack_the_clocks_call_reaches_every_mailbox(start_stack: Callable[..., Stack], box: Box) -> None:
    stack = start_stack(**smtp(box))
    drivers = [stack.driver() for _ in range(3)]
    for driver in drivers[:2]:
        driver.store.cars.save(replace(REFUSED, vin=driver.vin))
    assert drivers[0].call("PATCH", "/settings", json={"language": "en"}).status_code == 200
    assert drivers[1].call("PATCH", "/settings", json={"reminders": {"login_refused": False}}).status_code == 200
    told = requests.post(f"{stack.url}/reminders/remind-all", timeout=30).json()
    assert told == {"users": 3, "published": 3}
    wait_until(lambda: box.of(drivers[0].email), "the mail")
    assert "the login was refused" in box.of(drivers[0].email)[0].get_content()
    log = stack.data / "logs" / "functions.log"
    wait_until(lambda: log.read_text().count("reminder sent") == 1, "the line")
    assert [box.of(driver.email) for driver in drivers[1:]] == [[], []]
