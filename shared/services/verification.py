"""Computes the log of a driver anew from its facts, and says what of the stored one differs: nothing may.

Nothing is written. Who changes the log meanwhile makes it be read again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from shared import settings
from shared.domain.car.odometer import judged
from shared.domain.driver import Account
from shared.domain.log.explaining import gap_facts
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import ALWAYS_CHANGED, Head, View, broken_at
from shared.domain.log.laying import Whose
from shared.domain.log.shown import trip_facts
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import Row
from shared.domain.log.trip import NO_CAR, Trip, classified, dated
from shared.domain.log.words import summary_of
from shared.domain.tracking.facts import Kept, facts_of, last_told
from shared.domain.tracking.recount import Counted, Thought, recounted
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.facts import FactRepository
from shared.repositories.readings import reading_id
from shared.repositories.user_store import UserStore
from shared.services.log import StoredOwner

# What a fold says of a trip. Names, addresses and proposed kinds were right when they were written.
FOLDED = (
    "car_id", "started_at", "ended_at", "from_m", "to_m", "set_on_m", "start_odometer_km", "end_odometer_km",
    "start_odometer_known", "end_odometer_known", "distance_km", "distance_source", "excess_km", "gap_before_km",
)  # fmt: skip
OF_GAPS = (
    "car_id", "from_m", "to_m", "since", "until", "series", "set_on_m", "explained_as", "reason", "business_m",
)  # fmt: skip
# Of what the history tells of a trip, what changes without an entry.
UNTOLD = ("flags", "from", "to", *ALWAYS_CHANGED)


class Difference(NamedTuple):
    """What is stored of a row, a reading, a sum or the history, and what follows from the facts."""

    what: str
    stored: Any
    follows: Any

    def __str__(self) -> str:
        return f"{self.what}: {self.stored} is stored, {self.follows} follows"


class Verified(NamedTuple):
    """What differs, of so many rows, readings and entries."""

    differences: Sequence[Difference]
    rows: int
    readings: int
    entries: int


def verified(email: str) -> Verified:
    """What differs in the log of a driver. Raises OldLog."""
    store, facts = UserStore(client(), email), FactRepository(client(), email)
    account = AccountRepository(client()).find(email) or Account(email)
    while True:
        state = store.state()
        kept = facts.kept(account.default_car_id, list(store.cars.list_cars().values()))
        sums = store.sums(None)
        if store.state().version == state.version:
            break
    found = [*_in_chain(kept, Head(state.value.entries, state.value.last_hash)), *_in_entries(kept)]
    found += _in_rows(kept, StoredOwner(store, account))
    found += _in_sums(kept, sums)
    readings = sum(map(len, kept.readings.values()))
    return Verified(found, len(kept.trips) + len(kept.gaps), readings, len(kept.entries))


def _in_chain(kept: Kept, head: Head) -> Iterator[Difference]:
    if broken := broken_at(kept.entries, head):
        yield Difference(f"history, entry {broken}", "something else", "the chain")


# --- rows beside what their history says of them


def _in_entries(kept: Kept) -> Iterator[Difference]:
    rows: dict[str, View] = {trip.id: trip_facts(trip) for trip in kept.trips}
    rows |= {gap.id: gap_facts(gap) for gap in kept.gaps}
    rows |= {one.id: {"standing": one.standing} for of in kept.readings.values() for one in of}
    for row_id, told in last_told(kept.entries).items():
        stored = rows.get(row_id, {})
        names = [name for name in told if name in stored and name not in UNTOLD] if told else []
        yield from _differing(row_id, stored, {name: told[name] for name in names})
        if bool(told) != bool(stored):
            yield Difference(row_id, "a row" if stored else "no row", "a row" if told else "none")


def _differing(row: str, stored: View, follows: View) -> Iterator[Difference]:
    for name, value in follows.items():
        if _plain(stored[name]) != _plain(value):
            yield Difference(f"{row}, {name}", stored[name], value)


def _plain(value: Any) -> Any:
    """Lists and tuples alike."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


# --- rows and readings beside what the facts make


def _in_rows(kept: Kept, owner: Whose) -> Iterator[Difference]:
    trips = {(summary_of(trip).id, trip.started_at): trip for trip in kept.trips}
    gaps = {gap.id: gap for gap in kept.gaps}
    thoughts = {one.id: one.judged for of in kept.readings.values() for one in of}
    for one in recounted(facts_of(kept, settings.current.rules), owner, datetime.now(UTC)):
        if isinstance(one, Thought):
            id_ = reading_id(one.car_id, one.reading)
            if (thought := thoughts.pop(id_, None)) and thought.standing != judged(one.why_not).standing:
                yield Difference(f"{id_}, standing", thought.standing, judged(one.why_not).standing)
        elif isinstance(one.says, GapRow):
            yield from _in_gap(gaps.pop(one.says.id, None), replace(one.says, set_on_m=one.set_on_m))
        else:
            drive = one.says.drive
            yield from _in_trip(trips.pop((drive.summary.id, drive.began_at), None), one, owner)
    for row_id in [*(trip.id for trip in trips.values()), *gaps]:
        yield Difference(row_id, "a row", "none")


def _in_gap(stored: GapRow | None, gap: GapRow) -> Iterator[Difference]:
    if stored is None:
        yield Difference(gap.id, "no row", "a row")
    else:
        yield from _differing(gap.id, _of(OF_GAPS, stored), _of(OF_GAPS, gap))


def _in_trip(stored: Trip | None, counted: Counted, owner: Whose) -> Iterator[Difference]:
    drive = counted.drive
    if stored is None:
        yield Difference(f"the trip of {drive.began_at:%Y-%m-%d %H:%M:%S}", "no row", "a row")
        return
    made = counted.laid_on(stored, owner)
    yield from _differing(stored.id, _of(FOLDED, stored), _of(FOLDED, made))
    flags = ([flag for flag in trip.flags if flag != "address_pending"] for trip in (stored, made))
    yield from _differing(stored.id, {"flags": next(flags)}, {"flags": next(flags)})
    again = classified(dated(stored))
    yield from _differing(stored.id, trip_facts(stored), trip_facts(replace(again, summary=stored.summary)))


def _of(names: Iterable[str], row: Trip | GapRow) -> View:
    return {name: getattr(row, name) for name in names}


# --- sums


def _in_sums(kept: Kept, stored: Mapping[int, Mapping[int, Mapping[str, Sums]]]) -> Iterator[Difference]:
    follows: dict[tuple[int, int, str], Sums] = defaultdict(Sums)
    rows: list[Row] = [*kept.trips, *kept.gaps]
    for row in rows:
        sums = sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row)
        key = (row.year, row.month, row.car_id or NO_CAR)
        follows[key] = follows[key].plus(sums)
    found = {
        (year, month, car): sums
        for year, months in stored.items()
        for month, cars in months.items()
        for car, sums in cars.items()
    }
    for key in sorted({*follows, *found}):
        if found.get(key, Sums()) != follows.get(key, Sums()):
            year, month, car = key
            yield Difference(f"sums of {car} in {year}-{month:02d}", found.get(key, Sums()), follows.get(key, Sums()))
