"""Takes what the phone says. Never waits for a car's cloud."""

from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shared import logs, settings
from shared.domain.driver import Account
from shared.domain.log.drive import Heard
from shared.domain.log.history import PHONE, Author
from shared.domain.tracking.events import Ended, Outcome, Started
from shared.domain.tracking.machine import advance, touches_log
from shared.domain.tracking.state import DriverState, Leg, leg_of
from shared.messaging.polls import Reason, ask_for_poll
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.log import StoredOwner, stage


class Taken(NamedTuple):
    """What came of a word of the phone, and the driver's state with it."""

    outcome: Outcome
    state: DriverState

    @property
    def leg(self) -> Leg | None:
        """The drive going on now."""
        return leg_of(self.state, settings.current.rules)


def start(account: Account, heard: Heard, now: datetime) -> Taken:
    """A start, or one more GPS point of the drive going on."""
    return _take(account, Started(heard, account.default_car_id), now)


def end(account: Account, heard: Heard, now: datetime) -> Taken:
    """The phone left the car."""
    return _take(account, Ended(heard, account.default_car_id), now)


def _take(account: Account, event: Started | Ended, now: datetime) -> Taken:
    store = UserStore(client(), account.email)
    # A place may say that an end is a pause. A start asks for none, and is answered the sooner.
    is_located_end = isinstance(event, Ended) and event.heard.lat is not None
    places = store.places() if is_located_end else ()

    @until_current
    def attempt() -> Taken:
        read = store.state()
        state = read.value
        told = replace(event, heard=_named(store, account, state, event.heard))
        outcome = advance(state, told, now, settings.current.rules, places)
        if outcome.state == state and not touches_log(outcome):
            return Taken(outcome, state)
        change, kept = store.change(Author(PHONE, now)), outcome.state
        if touches_log(outcome) or outcome.block:
            kept = stage(change, store, state, outcome, StoredOwner(store, account), now)
        change.put_state(read, kept)
        change.commit()
        return Taken(outcome, kept)

    taken = attempt()
    if taken.outcome.poll_now:
        _ask_for_poll(account.email, taken.outcome.status)
    return taken


def _named(store: UserStore, account: Account, state: DriverState, heard: Heard) -> Heard:
    """What was heard, and whether the car that it names is one that the driver does not have."""
    # Of a car that they gave away something may still be open.
    known = {account.default_car_id, None, state.drive.car_id if state.drive else None}
    if heard.car_id in known or heard.car_id in store.cars.list_cars():
        return heard
    return replace(heard, is_stray=True)


def _ask_for_poll(user: str, reason: Reason) -> None:
    """The event is stored already: where the bus is down, the scheduler's next tick finds the poll due."""
    try:
        ask_for_poll(user, reason)
    except Exception:  # noqa: BLE001 - whatever the bus has, the phone's event is safe
        logs.log().warning("poll not asked for; the next tick does it", exc_info=True, extra={"user": user})
