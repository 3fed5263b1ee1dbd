"""18: distances that were entered by hand are no round numbers."""

from shared.domain.checks.check import HOLDS, NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Trip
from shared.domain.thresholds import ROUND_KM, ROUND_OF, ROUND_SHARE


def outcome(examined: Examined) -> Outcome:
    """Warns where too many of them are multiples; a few by hand say nothing."""
    by_hand = [trip for trip in examined.trips if trip.distance_km > 0 and _is_by_hand(trip)]
    if len(by_hand) < ROUND_OF:
        return NOT_APPLICABLE
    round_ones = [trip.id for trip in by_hand if round(10 * trip.distance_km) % (10 * ROUND_KM) == 0]
    if len(round_ones) <= ROUND_SHARE * len(by_hand):
        return HOLDS
    return unless(round_ones, "warns", ADVICE, of=len(by_hand), percent=round(100 * ROUND_SHARE), km=ROUND_KM)


def _is_by_hand(trip: Trip) -> bool:
    return trip.source == "manual" or trip.distance_source == "manual" or "distance_km" in trip.set_by_hand


ADVICE = Text(
    "Van {of} met de hand ingevoerde afstanden zijn er {count} een veelvoud van {km} km; dat ziet er afgerond uit. Vul"
    " de werkelijke kilometers in. De grens van {percent} % is van ons.",
    "Of {of} distances by hand {count} are multiples of {km} km, which looks rounded. Fill in the real kilometres. The"
    " limit of {percent} % is ours.",
)
CHECK = Check(
    18, "ours", Text("Afstanden met de hand zijn niet afgerond", "Distances by hand are not rounded"), outcome
)
