"""Gathers the facts of a log from what is kept of it: rows, records of drives, readings and the entries of its history.

What a driver said of a trip is taken from the entries, and not from the row that follows from it; what they said of a
stretch of the odometer stands in the gaps that have it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading
from shared.domain.log.chapter import Chapter, settled_trip
from shared.domain.log.dividing import part_of
from shared.domain.log.drive import Record
from shared.domain.log.explaining import word_of
from shared.domain.log.gap_row import Explained, GapRow
from shared.domain.log.history import MERGED, Entry
from shared.domain.log.record import events_of
from shared.domain.log.sealing import Correction, Seal
from shared.domain.log.shown import OF_DRIVE
from shared.domain.log.summary import Piece, Said, Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of
from shared.domain.thresholds import Rules
from shared.domain.tracking.recount import Facts
from shared.domain.tracking.state import DriverState
from shared.domain.tracking.weaving import drives_of, is_fixed, together


class Kept(NamedTuple):
    """All that is kept of a log. `readings` by the ids of their cars; entries in their order."""

    trips: Sequence[Trip]
    gaps: Sequence[GapRow]
    records: Sequence[Record]
    readings: Mapping[str, Sequence[KeptReading]]
    entries: Sequence[Entry]
    cars: Sequence[Car]
    default_car_id: str | None
    chapters: Sequence[Chapter] = ()
    seals: Sequence[Seal] = ()
    corrections: Sequence[Correction] = ()


def facts_of(kept: Kept, rules: Rules) -> Facts:
    """The facts that the rows must follow from."""
    last, ends = last_told(kept.entries), ends_of(kept.chapters)
    settled, opened = _parted(kept.trips, ends, closed_of(kept.seals))
    summaries = [*_told(opened, last), *_deleted(kept.entries, ends)]
    drives = [_as_said(settled_trip(trip), last.get(trip.id, {})) for trip in settled]
    drives += [one for chapter in kept.chapters for one in chapter.without_trip]
    summaries += [one for one in _untold(kept, [*summaries, *drives], rules) if not _is_settled(one, ends)]
    explained = dict[str, list[Explained]]()
    for gap in sorted(kept.gaps, key=lambda gap: (gap.series, gap.from_m)):
        if word := word_of(gap):
            explained.setdefault(gap.car_id, []).append(word)
    readings = {car_id: [one.reading for one in of if one.is_folded] for car_id, of in kept.readings.items()}
    log = (summaries, readings, explained, kept.cars, kept.default_car_id, kept.chapters, drives)
    return Facts(*log, *_closed(kept.seals))


def _closed(seals: Iterable[Seal]) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """By car the years that are closed, and in which time zone the last of them was."""
    years, closed_in = dict[str, tuple[int, ...]](), dict[str, str]()
    for seal in sorted(seals, key=lambda one: one.year):
        years[seal.car_id] = (*years.get(seal.car_id, ()), seal.year)
        closed_in[seal.car_id] = seal.timezone
    return years, {car_id: zone for car_id, zone in closed_in.items() if zone}


def ends_of(chapters: Iterable[Chapter]) -> dict[str, datetime]:
    """By the id of each car until when its log is settled."""
    ends = dict[str, datetime]()
    for chapter in chapters:
        ends[chapter.car_id] = max(chapter.end.at, ends.get(chapter.car_id, chapter.end.at))
    return ends


def closed_of(seals: Iterable[Seal]) -> frozenset[tuple[str, int]]:
    """The cars and their years that are closed."""
    return frozenset((one.car_id, one.year) for one in seals)


def is_closed_beside(trip: Trip, closed: Collection[tuple[str, int]]) -> bool:
    """Whether a trip is of a closed year and beside every odometer: it is settled, though no chapter may have it."""
    return trip.from_m is None and (trip.car_id, trip.year) in closed


def _parted(
    trips: Iterable[Trip], ends: Mapping[str, datetime], closed: Collection[tuple[str, int]]
) -> tuple[list[Trip], list[Trip]]:
    """The trips that are settled, and those that are open: of a drive that was two, both are."""
    settled, opened = list[Trip](), list[Trip]()
    for _, of_drive in groupby(sorted(trips, key=_by_drive), key=lambda trip: summary_of(trip).id):
        parts = [*of_drive]
        is_over = all(_is_before(part.car_id, part.ended_at, ends) or is_closed_beside(part, closed) for part in parts)
        (settled if is_over else opened).extend(parts)
    return settled, opened


def _is_settled(summary: Summary, ends: Mapping[str, datetime]) -> bool:
    """Whether a drive of which no trip came is settled: its chapter has it."""
    return _is_before(summary.car_id or summary.default_car_id, summary.until, ends)


def _is_before(car_id: str | None, moment: datetime, ends: Mapping[str, datetime]) -> bool:
    end = ends.get(car_id) if car_id else max(ends.values(), default=None)
    return end is not None and moment <= end


def last_told(entries: Iterable[Entry]) -> dict[str, dict[str, Any]]:
    """By its id, what the history says last of each field of a row; nothing, of a row that is gone."""
    told = dict[str, dict[str, Any]]()
    for entry in entries:
        is_gone = not entry.after or MERGED in entry.after
        told[entry.row] = {} if is_gone else {**told.get(entry.row, {}), **entry.after}
    return told


def _told(trips: Iterable[Trip], last: Mapping[str, Mapping[str, Any]]) -> Iterator[Summary]:
    """The drives of trips, each once, with what the history says that their driver said."""
    for _, of_drive in groupby(sorted(trips, key=_by_drive), key=lambda trip: summary_of(trip).id):
        parts = [*of_drive]
        yield _as_said(replace(summary_of(parts[-1]), trip_ids=()), last.get(parts[-1].id, {}))


def _as_said(summary: Summary, told: Mapping[str, Any]) -> Summary:
    """The drive of a trip with what the history says that its driver said."""
    said = told.get("said")
    return summary if said is None else replace(summary, said=msgspec.convert(said, Said))


def _by_drive(trip: Trip) -> tuple[str, Any]:
    return summary_of(trip).id, trip.started_at


def _deleted(entries: Iterable[Entry], ends: Mapping[str, datetime]) -> Iterator[Summary]:
    """The drives of open trips that their driver deleted: no fold brings them back. Of settled ones a chapter knows."""
    for entry in entries:
        is_deletion = entry.kind == "trip" and entry.is_word and not entry.after and "drive" in entry.before
        summary = _without_trip(entry.before) if is_deletion else None
        if summary and not _is_before(entry.before["car_id"], summary.until, ends):
            yield summary


class _Drive(msgspec.Struct):
    """What the history has of the drive of a trip, and `since` when `until` when the trip was."""

    id: str
    began_at: datetime
    ended_at: datetime
    trail: str
    default_car_id: str | None
    car_id: str | None
    is_stray: bool
    begun: bool
    ended: bool
    is_by_hand: bool
    moved: Said | None
    driver: str
    since: datetime
    until: datetime
    pieces: tuple[Piece, ...] = ()

    def summary(self) -> Summary:
        """Without what its driver said."""
        return Summary(**{name: getattr(self, name) for name in OF_DRIVE})


def _without_trip(trip: Mapping[str, Any]) -> Summary | None:
    """The drive of a trip that was deleted, with that; None where nothing is left of it."""
    seen, said = msgspec.convert(trip["drive"], _Drive), msgspec.convert(trip["said"], Said)
    summary = seen.summary()
    if summary.is_by_hand and said.from_m is None and said.to_m is None:
        return None
    if not (said.is_touched or summary.is_by_hand):
        is_part = seen.since > summary.began_at or seen.until < summary.ended_at
        summary = part_of(summary, seen.since, seen.until, "") if is_part else summary
        said = replace(
            said,
            seen_since=seen.since if seen.since != summary.began_at else None,
            seen_until=seen.until if seen.until != summary.ended_at else None,
        )
        if not summary.has_car:
            is_unsure = "car_unsure" in trip["flags"]
            said = replace(said, has_seen_car=True, seen_car_id=trip["car_id"], is_seen_unsure=is_unsure)
    return replace(summary, trip_ids=(), said=replace(said, is_deleted=True, is_touched=True))


def _untold(kept: Kept, told: Sequence[Summary], rules: Rules) -> Iterator[Summary]:
    """The drives of which no trip came, but where a trip has that time by now."""
    state = DriverState(default_car_id=kept.default_car_id)
    known = {one.id for one in told} | {summary_of(trip).id for trip in kept.trips}
    for group in together(unfixed(kept.records, told)):
        unknown = [one for one in group if one.id not in known and (one.is_dropped or not _is_taken(one, told))]
        if unknown:
            others = {record.id for record in group} - {record.id for record in unknown}
            yield from (one for one in drives_of(group, state, rules) if one.id not in others)


def unfixed(records: Iterable[Record], told: Iterable[Summary]) -> Iterator[Record]:
    """The records but those of trips that their driver touched: what was heard during these changes nothing of them."""
    fixed = {one.id for one in told if is_fixed(one)}
    return (record for record in records if record.id not in fixed)


def _is_taken(record: Record, told: Iterable[Summary]) -> bool:
    """Whether a trip has the time of a record by now."""
    events = events_of(record)
    since, until = events[0].at, events[-1].at
    return any(one.since <= until and since <= one.until and _may_be_one_car(one.car_id, record.cars) for one in told)


def _may_be_one_car(car_id: str | None, named: Sequence[str]) -> bool:
    return car_id is None or not named or car_id in named
