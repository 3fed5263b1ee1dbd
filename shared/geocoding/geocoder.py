"""Owns what every geocoder gives and how it fails, and finds the geocoder by its name."""

import os
from collections.abc import Iterable
from datetime import timedelta
from importlib import import_module
from typing import NamedTuple, Protocol

from shared.domain.place.geo import Position

LONGEST_ADDRESS = 200


class Offer(NamedTuple):
    """A geocoder: its module, the setting without which it must not be asked, and what its terms demand of us.

    `apart` lies between two requests of the whole system; where `may_be_kept` is false, no answer goes into a cache.
    """

    module: str
    needs: str = ""
    apart: timedelta = timedelta(0)
    may_be_kept: bool = True


GEOCODERS = {
    "pdok": Offer("shared.geocoding.pdok"),
    # One request a second for all users of an application together; half of one more for what is late on its way.
    # https://operations.osmfoundation.org/policies/nominatim/
    "nominatim": Offer("shared.geocoding.nominatim", "GEOCODER_CONTACT", apart=timedelta(seconds=1.5)),
    "google": Offer("shared.geocoding.google_maps", "GOOGLE_GEOCODING_KEY", may_be_kept=False),
}


class Unanswered(Exception):
    """The service gave no answer that can be used. The text never holds a position or a key.

    `rest` is how long nobody should ask it, where it said that it was asked too often.
    """

    def __init__(self, why: str, rest: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.rest = rest


class Geocoder(Protocol):
    """Asks a service."""

    def address(self, position: Position, timeout_s: float) -> str | None:
        """The address nearest to a position (WGS84), or None where there is none. Raises Unanswered."""


def usable(names: Iterable[str]) -> list[str]:
    """Those of the names that are geocoders whose setting is there, in their order, each once."""
    known = [name for name in dict.fromkeys(names) if name in GEOCODERS]
    return [name for name in known if not GEOCODERS[name].needs or os.environ.get(GEOCODERS[name].needs)]


def geocoder(name: str) -> Geocoder:
    """The geocoder of that name; its library is imported now. Raises Unanswered where it cannot be."""
    try:
        found: Geocoder = import_module(GEOCODERS[name].module).Service()
    except ImportError as error:
        raise Unanswered(f"its library cannot be imported: {error.name}") from error
    return found


def text_of(address: object) -> str:
    """An address as it is kept, on one line. Raises Unanswered where it is none."""
    text = " ".join(address.split()) if isinstance(address, str) else ""
    if not text:
        raise Unanswered("an answer that cannot be understood")
    return text[:LONGEST_ADDRESS]
