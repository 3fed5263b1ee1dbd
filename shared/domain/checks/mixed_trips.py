"""11: of a mixed trip it is told which part was private, and which way it went."""

from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Trip, km


def outcome(examined: Examined) -> Outcome:
    """Fails where a mixed trip has more private kilometres than kilometres, or less than none, or no route."""
    mixed = [trip for trip in examined.trips if trip.kind == "mixed"]
    bad = (trip.id for trip in mixed if not _is_divided(trip) or not trip.deviation.strip())
    return unless(bad, "fails", ADVICE) if mixed else NOT_APPLICABLE


def _is_divided(trip: Trip) -> bool:
    parts_km = km(trip.business_km + trip.private_km)
    return 0 <= trip.private_km <= trip.distance_km and parts_km == km(trip.distance_km)


ADVICE = Text(
    "Deze ritten ({count}) waren deels privé. Vul in hoeveel kilometer zakelijk was, en schrijf de route van de omweg"
    " op.",
    "These trips ({count}) were private in part. Fill in how many kilometres were business, and write down the route of"
    " the detour.",
)
CHECK = Check(
    11, "ours", Text("Privé-omwegen zijn opgegeven met hun route", "Private detours are told with their route"), outcome
)
