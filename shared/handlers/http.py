"""Owns the door of every HTTP function: routes, who is calling, and the shape of answers and errors."""

import hmac
import io
import secrets
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any, NamedTuple

import msgspec
from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import BaseConverter, Map, Rule

from shared import logs, settings
from shared.domain.driver import Caller, Scope
from shared.domain.fitting import Unfit
from shared.handlers import limiting
from shared.handlers.problems import Problem, of_unfit
from shared.repositories.accounts import AccountRepository, UnknownUser
from shared.repositories.documents import OldLog, client

MOST_BYTES = 64 * 1024
# Answers are personal: nobody on the way keeps one, no browser takes one for a page, and no key in a URL is passed on.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
READING = ("GET", "HEAD")
# So many callers an instance remembers at most, some MiB.
MOST_KNOWN = 10_000
Handler = Callable[..., tuple[Any, int]]


class Call(NamedTuple):
    """What answers a call, and what the caller's key must be good for; without a scope everybody may call."""

    handler: Handler
    scope: Scope | None


class _Known(NamedTuple):
    """A caller as read at a moment of `time.monotonic`, and the day (UTC) on which the use of their key was noted."""

    caller: Caller
    read_at_s: float
    used_on: date


class KnownCallers:
    """Whom an instance let in within USER_CACHE_S: their next call reads no account. Safe for threads.

    Others are not remembered, so that no stranger fills it. A key is kept as its digest under a secret of the process,
    of which nobody can find out a part by how long a look at it takes.
    """

    def __init__(self) -> None:
        self._secret, self._lock, self._forgotten = secrets.token_bytes(32), Lock(), 0
        self._known: dict[tuple[str, bytes], _Known] = {}

    def find(self, email: str, key: str, now: datetime) -> Caller | None:
        """Who called by this e-mail (lower case, "" for none) and key not long ago, and on this day. Reads nothing."""
        known = self._known.get(self._named(email, key))
        if known is None or known.used_on != now.date():
            return None
        return known.caller if known.read_at_s > time.monotonic() - settings.current.user_cache_s else None

    def read(self, email: str, key: str, now: datetime) -> Caller | None:
        """The same as the store has it now, whatever is remembered; None where the key is nobody's, or not theirs."""
        named, forgotten, read_at_s = self._named(email, key), self._forgotten, time.monotonic()
        caller = AccountRepository(client()).proven(email or None, key) if key else None
        with self._lock:
            self._known.pop(named, None)
            if caller and self._forgotten == forgotten:  # else it may have been read before somebody's change
                self._known[named] = _Known(caller, read_at_s, now.date())
            if len(self._known) > MOST_KNOWN:
                del self._known[next(iter(self._known))]
        return caller

    def forget(self, email: str) -> None:
        """Has a user read again by their next call; other instances may know them for USER_CACHE_S more."""
        with self._lock:
            self._forgotten += 1
            self._known = {name: known for name, known in self._known.items() if known.caller.account.email != email}

    def forget_all(self) -> None:
        """Knows nobody, as a new instance does."""
        with self._lock:
            self._forgotten += 1
            self._known = {}

    def _named(self, email: str, key: str) -> tuple[str, bytes]:
        return email, hmac.digest(self._secret, key.encode(), "sha256")


KNOWN = KnownCallers()


class _Id(BaseConverter):
    """An id in a path, which is not one of the words that mean something else there."""

    regex = r"(?!active$)[^/]+"


def route(method: str, path: str, handler: Handler, scope: Scope | None = "full") -> Rule:
    """One call of a function; `path` is what follows the function's own.

    A caller needs a key of this scope, or a full one. Without a scope everybody may call: then the cloud's IAM stands
    before the function.
    """
    return Rule(path, methods=[method], endpoint=Call(handler, scope), strict_slashes=False)


def routes(*calls: Rule) -> Map:
    """All calls of a function, compiled once: that takes longer than all else that is done at this door.

    Whoever has routes serves, so the log begins with them.
    """
    logs.configure()
    return Map(calls, converters={"id": _Id})


def serve(request: Request, calls: Map, anew: bool = False) -> Response:
    """Answers a request by the call that its path and method fit.

    With `anew` the caller is read from the store at each call, for answers that show them as they are now.
    """
    response = _answer(request, calls, anew)
    response.headers.update(PRIVATE)
    return response


def _answer(request: Request, calls: Map, anew: bool) -> Response:
    try:
        _read_body(request)
        call, arguments = _match(request, calls)
        body, status = _handled(request, call, arguments, anew)
        if isinstance(body, Response):  # a file, which is no JSON
            return body
        return Response(b"" if status == 204 else msgspec.json.encode(body), status, content_type="application/json")
    except Problem as problem:
        return problem.response()
    except Unfit as error:
        return of_unfit(error).response()
    except RequestEntityTooLarge:  # also of a form with too many fields
        return Problem(413, "A body can have 64 KiB at most.").response()
    except OldLog as error:  # a phone that keeps a queue sends it again, once the log is taken over
        return Problem(503, str(error), headers={"Retry-After": "3600"}).response()
    except UnknownUser:  # deleted while this instance still knew them
        return _not_proven().response()
    except Exception:  # noqa: BLE001 - the last door: a caller gets an answer, the log gets the trace
        logs.log().exception("a bug, or a service that is down", extra={"path": request.path})
        return Problem(500, "Something went wrong here; nothing was changed. Please try again.").response()


def _handled(request: Request, call: Call, arguments: dict[str, Any], anew: bool) -> tuple[Any, int]:
    if call.scope is None:
        return call.handler(request=request, **arguments)
    caller = _caller(request, call.scope, anew)
    try:
        return call.handler(request=request, caller=caller, **arguments)
    finally:
        if call.scope == "full" and request.method not in READING:  # it may have changed what is known of them
            KNOWN.forget(caller.account.email)


def _read_body(request: Request) -> None:
    """Reads the body, of known length or in chunks. Raises RequestEntityTooLarge over 64 KiB.

    Before anything else, for the framework reads to its end whatever anybody sends, once we have answered: some
    strangers at once would fill the memory.
    """
    request.max_content_length = MOST_BYTES + 1  # at which a body without a length is cut off, and nothing raised
    try:
        if len(request.get_data()) > MOST_BYTES:
            raise RequestEntityTooLarge
    except RequestEntityTooLarge:
        request.environ |= {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}
        raise


def _match(request: Request, calls: Map) -> tuple[Call, dict[str, Any]]:
    adapter, path = calls.bind("localhost"), "/" + request.path.strip("/")
    try:
        call, arguments = adapter.match(path, "GET" if request.method == "HEAD" else request.method)
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD"}))
        raise Problem(405, f"This takes {allowed}.", headers={"Allow": allowed}) from error
    except NotFound as error:
        raise Problem(404, "There is nothing here.") from error
    return call, dict(arguments)


def _caller(request: Request, scope: Scope, anew: bool) -> Caller:
    email = (request.args.get("user") or request.headers.get("X-User-Email") or "").strip().lower()
    kind, _, bearer = request.headers.get("Authorization", "").partition(" ")
    key = bearer.strip() if kind.lower() == "bearer" else request.args.get("key", "")
    now = datetime.now(UTC)
    known = KNOWN.find(email, key, now)
    limiting.refuse_early(request, scope, known, now)
    caller = known if known and not anew else KNOWN.read(email, key, now)
    limiting.count_call(request, scope, caller, now)
    if caller is None:
        raise _not_proven()
    if scope == "full" and caller.scope != "full":
        raise Problem(403, "This key can only start and end trips.")
    return caller


def _not_proven() -> Problem:
    """The same words in every case: nobody can find out who is registered."""
    return Problem(401, "A valid key is needed.", headers={"WWW-Authenticate": "Bearer"})
