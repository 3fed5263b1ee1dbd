"""10: a trip that is longer than usual says which way it went and why."""

from collections import defaultdict
from statistics import median

from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.place.geo import Position, distance_km
from shared.domain.thresholds import DETOUR_KM, DETOUR_SHARE, ENDS_WITHIN_M, USUAL_OF

# Of the cells of a grid, in degrees, those beside each other have all that is so near: from 60 degrees north to south.
CELL = (0.0025, 0.005)
Spot = str | int


def outcome(examined: Examined) -> Outcome:
    """Warns of trips well beyond the median of the driver's own between the same two places, without a text of it."""
    ways = [way for way in _ways(examined.trips) if len(way) >= USUAL_OF]
    if not ways:
        return NOT_APPLICABLE
    longer = [trip.id for way in ways for trip in way if _is_longer(trip, way) and not trip.deviation.strip()]
    return unless(longer, "warns", ADVICE, percent=round(100 * DETOUR_SHARE), km=round(DETOUR_KM))


def _is_longer(trip: Trip, way: list[Trip]) -> bool:
    usual_km = median(one.distance_km for one in way)
    beyond_km = trip.distance_km - usual_km
    # Of a private trip no kilometre is claimed, so no route has to be shown for it.
    return trip.kind != "private" and beyond_km > max(DETOUR_KM, DETOUR_SHARE * usual_km)


def _ways(trips: list[Trip]) -> list[list[Trip]]:
    """The trips between each two spots, either way. A round from a spot back to it has no usual length."""
    spots, found = _Spots(), defaultdict[frozenset[Spot], list[Trip]](list)
    for trip in trips:
        begin, end = spots.of(trip.from_), spots.of(trip.to)
        if begin is not None and end is not None and begin != end:
            found[frozenset((begin, end))].append(trip)
    return list(found.values())


class _Spots:
    """Where trips begin and end: a place by its name, else what lies around the first end that was there."""

    def __init__(self) -> None:
        self._first = list[Position]()
        self._in_cell = defaultdict[tuple[int, int], list[int]](list)

    def of(self, end: Endpoint) -> Spot | None:
        """Which one an end is; None where nobody knows."""
        if end.place:
            return end.place
        return self._around(end.position) if end.position else None

    def _around(self, position: Position) -> int:
        row, column = (int(degrees // size) for degrees, size in zip(position, CELL, strict=True))
        cells = [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        for n in (n for cell in cells for n in self._in_cell.get(cell, ())):
            if 1000 * distance_km(self._first[n], position) <= ENDS_WITHIN_M:
                return n
        self._first.append(position)
        self._in_cell[row, column].append(len(self._first) - 1)
        return len(self._first) - 1


ADVICE = Text(
    "Deze ritten ({count}) zijn meer dan {percent} % en meer dan {km} km langer dan je zelf gewoonlijk tussen die"
    " plekken rijdt. Schrijf bij de rit welke weg je reed en waarom. Een omweg door het verkeer is zakelijk. De wet"
    " vraagt de afwijkende route; deze getallen zijn van ons.",
    "These trips ({count}) are more than {percent} % and more than {km} km longer than you usually drive between these"
    " places. Write down at the trip which way you took and why. A detour for traffic is business. The law asks for"
    " the route that is not the usual one; these numbers are ours.",
)
CHECK = Check(
    10,
    "law",
    Text("Een andere route dan gewoonlijk is uitgelegd", "A route that is not the usual one is told"),
    outcome,
)
