"""The libraries of the car providers: pinned once, imported only where such a car is read, and their lack is told."""

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from shared.cars.provider import PROVIDERS
from tools.checks.locks import entries
from tools.deploy.functions import FUNCTIONS, READ_SECRET

ROOT = Path(__file__).parents[2]
# The functions that read cars carry the same libraries.
READERS = [function.name for function in FUNCTIONS if READ_SECRET in function.roles]
EVERYWHERE = {"requests"}


def imports(name: str) -> list[str]:
    """The modules of libraries that a provider's module imports itself, but for those that every function has."""
    tree = ast.parse((ROOT / "shared" / "cars" / f"{name}.py").read_text())
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    ordinary = {"shared", *EVERYWHERE, *sys.stdlib_module_names}
    return [module for module in modules if module.split(".")[0] not in ordinary]


def libraries(name: str) -> set[str]:
    """The libraries of these modules."""
    return {module.split(".")[0] for module in imports(name)}


ALL = set().union(*map(libraries, PROVIDERS))
WITH_LIBRARY = [name for name in PROVIDERS if libraries(name)]


@pytest.mark.parametrize("name", READERS)
def test_the_tests_run_the_libraries_that_the_bundles_carry(name: str) -> None:
    carried = entries((ROOT / "functions" / name / "requirements.txt").read_text())
    applying = [requirement for requirement in map(Requirement, carried) if not requirement.marker]
    assert {"carconnectivity", "renault-api", "smartcar"} <= {requirement.name for requirement in applying}
    assert [str(one) for one in applying if not one.specifier.contains(version(one.name))] == []


def test_each_offer_has_a_module_that_reads_such_cars_and_each_such_module_an_offer() -> None:
    readers = [file.stem for file in (ROOT / "shared" / "cars").glob("*.py") if "\nclass Provider:" in file.read_text()]
    assert sorted(readers) == sorted(PROVIDERS)


@pytest.mark.parametrize("name", READERS)
def test_a_function_that_reads_cars_starts_without_their_libraries_and_without_any_provider(name: str) -> None:
    assert {"aiohttp", "carconnectivity", "smartcar"} <= ALL
    code = f"import sys, functions.{name}.main; print(*sys.modules)"
    loaded = set(output(code).split())
    assert loaded & ALL == set()
    assert loaded & {f"shared.cars.{provider}" for provider in PROVIDERS} == set()


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_provider_brings_its_own_library_and_no_other(name: str) -> None:
    loaded = set(output(f"import sys, shared.cars.{name}; print(*sys.modules)").split())
    needed = set(output(f"import {', '.join(['sys', *imports(name)])}; print(*sys.modules)").split())
    assert libraries(name) <= loaded & ALL == needed & ALL


@pytest.mark.parametrize("name", sorted(WITH_LIBRARY))
def test_a_library_that_is_missing_makes_the_provider_broken(name: str) -> None:
    code = f"""
import sys
sys.modules |= dict.fromkeys({sorted(libraries(name))})
from shared.cars.provider import ProviderBroken, provider
try:
    provider("{name}")
except ProviderBroken as error:
    print(error.advice)
"""
    assert "cannot be read" in output(code)


def output(code: str) -> str:
    """What a fresh process prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout
