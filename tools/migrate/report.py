"""Owns what the operator sees: progress on stderr, listings and the table of before and after on stdout."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from functools import reduce
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.domain.log.sums import Sums
from shared.services.importing import Preview
from tools.migrate.outcome import Result, cars_of
from tools.migrate.plan import Note, Plan, Share

T = TypeVar("T")
OUTPUT_WIDTH = 140  # of a file or pipe: a line of the table must not be broken


@contextmanager
def progress() -> Iterator[Callable[[str, Iterable[Any]], Iterator[Any]]]:
    """Shows how far each step is."""
    columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def watched(what: str, items: Iterable[Any]) -> Iterator[Any]:
            total = len(items) if isinstance(items, Sized) else None
            if total == 0:
                return
            bar = bars.add_task(what, total=total)
            count = 0
            for count, item in enumerate(items, 1):  # noqa: B007
                yield item
                bars.advance(bar)
            bars.update(bar, total=count)

        yield watched


def tell_listings(plan: Plan, unregistered: Iterable[str], dry_run: bool) -> None:
    """What is to be known of users and rows before the table."""
    for email in sorted(unregistered):
        print(f"{'Would register' if dry_run else 'Registered'} {email}, without a key. For a key: "
              f"python -m tools.admin add-key {email} --scope full")  # fmt: skip
    tell_notes("Rows without an owner, for the default user", plan.adopted)
    tell_notes("Left out of rows that were moved", plan.remarks)
    tell_notes("Left where they are", plan.left)
    if plan.idle:
        print("\ncache/trip_start: no trip is going on, nothing to move.")


def tell_notes(title: str, notes: Iterable[Note]) -> None:
    """The documents by what is to be told of them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        collection, _, name = note.path.rpartition("/")
        groups.setdefault((collection, note.why), []).append(name)
    if groups:
        print(f"\n{title}:")
    for (collection, why), names in sorted(groups.items()):
        print(f"  {collection}: {why} ({len(names)}): {', '.join(names)}")


def tell_table(plan: Plan, results: dict[str, Result], dry_run: bool) -> None:
    """Counts and kilometres of each user before and after."""
    columns = ("trips", "km", "business km", "private km", "readings", "places", "cars")
    table = Table("user", "", *columns, title="Old rows that can be read, and what the new store holds of them")
    for column in table.columns[2:]:
        column.justify = "right"
    for email, share in sorted(plan.shares.items()):
        table.add_row(email, "old", *_before(share))
        table.add_row("", "there already" if dry_run else "moved", *_after(results[email]), end_section=True)
    width = None if Console().is_terminal else OUTPUT_WIDTH
    Console(width=width).print(table)


def tell_previews(previews: Mapping[str, Preview]) -> None:
    """What would become of the trips, and of the log that they come to."""
    for email, found in sorted(previews.items()):
        new = [one.trip for one in found.trips if one.what == "new" and one.trip]
        flagged = sum(trip.has("contradicted") for trip in new)
        before, after = (reduce(Sums.plus, at.values(), Sums()) for at in (found.before, found.after))
        print(
            f"{email}: {len(new)} trips would come to the log, {flagged} of them contradicted by an odometer; "
            f"its trips {_km(before.total_m)} → {_km(after.total_m)} km, its gaps {_km(before.gap_m)} → "
            f"{_km(after.gap_m)} km, and {len(found.changed)} of the trips that it has would change."
        )


def _km(metres: int) -> str:
    return f"{metres / 1000:,.1f}"


def _before(share: Share) -> list[str]:
    counts = (len(share.readings), len(share.places), cars_of(share))
    return [*_tally(share.before), *(f"{count:,}" for count in counts)]


def _after(result: Result) -> list[str]:
    return [*_tally(result.after), *(f"{count:,}" for count in (result.readings, result.places, result.cars))]


def _tally(tally: Any) -> list[str]:
    return [f"{tally.trips:,}", *(f"{tenths / 10:,.1f}" for tenths in (tally.total, tally.business, tally.private))]


def tell_results(plan: Plan, results: dict[str, Result]) -> bool:
    """What does not agree, and the last word; whether everything agrees."""
    for email, result in sorted(results.items()):
        if result.corrected:
            print(f"{email}: {result.corrected} moved trips were corrected since; but for that, see above, they agree.")
        if not result.sums_agree:
            print(f"{email}: the stored sums are NOT those of the rows.")
        for why in result.untiled:
            print(f"{email}: the rows do NOT follow each other along the odometer of {why}.")
    wrong = [email for email, result in sorted(results.items()) if not result.agrees(plan.shares[email])]
    if wrong:
        print(f"Before and after do NOT agree for {', '.join(wrong)}.")
        return False
    left = (
        f"{len(plan.left)} rows were left where they are, for the reasons above." if plan.left else "No row was left."
    )
    print(f"Everything that can be read was moved, and before and after agree. {left}")
    return True
