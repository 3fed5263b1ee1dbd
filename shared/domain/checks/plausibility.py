"""20: no trip is longer or faster than a car can be, or at the same time as another one."""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Trip
from shared.domain.thresholds import FASTEST_KM_PER_H, LATE_BY, LONGEST_TRIP_KM


def outcome(examined: Examined) -> Outcome:
    """Warns of trips that overlap, are too long, or too fast though their times may be minutes out."""
    numbers = {"most_km": round(LONGEST_TRIP_KM), "fastest": round(FASTEST_KM_PER_H)}
    return unless(_odd(examined.trips), "warns", ADVICE, **numbers)


def _odd(trips: list[Trip]) -> Iterator[str]:
    last: Trip | None = None
    for trip in trips:
        if last and trip.started_at < last.ended_at:
            yield from (last.id, trip.id)
        if trip.distance_km > LONGEST_TRIP_KM or _is_too_fast(trip):
            yield trip.id
        last = max(last, trip, key=_end) if last else trip


def _is_too_fast(trip: Trip) -> bool:
    lasted_h = (trip.ended_at - trip.started_at + LATE_BY).total_seconds() / 3600
    return trip.distance_km > FASTEST_KM_PER_H * lasted_h


def _end(trip: Trip) -> datetime:
    return trip.ended_at


ADVICE = Text(
    "Deze ritten ({count}) overlappen elkaar, zijn langer dan {most_km} km of sneller dan {fastest} km per uur."
    " Verbeter de tijden of de afstand. Deze getallen zijn van ons.",
    "These trips ({count}) overlap, are longer than {most_km} km or faster than {fastest} km an hour. Correct their"
    " times or their distance. These numbers are ours.",
)
CHECK = Check(20, "ours", Text("Tijden en snelheden kunnen kloppen", "Times and speeds are possible"), outcome)
