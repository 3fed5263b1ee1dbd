"""Nominatim of OpenStreetMap: addresses of the whole world, for few requests and with a contact in each."""

import os
from typing import Any

from shared.domain.place.geo import Position
from shared.geocoding.by_geopy import understood, where
from shared.geocoding.geocoder import text_of

URL = "https://nominatim.openstreetmap.org"
TOWNS = ("city", "town", "village", "hamlet", "municipality")
ROADS = ("road", "pedestrian", "square", "footway", "path")


class Service:
    """Asks NOMINATIM_URL, or the public service."""

    def __init__(self) -> None:
        from geopy.geocoders import Nominatim

        agent = f"mileage-log/1 ({os.environ.get('GEOCODER_CONTACT', '')})"
        self._service = Nominatim(user_agent=agent, **where(os.environ.get("NOMINATIM_URL") or URL))

    def address(self, position: Position, timeout_s: float) -> str | None:
        """Street, number, postcode, town and country, each in the words of the place, or None. Raises Unanswered."""
        found = understood(
            lambda: self._service.reverse((position.lat, position.lng), addressdetails=True, timeout=timeout_s)
        )
        return None if found is None else understood(lambda: text_of(_short(found.raw) or found.address))


def _short(raw: dict[str, Any]) -> str:
    """The parts that an address in a log needs: the service's own name of a house also has quarter and province."""
    parts = raw.get("address", {})
    road, town = (next((parts[name] for name in names if name in parts), "") for names in (ROADS, TOWNS))
    if not road or not town:
        return ""
    lines = [(road, parts.get("house_number", "")), (parts.get("postcode", ""), town), (parts.get("country", ""),)]
    return ", ".join(line for words in lines if (line := " ".join(word for word in words if word)))
