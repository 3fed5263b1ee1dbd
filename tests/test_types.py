"""mypy finds what it must: a wrong type in a function, and a flag, kind or source that there is not."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUNCTION = """
from shared.domain.log.trip import Trip, TripKind

KIND: TripKind = "busines"


def is_pending(trip: Trip) -> bool:
    return trip.has("odometer_pendign")


def untyped(flags):
    return flags
"""
DOMAIN = """
from shared.domain.log.drive import Finished
from shared.domain.place.places import Place
from shared.domain.tracking.state import Leg
from shared.domain.log.trip import DistanceSource, Flag, Trip

UNSURE: tuple[Flag, ...] = ("end_odometer_estimatd",)


def by_gps(trip: Trip) -> bool:
    return trip.distance_source == "GPS" or trip.source == "automatically"


def pauses(place: Place, leg: Leg) -> bool:
    return place.kind == "paus" or leg.phase == "drivin"


def is_stale(drive: Finished) -> bool:
    return drive.why == "nothing was heard"
"""


def test_mypy_as_the_project_sets_it_finds_typos_in_the_domain_and_errors_in_functions_of_one_name(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "shared" / "domain", tmp_path / "shared" / "domain")
    files = {
        "shared/__init__.py": "",
        "tools/__init__.py": "",
        "shared/domain/typos.py": DOMAIN,
        "functions/one/main.py": FUNCTION,
        "functions/two/main.py": 'x: int = "a"\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    errors = mypy(tmp_path)
    found = {(line.split(":")[0], line.rpartition("[")[2].rstrip("]")) for line in errors}
    assert found == {
        ("functions/one/main.py", "assignment"),
        ("functions/one/main.py", "arg-type"),
        ("functions/one/main.py", "no-untyped-def"),
        ("functions/two/main.py", "assignment"),
        ("shared/domain/typos.py", "assignment"),
        ("shared/domain/typos.py", "comparison-overlap"),
    }
    assert sum("typos.py" in line for line in errors) == 6


def mypy(folder: Path) -> list[str]:
    """The errors that mypy finds in a folder with the project's own settings."""
    settings = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(folder / "cache"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *settings], cwd=folder, capture_output=True, text=True, check=False
    )
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def test_no_literal_goes_past_mypy_by_replace_which_takes_anything() -> None:
    typed = {"flags", "kind", "source", "distance_source", "status", "reason", "phase", "why", "state"}
    past = [
        f"{file.relative_to(ROOT)}:{call.lineno} {given.arg}"
        for file in (ROOT / "shared").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "replace"
        for given in call.keywords
        if given.arg in typed
        and any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(given.value))
    ]
    assert past == []


def test_no_flag_goes_past_mypy_by_in_which_takes_any_text() -> None:
    past = [
        f"{file.relative_to(ROOT)}:{asked.lineno}"
        for file in (ROOT / "shared").rglob("*.py")
        for asked in ast.walk(ast.parse(file.read_text()))
        if isinstance(asked, ast.Compare) and isinstance(asked.ops[0], ast.In | ast.NotIn)
        if getattr(asked.comparators[0], "attr", getattr(asked.comparators[0], "id", "")) == "flags"
        and isinstance(asked.left, ast.Constant)
    ]
    assert past == []


def test_what_a_car_id_may_be_and_how_a_cursor_is_read_stand_once() -> None:
    texts = [file.read_text() for folder in ("shared", "functions", "tools") for file in (ROOT / folder).rglob("*.py")]
    assert sum("[a-z0-9][a-z0-9_-]{0,31}" in text for text in texts) == 1
    assert sum("urlsafe_b64decode" in text for text in texts) == 1
