"""Owns the door of every HTTP function: routes, who is calling, and the shape of answers and errors."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from shared import logs
from shared.handlers.problems import Problem
from shared.repositories.accounts import AccountRepository, Caller, Scope, UnknownUser
from shared.repositories.documents import client

MOST_BYTES = 64 * 1024
Handler = Callable[..., tuple[Any, int]]


class _Id(BaseConverter):
    """An id in a path, which is not one of the words that mean something else there."""

    regex = r"(?!active$)[^/]+"


def route(method: str, path: str, handler: Handler) -> Rule:
    """One call of a function; `path` is what follows the function's own."""
    return Rule(path, methods=[method], endpoint=handler, strict_slashes=False)


def routes(*calls: Rule) -> Map:
    """All calls of a function, compiled once: that takes longer than all else that is done at this door."""
    return Map(calls, converters={"id": _Id})


def serve(request: Request, calls: Map, scope: Scope | None, anew: bool = False) -> Response:
    """Answers a request by the call that its path and method fit. A caller needs a key of this scope, or a full one.

    Without a scope everybody may call: then the cloud's IAM stands before the function. With `anew` the caller is
    read from the store at each call, for answers that show him as he is now.
    """
    logs.configure()
    try:
        handler, arguments = _match(request, calls)
        if scope:
            arguments = {"caller": _caller(request, scope, anew), **arguments}
        body, status = handler(request=request, **arguments)
        return Response(b"" if status == 204 else msgspec.json.encode(body), status, content_type="application/json")
    except Problem as problem:
        return problem.response()
    except UnknownUser:  # deleted while this instance still knew him
        return _not_proven().response()
    except Exception:  # noqa: BLE001 - the last door: a caller gets an answer, the log gets the trace
        logs.log().exception("a bug, or a service that is down", extra={"path": request.path})
        return Problem(500, "Something went wrong here; nothing was changed. Please try again.").response()


def _match(request: Request, calls: Map) -> tuple[Handler, dict[str, Any]]:
    adapter, path = calls.bind("localhost"), "/" + request.path.strip("/")
    try:
        handler, arguments = adapter.match(path, "GET" if request.method == "HEAD" else request.method)
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD"}))
        raise Problem(405, f"This takes {allowed}.", headers={"Allow": allowed}) from error
    except NotFound as error:
        raise Problem(404, "There is nothing here.") from error
    return handler, dict(arguments)


def _caller(request: Request, scope: Scope, anew: bool) -> Caller:
    email = (request.args.get("user") or request.headers.get("X-User-Email") or "").strip().lower()
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    key = bearer.strip() if kind.lower() == "bearer" else request.args.get("key", "")
    caller = AccountRepository(client()).proven(email or None, key, anew) if key else None
    if caller is None:
        raise _not_proven()
    if scope == "full" and caller.scope != "full":
        raise Problem(403, "This key can only start and end trips.")
    return caller


def _not_proven() -> Problem:
    """The same words in every case: nobody can find out who is registered."""
    return Problem(401, "A valid key is needed.", headers={"WWW-Authenticate": "Bearer"})


def body_bytes(request: Request) -> bytes:
    """The body as it came, of known length or in chunks. Raises 413 over 64 KiB."""
    if (request.content_length or 0) > MOST_BYTES or len(request.get_data()) > MOST_BYTES:
        raise Problem(413, "A body can have 64 KiB at most.")
    return request.get_data()
