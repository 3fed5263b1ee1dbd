"""The PDOK Locatieserver of the Dutch Kadaster: every Dutch address, open data, no key.

What it takes and gives: https://github.com/PDOK/locatieserver/wiki/API-Locatieserver
"""

import os
from typing import Any

import requests

from shared.domain.place.geo import Position
from shared.geocoding.geocoder import Unanswered, text_of
from shared.wire import fetched

URL = "https://api.pdok.nl/bzk/locatieserver/search/v3_1"
# The nearest Dutch address of a position in another country is far away, and not its address.
WITHIN_M = 150.0


class Service:
    """Asks PDOK_URL, or the public service."""

    def address(self, position: Position, timeout_s: float) -> str | None:
        """Street, number, postcode and town of the nearest address within 150 m, or None. Raises Unanswered."""
        body = _fetched(position, timeout_s)
        try:
            docs = body["response"]["docs"]
            if not docs or float(docs[0].get("afstand", 0)) > WITHIN_M:
                return None
            return text_of(docs[0]["weergavenaam"])
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise Unanswered("an answer that cannot be understood") from None


def _fetched(position: Position, timeout_s: float) -> Any:
    asked: dict[str, str | float] = {
        "lat": position.lat,
        "lon": position.lng,
        "type": "adres",
        "distance": int(WITHIN_M),
        "rows": 1,
        "fl": "weergavenaam,afstand",
    }
    try:
        response = fetched("GET", f"{os.environ.get('PDOK_URL') or URL}/reverse", timeout_s, params=asked)
        if response.status_code != 200:
            raise Unanswered(f"status {response.status_code}")
        return response.json()
    except requests.RequestException as error:
        # Its words hold the URL, and that holds the position.
        raise Unanswered(type(error).__name__) from None
