"""15: what was entered long after the drive is marked."""

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.thresholds import LATE_AFTER


def outcome(examined: Examined) -> Outcome:
    """Warns of the trips that bear the mark."""
    return unless((trip.id for trip in examined.trips if trip.late), "warns", ADVICE, days=LATE_AFTER.days)


ADVICE = Text(
    "Deze ritten ({count}) zijn meer dan {days} dagen na de rit ingevoerd en zijn zo gemerkt. Bewaar wat ze bewijst,"
    " zoals een afspraak of een bon. Het getal komt uit de Duitse praktijk; in Nederland geldt: zo snel mogelijk.",
    "These trips ({count}) were entered more than {days} days after the drive and are marked so. Keep what proves them,"
    " such as an appointment or a receipt. The number is of German practice; in the Netherlands: as soon as you can.",
)
CHECK = Check(15, "law", Text("Ritten zijn op tijd ingevoerd", "Trips were entered in time"), outcome)
