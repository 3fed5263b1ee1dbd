"""Owns the changes of a log as people read them: what a field was, what it became, when, by whom and why."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.domain.driver import Language
from shared.domain.log.employer import employer_entry
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Entry
from shared.domain.log.sealing import Correction
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip, local_date, moment_by_id
from shared.formats import writing
from shared.formats.export import Export
from shared.formats.labels import EXPLAINED, FIELDS, KINDS, KNOWN, ROWS, STANDINGS, author, text
from shared.formats.table import place_text


class Field(NamedTuple):
    """A field of a row that was changed, in the words of people."""

    name: str
    before: str
    after: str


class Changed(NamedTuple):
    """One change: its number in the history ("" for a correction), when, by whom, of which row, why, and the fields."""

    n: str
    at: str
    by: str
    row: str
    what: str
    why: str
    fields: Sequence[Field]


def changes_of(export: Export) -> Iterator[Changed]:
    """The changes of an export, the first one first."""
    rows = {row.id: row for row in export.rows}
    hidden = None if export.is_full else export.hidden()
    for entry in export.entries:
        if hidden is None:
            yield _of_entry(export, entry, _row_text(export, entry.kind, entry.row, rows, entry.before, entry.after))
            continue
        told = employer_entry(entry, hidden, export.log.timezone)
        on, row = writing.day(date.fromisoformat(told["on"])), _row_text(export, entry.kind, told["row"], rows)
        fields = _fields(export, told["before"], told["after"])
        yield Changed(str(entry.n), on, _by(export, told["by"]), row, text("changed", export.language), "", fields)


def corrections_of(export: Export) -> Iterator[Changed]:
    """What was proposed to be changed after the year was closed; an employer is told that there was something."""
    rows = {row.id: row for row in export.rows}
    hidden = export.hidden()
    for one in export.corrections:
        what = _what(one, export.language)
        if export.is_full:
            row = _row_text(export, "trip", one.row, rows, one.before, one.after)
            fields = _fields(export, one.before, one.after)
            at = writing.moment(one.at, export.log.timezone)
            yield Changed("", at, _by(export, one.by), row, what, one.why, fields)
        else:
            at = writing.day(local_date(one.at, export.log.timezone))
            row = _row_text(export, "trip", hidden.name(one.row), rows)
            yield Changed("", at, "" if hidden.is_hidden(one.row) else _by(export, one.by), row, what, "", ())


def numbers_by_row(export: Export) -> dict[str, list[int]]:
    """By the id of a row the numbers of its changes."""
    found: dict[str, list[int]] = {}
    for entry in export.entries:
        found.setdefault(entry.row, []).append(entry.n)
    return found


def began_text(export: Export, row: Row) -> str:
    """When a row began. An employer sees of a gap only the day: its time is that of the trip before it, of whatever
    kind that was."""
    if isinstance(row, Trip):
        return writing.moment(row.started_at, row.timezone)
    return writing.moment(row.since, row.timezone) if export.is_full else writing.day(date.fromisoformat(row.date))


def _of_entry(export: Export, entry: Entry, row: str) -> Changed:
    at = writing.moment(entry.at, export.log.timezone)
    fields = _fields(export, entry.before, entry.after)
    what = _what(entry, export.language)
    return Changed(str(entry.n), at, _by(export, entry.by), row, what, entry.why, fields)


def _by(export: Export, by: str) -> str:
    return author(by, export.language)


def _what(one: Entry | Correction, language: Language) -> str:
    name = "changed" if one.before and one.after else "removed" if one.before else "added"
    return text(name, language)


def _row_text(export: Export, kind: str, row_id: str, rows: Mapping[str, Row], *told: Mapping[str, Any]) -> str:
    """A row by when it began; one that there is not any more by what is `told` of it, else by its id."""
    if found := rows.get(row_id):
        return f"{ROWS['gap' if isinstance(found, GapRow) else 'trip'][export.language]} {began_text(export, found)}"
    times = (view[name] for view in told for name in ("started_at", "since", "at") if view.get(name))
    at = next(map(datetime.fromisoformat, times), None) or moment_by_id(row_id)
    return f"{ROWS[kind][export.language]} {writing.moment(at, export.log.timezone) if at else row_id}"


def _fields(export: Export, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Field]:
    """The fields that people read; of a row that came or went those that had something in them."""
    is_whole = not before or not after
    told = {name for view in (before, after) for name, value in view.items() if not is_whole or value}
    names = [name for name in FIELDS if name in told]
    found = [
        Field(FIELDS[name][export.language], *(_value(export, name, view.get(name)) for view in (before, after)))
        for name in names
    ]
    return [field for field in found if field.before != field.after]


def _value(export: Export, name: str, value: Any) -> str:
    language = export.language
    if value is None or value == "":
        return ""
    if name in ("from", "to"):
        return place_text(value)
    if name == "merged_into" and (at := moment_by_id(str(value))):
        return f"{ROWS['trip'][language]} {writing.moment(at, export.log.timezone)}"
    if name in ("started_at", "ended_at", "since", "until", "at"):
        return writing.moment(datetime.fromisoformat(value), export.log.timezone)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return writing.number(value, language)
    words: Iterable[Mapping[str, Mapping[Language, str]]] = {
        "kind": (KINDS,), "explained_as": (EXPLAINED,), "standing": (STANDINGS,),
        "start_odometer_known": (KNOWN,), "end_odometer_known": (KNOWN,),
    }.get(name, ())  # fmt: skip
    return next((known[value][language] for known in words if value in known), str(value))
