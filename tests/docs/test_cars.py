"""The page about cars says of each provider what its driver must set."""

import re
from pathlib import Path

import pytest

from shared.cars.provider import PROVIDERS

ROOT = Path(__file__).parents[2]
SECTIONS = dict(
    re.findall(
        r"^## [^\n]*\(`(\w+)`\)\n(.*?)(?=^## |\Z)", (ROOT / "docs" / "cars.md").read_text(), re.MULTILINE | re.DOTALL
    )
)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_each_provider_has_a_section(name: str) -> None:
    assert name in SECTIONS


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"simulated"}))
def test_a_section_names_all_credentials_and_the_limit(name: str) -> None:
    offer, section = PROVIDERS[name], SECTIONS[name]
    assert [field for field in (*offer.credentials, *offer.optional) if f"`{field}`" not in section] == []
    assert f"{offer.budget.requests} requests" in section


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"simulated"}))
def test_a_section_says_in_what_steps_the_odometer_comes(name: str) -> None:
    steps = {1.0: "whole kilometres", 0.1: "tenths of a kilometre"}
    assert steps[PROVIDERS[name].resolution_km] in SECTIONS[name]


def test_no_section_is_about_a_provider_that_is_not_there() -> None:
    assert set(SECTIONS) == set(PROVIDERS)
