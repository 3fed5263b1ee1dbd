"""What holds of every provider: what it needs before its cloud may be asked, and how coarse its odometers are."""

from importlib import import_module

import pytest

from shared.cars.provider import PROVIDERS, CredentialsMissing, missing_credentials


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_of_each_provider_all_that_is_needed_is_missing_until_it_is_given(name: str) -> None:
    needed = PROVIDERS[name].credentials
    assert needed
    assert missing_credentials(name, ()) == needed
    assert missing_credentials(name, PROVIDERS[name].optional) == needed
    assert missing_credentials(name, needed[:-1]) == needed[-1:]
    assert missing_credentials(name, needed) == ()


def test_of_a_provider_that_is_not_offered_nothing_can_be_missing() -> None:
    assert missing_credentials("cartwheel", ()) == ()


def test_the_driver_is_told_what_is_missing() -> None:
    assert CredentialsMissing(["email", "password"]).advice == "Set the credentials first; missing: email, password."


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_each_provider_says_in_what_steps_its_cloud_tells_an_odometer_and_a_reading_of_it_too(name: str) -> None:
    assert PROVIDERS[name].resolution_km in (0.1, 1.0, 1.609344)
    assert callable(import_module(f"tests.cars.test_{name}").test_a_reading_is_as_coarse_as_its_cloud_tells_it)
