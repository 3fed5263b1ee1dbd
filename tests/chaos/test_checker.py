"""The checker sees what it is there to see: each kind of harm, done by hand to a log that was right."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import firestore

from tests.chaos.checker import KINDS, Checker, count
from tests.chaos.ground import ground
from tests.chaos.plan import Plan, plan
from tests.chaos.player import Player
from tests.chaos.running import MOST_S, play, readings


class Log:
    """The logs of two users whose drives went well."""

    def __init__(self, db: firestore.Client, players: list[Player]) -> None:
        self.players = players
        self.users = [db.collection("users").document(player.email) for player in players]

    def trips(self, user: int = 0) -> list[Any]:
        """A user's trips as they are stored, by time."""
        return list(self.users[user].collection("trips").order_by("started_at").stream())

    def counted(self) -> dict[str, int]:
        """What the checker finds."""
        found = [one for player in self.players for one in Checker(player, readings(player)).findings()]
        return {kind: number for kind, number in count(found).items() if number}


@pytest.fixture
def log(emulators: None, tmp_path: Path) -> Iterator[Log]:
    quiet: Plan = plan(3, datetime.now(UTC), users=4, drives=3)._replace(faults=())
    # Users with one car and pings, whose drives are all told.
    quiet = quiet._replace(users=quiet.users[2:4])
    with ground(quiet, tmp_path) as played:
        players = [Player(played, user, time.monotonic() + MOST_S, lambda _: None) for user in quiet.users]
        for player in players:
            player.register()
        assert play(played, players, lambda _: None) == []
        yield Log(played.db, players)


def lose(log: Log) -> None:
    log.trips()[1].reference.delete()


def double(log: Log) -> None:
    one = log.trips()[1]
    log.users[0].collection("trips").document("copy").set({**one.to_dict(), "id": "copy"})


def shorten(log: Log) -> None:
    log.trips()[1].reference.update({"distance_km": firestore.Increment(-1)})


def move(log: Log) -> None:
    log.trips()[1].reference.update({"ended_at": log.trips()[1].get("started_at")})


def cross(log: Log) -> None:
    one = log.trips(1)[0]
    log.users[0].collection("trips").document(one.id).set(one.to_dict())


def open_gap(log: Log) -> None:
    log.trips()[1].reference.update({"gap_before_km": 70.0})


def add_up_wrong(log: Log) -> None:
    (year,) = log.users[0].collection("stats").stream()
    month = next(iter(year.get("months")))
    year.reference.update({f"months.`{month}`.car.total_m": firestore.Increment(100)})


def misread(log: Log) -> None:
    one, *_ = log.users[0].collection("odometer_readings").stream()
    told = {**one.to_dict(), "km": log.trips()[0].get("start_odometer_km") + 1, "at": datetime.now(UTC)}
    log.users[0].collection("odometer_readings").document("wrong").set(told)


def disbelieve(log: Log) -> None:
    reading, *_ = log.users[0].collection("odometer_readings").stream()
    reading.reference.update({"standing": "not_believed"})


def leave_pending(log: Log) -> None:
    log.trips()[1].reference.update({"flags": ["odometer_pending"]})


HARMS = (
    (lose, "trips lost"),
    (double, "trips doubled"),
    (move, "times wrong"),
    (shorten, "kilometres wrong"),
    (open_gap, "gaps that are not there"),
    (cross, "in the wrong log"),
    (add_up_wrong, "sums that differ"),
    (misread, "readings wrong"),
    (disbelieve, "readings wrong"),
    (leave_pending, "left undone"),
)


def test_each_kind_of_harm_is_counted(log: Log, subtests: pytest.Subtests) -> None:
    before = {document: document.get().to_dict() for document in _documents(log)}
    assert {kind for _, kind in HARMS} == set(KINDS)
    for harm, kind in HARMS:
        with subtests.test(harm.__name__):
            assert log.counted() == {}
            harm(log)
            counted = log.counted()
            for document in _documents(log):
                document.set(before[document]) if document in before else document.delete()
            for document, fields in before.items():
                document.set(fields)
            assert kind in counted


def _documents(log: Log) -> list[Any]:
    names = ("trips", "stats", "odometer_readings")
    return [one.reference for user in log.users for name in names for one in user.collection(name).stream()]
