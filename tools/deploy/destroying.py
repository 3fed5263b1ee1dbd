"""Takes the running system away again. Data stays: the database, its backups, and the key that opens credentials."""

from typing import Any

from tools.deploy.foundation import bind
from tools.deploy.functions import TRIGGER_TOPICS, dead_letters
from tools.deploy.gcloud import short
from tools.deploy.request_logs import no_exclusion
from tools.deploy.steps import Step
from tools.deploy.target import Target

STAYS = "The database with its backups, the secret CREDENTIALS_KEYS and the enabled APIs stay."


def steps() -> list[Step]:
    """From the outside in: first what calls, then what is called, then what they stood on."""
    return [
        Step("schedules", _schedules),
        Step("functions", _functions),
        Step("topics", _topics),
        Step("no keys in logs", no_exclusion),
        Step("roles", _roles),
        Step("service accounts", _accounts),
    ]


def _names(rows: list[dict[str, Any]]) -> set[str]:
    return {short(row["name"]) for row in rows}


def _schedules(target: Target) -> None:
    where = f"--location={target.scheduler_region}"
    ours = {schedule.job for function in target.functions for schedule in function.schedules}
    for job in sorted(ours & _names(target.gcloud.rows("scheduler", "jobs", "list", where))):
        target.gcloud.change("scheduler", "jobs", "delete", job, where)


def _functions(target: Target) -> None:
    where, ours = target.region, {function.name for function in target.functions}
    for name in sorted(ours & _names(target.gcloud.rows("functions", "list", f"--regions={where}", "--v2"))):
        target.gcloud.change("functions", "delete", name, f"--region={where}")


def _topics(target: Target) -> None:
    own = {push.topic for function in target.functions for push in function.pushes}
    own |= {dead_letters(topic) for topic in TRIGGER_TOPICS}
    subscriptions = _names(target.gcloud.rows("pubsub", "subscriptions", "list"))
    for name in sorted(own & subscriptions):
        target.gcloud.change("pubsub", "subscriptions", "delete", name)
    for topic in sorted({*TRIGGER_TOPICS, *own} & _names(target.gcloud.rows("pubsub", "topics", "list"))):
        target.gcloud.change("pubsub", "topics", "delete", topic)


def _roles(target: Target) -> None:
    ours = {target.member(account) for account in target.accounts()}
    there = target.gcloud.bindings("projects", "get-iam-policy", target.project)
    bind(target, ("projects",), target.project, set(), {pair for pair in there if pair[1] in ours})


def _accounts(target: Target) -> None:
    ours = {target.email(account) for account in target.accounts()}
    for email in sorted(ours & {row["email"] for row in target.gcloud.rows("iam", "service-accounts", "list")}):
        target.gcloud.change("iam", "service-accounts", "delete", email)
