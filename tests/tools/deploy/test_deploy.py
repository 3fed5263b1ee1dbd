"""./deploy.sh against a stand-in for gcloud: the exact calls on an empty project, a complete one, a half-made one."""

import os
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.tools.deploy.project import PROJECT, ROOT, Project, anywhere
from tools.deploy.functions import FUNCTIONS
from tools.deploy.steps import all_steps

EXPECTED = Path(__file__).with_name("calls_on_an_empty_project.txt")
# One function of each kind: the calls for those like them differ by the name alone.
OF_EACH_KIND = ("cars", "poller", "scheduler", "webhook_start")
PUBLIC = {function.name for function in FUNCTIONS if function.is_public}
STEPS = [step.name for step in all_steps(1)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


class First(NamedTuple):
    """The first deployment of a project: the project after it, the calls that it made, and what it printed."""

    project: Project
    calls: list[list[str]]
    printed: str


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """Made once for all that look at what comes of it: it takes two hundred calls."""
    made = Project(tmp_path_factory.mktemp("deployed"))
    done = made.deploy()
    assert done.returncode == 0, done.stdout + done.stderr
    return First(made, made.calls(), done.stdout + done.stderr)


@pytest.fixture
def deployed(first: First) -> Project:
    """A project after its first deployment: for looking at, each test that changes something takes `complete`."""
    return first.project


@pytest.fixture
def complete(project: Project, deployed: Project) -> Project:
    project.state = deployed.state
    return project


def without_waiting(calls: list[str]) -> list[str]:
    """The calls, those of one kind that follow each other made one."""
    return [call for before, call in pairwise(["", *calls]) if call != before]


def is_about_another(call: str) -> bool:
    """Whether a call is about a function that is like one of those whose calls are written down."""
    return any(
        marked in call
        for function in FUNCTIONS
        if function.name not in OF_EACH_KIND
        for marked in (
            f"create {function.account} ",
            f":{function.account}@",
            f"functions deploy {function.name} ",
            f"policy {function.service} --region",
            f"binding {function.service} --region",
        )
    )


def without_others(call: str) -> str:
    """A call that names all public functions, with those alone whose calls are written down."""
    named = re.compile(r"service_name=\((.*?)\)")
    kept = [f'"{function.service}"' for function in FUNCTIONS if function.is_public and function.name in OF_EACH_KIND]
    return named.sub(f"service_name=({' OR '.join(kept)})", call)


def members(project: Project, resource: str, role: str) -> set[str]:
    found: list[str] = project.state["policies"].get(resource, {}).get(role, [])
    return {member.removeprefix("serviceAccount:").split("@")[0] for member in found}


def test_an_empty_project_becomes_a_running_system_by_exactly_these_calls(first: First) -> None:
    calls = [anywhere(shlex.join(["gcloud", *call])) for call in first.calls]
    calls = [without_others(call) for call in calls if not is_about_another(call)]
    if os.environ.get("WRITE_EXPECTED_CALLS"):
        EXPECTED.write_text("\n".join(calls) + "\n")
    assert calls == EXPECTED.read_text().splitlines()
    assert set(first.project.state["functions"]) == {function.name for function in FUNCTIONS}
    for name in STEPS:
        assert f"] {name} … " in first.printed


def test_a_complete_project_is_only_looked_at(complete: Project) -> None:
    before = complete.state
    done = complete.deploy()
    assert done.returncode == 0
    assert complete.changes() == []
    assert complete.state == before
    assert done.stdout.count("right already") == len(STEPS)


# One call of each step that changes something, in the order of the steps.
BROKEN = [
    "services enable",
    "service-accounts create mileage-stats",
    "databases create",
    "schedules create",
    "composite create --database=(default) --collection-group=odometer_readings",
    "fields update months",
    "fields ttls update expires_at",
    "--member=serviceAccount:mileage-trips",
    "topics create poll-car-dead",
    "versions add",
    "sinks update _Default --add-exclusion",
    "functions deploy scheduler",
    "run services add-iam-policy-binding poller",
    "subscriptions update",
    "subscriptions create poll-shard",
    "scheduler jobs create",
]


def test_after_each_failure_half_way_the_same_command_goes_on_from_there(project: Project, deployed: Project) -> None:
    made = set[str]()
    for call in [*BROKEN, ""]:
        project.fail({call: "INTERNAL: broken"} if call else {})
        done = project.deploy()
        changes = set(project.changes())
        assert not made & changes, f"made again after a failure: {made & changes}"
        made |= {change for change in changes if not call or call not in change}
        assert done.returncode == (1 if call else 0), (call, done.stderr)
        if call:
            assert "run the same command again" in done.stderr
            assert done.stdout.rstrip().endswith("failed")
            assert any(call in change for change in changes), f"it went by {call}"
    ignored = ("secrets", "indexes")  # a key is new each time; an index is ready one look later
    kept = [{kind: held for kind, held in made.state.items() if kind not in ignored} for made in (project, deployed)]
    assert kept[0] == kept[1]
    assert len(project.state["secrets"]["CREDENTIALS_KEYS"]) == 1
    assert len(project.state["indexes"]) == len(deployed.state["indexes"])


def test_what_a_new_project_is_slow_to_know_is_asked_again(project: Project) -> None:
    slow = {
        "projects add-iam-policy-binding": "INVALID_ARGUMENT: Service account x does not exist.",
        "functions deploy poller": "Permission denied while using the Eventarc Service Agent",
        "functions deploy stats": "Cloud Build API has not been used in project 1 before or it is disabled",
    }
    project.fail(slow, times=5)
    assert project.deploy().returncode == 0
    assert sum(call[:3] == ["functions", "deploy", "poller"] for call in project.calls()) == 6


@pytest.mark.parametrize(
    ("missing", "mend"),
    [
        ({"login": False}, "`gcloud auth login`"),
        ({"project": False}, f"`gcloud projects create {PROJECT}`"),
        ({"billing": False}, f"`gcloud billing projects link {PROJECT} --billing-account=ID`"),
        ({"databases": [{"name": "p/(default)", "type": "DATASTORE_MODE"}]}, "gcloud firestore databases update"),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_mends_it(
    missing: dict[str, object], mend: str, project: Project
) -> None:
    project.state |= missing
    done = project.deploy()
    assert done.returncode == 1
    assert mend in done.stderr
    assert not any("functions deploy" in change for change in project.changes())


def test_an_api_that_cannot_be_enabled_is_said_with_the_command(project: Project) -> None:
    project.fail({"services enable": "PERMISSION_DENIED: not you"}, times=99)
    told = project.deploy().stderr
    assert "An API cannot be enabled; `gcloud services enable artifactregistry.googleapis.com" in told
    assert f"--project={PROJECT}`" in told


def test_without_gcloud_it_is_said_in_one_sentence(project: Project) -> None:
    done = project.deploy(PATH="/nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "apt-get install google-cloud-cli" in done.stderr


def test_a_dry_run_prints_every_call_and_needs_neither_gcloud_nor_login(project: Project) -> None:
    done = project.deploy("--dry-run", PATH="/nowhere")
    assert done.returncode == 0, done.stderr
    printed = [anywhere(line.split("  # ")[0]) for line in done.stdout.splitlines() if line.startswith("gcloud ")]
    # What only Google knows stands as a word in capitals.
    known = {"123456789012": "PROJECT_NUMBER", "s-poller-1": "SUBSCRIPTION_OF_poller", "poller-1": "TRIGGER_OF_poller"}
    known |= {f"https://{name}-abc.a.run.app": f"https://URL_OF_{name}" for name in ("scheduler", "reminders")}
    expected = EXPECTED.read_text()
    for value, word in known.items():
        expected = expected.replace(value, word)
    # Nothing is read, so it cannot see that a deployment opens public functions by itself.
    opened = [call for call in printed if "--member=allUsers" in call]
    written = [without_others(call) for call in printed if call not in opened and not is_about_another(call)]
    assert written == without_waiting(expected.splitlines())
    assert len(opened) == sum(function.is_public for function in FUNCTIONS)
    assert project.calls() == []
    assert not (project.folder / "deploy" / "env").exists()


def test_a_dry_run_needs_no_project_either() -> None:
    done = subprocess.run([ROOT / "deploy.sh", "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--project=your-project" in done.stdout


def test_only_those_who_read_cars_may_read_the_key_and_only_those_who_ask_for_polls_may_publish(
    complete: Project,
) -> None:
    assert members(complete, "secrets/CREDENTIALS_KEYS", "roles/secretmanager.secretAccessor") == {
        "mileage-poller",
        "mileage-cars",
    }
    publishers = members(complete, "pubsub/topics/poll-car", "roles/pubsub.publisher")
    assert publishers == {"mileage-webhook-start", "mileage-webhook-end", "mileage-scheduler"}
    in_project = complete.state["policies"][f"projects/{PROJECT}"]
    assert set(in_project) == {
        "roles/datastore.user",
        "roles/datastore.viewer",
        "roles/eventarc.eventReceiver",
        "roles/cloudbuild.builds.builder",
    }
    assert members(complete, f"projects/{PROJECT}", "roles/datastore.viewer") == {"mileage-scheduler"}


def test_secrets_that_the_operator_made_reach_those_who_open_credentials_and_nobody_else(complete: Project) -> None:
    complete.state = complete.state | {"secrets": {**complete.state["secrets"], "SMARTCAR_CLIENT_SECRET": ["s"]}}
    assert complete.deploy().returncode == 0
    changes = complete.changes()
    deployed = [change.split()[2] for change in changes if "functions deploy" in change]
    assert sorted(deployed) == ["cars", "poller"]
    assert all("SMARTCAR_CLIENT_SECRET=SMARTCAR_CLIENT_SECRET:latest" in c for c in changes if "functions deploy" in c)
    readers = members(complete, "secrets/SMARTCAR_CLIENT_SECRET", "roles/secretmanager.secretAccessor")
    assert readers == {"mileage-cars", "mileage-poller"}


def test_the_password_for_e_mails_reaches_who_sends_them_and_the_key_of_credentials_does_not(complete: Project) -> None:
    complete.state = complete.state | {"secrets": {**complete.state["secrets"], "SMTP_PASSWORD": ["s"]}}
    assert complete.deploy().returncode == 0
    (deployed,) = [change for change in complete.changes() if "functions deploy" in change]
    assert "functions deploy reminders" in deployed
    assert "--set-secrets=SMTP_PASSWORD=SMTP_PASSWORD:latest" in deployed
    assert "CREDENTIALS_KEYS" not in deployed
    readers = members(complete, "secrets/SMTP_PASSWORD", "roles/secretmanager.secretAccessor")
    assert readers == {"mileage-reminders"}


def test_only_what_phones_and_browsers_call_is_public(complete: Project) -> None:
    callers = {
        function.name: members(complete, f"run/services/{function.service}", "roles/run.invoker")
        for function in FUNCTIONS
    }
    assert callers["scheduler"] == callers["reminders"] == {"mileage-cron"}
    assert callers["poller"] == {"mileage-trigger"}
    assert {name for name, who in callers.items() if who == {"allUsers"}} == PUBLIC


def test_the_cron_account_may_do_nothing_but_call_what_the_clock_calls(complete: Project) -> None:
    held = [
        (resource, role)
        for resource, policy in complete.state["policies"].items()
        for role, found in policy.items()
        if any("mileage-cron@" in member for member in found)
    ]
    assert sorted(held) == [(f"run/services/{name}", "roles/run.invoker") for name in ("reminders", "scheduler")]


def test_each_message_has_time_is_retried_and_ends_among_the_dead_letters(complete: Project) -> None:
    subscription = complete.state["subscriptions"]["s-poller-1"]
    assert subscription["ackDeadlineSeconds"] == 600
    assert subscription["deadLetterPolicy"]["deadLetterTopic"].endswith("/topics/poll-car-dead-letters")
    agent = {"service-123456789012"}
    assert members(complete, "pubsub/topics/poll-car-dead-letters", "roles/pubsub.publisher") == agent
    assert members(complete, "pubsub/subscriptions/s-poller-1", "roles/pubsub.subscriber") == agent
    assert complete.state["subscriptions"]["poll-car-dead-letters"]["topic"] == "poll-car-dead-letters"


def test_what_the_scheduler_leaves_to_shards_is_posted_to_it_by_the_account_that_may_call_it(complete: Project) -> None:
    pushed, job = complete.state["subscriptions"]["poll-shard"], complete.state["jobs"]["poll-all"]["httpTarget"]
    assert pushed["topic"] == "poll-shard"
    assert pushed["pushConfig"]["pushEndpoint"] == job["uri"].replace("/poll-all", "/poll-shard")
    assert pushed["pushConfig"]["oidcToken"] == job["oidcToken"]
    assert pushed["ackDeadlineSeconds"] == 300, "as long as a call may take, so that none comes twice meanwhile"
    cron = f"iam/service-accounts/mileage-cron@{PROJECT}.iam.gserviceaccount.com"
    assert members(complete, cron, "roles/iam.serviceAccountTokenCreator") == {"service-123456789012"}
    assert members(complete, "pubsub/topics/poll-shard", "roles/pubsub.publisher") == {"mileage-scheduler"}


def test_what_reminders_leave_to_themselves_is_tried_again_for_an_hour(complete: Project) -> None:
    pushed, shards = (complete.state["subscriptions"][topic] for topic in ("remind", "poll-shard"))
    assert pushed["pushConfig"]["pushEndpoint"].endswith("/remind")
    assert (pushed["messageRetentionDuration"], shards["messageRetentionDuration"]) == ("3600s", "600s")
    assert members(complete, "pubsub/topics/remind", "roles/pubsub.publisher") == {"mileage-reminders"}
    assert complete.state["jobs"]["remind-all"]["httpTarget"]["uri"].endswith("/remind-all")


def test_the_data_is_protected_and_backed_up(complete: Project) -> None:
    (database,) = complete.state["databases"]
    assert database["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    assert database["deleteProtectionState"] == "DELETE_PROTECTION_ENABLED"
    assert [backup["retention"] for backup in complete.state["backups"]] == [f"{14 * 24 * 3600}s"]


def change_by_hand(state: dict[str, object], path: str, value: object) -> None:
    """Sets one thing somewhere in a project, as somebody at the console would."""
    *way, last = path.split(">")
    found: object = state
    for name in way:
        found = found[int(name) if isinstance(found, list) else name]  # type: ignore[index,call-overload]
    found[last] = value  # type: ignore[index]


ACCESSOR = "policies>secrets/CREDENTIALS_KEYS>roles/secretmanager.secretAccessor"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("policies>run/services/poller>roles/run.invoker", ["allUsers"]),
        (
            ACCESSOR,
            [
                f"serviceAccount:mileage-{name}@{PROJECT}.iam.gserviceaccount.com"
                for name in ("cars", "poller", "trips")
            ],
        ),
        (
            f"policies>projects/{PROJECT}>roles/editor",
            [f"serviceAccount:mileage-cron@{PROJECT}.iam.gserviceaccount.com"],
        ),
        ("databases>0>pointInTimeRecoveryEnablement", "POINT_IN_TIME_RECOVERY_DISABLED"),
        ("backups>0>retention", "86400s"),
        ("subscriptions>s-poller-1>ackDeadlineSeconds", 10),
        ("subscriptions>poll-shard>pushConfig>pushEndpoint", "https://example.com/poll-shard"),
        ("policies>pubsub/topics/poll-shard>roles/pubsub.publisher", ["allUsers"]),
        ("jobs>poll-all>schedule", "0 * * * *"),
        ("services>stats>status>conditions", [{"type": "Ready", "status": "False"}]),
    ],
)
def test_what_was_changed_by_hand_is_put_right_and_nothing_else(path: str, value: object, complete: Project) -> None:
    right, wrong = complete.state, complete.state
    change_by_hand(wrong, path, value)
    complete.state = wrong
    assert complete.deploy().returncode == 0
    assert complete.state["policies"].pop(f"projects/{PROJECT}").get("roles/editor", []) == []
    for state in (right, found := complete.state):
        state["policies"][f"projects/{PROJECT}"].pop("roles/editor", None)
    assert found == right
    assert 1 <= len(complete.changes()) <= 2


def test_a_setting_reaches_every_function_and_is_all_that_is_deployed_again(complete: Project) -> None:
    (complete.folder / "deploy.env").write_text("# quicker\nPOLL_EVERY_S=120\nLIMIT_USER_CALLS=60\n")
    assert complete.deploy().returncode == 0
    changes = complete.changes()
    assert len(changes) == len(FUNCTIONS)
    assert all("functions deploy" in change and "POLL_EVERY_S=120,LIMIT_USER_CALLS=60" in change for change in changes)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("POLL_EVRY_S=1", "line 1: no setting is called 'POLL_EVRY_S'"),
        ("\nPOLL_EVERY_S=soon", "POLL_EVERY_S must be a number of seconds"),
        ("END_GRACE_S=1000000001", "END_GRACE_S must be a number of seconds from 0 to 1000000000"),
        ("LIMIT_USER_CALLS=1.5", "LIMIT_USER_CALLS must be a whole number"),
        ("REGION", "line 1: REGION has no value"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_asked(settings: str, said: str, project: Project) -> None:
    (project.folder / "deploy.env").write_text(settings)
    done = project.deploy()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    assert project.calls() == []


def test_what_is_set_in_the_shell_does_not_decide_where_or_what_is_deployed(project: Project) -> None:
    done = project.deploy("--dry-run", PROJECT="another-project", REGION="us-east1", POLL_EVERY_S="0")
    assert not any(word in done.stdout for word in ("another-project", "us-east1", "POLL_EVERY_S"))


@pytest.mark.parametrize("name", OF_EACH_KIND)
def test_one_function_alone_can_be_deployed(name: str, complete: Project) -> None:
    change = complete.state
    service = name.replace("_", "-")
    del change["services"][service], change["functions"][name]
    complete.state = change
    assert complete.deploy("--only", name).returncode == 0
    calls = complete.changes()
    assert [call for call in calls if "functions deploy" in call] == calls[:1]
    assert f"functions deploy {name} " in calls[0]
    assert set(complete.state["functions"]) == {function.name for function in FUNCTIONS}


def test_forced_it_deploys_functions_that_are_right_already_and_changes_nothing_else(complete: Project) -> None:
    before = complete.state
    done = complete.deploy("--force")
    assert done.returncode == 0, done.stderr
    calls = complete.changes()
    assert sorted(call.split()[2] for call in calls) == sorted(function.name for function in FUNCTIONS)
    assert all(call.startswith("functions deploy ") for call in calls)
    assert complete.state == before
    assert complete.deploy("--force", "--only", "stats").returncode == 0
    (alone,) = complete.changes()
    assert alone.startswith("functions deploy stats ")


@pytest.mark.parametrize("other", ["--smoke", "--destroy"])
def test_what_does_not_deploy_cannot_be_forced(other: str, project: Project) -> None:
    done = project.deploy("--force", other)
    assert done.returncode == 2
    assert "--force deploys" in done.stderr
    assert project.calls() == []


def test_functions_are_deployed_a_few_at_a_time_with_the_same_result(project: Project, complete: Project) -> None:
    state = complete.state
    complete.state = state | {"functions": {}, "services": {}}
    assert complete.deploy("--at-once", "4").returncode == 0
    assert complete.state["functions"] == state["functions"]


def test_at_the_end_it_says_where_things_are_and_what_to_type_next(first: First) -> None:
    told = first.printed
    root = f"https://europe-west4-{PROJECT}.cloudfunctions.net"
    for name in PUBLIC:
        assert f"{root}/{name}\n" in told
    assert "tools.admin add-user" in told
    assert f"{root}/webhook_start?user=boris@example.com&key=KEY" in told
    assert f"{root}/webhook_end?user=boris@example.com&key=KEY" in told
    assert "./deploy.sh --smoke" in told


def test_the_environment_it_writes_points_the_admin_tool_at_the_cloud_and_holds_no_secret(complete: Project) -> None:
    assert complete.deploy().returncode == 0
    file = complete.folder / "deploy" / "env"
    key = complete.state["secrets"]["CREDENTIALS_KEYS"][0]
    assert key not in file.read_text()
    shown = 'echo "$GOOGLE_CLOUD_PROJECT $WEBHOOK_START_URL $CREDENTIALS_KEYS ${FIRESTORE_EMULATOR_HOST-none}"'
    sourced = subprocess.run(
        ["bash", "-euc", f"source {file}; {shown}"],
        env={**complete.env, "FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=True,
    )
    url = f"https://europe-west4-{PROJECT}.cloudfunctions.net/webhook_start"
    assert sourced.stdout.split() == [PROJECT, url, key, "none"]


def test_the_key_that_opens_credentials_is_in_no_command_line_and_no_output(first: First) -> None:
    (key,) = first.project.state["secrets"]["CREDENTIALS_KEYS"]
    assert len(key) == 44
    assert key not in first.printed
    assert not any(key in word for call in first.calls for word in call)


def test_destroying_needs_the_projects_name_typed(complete: Project) -> None:
    for answer in ("", "yes\n", f"{PROJECT}x\n"):
        done = complete.deploy("--destroy", answer=answer)
        assert done.returncode == 1
        assert "Nothing was changed." in done.stderr
    assert complete.changes() == []


def test_destroying_takes_everything_but_the_data(complete: Project) -> None:
    before = complete.state
    done = complete.deploy("--destroy", answer=f"{PROJECT}\n")
    assert done.returncode == 0, done.stderr
    after = complete.state
    for kind in ("functions", "services", "jobs", "topics", "subscriptions", "accounts", "exclusions"):
        assert not after[kind], kind
    assert not any(after["policies"][f"projects/{PROJECT}"].values())
    for kind in ("databases", "backups", "secrets", "indexes"):
        assert after[kind] == before[kind]
    assert not any("firestore" in change or "secrets" in change for change in complete.changes())
    assert complete.deploy("--destroy", answer=f"{PROJECT}\n").returncode == 0
    assert complete.changes() == []


def test_after_destroying_a_deployment_brings_everything_back(complete: Project) -> None:
    before = complete.state
    complete.deploy("--destroy", answer=f"{PROJECT}\n")
    assert complete.deploy().returncode == 0
    assert complete.state["functions"] == before["functions"]
    assert complete.state["secrets"] == before["secrets"]


def test_the_cloud_keeps_no_line_of_a_request_with_a_key_in_its_url(complete: Project) -> None:
    made = complete.state["exclusions"]["mileage-keys"]["filter"]
    assert made.startswith('log_id("run.googleapis.com/requests") AND resource.labels.service_name=("')
    assert made.endswith(' AND httpRequest.requestUrl:"key="')
    for function in FUNCTIONS:
        assert (f'"{function.service}"' in made) == (function.is_public)
    for spoilt in ({"filter": "x"}, {"disabled": True}):
        state = complete.state
        state["exclusions"]["mileage-keys"] |= spoilt
        complete.state = state
        complete.calls()
        assert complete.deploy().returncode == 0
        assert len(complete.changes()) == 1
        assert complete.state["exclusions"]["mileage-keys"]["filter"] == made
        assert "disabled" not in complete.state["exclusions"]["mileage-keys"]
