"""The clock's call for a look at what each driver is to be reminded of, and the message about one of them."""

from typing import Annotated, Any

import msgspec
from flask import Request
from msgspec import Meta

from shared import logs
from shared.domain.driver import EMAIL
from shared.handlers.problems import Problem
from shared.handlers.pushes import pushed
from shared.services import reminding


class ToRemind(msgspec.Struct):
    """Whom a message is about."""

    user: Annotated[str, Meta(pattern=f"^{EMAIL.pattern}$")]


def remind_all(request: Request) -> tuple[dict[str, Any], int]:
    """Has every user looked at."""
    published = reminding.remind_all()
    return {"users": published, "published": published}, 200


def remind(request: Request) -> tuple[dict[str, Any], int]:
    """Pub/Sub's call: reminds one user. What cannot be read is dropped; with 503 the message comes again."""
    message = pushed(request, ToRemind)
    if message is None:
        logs.log().error("reminder dropped: the message cannot be read")
        return {"sent": False}, 200
    try:
        return {"sent": reminding.remind(message.user)}, 200
    except reminding.TryLater:
        raise Problem(503, "The reminder cannot be sent now.", headers={"Retry-After": "60"}) from None
