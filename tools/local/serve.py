"""Serves every function on one port, each by its own functions-framework app, at the path that callers know."""

import json
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from functions_framework import create_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

FUNCTIONS = Path(__file__).parents[2] / "functions"
PATHS = {
    "/webhook/start": "webhook_start",
    "/webhook/end": "webhook_end",
    "/trips": "trips",
    "/stats": "stats",
    "/compare": "compare",
    "/audi/compare": "compare",
    "/cars": "cars",
    "/locations": "locations",
    "/settings": "settings",
    "/scheduler": "scheduler",
    "/poller": "poller",
}


def app(functions: Path = FUNCTIONS, only: Collection[str] = ()) -> Any:
    """One WSGI application for all functions, or for those of some paths only."""
    paths = {path: name for path, name in PATHS.items() if not only or path in only}
    apps = {name: _app(functions, name) for name in sorted(set(paths.values()))}
    return DispatcherMiddleware(_not_found, {path: _rooted(apps[name]) for path, name in paths.items()})


def _app(functions: Path, name: str) -> Any:
    kind = "cloudevent" if name == "poller" else "http"
    return create_app(name, str(functions / name / "main.py"), kind)


def _rooted(app: Any) -> Any:
    """The app, which is asked for / where nothing follows the function's own path: no caller is sent elsewhere."""
    return lambda environ, start_response: app({**environ, "PATH_INFO": environ["PATH_INFO"] or "/"}, start_response)


def _not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing here."}
    start_response("404 NOT FOUND", [("Content-Type", "application/problem+json")])
    return [json.dumps(body).encode()]
