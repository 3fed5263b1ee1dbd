"""Owns the door of every HTTP function: routes, who is calling, and the shape of answers and errors."""

import hmac
import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any, Literal, NamedTuple

import msgspec
from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.routing import BaseConverter, Map, Rule

from shared import logs, settings
from shared.domain.driver import Caller, Scope
from shared.domain.fitting import Unfit
from shared.domain.log.sealing import YearIsClosed
from shared.handlers import limiting
from shared.handlers.problems import Problem, of_unfit
from shared.repositories.accounts import AccountRepository, UnknownUser
from shared.repositories.documents import OldLog, client

MEBIBYTE = 1024 * 1024
MOST_BYTES = 64 * 1024
# Of bodies over that, which only some calls take, an instance holds so many bytes at a time.
MOST_HELD_BYTES = 32 * MEBIBYTE
# Answers are personal: nobody on the way keeps one, no browser takes one for a page, and no key in a URL is passed on.
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
READING = ("GET", "HEAD")
# So many callers an instance remembers at most, some MiB.
MOST_KNOWN = 10_000
Handler = Callable[..., tuple[Any, int]]
# What a key of each scope may do, as it is told where it may not.
LIMITED: dict[Scope, str] = {
    "webhook": "This key can only start and end trips.",
    "reading": "This key can only say what a car's odometer is.",
    "read": "This key can only read the log.",
}


class Call(NamedTuple):
    """What answers a call, and what the caller's key must be good for; without a scope everybody may call.

    A body that is larger than usual is read once the key is proven.
    """

    handler: Handler
    scope: Scope | None
    most_bytes: int = MOST_BYTES


class Room:
    """So many bytes for large bodies at a time; each call takes as many as its body may have. Safe for threads."""

    def __init__(self, most_bytes: int) -> None:
        self._free_bytes, self._lock = most_bytes, Lock()

    @contextmanager
    def taken(self, count_bytes: int) -> Iterator[None]:
        """Room for a body meanwhile. Raises 503 where there is none: others are under way."""
        with self._lock:
            if count_bytes > self._free_bytes:
                raise Problem(503, "Others are sending much just now; please try again.", headers={"Retry-After": "30"})
            self._free_bytes -= count_bytes
        try:
            yield
        finally:
            with self._lock:
                self._free_bytes += count_bytes


ROOM = Room(MOST_HELD_BYTES)


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

    regex = r"(?!(?:active|import|merge|purposes)$)[^/]+"


def route(
    method: str,
    path: str,
    handler: Handler,
    scope: Scope | Literal["by_method"] | None = "by_method",
    most_bytes: int = MOST_BYTES,
) -> Rule:
    """One call of a function; `path` is what follows the function's own.

    A caller needs a key of this scope, or a full one. If nothing is said, one that may read is enough where nothing is
    changed. Where the scope is None everybody may call: then the cloud's IAM stands before the function. A body over
    64 KiB, up to `most_bytes`, needs a scope.
    """
    if scope == "by_method":
        scope = "read" if method in READING else "full"
    return Rule(path, methods=[method], endpoint=Call(handler, scope, most_bytes), strict_slashes=False)


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
    is_late, most_bytes = False, MOST_BYTES
    try:
        match = _match(request, calls)
        if isinstance(match, _Match):
            is_late, most_bytes = _is_late(request, match.call), match.call.most_bytes
        if not is_late:
            _read_body(request, MOST_BYTES)
        if isinstance(match, Problem):
            raise match
        body, status = _handled(request, match, anew, is_late)
        if isinstance(body, Response):  # a file, which is no JSON
            return body
        return Response(b"" if status == 204 else msgspec.json.encode(body), status, content_type="application/json")
    except Exception as error:  # noqa: BLE001 - the last door: a caller gets an answer
        return _refusal(error, request, most_bytes)
    finally:
        if is_late:  # it was read by now, or is a stranger's
            _leave_body(request)


def _refusal(error: Exception, request: Request, most_bytes: int) -> Response:
    """What a caller is answered where something was not done."""
    match error:
        case Problem():
            return error.response()
        case Unfit():
            return of_unfit(error).response()
        case RequestEntityTooLarge():  # also of a form with too many fields
            most = f"{most_bytes >> 10} KiB" if most_bytes < MEBIBYTE else f"{most_bytes >> 20} MiB"
            return Problem(413, f"A body can have {most} at most.").response()
        case OldLog():  # a phone that keeps a queue sends it again, once the log is taken over
            return Problem(503, str(error), headers={"Retry-After": "3600"}).response()
        case UnknownUser():  # deleted while this instance still knew them
            return _not_proven().response()
    logs.log().error("a bug, or a service that is down", exc_info=error, extra={"path": request.path})
    return Problem(500, "Something went wrong here; nothing was changed. Please try again.").response()


def _handled(request: Request, match: "_Match", anew: bool, is_late: bool) -> tuple[Any, int]:
    call, arguments = match
    if call.scope is None:
        return call.handler(request=request, **arguments)
    caller = _caller(request, call.scope, anew)
    try:
        with ROOM.taken(call.most_bytes if is_late else 0):
            if is_late:
                _read_body(request, call.most_bytes)
            return call.handler(request=request, caller=caller, **arguments)
    except YearIsClosed as closed:
        # Nothing else at this door is about closed years.
        from shared.handlers.closing import proposed

        return proposed(closed), 202
    finally:
        if call.scope != "webhook" and request.method not in READING:  # it may have changed what is known of them
            KNOWN.forget(caller.account.email)


def _is_late(request: Request, call: Call) -> bool:
    """Whether a body is read only once the key is proven: it may be larger than what is read of a stranger."""
    length = request.content_length
    return call.most_bytes > MOST_BYTES and (length is None or MOST_BYTES < length <= call.most_bytes)


def _read_body(request: Request, most_bytes: int) -> None:
    """Reads the body, of known length or in chunks. Raises RequestEntityTooLarge over so many bytes.

    Before anything else, but where a call takes more than usual, for the framework reads to its end whatever anybody
    sends, once we have answered: some strangers at once would fill the memory.
    """
    request.max_content_length = most_bytes + 1  # at which a body without a length is cut off, and nothing raised
    try:
        if len(request.get_data()) > most_bytes:
            raise RequestEntityTooLarge
    except RequestEntityTooLarge:
        _leave_body(request)
        raise


def _leave_body(request: Request) -> None:
    """Nobody reads what is left of the body."""
    request.environ |= {"wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "0"}


class _Match(NamedTuple):
    """The call that a request is for, and what its path says."""

    call: Call
    arguments: dict[str, Any]


def _match(request: Request, calls: Map) -> "_Match | Problem":
    adapter, path = calls.bind("localhost"), "/" + request.path.strip("/")
    try:
        call, arguments = adapter.match(path, "GET" if request.method == "HEAD" else request.method)
    except MethodNotAllowed as error:
        allowed = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD"}))
        return Problem(405, f"This takes {allowed}.", headers={"Allow": allowed})
    except NotFound:
        return Problem(404, "There is nothing here.")
    return _Match(call, dict(arguments))


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
    if caller.scope not in (scope, "full"):
        raise Problem(403, LIMITED[caller.scope])
    return caller


def _not_proven() -> Problem:
    """The same words in every case: nobody can find out who is registered."""
    return Problem(401, "A valid key is needed.", headers={"WWW-Authenticate": "Bearer"})
