"""Owns how several trips become one where their driver says so: it has their kilometres, their words and their ways.

Kilometres of nobody between them stay so: they lie behind the one trip from then on.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import polyline
from msgspec.structs import replace

from shared.domain.fitting import Conflict
from shared.domain.log.correcting import MOST_KM, MOST_TEXT, TEXTS
from shared.domain.log.dividing import OF_BEGIN, OF_END
from shared.domain.log.drive import shaped_id
from shared.domain.log.gap_row import GapRow
from shared.domain.log.marking import between, counted_from, thinned
from shared.domain.log.pieces import of_pieces, pieces_of
from shared.domain.log.summary import Mark, Said, Summary, trail_of
from shared.domain.log.tiling import Row, along
from shared.domain.log.trip import Trip, TripKind, TripSource, km
from shared.domain.log.words import in_its_car, summary_of
from shared.domain.thresholds import MOST_MARKS

MOST_PIECES = 20
AUTOMATIC: TripSource = "automatic"
BETWEEN_TEXTS = {"purpose": "; ", "notes": "\n", "deviation": "; "}
OF_KIND = ("kind", "business_km")


def joined(trips: Sequence[Trip], gaps: Sequence[GapRow], now: datetime) -> Trip:
    """The trip that neighbours of one car become, both by time: under the id of the first of them.

    `gaps` are all that lie between them. Raises Conflict where they cannot be one. How it lies on the odometer is for
    the fold to say.
    """
    _refuse_strangers(trips, gaps)
    first, last = trips[0], trips[-1]
    pieces = [piece for trip in trips for piece in pieces_of(trip)]
    summary = of_pieces(_drive(trips), _said(trips), pieces)
    made = replace(
        first,
        ended_at=max(trip.ended_at for trip in trips),
        to=last.to,
        distance_km=km(sum(trip.distance_km for trip in trips)),
        gps_km=_gps_km(trips),
        route=_route(trips),
        source=first.source if summary.is_by_hand else AUTOMATIC,
        driver=next((trip.driver for trip in trips if trip.driver), ""),
        flags=tuple({flag: None for trip in trips for flag in trip.flags}),
        late=any(trip.late for trip in trips),
        set_by_hand=_by_hand(trips),
        summary=summary,
        revision=first.revision + 1,
        updated_at=now,
        **_texts(trips),
    )
    if made.distance_km > MOST_KM:
        raise Conflict(f"A trip has {MOST_KM:g} km at most.", "ids")
    if len(pieces) > MOST_PIECES:
        raise Conflict(f"Of at most {MOST_PIECES} trips one can be made.", "ids")
    return replace(made, kind=_kind(trips), business_km=km(sum(trip.business_km for trip in trips)))


def _refuse_strangers(trips: Sequence[Trip], gaps: Sequence[GapRow]) -> None:
    if len({trip.car_id for trip in trips}) > 1:
        raise Conflict("These trips were not all in one car.", "ids")
    both: list[Row] = [*trips, *gaps]
    rows = [row for row in sorted(both, key=along) if row.from_m is not None]
    if rows and len(rows) < len(both):
        raise Conflict("Of some of these trips no odometer is known.", "ids")
    if any(a.to_m != b.from_m for a, b in pairwise(rows)):
        raise Conflict("The car had another odometer after some of these trips.", "ids")


# --- what the driver said


def _said(trips: Sequence[Trip]) -> Said:
    """What is said of all of them together, but of their kilometres."""
    words = [summary_of(trip).said for trip in trips]
    has_car = any(word.has_car for word in words)
    said = Said(
        began_at=words[0].began_at,
        ended_at=words[-1].ended_at,
        has_car=has_car,
        car_id=trips[0].car_id if has_car else None,
        is_touched=True,
    )
    return in_its_car(said, next((trip for trip in trips if trip.has("car_unsure")), trips[0]))


def _by_hand(trips: Sequence[Trip]) -> tuple[str, ...]:
    first, last = trips[0], trips[-1]
    edges = {*OF_BEGIN} & {*first.set_by_hand} | {*OF_END} & {*last.set_by_hand}
    others = {name for trip in trips for name in trip.set_by_hand} - {*OF_BEGIN, *OF_END, *OF_KIND}
    kind = {"mixed": {*OF_KIND}, "unclassified": set[str]()}.get(_kind(trips), {"kind"})
    return tuple(sorted(edges | others | kind))


def _kind(trips: Sequence[Trip]) -> TripKind:
    """The kind of all of them; of business and private ones together, mixed. One that is of none yet makes it so."""
    kinds = {trip.kind for trip in trips}
    if len(kinds) == 1:
        return trips[0].kind
    return "unclassified" if "unclassified" in kinds else "mixed"


def _texts(trips: Sequence[Trip]) -> dict[str, str]:
    found = {}
    for name in TEXTS:
        each = dict.fromkeys(text for trip in trips if (text := getattr(trip, name)))
        found[name] = BETWEEN_TEXTS[name].join(each)
        if len(found[name]) > MOST_TEXT:
            raise Conflict(f"Together their {name} would have more than {MOST_TEXT} letters.", "ids")
    return found


# --- the drive


def _drive(trips: Sequence[Trip]) -> Summary:
    drives = [summary_of(trip) for trip in trips]
    since, until = trips[0].started_at, max(trip.ended_at for trip in trips)
    named = next((one.car_id for one in drives if one.car_id), None)
    is_by_hand = all(one.is_by_hand for one in drives)
    return Summary(
        id=trips[0].id if is_by_hand else shaped_id("merged", since, until, named),
        began_at=since,
        ended_at=until,
        trail=trail_of(_marks(trips)),
        default_car_id=drives[0].default_car_id,
        trip_ids=(trips[0].id,),
        car_id=named,
        silences=tuple(silence for one in drives for silence in one.silences),
        driver=next((one.driver for one in drives if one.driver), ""),
        is_stray=named is None and any(one.is_stray for one in drives),
        is_by_hand=is_by_hand,
        moved=Said() if any(one.moved for one in drives) else None,
    )


def _marks(trips: Sequence[Trip]) -> list[Mark]:
    """Their marks, counted from the begin of the first of them: between two trips the car stood."""
    trails = [between(summary_of(trip).marks, trip.started_at, trip.ended_at) for trip in trips]
    if sum(map(len, trails)) > MOST_MARKS:
        room = max(MOST_MARKS // len(trails), 2)
        trails = [(*thinned(marks[:-1], room - 1), marks[-1]) for marks in trails]
    found = list[Mark]()
    for marks in trails:
        begin = found[-1] if found else Mark(marks[0].at)
        found += [counted_from(begin, marks[0], mark) for mark in marks]
    return [mark for n, mark in enumerate(found) if n == 0 or mark.at > found[n - 1].at]


# --- the way


def _gps_km(trips: Sequence[Trip]) -> float | None:
    known = [trip.gps_km for trip in trips if trip.gps_km is not None]
    return km(sum(known)) if known else None


def _route(trips: Sequence[Trip]) -> str:
    positions = [position for trip in trips if trip.route for position in polyline.decode(trip.route, 5)]
    return polyline.encode(positions, 5) if positions else ""
