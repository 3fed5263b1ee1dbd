"""Owns who a caller is in the history of a log, and why they say that they change it."""

from flask import Request

from shared.domain.driver import Caller
from shared.domain.fitting import text
from shared.domain.log.history import Author
from shared.handlers.fields import utc_now

MOST_WHY = 2000


def author_of(caller: Caller, why: str | None) -> Author:
    """Who changes something now, by the label of their key, and why if they said so. Raises Unfit."""
    return Author(caller.label, utc_now(), text(why or "", "why", MOST_WHY))


def author_by_query(request: Request, caller: Caller) -> Author:
    """The same of a call without a body. Raises Unfit."""
    return author_of(caller, request.args.get("why"))
