"""Whatever a driver says of a log of weeks: it is the one that its facts make, and its rows tile the odometer."""

import os
import secrets
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest
from google.cloud import pubsub_v1

from shared.domain.fitting import NotFound
from shared.domain.log.trip import Trip
from shared.repositories.documents import client
from shared.services import cars, logbook, own_settings, trips
from tests.system.sayings import REFUSED, actions, do
from tests.system.spoken_log import BEGIN, Kept, SpokenLog, played
from tools.local.processes import environment


@pytest.fixture(scope="module")
def project(emulators: None) -> Iterator[None]:
    """A project of its own for the services in this process."""
    name = f"spoken-{secrets.token_hex(4)}"
    with environment({"GOOGLE_CLOUD_PROJECT": name, "CAR_CLOUD_URL": "http://127.0.0.1:1"}):
        client.cache_clear()
        pubsub_v1.PublisherClient().create_topic(name=f"projects/{name}/topics/poll-car")
        yield
    client.cache_clear()


@pytest.fixture(scope="module")
def played_once(project: None) -> tuple[SpokenLog, Kept]:
    """A log of ten days in two cars, most of it settled."""
    found = played(Random(4), 10)
    assert found.wrong() == []
    assert len(found.chapters()) >= 8
    return found, found.kept()


@pytest.fixture
def log(played_once: tuple[SpokenLog, Kept]) -> SpokenLog:
    """The same for each test."""
    found, kept = played_once
    found.restore(kept)
    return found


@pytest.mark.parametrize("seed", [int(seed) for seed in os.environ.get("SPOKEN_SEEDS", "3 8").split()])
def test_whatever_is_said_of_a_log_it_follows_from_its_facts(project: None, seed: int) -> None:
    random = Random(seed)
    log, said = played(random, 8), list[str]()
    for n, action in enumerate(actions(random, 20)):
        try:
            said.append(do(log, action))
        except REFUSED as why:
            said.append(f"{action.name} refused: {why}")
        if n % 2:
            assert log.wrong() == [], "\n".join(said)


def settled(log: SpokenLog, car_id: str = "a") -> list[Trip]:
    """The trips of a car that are settled."""
    ends = [chapter.end.at for chapter in log.chapters() if chapter.car_id == car_id]
    return [trip for trip in log.trips() if trip.car_id == car_id and trip.ended_at <= max(ends)]


def test_neighbours_that_are_deleted_one_after_the_other_leave_what_their_facts_make(log: SpokenLog) -> None:
    for trip in settled(log)[2:6]:
        trips.delete(log.account, trip.id, log.author)
        assert log.wrong() == []
    assert sum(len(chapter.without_trip) for chapter in log.chapters()) == 4


def test_an_odometer_typed_in_a_trip_that_is_deleted_is_known_to_who_opens_its_stretch(log: SpokenLog) -> None:
    first, second, third = settled(log)[3:6]
    typed = round((second.end_odometer_km or 0.0) - 2, 1)
    trips.correct(log.account, second.id, {"end_odometer_km": typed}, None, log.author)
    for trip in (second, first):
        trips.delete(log.account, trip.id, log.author)
    trips.correct(log.account, third.id, {"distance_km": 3.0}, None, log.author)
    assert log.wrong() == []


def test_a_settled_trip_can_be_put_in_another_car_and_be_given_back(log: SpokenLog) -> None:
    trip = settled(log)[4]
    for car_id in ("b", "", "b", None):
        trips.correct(log.account, trip.id, {"car_id": car_id}, None, log.author)
        assert log.wrong() == []


def test_a_settled_trip_can_be_moved_into_what_is_open_and_back(log: SpokenLog) -> None:
    trip = settled(log)[4]
    recent = log.now - timedelta(hours=1)
    for begin in (recent, trip.started_at + timedelta(minutes=7)):
        said = {"started_at": begin.isoformat(), "ended_at": (begin + timedelta(minutes=20)).isoformat()}
        trips.correct(log.account, trip.id, said, None, log.author)
        assert log.wrong() == []


def test_gaps_beside_each_other_of_which_nothing_is_said_any_more_are_one(log: SpokenLog) -> None:
    one, two = settled(log)[3:5]
    for trip in (one, two):
        trips.delete(log.account, trip.id, log.author)
    gaps = [gap for gap in log.gaps() if gap.car_id == "a" and one.started_at <= gap.until <= two.ended_at]
    for explained_as in ("private", "business", None):
        for gap in gaps:
            try:
                logbook.explain(log.account, gap.id, {"explained_as": explained_as}, None, log.author)
            except NotFound:  # one of which the same is said by now is a part of another
                continue
            assert log.wrong() == []


def test_settings_that_change_later_count_for_what_is_open_and_not_for_what_is_settled(log: SpokenLog) -> None:
    before = {trip.id: (trip.car_id, trip.month, trip.from_m) for trip in (*settled(log), *settled(log, "b"))}
    log.add_car("c", 80_000.0)
    assert log.wrong() == []
    own_settings.change(log.email, {"timezone": "Asia/Tokyo"})
    own_settings.change(log.email, {"default_car_id": "b"})
    assert log.wrong() == []
    after = {trip.id: (trip.car_id, trip.month, trip.from_m) for trip in log.trips()}
    assert {id_: after[id_] for id_ in before} == before


def test_what_is_said_of_the_begin_of_a_log_is_laid_before_its_first_row(log: SpokenLog) -> None:
    first_m = min(row.from_m or 0 for row in log.rows() if row.car_id == "a")
    cars.put(log.email, "a", {"start_odometer_km": first_m / 1000 - 25})
    gap = min((gap for gap in log.gaps() if gap.car_id == "a"), key=lambda gap: gap.from_m)
    assert (gap.from_m, gap.to_m, gap.since <= BEGIN) == (first_m - 25_000, first_m, True)
    assert log.wrong() == []
    cars.put(log.email, "a", {"start_odometer_km": None})
    assert log.wrong() == []
    assert all(row.from_m is None or row.from_m >= first_m for row in log.rows() if row.car_id == "a")


@pytest.mark.parametrize("field", ["started_at", "ended_at"])
def test_when_a_settled_trip_was_is_not_altered_unseen(log: SpokenLog, field: str) -> None:
    trip = settled(log)[4]
    document = client().document(f"users/{log.email}/trips/{trip.id}")
    document.update({field: getattr(trip, field) + timedelta(minutes=1)})
    assert any("chapters/a." in one for one in log.wrong())
