"""CarConnectivity in this house: pinned once, imported only for the cars that need it, and its lack has a name."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("audi", "vw_eu_data_act")


def test_the_poller_starts_without_carconnectivity() -> None:
    code = "import functions.poller.main, sys; print(*[name for name in sys.modules if 'carconnectivity' in name])"
    assert _output(code) == ""


def test_the_portal_needs_only_a_small_part_of_carconnectivity() -> None:
    code = "import shared.cars.vw_eu_data_act, sys; print('carconnectivity.vehicle' in sys.modules)"
    assert _output(code) == "False"


@pytest.mark.parametrize("name", OURS)
def test_a_library_that_is_missing_makes_the_provider_broken(name: str) -> None:
    code = f"""
import sys
sys.modules["carconnectivity"] = sys.modules["carconnectivity_connectors"] = None
from shared.cars.provider import ProviderBroken, provider
try:
    provider("{name}")
except ProviderBroken as error:
    print(error.advice)
"""
    assert "cannot be read" in _output(code)


def _output(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
