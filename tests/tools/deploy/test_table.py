"""The list of functions: what a function.toml may say, and whether it fits the function's code."""

import ast
from pathlib import Path

import pytest

from shared.messaging.polls import SHARDS_TOPIC, TOPIC
from shared.messaging.reminders import REMIND_TOPIC
from tools.deploy.functions import (
    FUNCTIONS,
    OPTIONAL_SECRETS,
    PUBLISH,
    READ_SECRET,
    SECRET,
    TRIGGER_TOPICS,
    Function,
    Unfit,
    functions_in,
)

ROOT = Path(__file__).parents[3]
GOOD = """
paths = ["/echo"]
trigger = "http"
callers = "everybody"
roles = ["roles/datastore.user"]
memory_mib = 512
concurrency = 40
min_instances = 0
max_instances = 10
timeout_s = 60
expected_call_ms = 80
"""
TOPIC_OF_ITS_OWN = GOOD.replace('"http"', '"topic"\ntopic = "echoes"').replace("everybody", "pubsub")
PUSHED = GOOD.replace("everybody", "scheduler") + '[[pushes]]\ntopic = "echoes"\npath = "/again"\n'
SCHEDULED = GOOD.replace("everybody", "scheduler") + '[[schedules]]\njob = "j"\ncron = "* * * * *"\npath = "/x"\n'


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


def folder_of(tmp_path: Path, **tables: str | None) -> Path:
    """A folder with functions of these names, each with this function.toml or with none."""
    for name, table in tables.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").touch()
        if table is not None:
            (tmp_path / name / "function.toml").write_text(table)
    return tmp_path


def test_each_folder_with_a_main_is_a_function_and_no_other() -> None:
    assert [function.name for function in FUNCTIONS] == sorted(
        file.parent.name for file in (ROOT / "functions").glob("*/main.py")
    )


def test_what_a_function_toml_says_is_taken_as_it_stands(tmp_path: Path) -> None:
    a, c = GOOD.replace("/echo", "/a"), SCHEDULED.replace("/echo", "/c")
    plain, topic, clock = functions_in(folder_of(tmp_path, a=a, b=TOPIC_OF_ITS_OWN, c=c))
    assert (plain.name, plain.paths, plain.is_public, plain.signature) == ("a", ("/a",), True, "http")
    assert (topic.topic, topic.is_public, topic.signature) == ("echoes", False, "cloudevent")
    assert [schedule.job for schedule in clock.schedules] == ["j"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "is missing"),
        (GOOD + "memory = 512", "unknown field `memory`"),
        (GOOD + 'name = "other"', "unknown field `name`"),
        (GOOD.replace("memory_mib = 512\n", ""), "missing required field `memory_mib`"),
        (GOOD.replace("512", '"512"'), "Expected `int`, got `str` - at `$.memory_mib`"),
        (GOOD.replace("concurrency = 40", "concurrency = 0"), "at `$.concurrency`"),
        (GOOD.replace('"everybody"', '"everyone"'), "Invalid enum value 'everyone' - at `$.callers`"),
        (GOOD.replace("datastore.user", "owner"), "Invalid enum value 'roles/owner' - at `$.roles[0]`"),
        (GOOD.replace("concurrency = 40", "concurrency = 5000"), "at `$.concurrency`"),
        (GOOD.replace("min_instances = 0", "min_instances = 99"), "must not be over `max_instances`"),
        (GOOD.replace('"roles/datastore.user"', ""), "one role at least"),
        (GOOD.replace('"roles/datastore.user"', '"roles/datastore.user", "roles/datastore.user"'), "each once"),
        (GOOD + "expected_message_ms = nan", "at `$.expected_message_ms`"),
        (GOOD + "expected_message_ms = -1.0", "at `$.expected_message_ms`"),
        (SCHEDULED.replace('"* * * * *"', '"every minute"'), "at `$.schedules[0].cron`"),
        (SCHEDULED.replace('"j"', '"a job"'), "at `$.schedules[0].job`"),
        (GOOD.replace("/echo", "echo/"), "at `$.paths[0]`"),
        (GOOD.replace('"/echo"', '"/echo\\n"'), "at `$.paths[0]`"),
        (GOOD.replace('"/echo"', ""), "one path at least"),
        (GOOD + 'topic = "echoes"', "go together"),
        (GOOD.replace('"http"', '"topic"'), "go together"),
        (SCHEDULED.replace('"scheduler"', '"everybody"'), "need callers"),
        (SCHEDULED + "at = 1", "unknown field `at`"),
        (PUSHED + "kept_s = 599", "at `$.pushes[0].kept_s`"),
        (GOOD + 'secrets = ["a,b"]', "at `$.secrets[0]`"),
        ("paths = [", "Invalid value (at end of document)"),
    ],
)
def test_what_is_wrong_in_a_function_toml_is_said_with_its_name(table: str | None, said: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, echo=table)
    with pytest.raises(Unfit) as raised:
        functions_in(folder)
    assert str(folder / "echo" / "function.toml") in str(raised.value)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (GOOD, GOOD, "two functions have the path /echo"),
        (SCHEDULED, SCHEDULED.replace("/echo", "/other"), "two functions have the job j"),
        (TOPIC_OF_ITS_OWN, PUSHED.replace("/echo", "/other"), "two functions have the topic echoes"),
    ],
)
def test_two_functions_cannot_have_the_same(one: str, other: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit, match=said):
        functions_in(folder_of(tmp_path, one=one, other=other))


def test_two_functions_whose_services_would_have_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="two functions have the service a-b"):
        functions_in(folder_of(tmp_path, **{"a_b": GOOD, "a-b": GOOD.replace("/echo", "/other")}))


def test_a_function_toml_without_a_main_is_no_function(tmp_path: Path) -> None:
    (folder_of(tmp_path, echo=GOOD) / "echo" / "main.py").unlink()
    with pytest.raises(Unfit, match=r"there is no main\.py"):
        functions_in(tmp_path)


def test_the_topics_that_are_heard_are_those_on_which_the_code_publishes() -> None:
    assert (TOPIC,) == TRIGGER_TOPICS
    assert {push.topic for function in FUNCTIONS for push in function.pushes} == {SHARDS_TOPIC, REMIND_TOPIC}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
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


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_each_one_has_the_roles_that_its_code_needs_and_no_more(function: Function) -> None:
    modules = imported(f"functions.{function.name}.main", set())
    assert (PUBLISH in function.roles) == ("shared.messaging.polls" in modules)
    # Whoever may read the key can open every driver's credentials: those who ask the cars' clouds, and nobody else.
    assert (READ_SECRET in function.roles) == ("shared.cars.provider" in modules)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_who_sends_e_mails_may_read_the_password_for_it_and_nobody_else(function: Function) -> None:
    modules = imported(f"functions.{function.name}.main", set())
    assert ("SMTP_PASSWORD" in function.secrets) == ("shared.mailing.smtp" in modules)


def test_a_function_is_handed_its_own_secrets_as_far_as_they_are_there() -> None:
    by_name = {function.name: function for function in FUNCTIONS}
    there = {SECRET, *OPTIONAL_SECRETS, "SMTP_PASSWORD", "OTHER"}
    assert by_name["reminders"].secrets_among(there) == ["SMTP_PASSWORD"]
    assert by_name["poller"].secrets_among(there) == [SECRET, *OPTIONAL_SECRETS]
    assert [by_name[name].secrets_among(set()) for name in ("reminders", "poller", "trips")] == [[], [SECRET], []]


def test_two_functions_can_open_credentials() -> None:
    assert {function.name for function in FUNCTIONS if READ_SECRET in function.roles} == {"poller", "cars"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_service_account_names_are_as_long_as_google_takes_them(function: Function) -> None:
    assert 6 <= len(function.account) <= 30
