"""Puts what a driver says of a gap into the log, where it is open or settled."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from shared.domain.driver import Account
from shared.domain.log.explaining import words_with
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.tracking.keeping import refolded
from shared.domain.tracking.settled import is_settled
from shared.domain.tracking.state import DriverState, with_log
from shared.repositories.documents import Stored
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.stretches import reopened

MOMENT = timedelta(microseconds=1)


def keep(
    store: UserStore, account: Account, read: Stored[DriverState], stored: Stored[GapRow], gap: GapRow, author: Author
) -> GapRow:
    """Commits a gap with what is said of it by now, and all that follows; the row with its first kilometres then."""
    change, log = store.change(author), StoredLog(store)
    log.knows([], [stored])
    rows, owner = Rows(log), StoredOwner(store, account)
    state = _with_word(store, log, read.value, gap, rows, owner, author.now)
    log.stage(change, rows, author.now)
    change.is_about(gap.id)
    locked(change, read, state)
    change.commit()
    return next((row for row in rows.gaps.values() if row and _has(row, gap)), gap)


def _with_word(
    store: UserStore, log: StoredLog, state: DriverState, gap: GapRow, rows: Rows, owner: StoredOwner, now: datetime
) -> DriverState:
    """Puts what is said of a gap into the rows: gaps beside it of which the same is said may be one row with it."""
    rows.put_gap(gap)
    if not is_settled(state, gap.car_id, gap.until):
        opened = state.of_car(gap.car_id)
        said = replace(opened, explained=words_with(opened.explained, gap))
        return refolded(state, with_log(state, gap.car_id, said), rows, owner, now)[0]
    stretch = reopened(store, log, state, [gap.car_id], gap.since + MOMENT, gap.until)
    opened = stretch.state.of_car(gap.car_id)
    said = replace(opened, explained=words_with(opened.explained, gap))
    refolded(stretch.state, with_log(stretch.state, gap.car_id, said), rows, owner, now, stretch.rows)
    return stretch.close(state, rows, owner, now)


def _has(row: GapRow, gap: GapRow) -> bool:
    """Whether a row has the kilometres of a gap, or the first of them."""
    return (row.car_id, row.series) == (gap.car_id, gap.series) and row.from_m <= gap.from_m < row.to_m
