"""A new function touches six files, and then all that is about functions knows it."""

import json
from pathlib import Path

from tests.project_copy import ProjectCopy

TABLE = """
paths = ["/echo"]
trigger = "http"
callers = "everybody"
roles = ["roles/datastore.user"]
memory_mib = 256
concurrency = 7
min_instances = 0
max_instances = 3
timeout_s = 21
expected_call_ms = 70
"""
MAIN = '''"""The function echo: whose key it is."""

import functions_framework
from flask import Request, Response

from shared.handlers.echo import show
from shared.handlers.http import route, routes, serve

ROUTES = routes(route("GET", "/", show), route("DELETE", "/<word>", show))


@functions_framework.http
def echo(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
'''
HANDLER = '''"""Answers whose key it is."""

from typing import Any

from flask import Request

from shared.domain.driver import Caller
from shared.services.echo import called


def show(request: Request, caller: Caller, word: str = "") -> tuple[dict[str, Any], int]:
    """The driver's name."""
    return {"user": called(caller.account)}, 200
'''
SERVICE = '''"""Says how drivers are called."""

from shared.domain.driver import Account


def called(account: Account) -> str:
    """The name of a driver, the e-mail where they gave none."""
    return account.name or account.email
'''
TEST = '''"""The function echo."""

from flask import Request

from shared.domain.driver import Account, Caller
from shared.handlers.echo import show


def test_it_says_whose_key_it_is() -> None:
    assert show(Request({}), Caller(Account("boris@example.com"), "full")) == ({"user": "boris@example.com"}, 200)
'''
OPENAPI = """\
  /echo:
    get: {tags: [trips], summary: Whose key it is, operationId: echo, responses: {'200': {description: Whose key}}}
  /echo/{word}:
    delete: {tags: [trips], summary: Forgets it, operationId: echoWord, responses: {'200': {description: Whose key}}}
"""
# Besides docs/api.md, whose calls are compiled, and a line in CHANGELOG.md, as every change that somebody notices.
SIX = {
    "functions/echo/function.toml": TABLE,
    "functions/echo/main.py": MAIN,
    "shared/handlers/echo.py": HANDLER,
    "shared/services/echo.py": SERVICE,
    "tests/system/test_echo.py": TEST,
    "docs/openapi.yaml": "",  # in the midst of it, see below
}
LOOK = """
import json
from pathlib import Path
from werkzeug.test import Client
from tools.deploy.bundle import stage
from tools.deploy.functions import BY_NAME
from tools.local.serve import app
from tools.measure.assumptions import PAGES

stage("echo", Path("staged"))
stack = Client(app())
print(json.dumps({
    "answers": [stack.open(path, method=method).status_code
                for method, path in (("GET", "/echo"), ("DELETE", "/echo/x"), ("PUT", "/echo"), ("GET", "/ech"))],
    "expected_ms": BY_NAME["echo"].expected_call_ms, "viewed_at": PAGES["echo"],
    "staged": sorted(str(file) for glob in ("*", "shared/*/echo.py") for file in Path("staged").glob(glob)),
}))
"""
CLOCK = TABLE.replace("/echo", "/nightly").replace("everybody", "scheduler")
CLOCK += '[[schedules]]\njob = "nightly"\ncron = "5 1 * * *"\npath = "/run"\n'
LISTENER = TABLE.replace("/echo", "/listener").replace('"http"', '"topic"\ntopic = "events"')
LISTENER = LISTENER.replace("everybody", "pubsub")


def with_echo(folder: Path) -> ProjectCopy:
    """The project with the function echo."""
    project = ProjectCopy(folder)
    project.add(SIX)
    project.put_after("docs/openapi.yaml", "\npaths:\n", OPENAPI)
    project.python("-m", "tools.checks.api", "--write")
    return project


def dry_run(project: ProjectCopy) -> list[str]:
    """The commands of a deployment to an empty project."""
    printed = project.python("-m", "tools.deploy", "--dry-run", "--project=log-of-boris", "--settings=none")
    return [line for line in printed.splitlines() if line.startswith("gcloud ")]


def test_six_files_make_a_function_that_all_who_are_about_functions_know(tmp_path: Path) -> None:
    project = with_echo(tmp_path / "project")
    assert len(SIX) == 6
    found = json.loads(project.python("-c", LOOK))
    assert found["answers"] == [401, 401, 405, 404], "served at its path, behind the door"
    assert (found["expected_ms"], found["viewed_at"]) == (70, "/")
    assert found["staged"] == [
        "staged/main.py", "staged/requirements.txt", "staged/shared", "staged/shared/handlers/echo.py",
        "staged/shared/services/echo.py",
    ]  # fmt: skip
    calls = dry_run(project)
    assert any("service-accounts create mileage-echo " in call for call in calls)
    assert any("mileage-echo@" in call and "--role=roles/datastore.user" in call for call in calls)
    (deployed,) = [call for call in calls if "functions deploy echo " in call]
    for said in ("--memory=256Mi", "--concurrency=7", "--max-instances=3", "--timeout=21s", "--allow-unauthenticated"):
        assert said in deployed
    (keyless,) = [call for call in calls if "add-exclusion" in call]
    assert '"echo"' in keyless, "no key in the logs of what is public"


def test_the_tests_that_go_over_functions_go_over_a_new_one_and_pass(tmp_path: Path) -> None:
    project = with_echo(tmp_path / "project")
    deploy = [f"tests/tools/deploy/test_{name}.py" for name in ("table", "docs", "deploy")]
    about_it = "(echo and not imports and not deployed) or openapi or every_account or exactly_these"
    others = ("tests/test_house.py", "tests/tools/measure/test_bill.py", "tests/docs/test_reference.py")
    told = project.pytest("-vv", "tests/system/test_echo.py", *others, *deploy, "-k", f"{about_it} or test_bill or api")
    assert "test_bill.py::test_a_bill_of_100_000_drivers_is_that_done_by_hand PASSED" in told
    assert "`GET /echo`" in (project.folder / "docs" / "api.md").read_text()
    tenancy = project.pytest("--collect-only", "tests/system/test_tenancy.py")
    for test in ("whoever_has_no_right_key_learns_nothing", "a_webhook_key_can_only_start_and_end_trips"):
        for call in ("GET-/echo", "DELETE-/echo/some-id"):
            assert f"test_{test}[{call}]" in tenancy


def test_a_new_function_of_the_clock_or_of_a_topic_is_deployed_with_what_calls_it(tmp_path: Path) -> None:
    project = ProjectCopy(tmp_path / "project")
    mains = {f"functions/{name}/main.py": "" for name in ("nightly", "listener")}
    project.add({**mains, "functions/nightly/function.toml": CLOCK, "functions/listener/function.toml": LISTENER})
    calls = dry_run(project)
    (job,) = [call for call in calls if "scheduler jobs create http nightly " in call]
    assert "'--schedule=5 1 * * *'" in job
    assert "URL_OF_nightly/run" in job
    (guarded,) = [call for call in calls if "add-iam-policy-binding nightly " in call]
    assert "mileage-cron@" in guarded
    (deployed,) = [call for call in calls if "functions deploy listener " in call]
    assert "--trigger-topic=events --retry" in deployed
    for topic in ("events", "events-dead-letters"):
        assert any(f"pubsub topics create {topic} " in call for call in calls)
    (delivery,) = [call for call in calls if "subscriptions update SUBSCRIPTION_OF_listener " in call]
    assert "--dead-letter-topic=events-dead-letters" in delivery


def test_a_function_toml_that_is_wrong_stops_stack_and_deployment_with_its_name(tmp_path: Path) -> None:
    project = ProjectCopy(tmp_path / "project")
    project.add({"functions/stats/function.toml": "timeout = 3\n"})
    for what in ("tools.local.serve", "tools.deploy.target", "tools.measure.assumptions"):
        told = project.python("-c", f"try:\n import {what}\nexcept ValueError as error:\n print(error)")
        assert told.strip().endswith("functions/stats/function.toml: Object contains unknown field `timeout`")
