"""Owns the pieces of a trip: those that it was before its driver made one of them, else the trip itself.

To divide a trip is to divide one of its pieces; to make one of several is to put their pieces together.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.log.summary import Piece, Said, Summary
from shared.domain.log.trip import Trip
from shared.domain.log.words import summary_of

WORD_STEP_M = 100  # a distance is said to 0.1 km


def pieces_of(trip: Trip) -> list[Piece]:
    """The pieces of a trip by time, one at least, with what was said of the kilometres of each."""
    summary, had_m = summary_of(trip), _had_m(trip)
    said, pieces = summary.said, summary.pieces
    if not pieces or said.distance_m is not None:
        is_said = (said.from_m, said.to_m, said.distance_m, said.kept_m)
        return [Piece(trip.started_at, trip.ended_at, *is_said, had_m)]
    found = [replace(pieces[0], began_at=trip.started_at, from_m=said.from_m), *pieces[1:]]
    found[-1] = replace(found[-1], ended_at=trip.ended_at, to_m=said.to_m)
    each_m = [piece.had_m for piece in found if piece.had_m is not None]
    is_so = len(each_m) == len(found) and sum(each_m) == had_m
    return found if is_so else [replace(piece, had_m=None) for piece in found]


def of_pieces(summary: Summary, said: Said, pieces: Sequence[Piece]) -> Summary:
    """The drive of these pieces, of which beside their kilometres that was said."""
    first, last = pieces[0], pieces[-1]
    said = replace(said, from_m=first.from_m, to_m=last.to_m, distance_m=None, kept_m=None)
    if len(pieces) > 1:
        return replace(summary, said=said, pieces=tuple(pieces))
    return replace(summary, said=replace(said, distance_m=first.distance_m, kept_m=first.kept_m), pieces=())


def cut(piece: Piece, at: datetime, share: float) -> tuple[Piece, Piece]:
    """The two pieces of one, the first with so much of its kilometres, from 0 to 1; together they have them all.

    What it had of the odometer they keep. A distance that its driver said is theirs together.
    """
    said_m = piece.distance_m
    if said_m is None and piece.from_m is not None and piece.to_m is not None:
        said_m = piece.to_m - piece.from_m
    said = _two(said_m, share, WORD_STEP_M)
    kept = _two(piece.had_m, share, 1)
    first, second = (replace(piece, distance_m=a, kept_m=b, had_m=b) for a, b in zip(said, kept, strict=True))
    return replace(first, ended_at=at, to_m=None), replace(second, began_at=at, from_m=None)


def _two(metres: int | None, share: float, step_m: int) -> tuple[int | None, int | None]:
    if metres is None:
        return None, None
    first_m = min(round(share * metres / step_m) * step_m, metres)
    return first_m, metres - first_m


def _had_m(trip: Trip) -> int | None:
    """How many metres of the odometer a trip has, or shows where it has none; None as long as that is not known."""
    is_by_trail = trip.has("contradicted") and trip.distance_source != "manual"
    if trip.has("odometer_pending") or is_by_trail:
        return None
    if trip.from_m is None or trip.to_m is None:
        return round(1000 * trip.distance_km)
    return trip.to_m - trip.from_m
