"""Very many drivers in the store, of whom some are due for a poll: the documents that the repositories write."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from google.cloud import firestore

from shared.domain.odometer import Reading
from shared.domain.state import Parked, TripState
from shared.domain.trail import Fix
from shared.repositories.accounts import Account, account_document
from shared.repositories.change import state_document

AT_A_TIME = 500  # writes in one commit
PARKED_AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
IDLE = TripState(parked={"car": Parked(PARKED_AT, "20260101T073000Z-0c1d2e", Reading(PARKED_AT, 12345.0))})


class Crowd:
    """So many drivers with a car that is parked. `tell` is told how far the filling is."""

    def __init__(self, db: firestore.Client, drivers: int, tell: Callable[[str], None]) -> None:
        self._db, self._tell, self._due = db, tell, 0
        self._write(self._documents(range(drivers)), 2 * drivers, "drivers into the store")

    def make_due(self, count: int) -> None:
        """Has a trip going on, with a poll that is due, for so many of the drivers altogether."""
        begun, more = datetime.now(UTC) - timedelta(minutes=10), range(self._due, count)
        states = (self._state(n, _driving(begun + timedelta(microseconds=n))) for n in more)
        self._write(states, len(more), "polls that are due")
        self._due = count

    def _documents(self, numbers: Iterable[int]) -> Iterator[tuple[Any, dict[str, Any]]]:
        for n in numbers:
            account = Account(email(n), name="Driver", default_car_id="car")
            yield self._user(n), account_document(account)
            yield self._state(n, IDLE)

    def _state(self, n: int, state: TripState) -> tuple[Any, dict[str, Any]]:
        return self._user(n).collection("cache").document("trip_start"), state_document(email(n), state)

    def _user(self, n: int) -> Any:
        return self._db.collection("users").document(email(n))

    def _write(self, documents: Iterator[tuple[Any, dict[str, Any]]], count: int, what: str) -> None:
        written = 0
        while group := list(islice(documents, AT_A_TIME)):
            batch = self._db.batch()
            for reference, fields in group:
                batch.set(reference, fields)
            batch.commit()
            written += len(group)
            self._tell(f"{what}, {written:,} of {count:,} documents")


def email(n: int) -> str:
    """Who the n-th driver is."""
    return f"driver-{n:06}@example.com"


def _driving(due_at: datetime) -> TripState:
    fixes = (Fix(due_at, 52.0907, 5.1214, 5.0),)
    return TripState(
        active=True, started_at=due_at, car_id="car", fixes=fixes, heard_at=due_at, next_poll_at=due_at,
        parked=IDLE.parked,
    )  # fmt: skip
