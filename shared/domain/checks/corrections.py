"""14: a correction is a row or an entry of its own, and has a reason."""

from shared.domain.checks.check import NOT_APPLICABLE, Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.explaining import NEEDS_REASON


def outcome(examined: Examined) -> Outcome:
    """Fails where a gap that is a correction, or a correction of a closed year, has no reason."""
    gaps = [gap for gap in examined.gaps if gap.explained_as in NEEDS_REASON]
    if not gaps and not examined.corrections:
        return NOT_APPLICABLE
    bare = [gap.id for gap in gaps if not gap.reason.strip()]
    bare += [correction.row for correction in examined.corrections if not correction.why.strip()]
    return unless(bare, "fails", ADVICE)


ADVICE = Text(
    "Bij deze correcties ({count}) staat geen reden. Schrijf erbij waarom de kilometers zijn gecorrigeerd.",
    "These corrections ({count}) have no reason. Write down why the kilometres were corrected.",
)
CHECK = Check(
    14, "law", Text("Elke correctie heeft een reden", "Each correction has a reason"), outcome, is_of_rows=False
)
