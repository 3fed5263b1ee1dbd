"""Google's Geocoding API, for operators with a key of their own."""

import os

from shared.domain.place.geo import Position
from shared.geocoding.by_geopy import understood, where
from shared.geocoding.geocoder import text_of

URL = "https://maps.googleapis.com"
# Of the street and town names that there are in more than one language.
LANGUAGE = "nl"


class Service:
    """Asks GOOGLE_GEOCODING_URL, or the public service."""

    def __init__(self) -> None:
        from geopy.geocoders import GoogleV3

        url = os.environ.get("GOOGLE_GEOCODING_URL") or URL
        self._service = GoogleV3(os.environ.get("GOOGLE_GEOCODING_KEY"), **where(url))

    def address(self, position: Position, timeout_s: float) -> str | None:
        """The address as Google writes it, or None. A plus code is a position and no address. Raises Unanswered."""
        point = (position.lat, position.lng)
        ask = self._service.reverse
        found = understood(lambda: ask(point, exactly_one=False, language=LANGUAGE, timeout=timeout_s)) or []
        named = [place for place in found if "plus_code" not in place.raw.get("types", ())]
        return text_of(named[0].address) if named else None
