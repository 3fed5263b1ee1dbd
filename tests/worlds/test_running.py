"""The tool: it plays the product without a crash, tells what came of it in a table, and shares no code with it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds.checker import COUNTS
from tests.worlds.running import Result, summed, table

FOLDER = Path(__file__).parent
# Who may know what of the world outside: all others know nothing of it.
MAY = {
    "product.py": {"shared", "tests.domain"},
    "stack.py": {"tests.system", "tools"},
    "test_reach.py": {"shared"},
    "test_settled.py": {"shared", "tests.domain"},
}
OUTSIDE = ("shared", "functions", "tools", "tests")


def _imports(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return named | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_only_the_adapters_know_the_product(file: Path) -> None:
    may = MAY.get(file.name, set())
    outside = {name for name in _imports(file) if name.split(".")[0] in OUTSIDE and not name.startswith("tests.worlds")}
    assert {name for name in outside if not any(f"{name}.".startswith(f"{known}.") for known in may)} == set()
    assert "importlib" not in _imports(file)


def test_the_tool_prints_a_row_and_exits_with_whether_anything_is_wrong() -> None:
    call = [sys.executable, "-m", "tests.worlds", "--preset", "charging", "--seeds", "1", "--jobs", "1"]
    done = subprocess.run(call, cwd=FOLDER.parents[1], capture_output=True, text=True, check=False, timeout=60)
    row = next(line for line in done.stdout.splitlines() if line.startswith("charging"))
    assert done.returncode == int(row.split()[2] != "."), done.stderr
    assert ("WRONG" in done.stdout) == bool(done.returncode)
    assert done.stderr.startswith("charging: ")


def test_a_line_sums_its_seeds_and_names_the_first_one_of_each_count() -> None:
    results = [Result(7, {}, 1), Result(8, {"lost": 2}, 0), Result(9, {"lost": 1, "stuck": 1}, 0, "Traceback")]
    line = summed("usual", results)
    assert (line.seeds, line.wrong, line.counts, line.unplayed) == (3, 2, {"lost": 3, "stuck": 1}, 1)
    assert (line.first, line.crash) == ({"lost": 8, "stuck": 9}, "Traceback")


def test_the_table_has_a_column_for_each_count_and_dots_for_zeros() -> None:
    head, row = table([summed("usual", [Result(0, {"stuck": 1}, 0)])]).splitlines()
    assert all(count in head for count in ("preset", "seeds", "wrong", *COUNTS, "not played"))
    assert row.split() == ["usual", "1", "1", *("1" if count == "stuck" else "." for count in COUNTS), "."]
