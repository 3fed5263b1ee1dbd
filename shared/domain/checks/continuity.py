"""2: each trip has its odometer, and begins at the odometer at which the row before it ends."""

from itertools import pairwise

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.domain.thresholds import MEETS_WITHIN_M


def outcome(examined: Examined) -> Outcome:
    """Fails where rows are further apart than whole kilometres can be out by, warns where by less; a trip without an
    odometer fails, and one that waits for it warns."""
    # What lies behind the last drive is no row yet, and may be of another odometer already.
    stored = [row for row in examined.following if row is not examined.log.behind]
    placed = [row for row in stored if row.from_m is not None and row.to_m is not None]
    apart = [(row.id, _apart_m(before, row)) for before, row in pairwise(placed)]
    without = [trip for trip in examined.trips if trip.from_m is None or trip.to_m is None]
    bad = [trip.id for trip in without if not _waits(trip)]
    found = [
        unless((id_ for id_, apart_m in apart if apart_m > MEETS_WITHIN_M), "fails", APART),
        unless(bad, "fails", WITHOUT),
        unless((id_ for id_, apart_m in apart if apart_m > 0), "warns", NEARLY),
        unless((trip.id for trip in without if _waits(trip)), "warns", WAITING),
    ]
    return next((one for one in found if one.result != "holds"), found[0])


def _apart_m(before: Row, row: Row) -> int:
    return abs((row.from_m or 0) - (before.to_m or 0) - row.set_on_m)


def _waits(trip: Trip) -> bool:
    return trip.has("odometer_pending")


APART = Text(
    "Deze regels ({count}) beginnen niet bij de kilometerstand waarop de regel ervoor eindigt. Kijk de standen na en"
    " verbeter de rit die niet klopt. Tot 1 km verschil is een melding; die grens is van ons en staat in geen wet.",
    "These rows ({count}) do not begin at the odometer where the row before ends. Look at the odometers and correct the"
    " trip that is wrong. Up to 1 km apart is a notice only; that limit is ours and in no law.",
)
NEARLY = Text(
    "Deze regels ({count}) sluiten op minder dan 1 km na niet aan, doordat sommige auto's hele kilometers melden. Die"
    " grens van 1 km is van ons en staat in geen wet: geef een stand van je dashboard op om het recht te zetten.",
    "These rows ({count}) are less than 1 km apart from the row before, for some cars tell whole kilometres. That limit"
    " of 1 km is ours and in no law: enter what your dashboard shows to put it right.",
)
WITHOUT = Text(
    "Bij deze ritten ({count}) staat geen kilometerstand. Vul de stand bij begin en einde in.",
    "These trips ({count}) have no odometer. Fill in what it showed at their begin and end.",
)
WAITING = Text(
    "Deze ritten ({count}) wachten nog op de kilometerstand van de auto. Duurt dat lang, vul die dan zelf in.",
    "These trips ({count}) still wait for the car's odometer. If that takes long, fill it in yourself.",
)
CHECK = Check(
    2, "law", Text("Elke rit begint waar de vorige eindigde", "Each trip begins where the one before ended"), outcome
)
