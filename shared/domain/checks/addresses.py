"""6: each trip has street and place at both ends."""

import re

from shared.domain.checks.check import Check, Outcome, Text, unless
from shared.domain.checks.examined import Examined
from shared.domain.log.trip import Endpoint, Trip

# Street and place, with a comma between them or the number of a house: "Customer" and "the office" are neither.
STREET_COMMA_PLACE = re.compile(r"[^,]*[^\W\d_]{2}[^,]*,.*[^\W\d_]{2}")
STREET_NUMBER_PLACE = re.compile(r"[^\W\d_].*\s\d+\S*\s.*[^\W\d_]{2}")


def outcome(examined: Examined) -> Outcome:
    """Fails where an end has a bare label or nothing, warns where all that is missing is being looked up."""
    of_places = {place.name: place.address for place in examined.places if place.address}
    bare = [trip for trip in examined.trips if _is_bare(trip, of_places)]
    lacking = unless((trip.id for trip in bare if not trip.has("address_pending")), "fails", LACKING)
    return lacking if lacking.rows else unless((trip.id for trip in bare), "warns", SOUGHT)


def _is_bare(trip: Trip, of_places: dict[str, str]) -> bool:
    return not all(is_address(_text(end, of_places)) for end in (trip.from_, trip.to))


def _text(end: Endpoint, of_places: dict[str, str]) -> str:
    own = of_places.get(end.place, "")
    return end.address if is_address(end.address) else own


def is_address(text: str) -> bool:
    """Whether a text has a street and a place, as far as its form tells."""
    return bool(STREET_COMMA_PLACE.search(text) or STREET_NUMBER_PLACE.match(text))


LACKING = Text(
    "Bij deze ritten ({count}) ontbreekt een adres. Vul straat, huisnummer en plaats in, bij de rit of bij je vaste"
    ' plek; een naam als "klant" of "kantoor" is niet genoeg.',
    "These trips ({count}) lack an address. Fill in street, number and place, at the trip or at your own place; a name"
    ' such as "customer" or "office" is not enough.',
)
SOUGHT = Text(
    "Van deze ritten ({count}) worden de adressen nog opgezocht. Je hoeft niets te doen.",
    "The addresses of these trips ({count}) are still being looked up. There is nothing to do.",
)
CHECK = Check(6, "law", Text("Straat en plaats bij begin en einde", "Street and place at both ends"), outcome)
