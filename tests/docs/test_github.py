"""What GitHub reads: the workflow calls what a developer calls, actions are pinned, contributing says what works."""

import re
import tomllib
from collections.abc import Collection

import pytest
import yaml

from tests.docs.pages import ROOT, boxes, section
from tests.test_adding_a_car import FIVE
from tests.test_adding_a_function import SIX

GITHUB = ROOT / ".github"
CONTRIBUTING = GITHUB / "CONTRIBUTING.md"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def test_the_workflow_runs_all_tests_on_the_oldest_and_a_newer_python() -> None:
    (job,) = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text())["jobs"].values()
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["./test.sh"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert oldest == f">={job['strategy']['matrix']['python'][0]}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=[workflow.name for workflow in WORKFLOWS])
def test_every_action_is_pinned_to_a_commit_and_says_which_version_that_is(workflow: object) -> None:
    used = re.findall(r"uses: (.+)", (GITHUB / "workflows" / str(workflow)).read_text())
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=[workflow.name for workflow in WORKFLOWS])
def test_a_workflow_may_read_the_code_and_nothing_else(workflow: object) -> None:
    assert yaml.safe_load((GITHUB / "workflows" / str(workflow)).read_text())["permissions"] == {"contents": "read"}


def test_dependabot_looks_at_packages_and_actions() -> None:
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert [update["package-ecosystem"] for update in updates] == ["pip", "github-actions"]


def test_every_call_of_pytest_that_contributing_shows_names_tests_that_are_there() -> None:
    shown = "".join(box.text for box in boxes(CONTRIBUTING) if box.language == "sh")
    calls = re.findall(r"-m pytest(?: -n 0)? (\S+)(?: -k (\w+))?", shown)
    assert len(calls) >= 3
    for path, word in calls:
        files = [ROOT / path] if path.endswith(".py") else sorted((ROOT / path).rglob("test_*.py"))
        tests = [name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)]
        assert [name for name in tests if word in name], path


@pytest.mark.parametrize(
    ("heading", "name", "files"), [("Add a function", "echo", SIX), ("How do I add a car?", "tesselaar", FIVE)]
)
def test_contributing_lists_the_files_that_a_change_takes(heading: str, name: str, files: Collection[str]) -> None:
    """Those by which a test adds one."""
    listed = re.findall(r"^(\d)\. `([\w./]+)`", section(CONTRIBUTING, heading), re.MULTILINE)
    assert [int(number) for number, _ in listed] == [*range(1, len(files) + 1)]
    assert {file.replace("NAME", name) for _, file in listed} == set(files)


def test_every_folder_of_code_has_a_row() -> None:
    rows = section(CONTRIBUTING, "Where is what?")
    rooms = {file.parent.name for file in (ROOT / "shared").glob("*/__init__.py")} | {"functions", "tools", "tests"}
    assert [room for room in sorted(rooms) if f"{room}/`" not in rows] == []


def test_licence_and_changelog_are_there() -> None:
    assert "Copyright (c) 2026 the authors of mileage-log" in (ROOT / "LICENSE").read_text()
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text()
