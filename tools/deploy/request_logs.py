"""The step that keeps keys out of the logs: Cloud Run notes the URL of each request, and a phone's holds its key."""

from typing import Any

from tools.deploy.target import Target

SINK = "_Default"  # it takes all logs of a project to where they are kept and read
EXCLUSION = "mileage-keys"


def exclusion(target: Target) -> None:
    """Has the lines thrown away that hold a key. What was asked without one in its URL is written down as ever."""
    there = _exclusions(target).get(EXCLUSION)
    if there is None or there["filter"] != _filter(target) or there.get("disabled"):
        flag = "--add-exclusion" if there is None else "--update-exclusion"
        told = f"name={EXCLUSION},description=Keys in URLs of the mileage log,disabled=false,filter={_filter(target)}"
        target.gcloud.change("logging", "sinks", "update", SINK, f"{flag}={told}")


def no_exclusion(target: Target) -> None:
    """Takes that away again."""
    if EXCLUSION in _exclusions(target):
        target.gcloud.change("logging", "sinks", "update", SINK, f"--remove-exclusions={EXCLUSION}")


def _exclusions(target: Target) -> dict[str, Any]:
    found = target.gcloud.read("logging", "sinks", "describe", SINK) or {}
    return {one["name"]: one for one in found.get("exclusions", [])}


def _filter(target: Target) -> str:
    """Request lines of our public services with a key in the URL. No comma: gcloud takes it for the filter's end."""
    services = " OR ".join(f'"{each.service}"' for each in target.functions if each.is_public)
    ours = f"resource.labels.service_name=({services})"
    return f'log_id("run.googleapis.com/requests") AND {ours} AND httpRequest.requestUrl:"key="'
