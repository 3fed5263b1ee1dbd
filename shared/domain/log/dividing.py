"""Owns how a trip becomes two where its driver says so: together they have its kilometres, its words and its way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import polyline
from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.fitting import unfit
from shared.domain.log.drive import Heard, shaped_id
from shared.domain.log.evidence import bounds, seen
from shared.domain.log.marking import between, marked
from shared.domain.log.pieces import cut, of_pieces, pieces_of
from shared.domain.log.summary import Mark, Piece, Summary, trail_of
from shared.domain.log.trip import Endpoint, Trip, classified, km
from shared.domain.log.words import in_its_car, summary_of
from shared.domain.place.geo import Position, distance_km
from shared.domain.thresholds import WORD_SLACK

SHORTEST_PART = timedelta(minutes=1)
OF_BEGIN = ("from", "started_at", "start_odometer_km")
OF_END = ("to", "ended_at", "end_odometer_km")


def divided(
    trip: Trip, at: datetime, words: Sequence[Heard], readings: Sequence[Reading], id_: str, now: datetime
) -> tuple[Trip, Trip]:
    """The two trips that one becomes at a moment (aware UTC); the second one under a new id. Raises Unfit.

    `words` are what the phone said of its drive, and `readings` those of its car, by time: together the two have the
    kilometres that it had. Where the car stood then between two trips of which its driver had made one, they are these.
    What each has of a mixed trip is to be said when they are laid: see `mixed`.
    """
    if min(at - trip.started_at, trip.ended_at - at) < SHORTEST_PART:
        raise unfit("at", "must be a minute after the start of the trip at least, and a minute before its end")
    summary = summary_of(trip)
    trail = marked(summary.marks, at, words)
    pieces = _in_two(pieces_of(trip), at, trail, _on_way(trip, readings))
    first, second = (
        _drive(trip, replace(summary, trail=trail_of(trail)), own, one)
        for own, one in zip(pieces, (trip.id, id_), strict=True)
    )
    share = _share_of(pieces, trail)
    routes, gps_km = _routes(trip.route, share), km((trip.gps_km or 0.0) * share)
    has_way = trip.gps_km is not None
    return (
        replace(
            trip,
            ended_at=first.ended_at,
            to=Endpoint(),
            set_by_hand=_by_hand(trip, first, OF_END, "ended_at"),
            summary=first,
            route=routes[0],
            gps_km=gps_km if has_way else None,
            revision=trip.revision + 1,
            updated_at=now,
        ),
        replace(
            trip,
            id=id_,
            started_at=second.began_at,
            from_=Endpoint(),
            set_by_hand=_by_hand(trip, second, OF_BEGIN, "started_at"),
            summary=second,
            route=routes[1],
            gps_km=km((trip.gps_km or 0.0) - gps_km) if has_way else None,
            revision=1,
            updated_at=now,
        ),
    )


def mixed(first: Trip, second: Trip, business_km: float) -> tuple[Trip, Trip]:
    """Two parts of a mixed trip with its business kilometres, each by its distance: no kilometre more or less."""
    whole_km = first.distance_km + second.distance_km
    of_first = km(business_km * first.distance_km / whole_km) if whole_km else 0.0
    of_second = min(km(business_km - of_first), second.distance_km)
    return (
        classified(replace(first, business_km=km(business_km - of_second))),
        classified(replace(second, business_km=of_second)),
    )


def is_shaped(summary: Summary) -> bool:
    """Whether a drive is not as the phone told of it: a part of one, or several merged."""
    span = (summary.began_at, summary.ended_at, summary.car_id)
    return summary.id in (shaped_id("part", *span), shaped_id("merged", *span))


def part_of(summary: Summary, since: datetime, until: datetime, trip_id: str) -> Summary:
    """What is known of a part of a drive that was two: a drive of its own, with its trip."""
    return replace(
        summary,
        id=shaped_id("part", since, until, summary.car_id),
        began_at=since,
        ended_at=until,
        trail=trail_of(between(summary.marks, since, until)),
        silences=tuple(one for one in summary.silences if since <= one[0] and one[1] <= until),
        trip_ids=(trip_id,),
    )


# --- the drives


def _drive(trip: Trip, summary: Summary, pieces: Sequence[Piece], id_: str) -> Summary:
    since, until = pieces[0].began_at, pieces[-1].ended_at
    part = part_of(summary, since, until, id_)
    is_first, is_last = since <= summary.since, until >= summary.until
    said = replace(
        summary.said,
        began_at=summary.said.began_at if is_first else since,
        ended_at=summary.said.ended_at if is_last else until,
        is_touched=True,
        seen_since=None,
        seen_until=None,
    )
    part = of_pieces(part, said if summary.has_car else in_its_car(said, trip), pieces)
    moved = replace(part.said, kept_m=None) if summary.moved else None
    return replace(part, id=id_ if summary.is_by_hand else part.id, moved=moved, begun=True, ended=True)


def _in_two(
    pieces: Sequence[Piece], at: datetime, trail: Sequence[Mark], on_way: Sequence[tuple[datetime, int]]
) -> tuple[list[Piece], list[Piece]]:
    """The pieces before a moment and those after it, the one that it is within in two."""
    before, after = list[Piece](), list[Piece]()
    for piece in pieces:
        if piece.ended_at <= at:
            before.append(piece)
        elif piece.began_at >= at:
            after.append(piece)
        else:
            first, second = cut(piece, at, _share(piece, at, trail, on_way))
            before.append(first)
            after.append(second)
    return before, after


def _share(piece: Piece, at: datetime, trail: Sequence[Mark], on_way: Sequence[tuple[datetime, int]]) -> float:
    """Which share of the kilometres lies before a moment: between two at which the odometer is known as far as the
    trail tells, else by time."""
    known = [(piece.began_at, 0), (piece.ended_at, piece.had_m or 0)]
    known[1:1] = on_way if piece.had_m else []
    (since, before_m), (until, after_m) = next(span for span in pairwise(known) if span[0][0] <= at <= span[1][0])
    best = [bounds(seen(trail, *span)).best for span in ((since, at), (at, until))]
    share = best[0] / sum(best) if sum(best) else (at - since) / (until - since)
    return (before_m + share * (after_m - before_m)) / piece.had_m if piece.had_m else share


def _share_of(pieces: tuple[Sequence[Piece], Sequence[Piece]], trail: Sequence[Mark]) -> float:
    """Which share of all the first of them have, by the trail."""
    best = [sum(bounds(seen(trail, piece.began_at, piece.ended_at)).best for piece in own) for own in pieces]
    return best[0] / sum(best) if sum(best) else 0.5


def _on_way(trip: Trip, readings: Sequence[Reading]) -> list[tuple[datetime, int]]:
    """When the odometer was read on the way of a trip, and how many metres of it lay before that. Of one that its
    driver had divided or made of several it says nothing."""
    said = summary_of(trip)
    if trip.from_m is None or trip.to_m is None or said.pieces or said.said.kept_m is not None:
        return []
    found, last_m = list[tuple[datetime, int]](), trip.from_m
    for reading in readings:
        is_within = trip.started_at + WORD_SLACK < reading.at < trip.ended_at - WORD_SLACK
        if is_within and reading.is_of_one_moment and last_m <= (m := round(1000 * reading.km)) <= trip.to_m:
            found.append((reading.at, m - trip.from_m))
            last_m = m
    return found


def _by_hand(trip: Trip, part: Summary, others: Sequence[str], said: str) -> tuple[str, ...]:
    """The fields that are the driver's of a part. The kind that they saw stays, wherever the parts begin and end."""
    theirs = {*trip.set_by_hand} - {*others} | {said}
    theirs |= {"distance_km"} if part.said.distance_m is not None else set()
    return tuple(sorted(theirs if trip.kind == "unclassified" else theirs | {"kind"}))


# --- the way


def _routes(route: str, share: float) -> tuple[str, str]:
    """The way of a trip in two, by its length: where words of the phone are kept, they say it better."""
    positions = [Position(*one) for one in polyline.decode(route, 5)] if route else []
    if len(positions) < 2:
        return route, ""
    lengths = [0.0]
    for a, b in pairwise(positions):
        lengths.append(lengths[-1] + distance_km(a, b))
    n = next(n for n, length in enumerate(lengths) if length >= share * lengths[-1])
    return polyline.encode(positions[: n + 1], 5), polyline.encode(positions[n:], 5)
