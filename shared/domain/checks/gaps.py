"""5: it is explained who drove each kilometre that no trip has."""

from shared.domain.checks.check import HOLDS, NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import km


def outcome(examined: Examined) -> Outcome:
    """Fails where nobody explained a gap, also what lies behind the last drive. Without any odometer nobody knows."""
    if all(row.from_m is None for row in examined.following):
        return NOT_APPLICABLE
    gaps = [gap for gap in examined.gaps if gap.explained_as is None]
    missing_km = km(sum(gap.missing_km for gap in gaps))
    return unless((gap.id for gap in gaps), "fails", ADVICE, missing_km=missing_km) if gaps else HOLDS


ADVICE = Text(
    "Van {missing_km} km staat er geen rit (stukken: {count}). Voeg de ritten toe of zeg wat het was; tot dan tellen"
    " ze als privé. Wat na de laatste rit is gereden, kun je pas uitleggen als de volgende rit er is.",
    "No trip has {missing_km} km (parts: {count}). Add the trips or say what it was; until then they count as private."
    " What was driven since the last trip can be explained once the next one is there.",
)
CHECK = Check(5, "law", Text("Er ontbreken geen kilometers", "No kilometres are missing"), outcome)
