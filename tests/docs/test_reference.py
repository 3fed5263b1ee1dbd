"""The pages that list something list all of it: settings, commands, options, calls, decisions."""

import ast
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from shared.settings import DEFAULTS_S, GEOCODERS, NUMBERS, SHARD_FROM, TEXTS
from tests.docs.pages import ROOT, all_pages, anchors, boxes, headings, links
from tools.admin.commandline import parser
from tools.checks import api

DOCS = ROOT / "docs"
SETTINGS, OPERATOR = (DOCS / "settings.md").read_text(), (DOCS / "operator.md").read_text()
OPENAPI = yaml.safe_load((DOCS / "openapi.yaml").read_text())
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
DEFAULTS = {**DEFAULTS_S, **NUMBERS, "SHARD_FROM": SHARD_FROM}

# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("setting", "default"), sorted(DEFAULTS.items()))
def test_every_setting_has_a_row_with_its_default(setting: str, default: float) -> None:
    assert re.search(rf"^\| `{setting}` \| {default:g} \| \S", SETTINGS, re.MULTILINE)


def test_every_setting_of_words_has_a_row_and_the_geocoders_their_order() -> None:
    assert [name for name in TEXTS if f"\n| `{name}` | " not in SETTINGS] == []
    assert f"| `GEOCODERS` | `{GEOCODERS}`;" in SETTINGS


def test_the_page_on_settings_names_all_that_is_read_from_the_environment_and_nothing_else() -> None:
    rows = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", "".join(re.findall(r"^\|([^|]+)\|", SETTINGS, re.MULTILINE))))
    read = {name for file in (ROOT / "shared").rglob("*.py") for name in _read_from_environment(file)}
    assert len(read) > 10
    assert sorted(read - rows) == []
    known = "".join(file.read_text() for folder in ("shared", "tools") for file in (ROOT / folder).rglob("*.py"))
    assert [name for name in sorted(rows) if not re.search(rf"[\"']{name}[\"']", known)] == []


def _read_from_environment(file: Path) -> set[str]:
    """The names that os.environ is asked for by a constant."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(ast.Attribute(attr="environ"), "get"), args=[ast.Constant(str(name)), *_]):
                found.add(name)
            case ast.Subscript(ast.Attribute(attr="environ"), ast.Constant(str(name))):
                found.add(name)
    return found


# --- commands ----------------------------------------------------------------------------------------------------


def commands_of_the_tool() -> set[str]:
    choices = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    return set(choices)


def test_the_operators_page_names_every_command() -> None:
    assert commands_of_the_tool()
    assert [name for name in sorted(commands_of_the_tool()) if f"admin {name}" not in OPERATOR] == []


def calls_of_the_tool() -> list[tuple[str, list[str]]]:
    """Every call of the operator's tool in a box of a page: where it stands, and its words."""
    found = []
    for page in all_pages():
        lines = "".join(box.text for box in boxes(page) if box.language == "sh").replace("\\\n", " ").splitlines()
        for line in lines:
            call = re.search(r"(?<![\w.])(?:python -m tools\.)?admin ([a-z]+-[a-z-]+ ?[^)|;<]*)", line)
            if call and "()" not in line:
                found.append((str(page.relative_to(ROOT)), shlex.split(call[1], comments=True)))
    return found


@pytest.mark.parametrize(
    ("page", "words"), calls_of_the_tool(), ids=lambda one: one if isinstance(one, str) else one[0]
)
def test_the_tool_takes_every_call_that_a_page_shows(page: str, words: list[str]) -> None:
    assert parser().parse_args(words), page


def test_calls_of_the_tool_are_found_in_more_than_one_page() -> None:
    assert len({page for page, _ in calls_of_the_tool()}) >= 3
    assert len(calls_of_the_tool()) >= 15


@pytest.mark.parametrize(("script", "module"), [("./run.sh", "tools.local"), ("./deploy.sh", "tools.deploy")])
def test_every_option_that_a_page_gives_to_a_script_is_one(script: str, module: str) -> None:
    known = options_of(module)
    given = {
        option
        for page in all_pages()
        for call in re.findall(rf"{re.escape(script)}((?: --[a-z-]+(?: [A-Z]+| \S+)?)+)", page.read_text())
        for option in re.findall(r"--[a-z][a-z-]+", call)
    }
    assert given
    assert sorted(given - known) == []


def test_the_tour_lists_every_option_of_the_stack() -> None:
    listed = re.findall(r"^\| `(--[a-z-]+)", (DOCS / "try-it.md").read_text(), re.MULTILINE)
    assert set(listed) == options_of("tools.local") - {"--help"}


@cache
def options_of(module: str) -> set[str]:
    """The options that a command says it takes."""
    command = [sys.executable, "-m", module, "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"--[a-z][a-z-]+", shown))


# --- calls -------------------------------------------------------------------------------------------------------


def test_the_list_of_calls_is_that_of_openapi() -> None:
    assert api.renewed(api.PAGE.read_text(), OPENAPI) == api.PAGE.read_text(), "python -m tools.checks.api --write"


def test_every_path_of_openapi_is_on_the_page_with_each_of_its_methods() -> None:
    described = {
        f"`{method.upper()} {path}`"
        for path, item in OPENAPI["paths"].items()
        for method in item
        if method in api.METHODS
    }
    assert len(described) > 25
    assert described <= set(headings(api.PAGE))


def test_a_call_of_the_list_names_what_it_takes_and_what_it_answers() -> None:
    thing = {"$ref": "#/components/schemas/Thing"}
    spec = {
        "tags": [{"name": "things", "description": "Some."}],
        "paths": {
            "/things": {
                "parameters": [{"$ref": "#/components/parameters/User"}],
                "post": {
                    "tags": ["things"],
                    "summary": "A new one",
                    "description": "It stays.",
                    "parameters": [{"name": "dry", "in": "query"}],
                    "requestBody": {"content": {"application/json": {"schema": thing}}},
                    "responses": {"201": {"description": "Made."}, "400": {"$ref": "#/components/responses/Bad"}},
                },
            }
        },
        "components": {
            "parameters": {"User": {"name": "user", "in": "query"}},
            "schemas": {"Thing": {"required": ["name"], "properties": {"name": {}, "size": {}}}},
        },
    }
    assert api.calls(spec).splitlines() == [
        "### Things",
        "",
        "Some.",
        "",
        "#### `POST /things`",
        "",
        "A new one. It stays.",
        "",
        "- in the address: `dry`",
        "- in the body: `name`; optional `size`",
        "- answers 201 Made; 400",
    ]


def test_a_page_without_the_markers_is_not_written_to() -> None:
    with pytest.raises(ValueError, match="lacks the markers"):
        api.renewed("# The calls\n", OPENAPI)


def test_every_status_of_an_error_has_a_row() -> None:
    operations = [one for item in OPENAPI["paths"].values() for one in item.values() if "responses" in one]
    codes = {code for one in operations for code in one["responses"]}
    rows = re.findall(r"^\| (\d{3}) \|", api.PAGE.read_text(), re.MULTILINE)
    assert {code for code in codes if code >= "400"} <= set(rows)


# --- decisions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", DECISIONS, ids=[record.stem for record in DECISIONS])
def test_a_decision_is_short_and_has_its_three_parts(record: Path) -> None:
    text = record.read_text()
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {int(record.name[:4])}. ")
    assert 10 <= len(text.splitlines()) <= 25


def test_decisions_are_numbered_through_and_listed_by_their_titles() -> None:
    index = (DOCS / "decisions" / "README.md").read_text()
    assert [int(record.name[:4]) for record in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for record in DECISIONS:
        assert f"{record.read_text().splitlines()[0][2:].replace('. ', '. [', 1)}]({record.name})" in index


def test_pages_link_to_headings_and_not_only_to_files() -> None:
    """The test of links is worth something only if there are such links."""
    assert sum("#" in link for page in all_pages() for link in links(page)) > 10
    assert anchors(DOCS / "deploy.md") >= {"changing-the-key"}
