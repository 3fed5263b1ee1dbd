"""What the geocoding services answer, in their own shapes, with invented places."""

from typing import Any

from pytest_httpserver import HTTPServer

PDOK = {
    "response": {
        "numFound": 1,
        "start": 0,
        "maxScore": 7.1,
        "numFoundExact": True,
        "docs": [{"weergavenaam": "Proefstraat 12, 1234AB Voorbeeld", "afstand": 8.31}],
    }
}
PDOK_NOTHING = {"response": {"numFound": 0, "start": 0, "maxScore": 0.0, "numFoundExact": True, "docs": []}}

NOMINATIM: dict[str, Any] = {
    "place_id": 1,
    "licence": "Data © OpenStreetMap contributors, ODbL 1.0. http://osm.org/copyright",
    "osm_type": "way",
    "osm_id": 1,
    "lat": "51.5",
    "lon": "7.5",
    "display_name": "12, Musterstraße, Mitte, Musterstadt, Nordland, 12345, Deutschland",
    "address": {
        "house_number": "12",
        "road": "Musterstraße",
        "suburb": "Mitte",
        "city": "Musterstadt",
        "state": "Nordland",
        "postcode": "12345",
        "country": "Deutschland",
        "country_code": "de",
    },
}
NOMINATIM_NOTHING = {"error": "Unable to geocode"}

GOOGLE = {
    "status": "OK",
    "results": [
        {
            "formatted_address": "GG2C+2J Voorbeeld, Nederland",
            "geometry": {"location": {"lat": 52.1, "lng": 5.1}},
            "types": ["plus_code"],
        },
        {
            "formatted_address": "Proefstraat 12, 1234 AB Voorbeeld, Nederland",
            "geometry": {"location": {"lat": 52.1, "lng": 5.1}},
            "types": ["street_address"],
        },
    ],
}
GOOGLE_NOTHING = {"status": "ZERO_RESULTS", "results": []}

PDOK_PATH, NOMINATIM_PATH, GOOGLE_PATH = "/pdok/reverse", "/nominatim/reverse", "/maps/api/geocode/json"


def settings(server: HTTPServer, geocoders: str = "pdok,nominatim", **more: str) -> dict[str, str]:
    """The environment in which the geocoders ask a server of ours instead of the internet."""
    return {
        "GEOCODERS": geocoders,
        "GEOCODER_CONTACT": "operator@example.com",
        "GOOGLE_GEOCODING_KEY": "an-invented-key",
        "GEOCODER_TIMEOUT_S": "1",
        "PDOK_URL": server.url_for("/pdok"),
        "NOMINATIM_URL": server.url_for("/nominatim"),
        "GOOGLE_GEOCODING_URL": server.url_for(""),
        **more,
    }
