"""Takes the trips of a file into a driver's log, or says what would become of each of its rows.

What is done is there at once, part by part; a call that has not time enough for all of it is made again, and goes on.
"""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.domain.driver import Account
from shared.domain.log.history import Author
from shared.domain.log.sums import Sums
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore
from shared.services.file_rows import Result, Told, Written, planned, stored_trips
from shared.services.importing import imported, preview, sums_by_year

Years = Mapping[tuple[int, str], Sums]


class Outcome(NamedTuple):
    """What an import did, or would do: to each row, to so many readings, to trips that the log has besides; the sums
    by year and car, before and after."""

    rows: Sequence[Told]
    new_readings: int
    left_readings: int
    changed: Sequence[str]
    before: Years
    after: Years

    def number_of(self, result: Result) -> int:
        """How many rows have this result; of what is left, readings as well."""
        of_rows = sum(row.result == result for row in self.rows)
        return of_rows + (self.left_readings if result == "left" else 0)


def import_file(account: Account, written: Written, author: Author, within_s: float) -> Outcome:
    """Takes a file in, as far as that can be done within a time; rows that are `left` need the same call again.

    Raises Unfit where the file as a whole cannot be taken in.
    """
    store, ends_at_s = UserStore(client(), account.email), time.monotonic() + within_s
    plan, before = planned(store, account, written, author.now), sums_by_year(store)
    steps = imported(account, plan.given, author)
    done = next(steps)
    while not done.is_all:  # one part at least: whoever calls again comes to the end
        done = next(steps)
        if time.monotonic() > ends_at_s:
            break
    ids = {trip.id for _, trip in plan.new} - {*done.left}
    rows = plan.done(stored_trips(store, sorted(ids)), done.left)
    return Outcome(rows, done.new_readings, done.left_readings, done.changed, before, sums_by_year(store))


def preview_file(account: Account, written: Written, author: Author) -> Outcome:
    """What `import_file` would do now, with all the time that it needs. Nothing is written. Raises Unfit."""
    plan = planned(UserStore(client(), account.email), account, written, author.now)
    said = preview(account, plan.given, author)
    rows = plan.done({one.trip.id: one.trip for one in said.trips if one.trip})
    return Outcome(rows, said.new_readings, 0, [trip.id for trip in said.changed], said.before, said.after)
