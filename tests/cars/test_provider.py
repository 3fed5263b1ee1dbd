"""What every provider needs before its cloud may be asked."""

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
