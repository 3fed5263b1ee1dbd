"""Stages what comes of an event: the fold puts it into the rows of a user's log, and these go into a commit."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from shared import logs, settings
from shared.domain.car.odometer import Standing
from shared.domain.driver import Account
from shared.domain.log.kinds import Habits
from shared.domain.log.rows import Rows
from shared.domain.place.places import Place
from shared.domain.tracking.events import Outcome, Told
from shared.domain.tracking.keeping import keep
from shared.domain.tracking.machine import touches_log
from shared.domain.tracking.state import DriverState
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.user_store import Change, UserStore
from shared.services.rows import StoredLog


class StoredOwner:
    """Whose log it is, as they are in the store: read at the first use, and once, however often a commit is tried."""

    def __init__(self, store: UserStore, account: Account | None = None) -> None:
        self._store, self._given = store, account

    @property
    def user(self) -> str:
        """Their e-mail address."""
        return self._store.email

    @property
    def timezone(self) -> str:
        """Their time zone, an IANA name."""
        return self._account.timezone

    @property
    def habits(self) -> Habits:
        """What they said of their habits."""
        return self._account.habits

    @property
    def addresses(self) -> bool:
        """Whether addresses of their trips are looked up."""
        return bool(settings.current.geocoders)

    @cached_property
    def places(self) -> Sequence[Place]:
        """All places that they see."""
        return self._store.places()

    @cached_property
    def _account(self) -> Account:
        return self._given or AccountRepository(client()).find(self.user) or Account(self.user)


def stage(
    change: Change,
    store: UserStore,
    before: DriverState,
    outcome: Outcome,
    owner: StoredOwner,
    now: datetime,
) -> DriverState:
    """Puts all that came of an event into a commit but the state; gives the state to put with it."""
    state, rows = outcome.state, Rows(log := StoredLog(store))
    if outcome.block and state.drive:
        change.add_block(state.drive.blocks - 1, outcome.block)
    if touches_log(outcome):
        state = keep(before, outcome, rows, owner, now, settings.current.rules)
        log.stage(change, rows, now)
    if outcome.told:
        stage_reading(change, store, outcome.told, rows, now)
    return state


def stage_reading(change: Change, store: UserStore, told: Told, rows: Rows, now: datetime) -> Standing:
    """Keeps what was said of an odometer; what is thought of it. What no fold looked at has nobody's judgement."""
    key = (told.car_id, told.reading)
    why = told.why_not or rows.judged.get(key)
    standing: Standing = "not_believed" if why else "believed"
    change.add_reading(told.car_id, told.reading, now, standing if why or key in rows.judged else None, why or "")
    if why:
        logs.log().warning("odometer not believed: %s", why, extra={"user": store.email, "car": told.car_id})
    return standing
