"""Shows and drops the drive going on. Nothing here asks for a poll: who shows it loads no client of the bus."""

from shared import settings
from shared.domain.driver import Account
from shared.domain.fitting import NotFound
from shared.domain.log.history import Author, years_of
from shared.domain.log.shown import zulu
from shared.domain.tracking.going import SoFar, so_far
from shared.domain.tracking.state import DriverState, GoingOn
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore


def going_on(email: str) -> SoFar:
    """What is known of a driver's drive going on. Raises NotFound where none does."""
    return so_far(*_going_on(UserStore(client(), email).state().value), settings.current.rules)


def drop(account: Account, author: Author) -> None:
    """Drops the drive going on; what the phone sent for it is kept, and does not begin it again. Raises NotFound."""
    # No call that is often made of the function trips needs the fold: to load it would be a part of each cold start.
    from shared.domain.tracking.events import Dropped
    from shared.domain.tracking.machine import advance
    from shared.services.log import StoredOwner, stage

    store = UserStore(client(), account.email)
    owner = StoredOwner(store, account)

    @until_current
    def attempt() -> None:
        read, change = store.state(), store.change(author)
        state, drive = _going_on(read.value)
        dropped = {"car_id": drive.car_id, "started_at": zulu(drive.started_at)}
        change.is_about(row_id := f"active-{dropped['started_at']}")
        change.tell("trip", row_id, dropped, {}, years_of(drive.started_at))
        outcome = advance(state, Dropped(), author.now, settings.current.rules)
        change.put_state(read, stage(change, store, read.value, outcome, owner, author.now))
        change.commit()

    attempt()


def _going_on(state: DriverState) -> tuple[DriverState, GoingOn]:
    if state.drive is None:
        raise NotFound("No trip is going on.")
    return state, state.drive
