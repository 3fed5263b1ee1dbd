"""Owns what the versions before this one kept, and how that becomes a log of this version. Pure: knows no store.

It goes with 2027-06-01: who has not upgraded by then checks out a version of before that day, and upgrades with it.

The version before this one (3) kept what this one keeps, but for a history that is not chained and tells of less. Those
before it (1 and 2) knew no stretches of the odometer. Whatever does not follow from the facts as it was kept becomes a
fact of its own kind, so that no kilometre changes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.car.odometer import Judged, judged, reading_view
from shared.domain.driver import Account
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard, Record
from shared.domain.log.explaining import gap_facts
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import OPERATOR, Author, Entry, Head, RowKind, View, chained, entry_of_change, years_of
from shared.domain.log.laying import Whose
from shared.domain.log.moved import moved
from shared.domain.log.rows import Rows
from shared.domain.log.shown import trip_facts
from shared.domain.log.tiling import Row, along
from shared.domain.log.trip import Trip, dated
from shared.domain.log.words import summary_of, worded
from shared.domain.thresholds import LONGEST_SILENCE, Rules
from shared.domain.tracking.facts import Kept, facts_of, last_told
from shared.domain.tracking.imports import taken_in
from shared.domain.tracking.lines import stored_lines
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.recount import Facts, begun
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import drives_of
from shared.repositories.documents import from_document
from shared.repositories.readings import reading_id
from tools.migrate.old_rows import state_of
from tools.migrate.old_trips import Owner

WITH_STRETCHES = 3  # the first version whose rows tile the odometer
# Until all that does not follow is a fact of its own kind: one time it is one, and may move what is beside it.
TRIES = 4
# What of a trip must be what it was; of the versions without stretches, without these.
KILOMETRES = ("car_id", "started_at", "ended_at", "distance_km")
ODOMETERS = ("start_odometer_km", "end_odometer_km")
# What of the state of a car follows from the facts of its log.
OF_BOOK = (
    "start",
    "gap_before_km",
    "after_trip",
    "before_trip",
    "readings",
    "explained",
    "series",
    "set_on_m",
    "timezone",
)
MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}")
WHY = "upgrade from version {}"


class Former(NamedTuple):
    """A log as a version before this one kept it: its facts and rows, its state, the number of that version."""

    kept: Kept
    state: DriverState
    version: int


class Upgraded(NamedTuple):
    """A log as it is to be written: its rows, the records of drives of which no trip may come, what is thought of the
    readings by their ids, the history, the state. `fixed` are the trips that became facts of their own kind, and
    `chapters` what is settled of the cars' books."""

    trips: Mapping[str, Trip]
    gaps: Mapping[str, GapRow]
    dropped: Sequence[Record]
    judged: Mapping[str, Judged]
    entries: Sequence[Entry]
    state: DriverState
    fixed: Sequence[str]
    chapters: Sequence[Chapter]


# --- reading


def version_of(account: Account, fields: Mapping[str, Any]) -> int:
    """In which way a log is kept, by the account and by the fields of the state's document; the older counts."""
    return min(account.log_version, int(fields.get("version") or 1) if fields else account.log_version)


def state_before(account: Account, fields: Mapping[str, Any], version: int, now: datetime) -> DriverState:
    """What a version remembered of a driver, from the fields of its document: one without stretches the drive going on,
    the budgets and what waits for its address. Raises ValidationError or Unreadable."""
    if "state" in fields:
        found = msgspec.json.decode(fields["state"], type=DriverState)
        return found if version >= WITH_STRETCHES else replace(found, open={}, told=(), late=(), late_at=None)
    if not fields.get("active"):
        return DriverState()
    points = [{**fix, "timestamp": fix.get("at")} for fix in fields.get("fixes") or []]
    owner = Owner(account.email, account.timezone, account.default_car_id)
    return state_of({**fields, "gps_trail": points}, owner, now)


# --- as this version keeps it


def upgraded(former: Former, owner: Whose, now: datetime, rules: Rules) -> Upgraded:
    """The log as it follows from its facts, with every kilometre where it was."""
    former = former._replace(kept=_all_judged(former.kept))
    author, log = Author(OPERATOR, now, WHY.format(former.version)), _Log(former)
    entries = [replace(one, is_word=True, years=_years(one)) for one in former.kept.entries]
    entries += _deleted_anew(former, entries, owner, author, rules)
    for n in range(TRIES):
        facts = log.facts(entries, rules)
        rows, before = Rows(log), begun(facts)
        found = taken_in(before, (), facts, rows, owner, now, stored=stored_lines(log.by_car()))
        if n == TRIES - 1 or not log.fix(rows.trips):
            break
    log.put(rows)
    thoughts = {reading_id(*key): judged(why) for key, why in found.thoughts.items()}
    readings = {
        one.id: reading_view(car_id, one.reading, thoughts.get(one.id, one.judged).standing)
        for car_id, of in former.kept.readings.items()
        for one in of
    }
    chapters = [chapter for chapter in rows.chapters.values() if chapter]
    history = chained([*entries, *_told_anew(entries, log, readings, author)], Head())
    state = _joined(former.state, found.state, [*log.kept_trips.values()], history, now)
    return Upgraded(log.kept_trips, log.kept_gaps, log.dropped, thoughts, history, state, log.fixed, chapters)


def _all_judged(kept: Kept) -> Kept:
    """What nobody judged, as the first version left it, counts."""
    readings = {
        car_id: [one._replace(standing=one.standing or "believed") for one in of]
        for car_id, of in kept.readings.items()
    }
    return kept._replace(readings=readings)


class _Log:
    """The rows of a log, of which some are fixed so that the others follow from the facts as they were kept."""

    def __init__(self, former: Former) -> None:
        self._former, self._has_stretches = former, former.version >= WITH_STRETCHES
        self.former_trips = {trip.id: trip for trip in former.kept.trips}
        self.kept_trips, self.kept_gaps = {**self.former_trips}, {gap.id: gap for gap in former.kept.gaps}
        self.fixed, self.dropped = list[str](), list[Record]()
        if not self._has_stretches:
            # What came of a record nobody knows any more: the trips that there are, and no others.
            self._drop({record.id for record in former.kept.records})
            self._fix(self.former_trips)

    def facts(self, entries: Sequence[Entry], rules: Rules) -> Facts:
        """The facts as they are by now, with the ids of the trips that came of them."""
        dropped, ids = {record.id: record for record in self.dropped}, dict[str, tuple[str, ...]]()
        records = [dropped.get(one.id, one) for one in self._former.kept.records]
        kept = self._former.kept._replace(trips=[*self.kept_trips.values()], records=records, entries=entries)
        for trip in sorted(kept.trips, key=lambda trip: trip.started_at):
            ids[summary_of(trip).id] = (*ids.get(summary_of(trip).id, ()), trip.id)
        facts = facts_of(kept, rules)
        return facts._replace(drives=[replace(one, trip_ids=ids.get(one.id, ())) for one in facts.drives])

    def by_car(self) -> dict[str | None, list[Row]]:
        """The rows of each car by time; under None those of none."""
        found = dict[str | None, list[Row]]()
        rows: list[Row] = [*self.kept_trips.values(), *self.kept_gaps.values()]
        for row in sorted(rows, key=along):
            found.setdefault(row.car_id, []).append(row)
        return found

    def fix(self, made: Mapping[str, Trip | None]) -> bool:
        """Fixes what does not follow as it was kept, where trips are `made` others of the facts; whether anything was
        that is not fixed yet."""
        odd = {summary_of(self.kept_trips[id_]).id for id_, trip in made.items() if self._is_other(id_, trip)}
        new = {summary_of(trip).id for id_, trip in made.items() if trip and id_ not in self.former_trips}
        fixed = self._fix([trip.id for trip in self.kept_trips.values() if summary_of(trip).id in odd])
        return self._drop(new) or fixed

    def _is_other(self, id_: str, trip: Trip | None) -> bool:
        known = self.former_trips.get(id_)
        if known is None or trip is None:
            return known is not None
        # One that waits for its odometer is to follow from what its car says next.
        names = KILOMETRES + (ODOMETERS if self._has_stretches else ())
        is_fixed = summary_of(trip).moved or not known.has("odometer_pending")
        return bool(is_fixed) and any(getattr(trip, name) != getattr(known, name) for name in names)

    def _fix(self, ids: Iterable[str]) -> bool:
        made = {id_: _as_it_is(self.former_trips[id_]) for id_ in ids}
        anew = [id_ for id_, trip in made.items() if trip.summary != self.kept_trips[id_].summary]
        self.kept_trips |= {id_: made[id_] for id_ in anew}
        self.fixed += [id_ for id_ in anew if id_ not in self.fixed]
        return bool(anew)

    def _drop(self, ids: Iterable[str]) -> bool:
        unwanted = {*ids} - {record.id for record in self.dropped}
        anew = [replace(one, is_dropped=True) for one in self._former.kept.records if one.id in unwanted]
        self.dropped += anew
        return bool(anew)

    def put(self, rows: Rows) -> None:
        """Puts rows in place of those that there are."""
        self.kept_trips = {id_: one for id_, one in {**self.kept_trips, **rows.trips}.items() if one}
        self.kept_gaps = {id_: one for id_, one in {**self.kept_gaps, **rows.gaps}.items() if one}

    # --- as a source of rows

    def trips(self, ids: Sequence[str]) -> list[Trip]:
        """Those of the trips that there are."""
        return [self.kept_trips[one] for one in ids if one in self.kept_trips]

    def gaps(self, ids: Sequence[str]) -> list[GapRow]:
        """Those of the gaps that there are."""
        return [self.kept_gaps[one] for one in ids if one in self.kept_gaps]

    def blocks(self, count: int) -> Sequence[Heard]:
        """None: no drive goes on here."""
        return ()

    def record(self, drive_id: str) -> Record | None:
        """What is kept of a drive."""
        return next((one for one in self._former.kept.records if one.id == drive_id), None)


def _as_it_is(trip: Trip) -> Trip:
    """The trip as a fact of its own kind: on its very stretch of the odometer, where it has one. That its driver
    touched it stays known."""
    summary = moved(trip)
    said = summary.said
    if trip.from_m is not None:
        said = replace(said, from_m=trip.from_m, to_m=trip.to_m)
    is_touched = bool(trip.set_by_hand) or summary_of(trip).said.is_touched
    return replace(trip, summary=replace(summary, moved=said, said=replace(said, is_touched=is_touched)))


def _joined(
    former: DriverState, found: DriverState, trips: Sequence[Trip], history: Sequence[Entry], now: datetime
) -> DriverState:
    """What is remembered: of the log what follows from its facts, of all else what was."""
    open_ = {
        car_id: replace(former.of_car(car_id), **{name: getattr(found.of_car(car_id), name) for name in OF_BOOK})
        for car_id in {**former.open, **found.open}
    }
    state = replace(former, told=found.told, open=open_, car_ids=found.car_ids, default_car_id=found.default_car_id)
    state = replace(state, entries=len(history), last_hash=history[-1].hash if history else "")
    return wanted(state, [trip.id for trip in trips if trip.has(ADDRESS_PENDING)], now)


# --- the history


def _years(entry: Entry) -> tuple[int, ...]:
    """The years that an entry counts for: of a trip or a reading those of its id, which begins with its moment."""
    if named := MOMENT.match(entry.row):
        return years_of(datetime.strptime(named[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC))
    return years_of(entry.at)


def _deleted_anew(
    former: Former, entries: Sequence[Entry], owner: Whose, author: Author, rules: Rules
) -> Iterator[Entry]:
    """Of each trip that its driver deleted once more that they did, with the drive that no fold may bring back."""
    there, gone = {trip.id for trip in former.kept.trips}, dict[str, Entry]()
    gone = {one.row: one for one in entries if one.kind == "trip" and one.before and not one.after}
    for row, entry in gone.items():
        if row not in there and "drive" not in entry.before:
            trip = _with_drive(_trip_of(entry.before, owner), former, rules)
            yield from _some(entry_of_change(author, "trip", row, trip_facts(trip), {}, entry.years, is_word=True))


def _trip_of(view: View, owner: Whose) -> Trip:
    """The trip of which an entry has all fields."""
    found = from_document({**view, "user": owner.user, "timezone": owner.timezone, "year": 0, "month": 0}, Trip)
    moments = ("started_at", "ended_at", "created_at", "updated_at")
    return dated(replace(found, **{name: getattr(found, name).astimezone(UTC) for name in moments}))


def _with_drive(trip: Trip, former: Former, rules: Rules) -> Trip:
    """A trip that was deleted, with what the phone said of its drive, and with its driver's words."""
    if told := next((one for one in former.state.told if trip.id in one.trip_ids), None):
        return replace(trip, summary=replace(told, said=replace(told.said, is_deleted=False)))
    state = DriverState(default_car_id=former.kept.default_car_id)
    near = [one for one in former.kept.records if abs(one.began_at - trip.started_at) <= LONGEST_SILENCE]
    drives = (one for record in near for one in drives_of([record], state, rules))
    beside = [one for one in drives if one.since <= trip.ended_at and trip.started_at <= one.until]
    if trip.source == "manual" or not beside:
        summary = summary_of(trip) if trip.source == "manual" else moved(trip)
    else:
        summary = min(beside, key=lambda one: abs(one.since - trip.started_at))
        exact = {"started_at": summary.since, "ended_at": summary.until}
        # The entry has moments to the second.
        exact = {name: at for name, at in exact.items() if abs(at - getattr(trip, name)) < timedelta(seconds=1)}
        trip, summary = replace(trip, **exact), replace(summary, car_id=trip.car_id, is_stray=False)
    trip = replace(trip, summary=summary)
    names = {"from": "from_"}
    return worded(trip, trip, dict.fromkeys(names.get(name, name) for name in trip.set_by_hand))


def _told_anew(entries: Sequence[Entry], log: _Log, readings: Mapping[str, View], author: Author) -> Iterator[Entry]:
    """What the history does not tell as it is by now: the phone and the cars made no entries, and of what a driver
    said of a drive theirs have nothing."""
    last = last_told(entries)
    views: dict[str, tuple[RowKind, View, tuple[int, ...]]] = {}
    for trip in log.kept_trips.values():
        if last.get(trip.id) or _is_said(trip):
            views[trip.id] = ("trip", trip_facts(trip), (trip.year,))
    for gap in log.kept_gaps.values():
        if last.get(gap.id) or gap.explained_as:
            views[gap.id] = ("gap", gap_facts(gap), (gap.year,))
    for one in entries:
        if last[one.row] and one.row not in views:
            views[one.row] = (one.kind, readings.get(one.row, {}), one.years)
    for id_, (kind, view, years) in views.items():
        yield from _some(entry_of_change(author, kind, id_, last.get(id_, {}), view, years))


def _is_said(trip: Trip) -> bool:
    is_said = trip.set_by_hand or trip.source == "manual" or trip.purpose or trip.notes or trip.deviation
    return bool(is_said) and not summary_of(trip).moved


def _some(entry: Entry | None) -> Iterator[Entry]:
    if entry:
        yield entry
