"""16: the history of the year is whole: what was changed, when, by whom and why."""

from collections.abc import Iterator
from itertools import pairwise

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.history import hash_of


def outcome(examined: Examined) -> Outcome:
    """Fails where an entry is not what its hash says, or not of the one before it, as far as both are of this year.

    Whether none is missing at the end, only the whole history can tell.
    """
    return unless(_broken(examined), "fails", ADVICE)


def _broken(examined: Examined) -> Iterator[str]:
    yield from (entry.row for entry in examined.entries if entry.hash != hash_of(entry))
    for before, entry in pairwise(examined.entries):
        if entry.n <= before.n or (entry.n == before.n + 1 and entry.prev != before.hash):
            yield entry.row


ADVICE = Text(
    "De geschiedenis van deze regels ({count}) is niet meer zoals ze is geschreven. Laat de beheerder het log"
    " nakijken.",
    "The history of these rows ({count}) is no longer as it was written. Have the operator verify the log.",
)
CHECK = Check(
    16,
    "law",
    Text("Van elke wijziging is de geschiedenis bewaard", "The history of each change is kept"),
    outcome,
    is_of_rows=False,
)
