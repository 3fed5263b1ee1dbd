"""Owns what opens a car's cloud: which credentials its provider takes, which are set, and what fits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shared.cars.provider import PROVIDERS
from shared.domain.car.car import Car
from shared.domain.fitting import Conflict, unfit
from shared.repositories.setup import Setup

MOST_CREDENTIAL = 4000
MOST_FIELD = 100
STOPPED = (
    "The maker refused these credentials twice. The car is not asked any more until you set them again, "
    "because repeated logins get accounts locked."
)


class Credential(NamedTuple):
    """A credential that a car's provider takes, and when it was set (aware UTC); never what it is."""

    name: str
    needed: bool
    set_at: datetime | None


def credentials_of(car: Car) -> list[Credential]:
    """Each credential that the car's provider takes, and those that are set though it does not."""
    offer, set_at = PROVIDERS.get(car.provider), car.credentials_set_at
    needed, optional = (offer.credentials, offer.optional) if offer else ((), ())
    return [Credential(name, name in needed, set_at.get(name)) for name in dict.fromkeys((*needed, *optional, *set_at))]


def put(setup: Setup, car: Car, said: Mapping[str, Any], now: datetime) -> None:
    """What opens the car's cloud, in place of what was set before. Raises Unfit; no value is in its words."""
    refuse_gone_provider(car)
    setup.put_credentials(car.id, _fitted(car.provider, said), now)


def refuse_gone_provider(car: Car) -> None:
    """Raises Conflict where nobody knows any more what the car's cloud is opened with."""
    if car.provider not in PROVIDERS:
        raise Conflict("The car's provider is not offered any more: choose another one.", "provider")


def _fitted(provider: str, said: Mapping[str, Any]) -> dict[str, str]:
    offer = PROVIDERS[provider]
    taken = (*offer.credentials, *offer.optional)
    for field in said:
        if field not in taken:
            raise unfit(field[:MOST_FIELD], f"is not asked for; {offer.label} takes {', '.join(taken)}")
    for field in offer.credentials:
        if field not in said:
            raise unfit(field, f"is needed by {offer.label}")
    return {field: _credential(value, field) for field, value in said.items()}


def _credential(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise unfit(field, "must be a string")
    if not 0 < len(value) <= MOST_CREDENTIAL:
        raise unfit(field, f"must have 1 to {MOST_CREDENTIAL} letters")
    return value
