"""21: an employer sees nothing of private trips but their kilometres."""

from shared.domain.checks.check import Check, Outcome, Text
from shared.domain.checks.examined import Examined


def outcome(examined: Examined) -> Outcome:
    """Holds whatever is in the log: only its driver sees it, and what they hand on can leave private trips out."""
    del examined
    return Outcome("holds", (), ADVICE)


ADVICE = Text(
    "Alleen jij ziet dit log. Geef je werkgever de export met de weergave voor werkgevers: daarin staan van privéritten"
    " geen adressen.",
    "Nobody but you sees this log. Give your employer the export with the employer's view: it has no addresses of"
    " private trips.",
)
CHECK = Check(
    21,
    "law",
    Text("Je werkgever ziet je privéritten niet", "Your employer does not see private trips"),
    outcome,
    is_of_rows=False,
)
