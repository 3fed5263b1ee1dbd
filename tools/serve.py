"""Owns the gateway: one WSGI app that serves every function at its local path, each built by functions-framework.

A function sees what it sees when deployed: a path that begins after its own prefix. For gunicorn: `tools.serve:app()`.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import functions_framework

from tools.processes import ROOT

WsgiApp = Callable[..., Iterable[bytes]]
FUNCTIONS = ROOT / "functions"
FUNCTION_AT = {
    "/webhook/start": "webhook_start",
    "/webhook/end": "webhook_end",
    "/trips": "trips",
    "/stats": "stats",
    "/compare": "compare",
    "/audi/compare": "compare",
    "/scheduler": "scheduler",
    "/poller": "poller",
}
CALLED_BY_EVENTS = {"poller"}


def app(functions: Path | str = FUNCTIONS) -> WsgiApp:
    """All functions of the folder behind one door."""
    by_name = {name: _function(Path(functions), name) for name in dict.fromkeys(FUNCTION_AT.values())}
    return Gateway({prefix: by_name[name] for prefix, name in FUNCTION_AT.items()})


def _function(functions: Path, name: str) -> WsgiApp:
    kind = "cloudevent" if name in CALLED_BY_EVENTS else "http"
    built: WsgiApp = functions_framework.create_app(name, str(functions / name / "main.py"), kind)
    # The framework leaves both behind for the next one; there is no one function that this process serves.
    for variable in ("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE"):
        os.environ.pop(variable, None)
    return built


class Gateway:
    """Hands a request to the app whose prefix is the longest that fits, and moves that prefix to SCRIPT_NAME."""

    def __init__(self, apps: Mapping[str, WsgiApp]) -> None:
        self._apps = apps

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        prefix = path
        while prefix and prefix not in self._apps:
            prefix = prefix.rpartition("/")[0]
        if not prefix:
            return _not_found(path, start_response)
        environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
        environ["PATH_INFO"] = path[len(prefix) :] or "/"
        return self._apps[prefix](environ, start_response)


def _not_found(path: str, start_response: Callable[..., Any]) -> list[bytes]:
    # WSGI hands a path over as latin-1, whatever it was.
    shown = path.encode("latin-1", "replace").decode("utf-8", "replace")
    problem = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": f"There is nothing at {shown}."}
    body = json.dumps(problem, ensure_ascii=False).encode()
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
    start_response("404 Not Found", headers)
    return [body]
