"""3: the odometer never falls, and each distance is what it went on."""

from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.tiling import Row, why_not_sound
from shared.domain.log.trip import Trip, km


def outcome(examined: Examined) -> Outcome:
    """Fails where a row is no stretch of the odometer, or where a trip shows more than its stretch, or what its driver
    said of it contradicts the car. Without any odometer nobody knows."""
    if all(row.from_m is None for row in examined.log.rows):
        return NOT_APPLICABLE
    wrong = unless((row.id for row in examined.log.rows if _is_wrong(row)), "fails", WRONG)
    beyond = [trip.id for trip in examined.trips if trip.excess_km > 0 or trip.has("contradicted")]
    return wrong if wrong.rows else unless(beyond, "fails", BEYOND)


def _is_wrong(row: Row) -> bool:
    """Without a stretch there is nothing to hold it against: that the odometer is missing, another check says."""
    if row.from_m is None or row.to_m is None:
        return False
    return why_not_sound(row) is not None or (isinstance(row, Trip) and _shows_otherwise(row))


def _shows_otherwise(trip: Trip) -> bool:
    begin_km, end_km = trip.start_odometer_km, trip.end_odometer_km
    if begin_km is None or end_km is None:
        return True
    return end_km < begin_km or km(end_km - begin_km + trip.excess_km) != km(trip.distance_km)


WRONG = Text(
    "Bij deze regels ({count}) loopt de kilometerstand terug of is de afstand niet eindstand min beginstand. Verbeter"
    " de standen of de afstand.",
    "In these rows ({count}) the odometer falls, or the distance is not the end less the begin. Correct the odometers"
    " or the distance.",
)
BEYOND = Text(
    "Deze ritten ({count}) zijn langer dan wat de kilometerteller in die tijd opliep. Wat is ingevuld en wat de auto"
    " meldde, kan niet allebei kloppen: verbeter de afstand, de tijden of de auto van de rit.",
    "These trips ({count}) are longer than the odometer went on meanwhile. What was filled in and what the car told"
    " cannot both be true: correct the distance, the times or the car of the trip.",
)
CHECK = Check(
    3,
    "ours",
    Text("De kilometerstand loopt nooit terug, en elke afstand klopt", "The odometer never falls, each distance fits"),
    outcome,
)
