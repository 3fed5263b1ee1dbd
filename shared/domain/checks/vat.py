"""9: the private kilometres for VAT, for which the way to work is private."""

from shared.domain.checks.check import Check, Outcome, Text
from shared.domain.checks.examined import Examined
from shared.domain.checks.private_km import of_year
from shared.domain.log.commuting import is_commute
from shared.domain.log.trip import km
from shared.domain.place.places import Role


def vat_km(examined: Examined) -> float:
    """How many kilometres of the year are private for VAT: the private ones, and the business ones of commuting."""
    return km(of_year(examined).so_far + commuting_km(examined))


def commuting_km(examined: Examined) -> float:
    """The business kilometres of trips between a place where the driver lives and one where they work."""
    return km(sum(trip.business_km for trip in examined.trips if is_commute(trip, examined.places)))


def outcome(examined: Examined) -> Outcome:
    """Holds: the number is given."""
    of_commuting_km = commuting_km(examined)
    numbers = {"vat_km": km(of_year(examined).so_far + of_commuting_km), "commuting_km": of_commuting_km}
    known: set[Role | None] = {place.role for place in examined.places}
    return Outcome("holds", (), TOLD if {"home", "work"} <= known else WITHOUT_PLACES, numbers)


TOLD = Text(
    "Voor de btw zijn {vat_km} km privé, waarvan {commuting_km} km woon-werkverkeer.",
    "For VAT {vat_km} km are private, {commuting_km} km of them to and from work.",
)
WITHOUT_PLACES = Text(
    "Voor de btw zijn {vat_km} km privé, zonder woon-werkverkeer: zeg bij je plekken waar je woont en waar je werkt,"
    " dan telt dat mee.",
    "For VAT {vat_km} km are private, without those to and from work: say at your places where you live and where you"
    " work, and they count.",
)
CHECK = Check(9, "law", Text("Privékilometers voor de btw", "Private kilometres for VAT"), outcome, is_of_rows=False)
