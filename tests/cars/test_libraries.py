"""The libraries of the car providers: pinned once, and imported only where such a car is read."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from shared.cars.provider import PROVIDERS
from tools.checks.locks import entries

ROOT = Path(__file__).parents[2]
# The functions that read cars carry the same libraries.
READERS = [name for name in ("poller", "cars") if (ROOT / "functions" / name).exists()]
HEAVY = ("aiohttp", "jwt", "marshmallow", "renault_api", "smartcar")


@pytest.mark.parametrize("name", READERS)
def test_the_tests_run_the_libraries_that_the_bundles_carry(name: str) -> None:
    carried = entries((ROOT / "functions" / name / "requirements.txt").read_text())
    applying = [requirement for requirement in map(Requirement, carried) if not requirement.marker]
    assert {"carconnectivity", "renault-api", "smartcar"} <= {requirement.name for requirement in applying}
    assert [str(one) for one in applying if not one.specifier.contains(version(one.name))] == []


def test_a_function_that_reads_cars_starts_without_their_libraries() -> None:
    assert imported("functions.poller.main, shared.cars.provider") == []


@pytest.mark.parametrize(
    ("name", "brings"),
    [
        ("simulated", []),
        ("skoda", []),
        ("smartcar", ["smartcar"]),
        ("renault", ["aiohttp", "jwt", "marshmallow", "renault_api"]),
    ],
)
def test_a_provider_brings_its_own_library_and_no_other(name: str, brings: list[str]) -> None:
    assert imported(f"functions.poller.main, {PROVIDERS[name].module}") == brings


def imported(modules: str) -> list[str]:
    """Which heavy libraries a fresh process holds after importing modules of ours."""
    code = f"import sys, {modules}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()
