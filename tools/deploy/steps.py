"""The steps of a deployment by name, in their order, and how they are walked through."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from tools.deploy import database, foundation, request_logs, serving
from tools.deploy.gcloud import Failed
from tools.deploy.target import Target


class Step(NamedTuple):
    """One step: it reads what is there, and changes what is not right yet."""

    name: str
    run: Callable[[Target], None]


def all_steps(at_once: int, force: bool = False) -> list[Step]:
    """What makes an empty project a running system. Only what is wrong is changed; forced, functions all the same."""
    return [
        Step("APIs", foundation.apis),
        Step("service accounts", foundation.accounts),
        Step("database", database.database),
        Step("backups", database.backups),
        Step("indexes", database.indexes),
        Step("index exemptions", database.exemptions),
        Step("expiry", database.expiry),
        Step("roles", foundation.roles),
        Step("topics", foundation.topics),
        Step("secret", foundation.secret),
        Step("no keys in logs", request_logs.exclusion),
        *function_steps(at_once, force),
        Step("indexes are built", database.indexes_ready),
    ]


def function_steps(at_once: int, force: bool = False) -> list[Step]:
    """What brings functions to their new version."""
    return [
        Step("functions", partial(serving.functions, at_once=at_once, force=force)),
        Step("who may call", serving.callers),
        Step("delivery of messages", serving.trigger),
        Step("schedules", serving.schedules),
    ]


def walk(target: Target, steps: Sequence[Step]) -> None:
    """Takes the steps one by one and says how far it is. Raises Failed, which names the step and how to go on."""
    for number, step in enumerate(steps, 1):
        place = f"{number:2}/{len(steps)}"
        if target.gcloud.dry_run:
            print(f"\n# {place} {step.name}")
            step.run(target)
        else:
            print(f"[{place}] {step.name} … ", end="", flush=True)
            print(_taken(target, step, place), flush=True)


def _taken(target: Target, step: Step, place: str) -> str:
    before = target.gcloud.changes
    try:
        step.run(target)
    except Failed as error:
        print("failed", flush=True)
        raise Failed(
            f"Step {place.strip()}, {step.name}, failed:\n{error}\n"
            "Mend this and run the same command again: what is done stays done, and it goes on from here."
        ) from error
    changes = target.gcloud.changes - before
    return f"{changes} change{'s' if changes > 1 else ''}" if changes else "right already"
