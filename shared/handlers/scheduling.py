"""The clock's calls: ask for one poll of every user whose poll is due, and once a day for a look at every car."""

from typing import Any

from flask import Request

from shared import logs
from shared.handlers.pushes import pushed
from shared.services import scheduling
from shared.services.scheduling import Shard


def poll_all(request: Request) -> tuple[dict[str, Any], int]:
    """Has the due users polled, and the rest of very many left to the shards."""
    tick = scheduling.poll_due()
    told = {"active": tick.polls, "published": tick.polls}
    return told if tick.shards is None else {**told, "shards": tick.shards}, 200


def poll_shard(request: Request) -> tuple[dict[str, Any], int]:
    """Pub/Sub's call: has the due users of a shard polled. What cannot be read is dropped."""
    shard = pushed(request, Shard)
    if shard is None:
        logs.log().error("shard dropped: the message cannot be read")
        return {"published": 0}, 200
    return {"published": scheduling.poll_shard(shard)}, 200


def read_odometers(request: Request) -> tuple[dict[str, Any], int]:
    """Has every user's cars looked at."""
    published = scheduling.read_odometers()
    return {"users": published, "published": published}, 200
