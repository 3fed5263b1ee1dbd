"""The cron's tick: asks for one poll of every user whose poll is due."""

from typing import Any

from flask import Request

from shared.handlers import fields
from shared.messaging.polls import ask_for_polls
from shared.repositories.documents import client
from shared.repositories.due import due_users


def poll_all(request: Request) -> tuple[dict[str, Any], int]:
    """Publishes one message a due user, while the query still streams."""
    published = ask_for_polls(due_users(client(), fields.utc_now()), "schedule")
    return {"active": published, "published": published}, 200
