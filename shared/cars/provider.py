"""Owns what every car provider gives and how it fails, and finds the provider by its name."""

from collections.abc import Container, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from shared.domain.car.asking import Budget
from shared.domain.car.car import CarValues

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Offer(NamedTuple):
    """A provider that drivers can choose: what it is called, the credentials that it needs, the budget of its cloud.

    `resolution_km` is in what steps its cloud tells an odometer. It is known of the cloud and never learned from
    values: equal whole numbers can be a parked car.
    """

    label: str
    credentials: tuple[str, ...]
    budget: Budget
    resolution_km: float
    optional: tuple[str, ...] = ()
    experimental: bool = False


# By the name of the module beside this one that reads such cars. It is imported when a car is read, and not for this
# table: most of them bring the library of a maker's cloud.
PROVIDERS = {
    # By users' measurements the cloud takes about 550 requests a day, and blocks after about 7 reads in a minute.
    "audi": Offer(
        "Audi (myAudi)",
        ("username", "password"),
        Budget(500, DAY, a_read=6),
        resolution_km=1.0,
        optional=("allow_login", "refresh_token"),
        experimental=True,
    ),
    "renault": Offer(
        "Renault, Dacia",
        ("email", "password"),
        # Users measured about 60 an hour; the first read also looks up person, accounts and cars.
        Budget(60, HOUR, a_read=5),
        resolution_km=0.1,
        optional=("locale",),
        experimental=True,  # the app's own cloud, which may ask for a code that a poll cannot give
    ),
    # So many that without a wait between polls, as the demo has it, there is as good as none.
    "simulated": Offer("Simulated car", ("token",), Budget(1_000_000), resolution_km=0.1, optional=("says",)),
    "skoda": Offer("Škoda", ("api_key",), Budget(20, HOUR), resolution_km=1.0),
    # What a small plan has for each car; the first read also asks for the VIN. It passes on what makes tell, and of
    # most of them that is whole numbers.
    "smartcar": Offer("Smartcar", ("refresh_token",), Budget(500, 30 * DAY, a_read=3), resolution_km=1.0),
    # No limit is known. It makes 96 data sets a day and car: enough to read each of them.
    "vw_eu_data_act": Offer(
        "Audi, Volkswagen, Seat, Cupra by the EU Data Act portal",
        ("username", "password", "brand"),
        Budget(1400, DAY, a_read=14),
        resolution_km=1.0,
    ),
}


class CarUnavailable(Exception):
    """The car's cloud gave no answer that can be used; it may have said how long to wait.

    `advice` is for the driver: what is wrong and what they can do, in their words.
    """

    advice: str = "The maker's service gives no answer at the moment. It is asked again by itself."

    def __init__(self, why: str, retry_after: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class LoginRefused(CarUnavailable):
    """The car's cloud does not take the credentials. Repeated tries get accounts locked."""

    advice = "The maker does not take these credentials: the password or key is wrong, or was changed. Set them again."


class LoginClosed(LoginRefused):
    """The maker takes no new login from anybody but its own app; only tokens from before still open the car's cloud."""

    advice = "The maker has closed this way in for new logins: choose the EU Data Act portal instead."


class ConsentMissing(CarUnavailable):
    """The credentials are right, but the driver has not agreed to something, or not switched something on."""

    advice = (
        "Your consent is missing: open the maker's app or portal, agree to the terms, and allow access to this car."
    )


class CarUnknown(ConsentMissing):
    """The account that the credentials open has no such car."""

    advice = "The maker's service knows no such car in your account: look at the VIN, and add the car to the account."


class CredentialsMissing(CarUnavailable):
    """The driver has not set all that the provider needs; the car's cloud was not asked."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"credentials are missing: {', '.join(missing)}")
        self.advice = f"Set the credentials first; missing: {', '.join(missing)}."


class BeingAsked(CarUnavailable):
    """Somebody else asks the car at this moment, and one more login could be a refused one too many."""

    advice = "This car is being asked at this moment. Try again in half a minute."


class TooManyRequests(CarUnavailable):
    """The car's cloud was asked too often."""

    advice = "The maker's service was asked too often. It is asked again later, by itself."


class NotUnderstood(CarUnavailable):
    """The answer is not of the shape that was known when this was written."""

    advice = "The maker's service answers in a way that is not understood. This needs somebody to look at it."


class ProviderBroken(CarUnavailable):
    """The provider itself cannot work: there is none of that name, or its library is missing or broken."""

    advice = "This kind of car cannot be read at the moment. This needs somebody to look at it."


class CarProvider(Protocol):
    """Reads a car once."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """What the car says, each value with the time of its measuring.

        `tokens` is what an earlier read left, or empty. It is changed in place, and what is in it at the end is kept,
        also where the read fails: some clouds take each token once. Raises CarUnavailable or one of its kinds.
        """


def missing_credentials(name: str, given: Container[str]) -> tuple[str, ...]:
    """What the provider of that name needs and is not given. A car of which anything is missing is never asked."""
    return tuple(field for field in PROVIDERS[name].credentials if field not in given) if name in PROVIDERS else ()


class _OfKnownResolution:
    """A provider whose answers say how coarse its cloud tells an odometer, so that no module can forget it."""

    def __init__(self, reader: CarProvider, resolution_km: float) -> None:
        self._reader, self._resolution_km = reader, resolution_km

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """What the car says. A module may know of an answer that it is coarser than usual, such as one in miles."""
        values = self._reader.read(vin, credentials, tokens, timeout_s)
        return replace(values, resolution_km=max(values.resolution_km, self._resolution_km))


def provider(name: str) -> CarProvider:
    """The provider of that name; its library is imported now. Raises ProviderBroken where there is none that works."""
    if name not in PROVIDERS:
        raise ProviderBroken(f"no provider is called {name!r}")
    try:
        found: CarProvider = import_module(f"shared.cars.{name}").Provider()
    except ImportError as error:
        raise ProviderBroken(f"the library of {name} cannot be imported: {error}") from error
    return _OfKnownResolution(found, PROVIDERS[name].resolution_km)
