"""Stages what comes of an event: the fold puts it into the rows of a user's log, and these go into a commit."""

from collections.abc import Sequence
from datetime import datetime

from shared import logs, settings
from shared.domain.car.odometer import Standing
from shared.domain.driver import Account
from shared.domain.log.laying import Owner
from shared.domain.log.rows import Rows
from shared.domain.place.places import Place
from shared.domain.tracking.events import Outcome, Told
from shared.domain.tracking.keeping import keep
from shared.domain.tracking.machine import touches_log
from shared.domain.tracking.state import DriverState
from shared.repositories.user_store import Change, UserStore
from shared.services.rows import StoredLog


def owner_of(account: Account) -> Owner:
    """What the log must know of a user."""
    return Owner(account.email, account.timezone, account.habits, addresses=bool(settings.current.geocoders))


def stage(
    change: Change,
    store: UserStore,
    before: DriverState,
    outcome: Outcome,
    owner: Owner,
    places: Sequence[Place],
    now: datetime,
) -> DriverState:
    """Puts all that came of an event into a commit but the state; gives the state to put with it."""
    state, rows = outcome.state, Rows(log := StoredLog(store))
    if outcome.block and state.drive:
        change.add_block(state.drive.blocks - 1, outcome.block)
    if touches_log(outcome):
        state, made = keep(before, outcome, rows, owner, places, now, settings.current.rules)
        log.stage(change, rows, now)
        for trip in made:
            logs.log().info("trip saved", extra={"user": store.email, "car": trip.car_id, "trip": trip.id})
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
