"""Computes the log of a driver anew from its facts, and says what of the stored one differs: nothing may.

Nothing is written. Who changes the log meanwhile makes it be read again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from shared import settings
from shared.domain.car.odometer import judged, reading_view
from shared.domain.driver import Account
from shared.domain.log.chapter import times_of, within
from shared.domain.log.dividing import is_shaped
from shared.domain.log.explaining import gap_facts
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import ALWAYS_CHANGED, Head, View, broken_at
from shared.domain.log.laying import Whose
from shared.domain.log.record import events_of
from shared.domain.log.sealing import correction_view, seal_id, seal_view
from shared.domain.log.shown import trip_facts
from shared.domain.log.summary import Summary
from shared.domain.log.sums import Sums, flat, sums_by_month
from shared.domain.log.tiling import Row, along
from shared.domain.log.trip import Trip, classified, dated
from shared.domain.log.words import summary_of
from shared.domain.tracking.facts import Kept, closed_of, facts_of, is_closed_beside, last_told, unfixed
from shared.domain.tracking.recount import Counted, Thought, recounted
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import drives_of, together
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.facts import UNREADABLE, FactRepository
from shared.repositories.readings import reading_id
from shared.repositories.user_store import UserStore
from shared.services.closing import hash_of
from shared.services.log import StoredOwner

# What a fold says of a trip. Names, addresses and proposed kinds were right when they were written.
FOLDED = (
    "car_id", "started_at", "ended_at", "from_m", "to_m", "set_on_m", "start_odometer_km", "end_odometer_km",
    "start_odometer_known", "end_odometer_known", "distance_km", "distance_source", "excess_km", "gap_before_km",
)  # fmt: skip
OF_GAPS = (
    "car_id", "from_m", "to_m", "since", "until", "series", "set_on_m", "explained_as", "reason", "business_m",
)  # fmt: skip
# What the phone said of a drive.
PHONES = ("began_at", "ended_at", "trail", "car_id", "is_stray", "begun", "ended", "silences", "driver")
Years = Mapping[int, Mapping[int, Mapping[str, Sums]]]
# Of what the history tells of a trip, what changes without an entry. It keeps the e-mail that its driver had then.
UNTOLD = ("flags", "from", "to", "timestamp_token", "user", *ALWAYS_CHANGED)


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
        sums = _sums(store)
        if store.state().version == state.version:
            break
    found = [Difference(path, "something else", "a document of ours") for path in facts.unreadable]
    found += [*_in_chain(kept, Head(state.value.entries, state.value.last_hash)), *_in_entries(kept)]
    found += [*_in_owners(kept, email), *_in_chapters(kept), *_in_rows(kept, StoredOwner(store, account))]
    found += [*_in_seals(kept, state.value), *_in_sums(kept, sums)]
    readings = sum(map(len, kept.readings.values()))
    return Verified(found, len(kept.trips) + len(kept.gaps), readings, len(kept.entries))


def _sums(store: UserStore) -> Years:
    """The sums, as far as they can be read."""
    try:
        return store.sums(None)
    except UNREADABLE:
        return {}


def _in_chain(kept: Kept, head: Head) -> Iterator[Difference]:
    if broken := broken_at(kept.entries, head):
        yield Difference(f"history, entry {broken}", "something else", "the chain")


def _in_owners(kept: Kept, email: str) -> Iterator[Difference]:
    rows: list[Row] = [*kept.trips, *kept.gaps]
    yield from (Difference(f"{row.id}, user", row.user, email) for row in rows if row.user != email)


def _in_chapters(kept: Kept) -> Iterator[Difference]:
    """When the trips of each chapter are, beside when they were as it was closed."""
    of_car, closed = defaultdict[str | None, list[tuple[datetime, Trip]]](list), closed_of(kept.seals)
    for trip in sorted(kept.trips, key=lambda one: one.ended_at):
        of_car[trip.car_id].append((trip.ended_at, trip))
    for chapter in kept.chapters:
        trips = within(chapter, of_car[chapter.car_id])
        # What was closed while no odometer of the car was known is in the chapter only if that was opened since.
        unclosed = [one for one in trips if not is_closed_beside(one, closed)]
        if chapter.times not in (_times(trips), _times(unclosed)):
            yield Difference(f"chapters/{chapter.id}", "trips of other times", "those with which it was closed")


def _times(trips: Iterable[Trip]) -> str:
    return times_of((one.id, one.started_at, one.ended_at) for one in trips)


# --- rows beside what their history says of them


def _in_entries(kept: Kept) -> Iterator[Difference]:
    rows: dict[str, View] = {trip.id: trip_facts(trip) for trip in kept.trips}
    rows |= {gap.id: gap_facts(gap) for gap in kept.gaps}
    rows |= {
        one.id: reading_view(car_id, one.reading, one.standing) for car_id, of in kept.readings.items() for one in of
    }
    rows |= {one.id: seal_view(one) for one in kept.seals} | {one.id: correction_view(one) for one in kept.corrections}
    last = last_told(kept.entries)
    for row_id, told in last.items():
        stored = rows.get(row_id, {})
        names = [name for name in told if name in stored and name not in UNTOLD] if told else []
        yield from _differing(row_id, stored, {name: told[name] for name in names})
        yield from _in_ends(row_id, stored, told)
        if bool(told) != bool(stored):
            yield Difference(row_id, "a row" if stored else "no row", "a row" if told else "none")

    yield from _without_entry(kept, last)


def _in_ends(row: str, stored: View, told: View) -> Iterator[Difference]:
    """Where a trip began and ended; names only where its driver said them, for others are added without an entry."""
    for end in ("from", "to"):
        if end in stored and end in told:
            names = ("lat", "lng", "place") if end in stored["set_by_hand"] else ("lat", "lng")
            then = {f"{end}.{name}": told[end][name] for name in names}
            yield from _differing(row, {f"{end}.{name}": stored[end][name] for name in names}, then)


def _without_entry(kept: Kept, last: Mapping[str, View]) -> Iterator[Difference]:
    """What somebody would have said, and no entry tells of it."""
    for trip in kept.trips:
        is_moved = bool(trip.summary and trip.summary.moved)
        is_said = trip.set_by_hand or trip.source == "manual" or trip.purpose or trip.notes or trip.deviation
        if is_said and not is_moved and not last.get(trip.id):
            yield Difference(trip.id, "what its driver said", "nothing that they said")
    for gap in kept.gaps:
        if gap.explained_as and last.get(gap.id, {}).get("explained_as") != gap.explained_as:
            yield Difference(gap.id, gap.explained_as, "no explanation")
    for car_id, of in kept.readings.items():
        for one in of:
            if one.id != reading_id(car_id, one.reading):
                yield Difference(one.id, reading_id(car_id, one.reading), one.id)


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
    trips = {trip.id: trip for trip in kept.trips}
    ids = {(summary_of(trip).id, trip.started_at): trip.id for trip in kept.trips}
    gaps = {gap.id: gap for gap in kept.gaps}
    thoughts = {one.id: one.judged for of in kept.readings.values() for one in of}
    facts = facts_of(kept, settings.current.rules)
    for one in recounted(facts, owner, datetime.now(UTC)):
        if isinstance(one, Thought):
            id_ = reading_id(one.car_id, one.reading)
            if (thought := thoughts.pop(id_, None)) and thought.standing != judged(one.why_not).standing:
                yield Difference(f"{id_}, standing", thought.standing, judged(one.why_not).standing)
        elif isinstance(one.says, GapRow):
            yield from _in_gap(gaps.pop(one.says.id, None), replace(one.says, set_on_m=one.set_on_m))
        else:
            drive = one.says.drive
            id_ = drive.summary.trip_ids[0] if drive.summary.settled and drive.summary.trip_ids else ""
            yield from _in_trip(trips.pop(id_ or ids.get((drive.summary.id, drive.began_at), ""), None), one, owner)
    for row_id in [*trips, *gaps]:
        yield Difference(row_id, "a row", "none")
    yield from _in_records(kept, [*facts.drives, *facts.settled])


def _in_records(kept: Kept, drives: Iterable[Summary]) -> Iterator[Difference]:
    """What a trip knows of its drive beside what the phone said of that. Where its driver touched it, the record may
    have words that came later."""
    records, drives = {record.id: record for record in kept.records}, [*drives]
    state, rules = DriverState(default_car_id=kept.default_car_id), settings.current.rules
    groups = together(unfixed(kept.records, drives))
    told = {one.id: one for group in groups for one in drives_of(group, state, rules)}
    for summary in drives:
        if summary.is_by_hand or summary.moved or is_shaped(summary):
            continue
        record = records.get(summary.id)
        if summary.said.is_touched:
            times = {heard.at for heard in events_of(record)} if record else set()
            made = [summary] if {summary.began_at, summary.ended_at} <= times else []
        else:
            made = [told[summary.id]] if record and summary.id in told else []
        if not made:
            yield Difference(f"drives/{summary.id}", "something else", "what a trip follows from")
        for one in made:
            yield from _differing(f"drives/{summary.id}", _of_drive(summary), _of_drive(one))


def _of_drive(summary: Summary) -> View:
    return {name: getattr(summary, name) for name in PHONES}


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


# --- closed years


def _in_seals(kept: Kept, state: DriverState) -> Iterator[Difference]:
    rows: list[Row] = sorted([*kept.trips, *kept.gaps], key=along)
    hashes = {one.id: one.hash for one in kept.seals}
    for seal in kept.seals:
        of_year = [row for row in rows if (row.car_id, row.year) == (seal.car_id, seal.year)]
        follows = hash_of(seal.car_id, seal.year, seal.prev, of_year)
        if (seal.hash, seal.rows) != (follows, len(of_year)):
            yield Difference(f"seals/{seal.id}", seal.hash, follows)
        if seal.prev and hashes.get(seal_id(seal.car_id, seal.year - 1)) != seal.prev:
            yield Difference(f"seals/{seal.id}, prev", seal.prev, hashes.get(seal_id(seal.car_id, seal.year - 1), ""))
    known = {(car_id, year) for car_id, years in state.closed_years.items() for year in years}
    for car_id, year in known ^ {(seal.car_id, seal.year) for seal in kept.seals}:
        yield Difference(f"seals/{seal_id(car_id, year)}", (car_id, year) not in known, (car_id, year) in known)


# --- sums


def _in_sums(kept: Kept, stored: Years) -> Iterator[Difference]:
    follows, found = sums_by_month([*kept.trips, *kept.gaps]), flat(stored)
    for key in sorted({*follows, *found}):
        if found.get(key, Sums()) != follows.get(key, Sums()):
            year, month, car = key
            yield Difference(f"sums of {car} in {year}-{month:02d}", found.get(key, Sums()), follows.get(key, Sums()))
