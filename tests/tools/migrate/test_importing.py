"""What the import service says of facts of another system beforehand, and what comes of them then."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import Reading
from shared.domain.driver import Account
from shared.domain.log.history import Author
from shared.domain.log.moved import moved
from shared.domain.log.sums import Sums
from shared.domain.log.trip import Trip, classified, dated, trip_id
from shared.repositories import documents
from shared.services import importing
from shared.services.importing import Given, Offered, Preview
from tests.tools.migrate.migration import House, add
from tests.tools.migrate.old_store import BORIS, everything
from tools.local import processes

DAY = datetime(2024, 1, 8, 7, tzinfo=UTC)
AUTHOR = Author("operator", datetime(2026, 11, 27, 9, tzinfo=UTC))
ACCOUNT = Account(BORIS, default_car_id="audi")


@pytest.fixture(autouse=True)
def _of_the_house(house: House) -> Iterator[None]:
    """The service works on the store of the house."""
    house.store().cars.save(Car("audi", "simulated"), {"token": "t"})
    documents.client.cache_clear()
    with processes.environment({"GOOGLE_CLOUD_PROJECT": house.project}):
        yield
    documents.client.cache_clear()


def trip(days: float, start_km: float | None, km: float, **fields: Any) -> Trip:
    """A trip of another system, so many days after the first."""
    at = DAY + timedelta(days=days)
    odometers = {} if start_km is None else {"start_odometer_km": start_km, "end_odometer_km": start_km + km}
    made = Trip(**{
        "id": trip_id(BORIS, at), "user": BORIS, "car_id": "audi", "started_at": at,
        "ended_at": at + timedelta(minutes=30), "timezone": "Europe/Amsterdam", "date": "", "year": 0, "month": 0,
        "kind": "business", "distance_km": km, "created_at": at, "updated_at": at, **odometers, **fields,
    })  # fmt: skip
    made = classified(dated(made))
    return replace(made, summary=moved(made))


def offered(*trips: Trip) -> list[Offered]:
    return [Offered(f"line {n}", one) for n, one in enumerate(trips, 1)]


def foreseen(given: Given) -> Preview:
    return importing.preview(ACCOUNT, given, AUTHOR)


def taken_in(given: Given) -> list[int]:
    return [done.facts for done in importing.imported(ACCOUNT, given, AUTHOR)]


def totals(sums: dict[tuple[int, str], Sums]) -> dict[tuple[int, str], Sums]:
    return {key: of for key, of in sums.items() if any(of)}


def held(house: House, given: Given) -> Preview:
    """What was said beforehand, which is what came of it."""
    before = everything(house.db)
    said = foreseen(given)
    assert everything(house.db) == before
    assert taken_in(given)[-1] == len({one.trip.id for one in given.trips if one.trip}) + sum(
        map(len, given.readings.values())
    )
    stored = {one.id: one for one in house.trips()}
    for one in said.trips:
        if one.what == "new" and one.trip:
            assert kilometres(stored[one.trip.id]) == kilometres(one.trip)
    for one in said.changed:
        assert kilometres(stored[one.id]) == kilometres(one)
    then = foreseen(given)
    assert {one.what for one in then.trips} <= {"there already", "refused"}
    assert (then.new_readings, then.changed, totals({**then.before})) == (0, [], totals({**said.after}))
    return said


def kilometres(one: Trip) -> tuple[Any, ...]:
    return one.from_m, one.to_m, one.distance_km, one.excess_km, one.gap_before_km, one.flags


def test_what_is_said_beforehand_row_by_row_is_what_comes_of_it(house: House) -> None:
    trips = [trip(0, 100, 20), trip(1, 125, 20), trip(2, 140, 30), trip(3, None, 9)]
    rows = [*offered(*trips), Offered("line 5", None, "no date"), Offered("line 6", trips[0])]
    said = held(house, Given(rows, {"audi": [Reading(DAY + timedelta(days=1.5), 145.0)]}))
    assert [(one.where, one.what) for one in said.trips] == [
        ("line 1", "new"), ("line 2", "new"), ("line 3", "new"), ("line 4", "new"), ("line 5", "refused"),
        ("line 6", "refused"),
    ]  # fmt: skip
    assert [one.why for one in said.trips[4:]] == ["no date", "its id is that of another trip"]
    assert said.trips[2].trip
    assert said.trips[2].trip.has("contradicted")
    assert (said.new_readings, said.before) == (1, {})
    assert said.after[2024, "audi"].trip_count == 4
    assert house.differences() == []


def test_a_thousand_facts_come_in_a_few_commits_of_200_rows_each_and_once(house: House) -> None:
    trips = [trip(n / 2, 1000 + 13.0 * n, 10) for n in range(300)]
    given = Given(offered(*trips), {"audi": [Reading(one.ended_at, one.end_odometer_km or 0) for one in trips]})
    steps = importing.imported(ACCOUNT, given, AUTHOR)
    done = [next(steps).facts for _ in range(3)]
    steps.close()  # type: ignore[attr-defined]
    assert done == sorted({*done})
    assert taken_in(given)[-1] == 600
    once = everything(house.db)
    assert taken_in(given) == [600]
    assert everything(house.db) == once
    assert [one.distance_km for one in house.trips()] == [10.0] * 300
    assert house.differences() == []


def test_what_is_earlier_than_what_is_settled_lies_between_its_rows(house: House) -> None:
    taken_in(Given(offered(*(trip(n, 1000 + 50.0 * n, 10) for n in range(60)))))
    assert house.store().state().value.of_car("audi").start
    late = [trip(n + 0.4, 1020 + 50.0 * n, 12) for n in range(5, 25)]
    said = held(house, Given(offered(*late), {"audi": [Reading(DAY + timedelta(days=30.4), 2515.0)]}))
    assert {one.what for one in said.trips} == {"new"}
    assert [trip.gap_before_km for trip in house.trips()][6:9] == [10.0, 18.0, 10.0]
    assert house.differences() == []


def test_beside_trips_of_the_live_log_it_says_which_of_them_change(house: House) -> None:
    add(house, DAY - timedelta(days=1), 90)
    add(house, DAY + timedelta(days=1), 130)
    documents.client.cache_clear()
    said = held(house, Given(offered(trip(0, 100, 20))))
    assert [one.gap_before_km for one in said.changed] == [10.0]
    assert house.differences() == []


def test_what_its_author_took_in_is_told_in_the_history_of_what_was_there(house: House) -> None:
    add(house, DAY + timedelta(days=1), 130)
    documents.client.cache_clear()
    taken_in(Given(offered(trip(0, 100, 20))))
    told = [(one.by, [*one.after]) for one in house.store().history.all() if one.n > 1]
    assert told == [("operator", ["gap_before_km"])]


def test_a_trip_of_another_user_or_one_that_is_not_moved_is_refused_as_a_bug(house: House) -> None:
    before = everything(house.db)
    for wrong in (trip(0, 100, 20, user="carla@example.com"), replace(trip(0, 100, 20), summary=None)):
        with pytest.raises(ValueError, match="has to be moved"):
            taken_in(Given(offered(wrong)))
        with pytest.raises(ValueError, match="has to be moved"):
            foreseen(Given(offered(wrong)))
    assert everything(house.db) == before


def test_nothing_of_it_is_another_users(house: House) -> None:
    house.register("carla@example.com")
    before = {path: at for path, at in everything(house.db).items() if not path.startswith(f"users/{BORIS}")}
    taken_in(Given(offered(trip(0, 100, 20)), {"audi": [Reading(DAY - timedelta(days=1), 90.0)]}))
    after = {path: at for path, at in everything(house.db).items() if not path.startswith(f"users/{BORIS}")}
    assert after == before
