"""4: a trip begins where the one before it ended."""

from collections.abc import Iterator

from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.gap_row import GapRow
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.place.geo import distance_km
from shared.domain.thresholds import ENDS_WITHIN_M


def outcome(examined: Examined) -> Outcome:
    """Warns where the car was found further off than the kilometres of gaps between two trips can have brought it."""
    pairs = list(_pairs(examined))
    far = [trip.id for before, trip, apart_m in pairs if apart_m > ENDS_WITHIN_M for trip in (before, trip)]
    return unless(far, "warns", ADVICE, limit_m=ENDS_WITHIN_M) if pairs else NOT_APPLICABLE


def _pairs(examined: Examined) -> Iterator[tuple[Trip, Trip, float]]:
    """Each two trips of which it is known, and how many metres between them no gap can explain."""
    last, gap_m = None, 0
    for row in examined.following:
        if isinstance(row, GapRow):
            gap_m += row.missing_m
            continue
        apart_m = _apart_m(last.to, row.from_) if last else None
        if last and apart_m is not None:
            yield last, row, apart_m - gap_m
        last, gap_m = row, 0


def _apart_m(end: Endpoint, begin: Endpoint) -> float | None:
    if end.place and end.place == begin.place:
        return 0.0
    there, here = end.position, begin.position
    return 1000 * distance_km(there, here) if there and here else None


ADVICE = Text(
    "Bij deze ritten ({count}) ligt het begin meer dan {limit_m} m van waar de auto het laatst stond. Verbeter het"
    " begin of het einde, of voeg de rit toe die ertussen zat. De grens van {limit_m} m is van ons en staat in geen"
    " wet.",
    "In these trips ({count}) the begin is more than {limit_m} m from where the car stood last. Correct the begin or"
    " the end, or add the trip that was between. The limit of {limit_m} m is ours and in no law.",
)
CHECK = Check(
    4,
    "law",
    Text("Elke rit begint op de plek waar de vorige eindigde", "Trips begin where the last one ended"),
    outcome,
)
