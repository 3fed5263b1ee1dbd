"""docs/threat-model.md names tests and files that there are, and no claim stands without a test."""

import ast
import re
from pathlib import Path

from shared.cars.provider import PROVIDERS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
ADDRESS = re.compile(r"ur[il]|host|server|address|origin|endpoint|domain|proxy|port|(^|_)(ip|base|path|site)($|_)")
NOBODY_STOPS = "the operator, or Google"


def all_tests() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    trees = (ast.parse(file.read_text()) for file in files)
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| who wants what")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_test_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert sorted(named - all_tests()) == []


def test_every_claim_of_the_threat_model_has_a_test_and_every_row_four_cells() -> None:
    assert len(rows()) > 15
    for who, stops, held, _ in rows():
        assert bool(stops) == ("`test_" in held) == (who != NOBODY_STOPS), who


def test_every_file_that_the_threat_model_names_exists() -> None:
    named = set(re.findall(r"`((?:shared|tools|functions)/[\w/.]+)`", PAGE))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_no_credential_is_an_address() -> None:
    """Else drivers could make the server call whom they like: then docs/threat-model.md needs a row."""
    taken = {name for offer in PROVIDERS.values() for name in (*offer.credentials, *offer.optional)}
    assert {"password", "refresh_token", "locale"} <= taken
    assert [name for name in sorted(taken) if ADDRESS.search(name)] == []
