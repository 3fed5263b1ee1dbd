"""The table of functions, held against the functions themselves."""

import ast
from pathlib import Path

import pytest

from tools.deploy.bundle import FUNCTIONS as FOLDERS
from tools.deploy.functions import FUNCTIONS, PUBLISH, READ_SECRET, Function
from tools.local.serve import PATHS

ROOT = Path(__file__).parents[3]


def imported(module: str, seen: set[str]) -> set[str]:
    """The modules of ours that a module imports, and those that they import."""
    file = ROOT / Path(*module.split(".")).with_suffix(".py")
    if module in seen or not file.exists():
        return seen
    seen.add(module)
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("shared"):
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                imported(name, seen)
    return seen


def test_it_names_every_function_once_and_no_other() -> None:
    assert sorted(function.name for function in FUNCTIONS) == FOLDERS
    assert set(PATHS.values()) == set(FOLDERS)


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_each_entry_point_is_in_its_own_folder_and_takes_what_its_trigger_sends(function: Function) -> None:
    (entry,) = [
        node
        for node in ast.parse((ROOT / "functions" / function.name / "main.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    ]
    assert entry.name == function.name
    (decorator,) = entry.decorator_list
    assert isinstance(decorator, ast.Attribute)
    assert decorator.attr == ("cloud_event" if function.trigger == "topic" else "http")


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_each_one_has_the_roles_that_its_code_needs_and_no_more(function: Function) -> None:
    modules = imported(f"functions.{function.name}.main", set())
    assert (PUBLISH in function.roles) == ("shared.messaging.polls" in modules)
    # Whoever may read the key can open every driver's credentials: those who ask the cars' clouds, and nobody else.
    assert (READ_SECRET in function.roles) == ("shared.cars.provider" in modules)


def test_two_functions_can_open_credentials() -> None:
    assert {function.name for function in FUNCTIONS if READ_SECRET in function.roles} == {"poller", "cars"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_service_account_names_are_as_long_as_google_takes_them(function: Function) -> None:
    assert 6 <= len(function.account) <= 30


def test_only_what_the_clock_calls_has_a_schedule_and_each_job_has_a_name_of_its_own() -> None:
    jobs = [schedule.job for function in FUNCTIONS for schedule in function.schedules]
    assert len(set(jobs)) == len(jobs)
    for function in FUNCTIONS:
        assert bool(function.schedules) == (function.trigger == "scheduler")
