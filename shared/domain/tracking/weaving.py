"""Weaves what the phone said into the drives that are over: all words of a time together, in whichever order they came.

A word that comes late may be the end of a drive that is over, lie inside one, be the begin of the next, or tell of one
between two others. So the drives near to it are taken apart into their words, and cut anew with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.log.drive import Finished, Heard, Record, drive_id
from shared.domain.log.marking import marks
from shared.domain.log.record import events_of, recorded
from shared.domain.log.rows import Rows
from shared.domain.log.summary import Said, Summary, trail_of
from shared.domain.place.trail import Fix
from shared.domain.thresholds import LONGEST_SILENCE, MOST_RECORDED, Rules
from shared.domain.tracking.state import BY_TIME, UNKNOWN_CAR, DriverState, Leg, cut, with_told


class _Span(NamedTuple):
    since: datetime
    until: datetime
    is_ended: bool


def woven(state: DriverState, finished: Sequence[Finished], is_late_due: bool, rows: Rows, rules: Rules) -> DriverState:
    """The state in which the drives that are over have all that was said of them; their records are put into the rows.

    `finished` are drives that are over by now; with `is_late_due` what was told of earlier times is taken in.
    """
    for one in finished:
        if one.why == "the driver dropped it":
            state = _dropped(state, one, rows, rules)
    words = [heard for one in finished if one.why != "the driver dropped it" for heard in _words(one, rows)]
    if is_late_due:
        words += state.late
        state = replace(state, late=(), late_at=None)
    if not words:
        return state
    words = _not_of_fixed(state, words, rows)
    return _cut_anew(state, words, rows, rules) if words else state


def drives_of(records: Sequence[Record], state: DriverState, rules: Rules) -> list[Summary]:
    """The drives that the words of some records make by themselves; of one that its driver dropped, whatever lies
    beside it."""
    unwanted = [_unwanted(events_of(record), state, rules) for record in records if record.is_dropped]
    words = [heard for record in records if not record.is_dropped for heard in events_of(record)]
    loose, legs = cut(None, words, rules, state.default_car_id)
    return [*unwanted, *(_of_leg(leg, state, rules) for leg in legs), *(_loose(end, state) for end in loose)]


def together(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records by time, those as one whose words lie between each other's: of these each says how far the others
    went."""
    group, until = list[Record](), None
    for record in sorted(records, key=lambda one: (one.began_at, one.id)):
        if until is not None and record.began_at >= until:
            yield group
            group, until = [], None
        group.append(record)
        ended_at = events_of(record)[-1].at
        until = ended_at if until is None else max(until, ended_at)
    if group:
        yield group


def is_fixed(summary: Summary) -> bool:
    """Whether its driver saw the trip of a drive and said something of it: then it keeps the extent that they saw."""
    return summary.is_by_hand or summary.said.is_touched


def _words(finished: Finished, rows: Rows) -> list[Heard]:
    return [*rows.older_events(finished.blocks), *finished.events]


def _dropped(state: DriverState, finished: Finished, rows: Rows, rules: Rules) -> DriverState:
    """A drive of which its driver wants no trip: that is a word, and nothing that is heard later begins it again."""
    words = sorted(_words(finished, rows), key=BY_TIME)
    summary = _unwanted(words, state, rules)
    rows.keep(recorded(summary.id, words, is_dropped=True))
    return with_told(state, [*state.told, summary])


def _unwanted(words: list[Heard], state: DriverState, rules: Rules) -> Summary:
    leg = Leg(words[0].at, words[-1].at, _named(words), words)
    return replace(_summary(leg, state, True, rules), said=Said(is_deleted=True, is_touched=True))


def _not_of_fixed(state: DriverState, words: Sequence[Heard], rows: Rows) -> list[Heard]:
    """The words but those said during a drive that is fixed: they go to its record, and change nothing of it."""
    left = list[Heard]()
    for heard in words:
        fixed = next((one for one in state.told if is_fixed(one) and _is_inside(heard, one, state)), None)
        if fixed is None:
            left.append(heard)
            continue
        record = rows.record(fixed.id)
        known = events_of(record) if record else []
        rows.keep(recorded(fixed.id, [*known, heard], bool(record and record.is_dropped)))
    return left


def _is_inside(heard: Heard, summary: Summary, state: DriverState) -> bool:
    """Whether a word is of a drive that is fixed."""
    return summary.since <= heard.at <= summary.until and _may_be_in_its_car(heard, summary, state)


def _may_be_in_its_car(heard: Heard, summary: Summary, state: DriverState) -> bool:
    """Whether a word may be of the car of a drive. One by hand in another car takes none that means the usual one."""
    meant = heard.car_id or (state.default_car_id if summary.is_by_hand else None)
    return meant is None or summary.car_id is None or meant == summary.car_id


def _cut_anew(state: DriverState, words: Sequence[Heard], rows: Rows, rules: Rules) -> DriverState:
    near, words = _near(state.told, words, rows, rules)
    loose, legs = list[Heard](), list[Leg]()
    for together in _between_fixed(state, set(words)):
        ends, drives = cut(None, together, rules, state.default_car_id)
        loose, legs = [*loose, *ends], [*legs, *drives]
    cut_out = [(_of_leg(leg, state, rules), leg.events) for leg in legs]
    cut_out += [(_loose(end, state), [end]) for end in loose]
    for summary, events in cut_out:
        _keep(recorded(summary.id, events), near, rows)
    made = [summary for summary, _ in cut_out]
    for former in near:
        if all(former.id != summary.id for summary in made):
            rows.forget(former.id)
    kept = [one for one in state.told if one not in near]
    return with_told(state, [*kept, *_inherited(made, near)])


def _between_fixed(state: DriverState, words: Iterable[Heard]) -> Iterator[list[Heard]]:
    """The words by time, apart where a drive that is fixed lies between them: none goes on through it in its car."""
    fixed, together = [one for one in state.told if is_fixed(one)], list[Heard]()
    for heard in sorted(words, key=BY_TIME):
        over = [one for one in fixed if one.until <= heard.at and _may_be_in_its_car(heard, one, state)]
        if any(
            former.at <= one.since and _may_be_in_its_car(former, one, state) for one in over for former in together
        ):
            yield together
            together = []
        together.append(heard)
    yield together


def _keep(record: Record, near: Sequence[Summary], rows: Rows) -> None:
    """A record is kept anew where more is in it than there was."""
    if all(one.id != record.id for one in near) or rows.record(record.id) != record:
        rows.keep(record)


def _near(
    told: Sequence[Summary], words: Sequence[Heard], rows: Rows, rules: Rules
) -> tuple[list[Summary], list[Heard]]:
    """The drives that the words can change, and all that was said of them and in these words."""
    near, far, found = list[Summary](), list[Summary](), [*words]
    while True:
        span = _span(found)
        more = [one for one in told if one not in (*near, *far) and not is_fixed(one) and _touches(one, span, rules)]
        if not more:
            return near, found
        for one in more:
            record = rows.record(one.id)
            # Of what was moved from elsewhere no words are kept, and a record must fit into one document.
            if record is None or len(record.kinds) + len(found) > MOST_RECORDED:
                far.append(one)
            else:
                near.append(one)
                found += events_of(record)


def _span(words: Sequence[Heard]) -> _Span:
    last = max(words, key=BY_TIME)
    return _Span(min(heard.at for heard in words), last.at, last.is_end and not last.is_pause)


def _touches(one: Summary, span: _Span, rules: Rules) -> bool:
    """Whether words of that time may be of a drive: beside its ends, or far from them where one was never heard.

    What was begun and not ended goes on with the next start.
    """
    before = (rules.resume_within if span.is_ended else rules.stale_after) if one.begun else LONGEST_SILENCE
    after = rules.resume_within if one.ended else LONGEST_SILENCE
    return one.began_at - before <= span.until and span.since <= one.ended_at + after


def _of_leg(leg: Leg, state: DriverState, rules: Rules) -> Summary:
    return _summary(leg, state, leg.ended_at is not None or leg.paused, rules)


def _summary(leg: Leg, state: DriverState, ended: bool, rules: Rules) -> Summary:
    named = leg.car_id
    fixes = [Fix(heard.at, heard.lat, heard.lng, heard.accuracy_m) for heard in leg.events]
    events = sorted(leg.events, key=lambda heard: heard.at)
    until = leg.ended_at or leg.last_at
    return Summary(
        id=drive_id(leg.started_at, until, named),
        began_at=leg.started_at,
        ended_at=until,
        car_id=None if named == UNKNOWN_CAR else named,
        is_stray=named == UNKNOWN_CAR,
        ended=ended,
        trail=trail_of(marks(fixes, leg.started_at, until, ())),
        silences=_silences(events, rules),
        default_car_id=state.default_car_id,
        driver=next((heard.by for heard in events if not heard.is_end), ""),
    )


def _loose(end: Heard, state: DriverState) -> Summary:
    return Summary(
        id=drive_id(end.at, end.at, f"until {end.car_id} {end.lat} {end.lng}"),
        began_at=end.at,
        ended_at=end.at,
        car_id=None if end.is_stray else end.car_id,
        is_stray=end.is_stray,
        begun=False,
        trail=trail_of(marks([Fix(end.at, end.lat, end.lng, end.accuracy_m)], end.at, end.at, ())),
        default_car_id=state.default_car_id,
        driver=end.by,
    )


def _named(words: Iterable[Heard]) -> str | None:
    return next((UNKNOWN_CAR if heard.is_stray else heard.car_id for heard in words if heard.car_id), None)


def _silences(events: Sequence[Heard], rules: Rules) -> tuple[tuple[datetime, datetime], ...]:
    """Where nothing was said for so long that something else may have been meanwhile; a pause is no silence."""
    return tuple((a.at, b.at) for a, b in pairwise(events) if b.at - a.at > rules.resume_within and not a.is_pause)


def _inherited(made: Sequence[Summary], near: Sequence[Summary]) -> list[Summary]:
    """The drives with the ids that were given to their trips once: each goes on in the one that it shares most with."""
    ids: dict[str, tuple[str, ...]] = {}
    for former in sorted(near, key=lambda one: one.began_at):
        heir = max(made, key=lambda one: (_shared(former, one), -abs((one.began_at - former.began_at).total_seconds())))
        ids[heir.id] = (*ids.get(heir.id, ()), *former.trip_ids)
    return [replace(one, trip_ids=ids.get(one.id, ())) for one in made]


def _shared(a: Summary, b: Summary) -> timedelta:
    return min(a.ended_at, b.ended_at) - max(a.began_at, b.began_at)
