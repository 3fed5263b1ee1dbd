"""Serves every function on one port, each by its own functions-framework app, at the path that callers know."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from functions_framework import create_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

FUNCTIONS = Path(__file__).parent.parent / "functions"
PATHS = {
    "/webhook/start": "webhook_start",
    "/webhook/end": "webhook_end",
    "/trips": "trips",
    "/stats": "stats",
    "/compare": "compare",
    "/audi/compare": "compare",
    "/scheduler": "scheduler",
    "/poller": "poller",
}


def app(functions: Path = FUNCTIONS) -> Any:
    """One WSGI application for all functions."""
    apps = {name: _app(functions, name) for name in sorted(set(PATHS.values()))}
    return DispatcherMiddleware(_not_found, {path: apps[name] for path, name in PATHS.items()})


def _app(functions: Path, name: str) -> Any:
    kind = "cloudevent" if name == "poller" else "http"
    return create_app(name, str(functions / name / "main.py"), kind)


def _not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing here."}
    start_response("404 NOT FOUND", [("Content-Type", "application/problem+json")])
    return [json.dumps(body).encode()]
