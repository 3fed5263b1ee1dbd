"""12: each odometer was read or entered, and not shared out."""

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Trip


def outcome(examined: Examined) -> Outcome:
    """Warns of trips of which a boundary comes from neither a reading of the standing car nor an entry."""
    return unless((trip.id for trip in examined.trips if _is_estimated(trip)), "warns", ADVICE)


def _is_estimated(trip: Trip) -> bool:
    return not {trip.start_odometer_known, trip.end_odometer_known} <= {"read", "typed"}


ADVICE = Text(
    "Van deze ritten ({count}) is een kilometerstand geschat: de auto meldde er toen geen. De som over meer ritten"
    " klopt wel. Weet je de stand, vul hem dan in.",
    "An odometer of these trips ({count}) is estimated: the car told none at the time. Over several trips the sum is"
    " right. If you know what it showed, fill it in.",
)
CHECK = Check(
    12, "ours", Text("Elke kilometerstand is gelezen of ingevuld", "Each odometer was read or entered"), outcome
)
