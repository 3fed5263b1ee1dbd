"""The house itself: what is served is described, who speaks to Google, and imports stay few."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
import yaml

from tests.calls import VARIABLE, all_calls
from tools.deploy.bundle import stage
from tools.deploy.functions import FUNCTIONS, PUBLISH

ROOT = Path(__file__).parents[1]
METHODS = ("get", "put", "post", "patch", "delete")
OPENAPI = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())


def test_openapi_describes_every_call_and_no_other() -> None:
    described = {
        (method.upper(), re.sub(r"{\w+}", "*", path))
        for path, item in OPENAPI["paths"].items()
        for method in item
        if method in METHODS
    }
    assert described == {(call.method, VARIABLE.sub("*", call.path)) for call in all_calls()}


def test_only_repositories_import_firestore_and_only_messaging_imports_pubsub() -> None:
    for file in (ROOT / "shared").rglob("*.py"):
        names = _imports(file)
        if "repositories" not in file.parts:
            assert not any("firestore" in name for name in names), file
        if "messaging" not in file.parts:
            assert not any("pubsub" in name for name in names), file


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if not name.startswith("shared")}


def test_each_function_begins_the_log_as_it_is_imported() -> None:
    mains = {function.name: ROOT / "functions" / function.name / "main.py" for function in FUNCTIONS}
    begun = re.compile(r"^(ROUTES = routes\(|logs\.configure\(\)$)", re.MULTILINE)
    assert [name for name, main in mains.items() if not begun.search(main.read_text())] == []


FIRESTORE = "google.cloud.firestore"
CLIENTS = {
    function.name: FIRESTORE + (", google.cloud.pubsub_v1" if PUBLISH in function.roles else "")
    for function in FUNCTIONS
}
MOST, TURNS, MOST_TURNS = 1.15, 3, 15
# What a fresh process takes for clients and bundle, by what it takes for the clients alone: a copy of the process with
# the clients imports each bundle. Both are slowed down alike by what else the machine does; processor time is what it
# slows down least.
IMPORTS = """
import os, sys, time
{floor}
first_s = time.process_time()
for bundle in sys.argv[1:]:
    if os.fork() == 0:
        sys.path.insert(0, bundle)
        began_s = time.process_time()
        import main
        print(1 + (time.process_time() - began_s) / first_s, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What is deployed of each function, with the byte code that the cloud's build writes."""
    folder = tmp_path_factory.mktemp("bundles")
    for name in CLIENTS:
        stage(name, folder / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    return {name: folder / name for name in CLIENTS}


@pytest.fixture(scope="module")
def ratios(bundles: dict[str, Path]) -> dict[str, list[float]]:
    """What each bundle takes, measured again where it takes too much."""
    found: dict[str, list[float]] = {name: [] for name in CLIENTS}
    for turn in range(MOST_TURNS):
        left = [name for name in CLIENTS if turn < TURNS or median(found[name]) > MOST]
        for clients in {CLIENTS[name] for name in left}:
            names = [name for name in left if CLIENTS[name] == clients]
            code = IMPORTS.format(floor=f"import functions_framework, {clients}")
            command = [sys.executable, "-I", "-c", code, *(str(bundles[name]) for name in names)]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            for name, ratio in zip(names, told, strict=True):
                found[name].append(float(ratio))
    return found


@pytest.mark.parametrize("name", CLIENTS)
def test_a_bundle_imports_little_more_than_the_framework_and_its_google_clients(
    name: str, ratios: dict[str, list[float]]
) -> None:
    assert median(ratios[name]) <= MOST, ratios[name]
