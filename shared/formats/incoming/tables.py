"""Makes trips of the lines of a table, our own one or the same columns as others write them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.domain.fitting import Unfit, unfit
from shared.domain.log.employer import HIDDEN
from shared.domain.log.filed import Filed, Into, trip_of
from shared.domain.log.trip import Endpoint, TripKind, km, moment_by_id, trip_id
from shared.formats.incoming import untimed
from shared.formats.incoming.columns import Column, is_estimated, ticked, word_of
from shared.formats.incoming.found import Found, FoundRow
from shared.formats.incoming.kilometres import ROUNDED_KM, Measured, Tenths, measured, tenths_of, ways_of
from shared.formats.incoming.moments import Span, day_of, parted, refuse_months_first, span_of, time_of
from shared.formats.incoming.table import Line, lines_of
from shared.formats.incoming.untimed import Untimed

OF_KM: tuple[Column, ...] = ("start_km", "end_km", "distance", "detour", "business", "private")
POSITION = re.compile(r"(-?[0-9]{1,2}\.[0-9]{5}), (-?[0-9]{1,3}\.[0-9]{5})")  # where there is no address
COMMUTE = "Woon-werk"
NO_TRIP = "A gap is no trip: the log makes its gaps by itself, and what was said of one has to be said again."
NO_ROW = "It has no date: a heading or a total is no trip."
SHOWN_KM = 0.05  # kilometres are shown to 0.1


class _Draft(NamedTuple):
    """A line as far as it is read by itself: without a span, its times are not written down."""

    line: Line
    day: date
    span: Span | None
    measured: Measured
    fields: Mapping[str, Any]


def found_in(text: str, into: Into, *, is_ours: bool) -> Found:
    """The trips of a table. Raises Unfit where it cannot be read as a whole."""
    lines = lines_of(text)
    refuse_months_first(line.cell(column) for line in lines for column in ("date", "start_time"))
    _refuse_cars(lines)
    if any(line.cell("id").startswith(HIDDEN) for line in lines):
        raise unfit("data", "is the view of an employer, who does not see all of a log")
    tenths = "," if is_ours else tenths_of(line.cell(column) for line in lines for column in OF_KM)
    drafts = [_drafted(line, tenths, into, is_ours=is_ours) for line in lines]
    spans = _spans([one for one in drafts if isinstance(one, _Draft)], into.timezone)
    return Found([one if isinstance(one, FoundRow) else _row(one, spans, into) for one in drafts])


def _refuse_cars(lines: Iterable[Line]) -> None:
    """Raises Unfit where a table has trips of more than one car: all would come into one log."""
    plates = {re.sub(r"[^a-z0-9]", "", line.cell("plate").casefold()) for line in lines} - {""}
    if len(plates) > 1:
        raise unfit("data", f"has trips of {len(plates)} cars; a file can have those of one")


def _row(draft: _Draft, spans: Mapping[int, Span | Unfit], into: Into) -> FoundRow:
    span = draft.span or spans[draft.line.n]
    if isinstance(span, Unfit):
        return FoundRow(draft.line.where, None, span.detail)
    fields = {**draft.fields, "started_at": span.started_at, "ended_at": span.ended_at}
    if not draft.span:
        fields["notes"] = " ".join(filter(None, (fields["notes"], untimed.NOTE)))
        # Its begin depends on what else there is of its day: what tells it from others is where it began.
        n = 1 + round(1000 * (draft.measured.start_km or 0))
        fields["id"] = fields["id"] or trip_id(into.user, span.started_at, "manual", into.car_id, n)
    try:
        return FoundRow(draft.line.where, trip_of(Filed(**fields), into), is_untimed=not draft.span)
    except Unfit as error:
        return FoundRow(draft.line.where, None, error.detail)


# --- a line by itself


def _drafted(line: Line, tenths: Tenths, into: Into, *, is_ours: bool) -> _Draft | FoundRow:
    try:
        if not re.search("[0-9]", f"{line.cell('date')} {line.cell('start_time')}"):
            return FoundRow(line.where, None, NO_ROW)
        word = word_of(line.cell("kind"))
        if word == "gap":
            return FoundRow(line.where, None, NO_TRIP)
        if word is None:
            raise unfit("kind", f"{line.cell('kind')[:40]!r} is no kind of trip")
        day, span = _when(line, into.timezone, moment_by_id(line.cell("id")) if is_ours else None)
        found = measured([line.cell("start_km"), line.cell("end_km"), line.cell("distance")], tenths, is_sure=is_ours)
        fields = _fields(line, found, word, tenths, is_ours=is_ours)
    except Unfit as error:
        return FoundRow(line.where, None, error.detail)
    return _Draft(line, day, span, found, fields)


def _when(line: Line, timezone: str, likely_at: datetime | None) -> tuple[date, Span | None]:
    """The day on which a trip began, and from when until when it was, where that is written down."""
    date_text, in_date = parted(line.cell("date"), is_time=False)
    start_date, start = parted(line.cell("start_time"), is_time=True)
    end_date, end = parted(line.cell("end_time"), is_time=True)
    day, end_date = day_of(start_date or date_text), end_date or line.cell("end_date")
    start = start or ("" if re.fullmatch(r"0?0:00(:00(\.0+)?)?", in_date) else in_date)
    if not start and not end:
        return day, None
    for name, text in (("started_at", start), ("ended_at", end)):
        if not text:
            raise unfit(
                name, "is not written down, and the other end's time is: both are needed, or none and both odometers"
            )
    begin = datetime.combine(day, time_of(start, "started_at"))
    last = datetime.combine(day_of(end_date) if end_date else day, time_of(end, "ended_at"))
    return day, span_of(begin, last, timezone, is_end_dated=bool(end_date), likely_at=likely_at)


def _fields(line: Line, found: Measured, word: str, tenths: Tenths, *, is_ours: bool) -> dict[str, Any]:
    both = found.start_km is not None and found.end_km is not None
    if found.off_km > ROUNDED_KM and not is_ours:
        raise unfit("distance_km", f"is {found.distance_km:g} km, and by the odometers {_length_km(found):g} km")
    # Our own table may have more than the odometers say; of others, that is how they round.
    distance_km = found.distance_km if not both or (is_ours and found.off_km > SHOWN_KM) else None
    kind, business_km = _kind(line, found, word, tenths)
    return {
        "from_": _end(line.cell("from")),
        "to": _end(line.cell("to")),
        "start_odometer_km": found.start_km,
        "end_odometer_km": found.end_km,
        "is_start_estimated": is_estimated(line.cell("start_known")),
        "is_end_estimated": is_estimated(line.cell("end_known")),
        "distance_km": distance_km,
        "kind": kind,
        "business_km": business_km,
        "purpose": line.cell("purpose") or (COMMUTE if word == "commute" else ""),
        "notes": line.cell("notes"),
        "deviation": line.cell("deviation"),
        "driver": line.cell("driver"),
        "id": line.cell("id") if is_ours else "",
    }


def _end(text: str) -> Endpoint:
    found = POSITION.fullmatch(text)
    return Endpoint(float(found[1]), float(found[2])) if found else Endpoint(address=text)


def _length_km(found: Measured) -> float:
    if found.start_km is not None and found.end_km is not None:
        return km(found.end_km - found.start_km)
    if found.distance_km is None:
        raise unfit("distance_km", "is needed, or both odometers")
    return found.distance_km


# --- kinds


def _kind(line: Line, found: Measured, word: str, tenths: Tenths) -> tuple[TripKind, float | None]:
    """The kind of a trip, and of a mixed one its business kilometres."""
    if "kind" not in line.cells and (told := ticked(line.cell("business"), line.cell("private"))):
        return told, None
    detour_km, business_km, private_km = (_km(line, column, tenths) for column in ("detour", "business", "private"))
    if "kind" not in line.cells:
        if not business_km:
            return ("private" if private_km else "unclassified"), None
        word = "mixed" if private_km else "business"
    length_km = found.distance_km if found.off_km > SHOWN_KM and found.distance_km is not None else _length_km(found)
    if word == "mixed" or (word in ("business", "commute") and detour_km):
        own_km = detour_km if detour_km is not None else private_km
        if own_km is None and business_km is not None:
            own_km = length_km - business_km
        if own_km is None:
            raise unfit("business_km", "of a mixed trip its private kilometres are needed")
        if km(own_km) > km(length_km):
            raise unfit("business_km", "has more private kilometres than the trip is long")
        return "mixed", km(length_km - own_km)
    kinds: dict[str, TripKind] = {"commute": "business", "business": "business", "private": "private"}
    return kinds.get(word, "unclassified"), None


def _km(line: Line, column: Column, tenths: Tenths) -> float | None:
    text = line.cell(column)
    if not text:
        return None
    found = {way.km for way in ways_of(text) if tenths in (None, way.tenths) or way.tenths is None}
    if len(found) != 1:
        raise unfit("business_km", f"{text[:40]!r} is no number of kilometres, or can be read in two ways")
    return found.pop()


# --- days without times


def _spans(drafts: Sequence[_Draft], timezone: str) -> dict[int, Span | Unfit]:
    """By the numbers of lines whose times are not written down, when they are taken to have been, or why not."""
    days: dict[date, list[_Draft]] = {}
    for draft in drafts:
        days.setdefault(draft.day, []).append(draft)
    found: dict[int, Span | Unfit] = {}
    for day, of_day in days.items():
        some = [one for one in of_day if one.span is None]
        try:
            spans: Sequence[Span | Unfit] = untimed.spans_of(day, _untimed(some, of_day), timezone) if some else ()
        except Unfit as error:
            spans = [error] * len(some)
        found |= {one.line.n: span for one, span in zip(some, spans, strict=True)}
    return found


def _untimed(some: Sequence[_Draft], of_day: Sequence[_Draft]) -> list[Untimed]:
    if len(some) < len(of_day):
        raise unfit("started_at", "is not written down, and other trips of this day have times")
    found = list[Untimed]()
    for one in some:
        if one.measured.start_km is None or one.measured.end_km is None:
            raise unfit("started_at", "is not written down, and without both odometers nothing tells when it was")
        found.append(Untimed(one.measured.start_km, one.measured.end_km))
    return found
