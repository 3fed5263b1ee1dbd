"""A new provider of cars touches five files, and then a driver can choose it and the poller reads it."""

import json
from pathlib import Path

from tests.project_copy import ProjectCopy

MODULE = '''"""Tesselaar cars, by the maker's library."""

from typing import Any

import tesselaar

from shared.cars.answers import instant, odometer_km
from shared.domain.car.car import CarValues


class Provider:
    """Reads a car with the key of the maker's app: `{"api_key": …}`."""

    def read(self, vin: str, credentials: dict[str, Any], tokens: dict[str, Any], timeout_s: float) -> CarValues:
        """The odometer."""
        told = tesselaar.car(vin, credentials["api_key"])
        return CarValues(odometer_km=odometer_km(told["km"], instant(told["at"])))
'''
TEST = '''"""Tesselaar cars."""

import sys
from types import ModuleType

import pytest

from shared.cars.provider import provider


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("tesselaar")
    library.car = lambda vin, key: {"km": 12, "at": "2026-01-23T08:12:00+01:00"}
    monkeypatch.setitem(sys.modules, "tesselaar", library)
    reading = provider("tesselaar").read("VIN", {"api_key": "key"}, {}, 1.0).reading()
    assert (reading.km, reading.resolution_km) == (12.0, 1.0)
'''
PAGE = """
## Tesselaar (`tesselaar`)

**Access.** The driver makes an `api_key` in the maker's app.

**What comes.** The odometer, in whole kilometres.

**Limits.** 40 requests a day.
"""
OFFER = '    "tesselaar": Offer("Tesselaar", ("api_key",), Budget(40, DAY), resolution_km=1.0),\n'
LIBRARY = '    "tesselaar==1.0",\n'
# Besides what is compiled of the last one, and a line in CHANGELOG.md, as every change that somebody notices.
FIVE = ("shared/cars/tesselaar.py", "tests/cars/test_tesselaar.py", "docs/cars.md", "shared/cars/provider.py",
        "pyproject.toml")  # fmt: skip
LOOK = """
import json, sys
from types import ModuleType
from shared.cars.provider import ProviderBroken, provider
from shared.handlers.cars import _offers_view
from shared.services.cars import offers

def broken():
    try:
        provider("tesselaar")
    except ProviderBroken as error:
        return str(error)

(offered,), told = [offer for offer in _offers_view() if offer["provider"] == "tesselaar"], broken()
sys.modules["tesselaar"] = library = ModuleType("tesselaar")
library.car = lambda vin, key: {"km": 12, "at": "2026-01-23T08:12:00+01:00"}
reading = provider("tesselaar").read("VIN", {"api_key": "key"}, {}, 1.0).reading()
print(json.dumps({"offered": offered, "is_chosen_from": "tesselaar" in offers(), "without_library": told,
                  "with_library": [reading.km, reading.resolution_km]}))
"""


def with_tesselaar(folder: Path) -> ProjectCopy:
    """The project with one more provider, whose library is not installed here."""
    project = ProjectCopy(folder)
    module, test, page, registry, libraries = FIVE
    project.add({module: MODULE, test: TEST, page: PAGE})
    project.put_after(registry, "PROVIDERS = {\n", OFFER)
    project.put_after(libraries, "poller = [\n", LIBRARY)
    return project


def test_five_files_make_a_provider_that_drivers_choose_and_the_poller_reads(tmp_path: Path) -> None:
    project = with_tesselaar(tmp_path / "project")
    found = json.loads(project.python("-c", LOOK))
    assert found["is_chosen_from"]
    assert found["offered"] == {
        "provider": "tesselaar", "label": "Tesselaar", "credentials": ["api_key"], "optional": [], "experimental": False
    }  # fmt: skip
    assert found["without_library"].startswith("the library of tesselaar cannot be imported")
    assert found["with_library"] == [12.0, 1.0]


def test_the_tests_that_go_over_providers_go_over_a_new_one_and_pass(tmp_path: Path) -> None:
    project = with_tesselaar(tmp_path / "project")
    files = (*(f"tests/cars/test_{name}.py" for name in ("tesselaar", "libraries", "provider")), "tests/docs")
    about_it = "tesselaar or offer or credential or not_there"
    told = project.pytest("-vv", *files, "-k", f"({about_it}) and not its_own_library")
    for test in (
        "each_provider_has_a_section",
        "a_section_says_in_what_steps_the_odometer_comes",
        "each_provider_says_in_what_steps_its_cloud_tells_an_odometer_and_a_reading_of_it_too",
        "a_library_that_is_missing_makes_the_provider_broken",
    ):
        assert f"test_{test}[tesselaar] PASSED" in told
