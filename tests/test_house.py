"""The house itself: what the docs name exists and what exists is named; imports stay few."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
import yaml

from shared.settings import DEFAULTS_S, NUMBERS
from tools.admin.commandline import parser
from tools.deploy.bundle import FUNCTIONS, stage
from tools.local.serve import PATHS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OPENAPI = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())


@pytest.mark.parametrize("path", sorted(set(PATHS) - {"/poller"}))
def test_readme_and_openapi_name_every_path(path: str) -> None:
    assert path in README
    assert any(described.startswith(path) for described in OPENAPI["paths"])


@pytest.mark.parametrize(("setting", "default"), sorted((DEFAULTS_S | NUMBERS).items()))
def test_readme_names_every_setting_with_its_default(setting: str, default: float) -> None:
    assert re.search(rf"`{setting}`[^\n]*\b{default:g}\b", README)


def test_readme_names_every_command_of_the_operator() -> None:
    commands = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert commands
    assert [name for name in commands if name not in README] == []


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


CLIENTS = {
    "scheduler": "google.cloud.firestore, google.cloud.pubsub_v1",
    "webhook_start": "google.cloud.firestore, google.cloud.pubsub_v1",
    "webhook_end": "google.cloud.firestore, google.cloud.pubsub_v1",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bundle_imports_little_more_than_the_framework_and_its_google_clients(name: str, tmp_path: Path) -> None:
    stage(name, tmp_path)
    floor = f"import functions_framework, {CLIENTS.get(name, 'google.cloud.firestore')}"
    own = f"sys.path.insert(0, {str(tmp_path)!r}); import main"
    _import_ratio(floor, own)  # writes the byte code, as the cloud's build does
    ratios: list[float] = []
    while len(ratios) < 3 or (median(ratios) > 1.15 and len(ratios) < 15):
        ratios.append(_import_ratio(floor, own))
    assert median(ratios) <= 1.15, ratios


def _import_ratio(floor: str, own: str) -> float:
    """What a fresh process takes for both, by what it takes for the first alone.

    One process for both: what else the machine does slows them down alike. Its processor time, for that is less noisy
    than the clock on the wall.
    """
    timed = f"import sys, time\n{floor}\nfirst_s = time.process_time()\n{own}\nprint(time.process_time() / first_s)"
    done = subprocess.run([sys.executable, "-I", "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
