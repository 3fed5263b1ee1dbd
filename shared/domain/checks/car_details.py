"""1: it is said which car it is, and since when its driver has it."""

from shared.domain.checks.check import HOLDS, Check, Outcome, Text
from shared.domain.checks.examined import Examined


def outcome(examined: Examined) -> Outcome:
    """Whether make, type, plate and the begin of the car's period are there; it may have no end yet."""
    car = examined.log.car
    is_told = (car.make or car.brand) and car.type and car.plate and car.available_from
    return HOLDS if is_told else Outcome("fails", (), ADVICE)


ADVICE = Text(
    "Vul bij de auto het merk, het type, het kenteken en de eerste dag in waarop je hem had; een auto die je niet meer"
    " hebt, heeft ook een laatste dag.",
    "Fill in the car's make, type and plate and the first day on which you had it; a car that you have no longer also"
    " has a last day.",
)
CHECK = Check(
    1,
    "law",
    Text("Merk, type, kenteken en periode van de auto", "Make, type, plate and period of the car"),
    outcome,
    is_of_rows=False,
)
