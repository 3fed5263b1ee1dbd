"""Owns what every car provider gives and how it fails, and finds the provider by its name."""

from datetime import timedelta
from importlib import import_module
from typing import Any, Protocol

from shared.domain.car import CarValues

PROVIDERS = {"simulated": "shared.cars.simulated"}


class CarUnavailable(Exception):
    """The car's cloud gave no answer that can be used; it may have said how long to wait."""

    def __init__(self, why: str, retry_after: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class LoginRefused(CarUnavailable):
    """The car's cloud does not take the credentials. Repeated tries get accounts locked."""


class CarProvider(Protocol):
    """Reads a car once."""

    def read(self, vin: str, credentials: dict[str, Any], timeout_s: float) -> CarValues:
        """What the car says, each value with the time of its measuring.

        Raises CarUnavailable, or LoginRefused where the credentials are wrong.
        """


def provider(name: str) -> CarProvider:
    """The provider of that name; its library is imported now. Raises CarUnavailable where there is none."""
    if name not in PROVIDERS:
        raise CarUnavailable(f"no provider is called {name!r}")
    found: CarProvider = import_module(PROVIDERS[name]).Provider()
    return found
