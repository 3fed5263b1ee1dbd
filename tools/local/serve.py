"""Serves every function on one port, each by its own functions-framework app, at the path that callers know."""

import json
from collections.abc import Callable, Collection, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from functions_framework import create_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import Map, Rule

from tools.deploy.functions import FUNCTIONS, ROOT, Function


def app(only: Collection[str] = ()) -> Any:
    """One WSGI application for all functions at all of their paths, or for some paths only."""
    paths = {path: function for function in FUNCTIONS for path in function.paths if not only or path in only}
    apps = {function.name: _app(function) for function in paths.values()}
    return DispatcherMiddleware(_not_found, {path: _rooted(apps[each.name]) for path, each in paths.items()})


def _app(function: Function) -> Any:
    return create_app(function.name, str(source_of(function)), function.signature)  # type: ignore[no-untyped-call]


def routes_of(function: Function) -> list[Rule]:
    """The calls that a function of HTTP takes, as its code says: each with methods, path after its own, and scope."""
    found: Map = import_module(f"functions.{function.name}.main").ROUTES
    return list(found.iter_rules())


def source_of(function: Function) -> Path:
    """The file that holds the function."""
    return ROOT / "functions" / function.name / "main.py"


def _rooted(app: Any) -> Any:
    """The app, which is asked for / where nothing follows the function's own path: no caller is sent elsewhere."""
    return lambda environ, start_response: app({**environ, "PATH_INFO": environ["PATH_INFO"] or "/"}, start_response)


def _not_found(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "There is nothing here."}
    start_response("404 NOT FOUND", [("Content-Type", "application/problem+json")])
    return [json.dumps(body).encode()]
