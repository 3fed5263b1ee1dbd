"""Puts what a driver says of an odometer, and what they take back, into the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.domain.car.odometer import Reading, Standing
from shared.domain.driver import Account
from shared.domain.log.rows import Rows
from shared.domain.tracking.answers import taken_in, without
from shared.domain.tracking.events import Asked, Outcome, Told
from shared.domain.tracking.keeping import refolded, why_doubted
from shared.domain.tracking.settled import is_settled
from shared.domain.tracking.state import DriverState
from shared.repositories.user_store import Change, UserStore
from shared.services.log import StoredOwner, stage, stage_reading
from shared.services.rows import StoredLog
from shared.services.stretches import reopened_at


class Said(NamedTuple):
    """What a driver says of the odometer of a car: what counts no more, and what does from now on."""

    car_id: str
    gone: Sequence[Reading]
    new: Reading | None = None


def folded(
    change: Change, store: UserStore, account: Account, state: DriverState, said: Said, now: datetime
) -> tuple[DriverState, Standing]:
    """Puts what is said into the log, where it is open or settled; the state to store, and what is thought of it."""
    owner = StoredOwner(store, account)
    moments = [one.at for one in (*said.gone, said.new) if one]
    if not is_settled(state, said.car_id, max(moments)):
        outcome = _with_word(state, said, now)
        state = stage(change, store, state, outcome, owner, now)
        return state, _standing(outcome.state, said)
    log = StoredLog(store)
    opened, rows = reopened_at(store, log, state, said.car_id, max(moments)), Rows(log)
    after, _ = refolded(opened.state, _with_word(opened.state, said, now).state, rows, owner, now, opened.rows)
    state = opened.close(state, rows, owner, now)
    log.stage(change, rows, now)
    if said.new:
        stage_reading(change, store, Told(said.car_id, said.new), rows, now)
    return state, _standing(after, said)


def _with_word(state: DriverState, said: Said, now: datetime) -> Outcome:
    for reading in said.gone:
        state = without(state, said.car_id, reading)
    return taken_in(state, said.car_id, said.new, now) if said.new else Outcome(state=state, asked=Asked(said.car_id))


def _standing(state: DriverState, said: Said) -> Standing:
    return "not_believed" if said.new and why_doubted(state, said.car_id, said.new) else "believed"
