"""Stages what comes of an event: the fold puts it into the rows of a user's log, and these go into a commit."""

from collections.abc import Sequence
from datetime import datetime

from shared import logs, settings
from shared.domain.car.odometer import Standing
from shared.domain.driver import Account
from shared.domain.log.measuring import NotATrip, Owner
from shared.domain.log.rows import Rows
from shared.domain.place.places import Place
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.keeping import keep
from shared.domain.tracking.machine import touches_log
from shared.domain.tracking.state import DriverState
from shared.repositories.user_store import Change, UserStore
from shared.services.rows import StoredLog


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
