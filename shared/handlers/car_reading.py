"""Reads a car once with what its driver stored for it, and keeps the tokens that this leaves."""

from copy import deepcopy

from shared.cars.provider import provider
from shared.domain.car import CarValues
from shared.repositories.cars import Car
from shared.repositories.user_store import UserStore
from shared.settings import seconds


def read_car(store: UserStore, car: Car) -> CarValues:
    """What the car says. Tokens are kept also where it fails. Raises CarUnavailable or one of its kinds."""
    reader, access = provider(car.provider), store.cars.access(car.id)
    tokens = deepcopy(access.tokens)
    try:
        return reader.read(car.vin, access.credentials, tokens, seconds("CAR_TIMEOUT_S"))
    finally:
        if tokens != access.tokens:
            store.cars.keep_tokens(car.id, tokens, access)
