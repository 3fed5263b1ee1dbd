"""Phone, car and clock call the real functions on the emulators, and what each call does at the store is counted."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, NamedTuple

import requests
from cryptography.fernet import Fernet
from google.cloud import firestore, pubsub_v1
from werkzeug.serving import make_server

from shared.domain.car.car import Car
from shared.domain.driver import Account, Key, Scope
from shared.domain.place.places import Place
from shared.messaging.polls import TOPIC
from shared.repositories.accounts import AccountRepository, hash_key
from shared.repositories.user_store import UserStore
from tools.local import processes
from tools.local.car_cloud import make_app
from tools.measure.assumptions import DRIVE
from tools.measure.drivers import CAR, HOME, TRIP_KM, WORK
from tools.measure.metering import Functions, Meter, metered
from tools.measure.prices import LEAST_MESSAGE_BYTES

VIN, TOKEN = "MEASURED000000001", "token"
KEYS: Mapping[Scope, str] = {"webhook": "w" * 43, "full": "f" * 43}


class Calls(NamedTuple):
    """Calls of one function, with what they did: documents at the store, messages published, bytes answered."""

    calls: float = 0
    reads: float = 0  # as billed
    writes: float = 0
    deletes: float = 0
    messages: float = 0
    message_bytes: float = 0  # as billed, for publishing and for delivery
    answer_bytes: float = 0
    states_written: float = 0  # of the writes those of a driver's state
    took_s: float = 0
    queries_s: float = 0  # of these it waited for the answers of queries

    def times(self, times: float) -> "Calls":
        """As many times as much."""
        return Calls(*(amount * times for amount in self))

    def plus(self, other: "Calls") -> "Calls":
        """Both together."""
        return Calls(*(a + b for a, b in zip(self, other, strict=True)))


class Step(NamedTuple):
    """A call so long after a drive's start; a poll follows if the car then shows a moment."""

    at: timedelta
    function: Literal["webhook_start", "scheduler", "webhook_end"]  # the scheduler finds a poll due
    shows: timedelta | None = None


ByStep = tuple[str, Calls]  # by function


@contextmanager
def car_cloud() -> Iterator[str]:
    """The URL of a simulated car cloud that runs meanwhile; it knows addresses too."""
    port = processes.free_port()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # no line for each call
    app = make_app()
    app.get("/reverse")(lambda: {"response": {"docs": [{"weergavenaam": "Voorbeeldstraat 12, 1234AB Voorbeeld"}]}})
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        thread.join()


def register(db: firestore.Client, email: str) -> UserStore:
    """The store of a new driver with a key of each scope, a car and two places."""
    keys: dict[str, Key] = {scope: Key(hash_key(key), scope) for scope, key in KEYS.items()}
    AccountRepository(db).save(Account(email, name="Driver", keys=keys, default_car_id=CAR))
    store = UserStore(db, email)
    store.cars.save(Car(CAR, "simulated", "My car", VIN), {"token": TOKEN})
    for name, at in (("Home", HOME), ("Work", WORK)):
        store.save_place(Place(name.lower(), name, at.lat, at.lng, 150, "private"))
    return store


def headers_of(function: str, email: str) -> dict[str, str]:
    """The headers of a driver's call."""
    key = KEYS["webhook" if function.startswith("webhook") else "full"]
    return {"Authorization": f"Bearer {key}", "X-User-Email": email}


class Ground:
    """The functions of this process with all that calls them."""

    def __init__(self, project: str, meter: Meter, cloud_url: str, subscriber: pubsub_v1.SubscriberClient) -> None:
        self._project, self._meter, self._cloud_url, self._subscriber = project, meter, cloud_url, subscriber
        self._functions = Functions()
        topic = f"projects/{project}/topics/{TOPIC}"
        self._subscription = f"projects/{project}/subscriptions/{TOPIC}"
        pubsub_v1.PublisherClient().create_topic(name=topic)
        subscriber.create_subscription(name=self._subscription, topic=topic)

    def call(self, function: str, method: str, path: str, email: str = "", **more: Any) -> Calls:
        """One call, as a driver who is named or else as the clock."""
        headers = headers_of(function, email) if email else {}
        return self._counted(partial(self._functions.call, function, method, path, headers=headers, **more))

    def polled(self, caller: Calls) -> tuple[Calls, Calls]:
        """Gives the poller the one message that waits: the caller's calls with it, and what the poll did."""
        asked = {"subscription": self._subscription, "max_messages": 10}
        pulled = self._subscriber.pull(request=asked, timeout=30).received_messages
        if len(pulled) != 1:
            raise RuntimeError(f"one message was expected, {len(pulled)} came")
        self._subscriber.acknowledge(subscription=self._subscription, ack_ids=[pulled[0].ack_id])
        message = pulled[0].message
        poll = self._counted(partial(self._functions.deliver, "poller", message, self._project))
        return caller.plus(Calls(messages=1, message_bytes=billed_bytes(message))), poll

    def drive(self, email: str, ended: datetime, before_km: float, steps: Iterable[Step]) -> Iterator[ByStep]:
        """A drive of so many km before: each call of a function, and each poll after the call that asked for it."""
        for step in steps:
            if step.function == "scheduler":
                calls = self.call("scheduler", "POST", "/poll-all")
            else:
                calls = self.call(step.function, "POST", "/", email, json=_position(ended, step.at))
            if step.shows is None:
                yield step.function, calls
                continue
            self.show_car(**car(ended, step.shows, before_km))
            calls, poll = self.polled(calls)
            yield from ((step.function, calls), ("poller", poll))

    def show_car(self, **fields: Any) -> None:
        """What the car's cloud says from now on."""
        url = f"{self._cloud_url}/control/cars/{VIN}"
        requests.put(url, json={"token": TOKEN, **fields}, timeout=10).raise_for_status()

    def _counted(self, call: Callable[[], Any]) -> Calls:
        meter, began = self._meter, time.perf_counter()
        meter.reset()
        answer = call()
        took_s = time.perf_counter() - began
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.request.path} answered {answer.status_code}: {answer.text}")
        counted = Calls(1, meter.billed_reads, meter.written, meter.deleted, answer_bytes=len(answer.data))
        return counted._replace(states_written=meter.states_written, took_s=took_s, queries_s=meter.queries_s)


def _position(ended: datetime, at: timedelta) -> dict[str, Any]:
    done = at / DRIVE
    lat, lng = HOME.lat + (WORK.lat - HOME.lat) * done, HOME.lng + (WORK.lng - HOME.lng) * done
    timestamp = (ended - DRIVE + at).isoformat()
    return {"lat": round(lat, 5), "lng": round(lng, 5), "timestamp": timestamp, "accuracy_m": 5}


def car(ended: datetime, at: timedelta, before_km: float) -> dict[str, Any]:
    """What the car shows at a moment of a drive, or after it."""
    where, driven_km = _position(ended, min(at, DRIVE)), TRIP_KM * (min(at, DRIVE) / DRIVE)
    return {
        "odometer_km": round(before_km + driven_km, 1), "lat": where["lat"], "lng": where["lng"],
        "state": "parked" if at > DRIVE else "driving", "measured_at": (ended - DRIVE + at).isoformat(),
    }  # fmt: skip


@contextmanager
def playing(settings: Mapping[str, str]) -> Iterator[tuple[Ground, firestore.Client]]:
    """A ground under settings of its own, with the store of the project that the environment names."""
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    with car_cloud() as cloud_url, pubsub_v1.SubscriberClient() as subscriber:
        own = {"CAR_CLOUD_URL": cloud_url, "PDOK_URL": cloud_url, "CREDENTIALS_KEYS": Fernet.generate_key().decode()}
        with metered({**own, **settings}) as meter:
            yield Ground(project, meter, cloud_url, subscriber), firestore.Client(project=project)


def billed_bytes(message: Any) -> int:
    """What Pub/Sub bills for a message that is published alone and delivered once."""
    attributes = sum(len(name) + len(value) for name, value in message.attributes.items())
    size = len(message.data) + attributes + len(message.message_id) + 20  # of the time
    return 2 * max(size, LEAST_MESSAGE_BYTES)
