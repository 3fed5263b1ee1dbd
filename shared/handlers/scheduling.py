"""The clock's calls: ask for one poll of every user whose poll is due, and once a day for a look at every car."""

from typing import Any

from flask import Request

from shared.handlers import fields
from shared.messaging.polls import ask_for_polls
from shared.repositories.documents import client
from shared.repositories.due import due_users, users_with_a_car


def poll_all(request: Request) -> tuple[dict[str, Any], int]:
    """Publishes one message a due user, while the query still streams."""
    published = ask_for_polls(due_users(client(), fields.utc_now()), "schedule")
    return {"active": published, "published": published}, 200


def read_odometers(request: Request) -> tuple[dict[str, Any], int]:
    """Publishes one message a user with a car, however many cars he has, while the query still streams."""
    published = ask_for_polls(users_with_a_car(client()), "daily")
    return {"users": published, "published": published}, 200
