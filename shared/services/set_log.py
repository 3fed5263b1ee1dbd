"""Lays a driver's log by their settings once these are others: what is open of it, and where the first stretch begins.

What is settled else keeps the settings that it was settled with. It is a commit of its own, after that of the settings:
if it is missed, the next poll lays what is open.
"""

from datetime import UTC, datetime

from msgspec.structs import replace

from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.log.sealing import YearIsClosed
from shared.domain.tracking.chapters import in_zone
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.state import DriverState, with_cars
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.closing import propose
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.stretches import reopened

BY = "settings"
WHY = "the settings of the car are others"


def follow(email: str, begun: str | None = None) -> None:
    """Lays what is open of a log anew; of the car `begun` (its id) also the first stretch that is settled."""
    store = UserStore(client(), email)

    @until_current
    def attempt() -> None:
        read, account = store.state(), AccountRepository(client()).find(email)
        if read.version is None or account is None:
            return
        now, log = datetime.now(UTC), StoredLog(store)
        rows, owner = Rows(log), StoredOwner(store, account)
        state = replace(read.value, default_car_id=account.default_car_id)
        state = in_zone(with_cars(state, store.cars.list_cars().values()), account.timezone)
        state, _ = refolded(read.value, state, rows, owner, now)
        state = _begun_anew(store, log, state, begun, rows, owner, now) if begun else state
        if state != read.value or rows.chapters:
            change = store.change(Author(BY, now))
            log.stage(change, rows, now)
            locked(change, read, state)
            change.commit()

    try:
        attempt()
    except YearIsClosed as closed:
        # What is sealed stays, and what would be otherwise stands beside it; what is open is laid by itself.
        propose(closed, WHY)
        if begun:
            follow(email)


def _begun_anew(
    store: UserStore, log: StoredLog, state: DriverState, car_id: str, rows: Rows, owner: StoredOwner, now: datetime
) -> DriverState:
    """The state, where the first chapter of a car begins with what its driver says of that by now."""
    chapter, car = store.chapters.first(car_id), store.cars.list_cars().get(car_id)
    if chapter is None or car is None or (chapter.begin and not chapter.begin.is_said):
        return state
    stretch = reopened(store, log, state, [car_id], chapter.end.at, chapter.end.at)
    begun = replace(with_cars(stretch.state, [car]), car_ids=stretch.state.car_ids)
    refolded(stretch.state, begun, rows, owner, now, stretch.rows)
    return stretch.close(state, rows, owner, now)
