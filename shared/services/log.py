"""Opens the rows of a user's log for a fold or for a change by hand, and stages what was put into them."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from shared import logs, settings
from shared.domain.car.odometer import Standing
from shared.domain.driver import Account
from shared.domain.log.drive import Heard, Record
from shared.domain.log.measuring import NotATrip, Owner
from shared.domain.log.rows import Rows
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.keeping import keep
from shared.domain.tracking.machine import touches_log
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import Stored
from shared.repositories.user_store import Change, UserStore

T = TypeVar("T", Trip, Record)


class StoredLog:
    """Where the rows of a user come from, with the versions that a commit must still find.

    The version of a row is the one that was read first: what is put may follow from it, whatever is read later.
    """

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._trips: dict[str, Stored[Trip] | None] = {}
        self._records: dict[str, Stored[Record] | None] = {}

    def trip(self, trip_id: str) -> Trip | None:
        """The trip of that id."""
        return _noted(self._trips, trip_id, self._store.find_trip(trip_id))

    def trip_before(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The last trip of the car that started before a moment."""
        return self._neighbour(self._store.trip_before(car_id, moment))

    def trip_after(self, car_id: str | None, moment: datetime) -> Trip | None:
        """The first trip of the car that started after a moment."""
        return self._neighbour(self._store.trip_after(car_id, moment))

    def blocks(self, count: int) -> Sequence[Heard]:
        """The older events of the drive going on."""
        return self._store.blocks(count)

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""
        return _noted(self._records, drive_id, self._store.record(drive_id))

    def stage(self, change: Change, rows: Rows) -> None:
        """Puts all that was put into the rows into a commit."""
        for trip_id, trip in rows.trips.items():
            change.put_trip(self._trips.get(trip_id), trip)
        for record in rows.records.values():
            change.put_record(self._records.get(record.id), record)
        change.drop_blocks(rows.blocks_gone)

    def _neighbour(self, found: Stored[Trip] | None) -> Trip | None:
        return _noted(self._trips, found.value.id, found) if found else None


def _noted(read: dict[str, Stored[T] | None], id_: str, found: Stored[T] | None) -> T | None:
    read.setdefault(id_, found)
    return found.value if found else None


def owner_of(account: Account) -> Owner:
    """What the log must know of a user."""
    return Owner(account.email, account.timezone, account.habits, addresses=bool(settings.current.geocoders))


def stage(
    change: Change, store: UserStore, outcome: Outcome, owner: Owner, places: Sequence[Place], now: datetime
) -> DriverState:
    """Puts all that came of an event into a commit but the state; gives the state to put with it."""
    state = outcome.state
    if told := outcome.told:
        standing: Standing = "not_believed" if told.why_not else "believed"
        change.add_reading(told.car_id, told.reading, now, standing if told.is_judged else None, told.why_not or "")
        if told.why_not:
            about: dict[str, str | None] = {"user": store.email, "car": told.car_id}
            logs.log().warning("odometer not believed: %s", told.why_not, extra=about)
    if outcome.block and state.drive:
        change.add_block(state.drive.blocks - 1, outcome.block)
    if not touches_log(outcome):
        return state
    log = StoredLog(store)
    rows = Rows(log)
    state, made = keep(outcome, rows, owner, places, now, settings.current.rules)
    log.stage(change, rows)
    for drive, came in made:
        about = {"user": store.email, "car": drive.car_id, "why": drive.why}
        if isinstance(came, NotATrip):
            logs.log().info("drive is no trip: %s", came.why, extra=about)
        else:
            logs.log().info("trip saved", extra={**about, "trip": came.id})
    return state
