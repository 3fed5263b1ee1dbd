"""Takes the messages of the bus that ask for a poll. One that is late or cannot be read is dropped, not sent again."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from shared import logs
from shared.domain.driver import EMAIL
from shared.services import polling

DAILY = "daily"
OLDEST_MESSAGE = timedelta(minutes=5)
# The next one comes a day later, and the last of a hundred thousand has to wait for its turn.
OLDEST_DAILY_MESSAGE = timedelta(hours=6)


def take_message(message: dict[str, Any]) -> None:
    """Takes a Pub/Sub message: one poll of one user. Raising makes Pub/Sub send it again."""
    try:
        body = json.loads(base64.b64decode(message["data"]))
        user, daily = body["user"], body.get("reason") == DAILY
        published_at = datetime.fromisoformat(message["publishTime"])
        if not isinstance(user, str):
            raise TypeError("user is not a string")
    except (AttributeError, KeyError, TypeError, ValueError):
        logs.log().error("message dropped: it cannot be read")
        return
    if not EMAIL.fullmatch(user):
        logs.log().error("message dropped: it names no user")
    elif datetime.now(UTC) - published_at > (OLDEST_DAILY_MESSAGE if daily else OLDEST_MESSAGE):
        logs.log().info("message dropped: it is late, the scheduler sends a new one", extra={"user": user})
    else:
        polling.poll(user, daily)
