"""7: each trip is business, private or mixed."""

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined


def outcome(examined: Examined) -> Outcome:
    """Fails where a trip has no kind: so no year can be closed."""
    return unless((trip.id for trip in examined.trips if trip.kind == "unclassified"), "fails", ADVICE)


ADVICE = Text(
    "Van deze ritten ({count}) is niet bekend of ze zakelijk of privé waren. Kies het bij elke rit.",
    "Nobody said of these trips ({count}) whether they were business or private. Choose it for each of them.",
)
CHECK = Check(7, "ours", Text("Elke rit is zakelijk of privé", "Each trip is business or private"), outcome)
