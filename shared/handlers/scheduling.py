"""The clock's calls: ask for one poll of every user whose poll is due, and once a day for a look at every car."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from flask import Request
from msgspec import Meta

from shared import logs, settings
from shared.domain.driver import EMAIL
from shared.handlers import fields
from shared.messaging.polls import Reason, ask_for_polls, ask_for_shards
from shared.repositories.due import SHARDS, Due, due_users, due_users_of_shard, users_with_a_car
from shared.repositories.streaming import long_reader

REASON: Reason = "schedule"
# Then the next tick is there, and asks for all who are still due.
OLDEST_SHARD = timedelta(minutes=1)
Moment = Annotated[datetime, Meta(tz=True)]


class Shard(msgspec.Struct, frozen=True):
    """What is left to one message: the users of a shard who were due at the tick and come after the last one asked."""

    shard: Annotated[int, Meta(ge=0, lt=SHARDS)]
    now: Moment
    after_user: Annotated[str, Meta(pattern=f"^{EMAIL.pattern}$")]
    after: Moment


class _Message(msgspec.Struct):
    data: bytes


class _Push(msgspec.Struct):
    """The body with which Pub/Sub posts a message; there is more in it."""

    message: _Message


def poll_all(request: Request) -> tuple[dict[str, Any], int]:
    """Publishes one message a due user, while the query still streams.

    From SHARD_FROM users on it leaves those who come after them to the shards, each of which is a call of its own.
    """
    now, at_most, asked = fields.utc_now(), settings.current.shard_from, _Asked()
    published = ask_for_polls(asked.users(due_users(long_reader(), now, at_most)), REASON)
    told = {"active": published, "published": published}
    if asked.last and published >= at_most:
        told["shards"] = ask_for_shards(_rest(now, asked.last))
    return told, 200


class _Asked:
    """Remembers the last one of those who were asked for."""

    last: Due | None = None

    def users(self, due: Iterable[Due]) -> Iterator[str]:
        for one in due:
            self.last = one
            yield one.user


def _rest(now: datetime, last: Due) -> Iterator[dict[str, Any]]:
    for shard in range(SHARDS):
        yield msgspec.to_builtins(Shard(shard, now, last.user, last.since))


def poll_shard(request: Request) -> tuple[dict[str, Any], int]:
    """Pub/Sub's call: publishes one message a due user of a shard. What is late or cannot be read is dropped."""
    try:
        push = msgspec.json.decode(request.get_data(), type=_Push)
        shard = msgspec.json.decode(push.message.data, type=Shard)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        logs.log().error("shard dropped: the message cannot be read")
        return {"published": 0}, 200
    if fields.utc_now() - shard.now > OLDEST_SHARD:
        logs.log().info("shard dropped: it is late, the next tick asks for all who are due")
        return {"published": 0}, 200
    due = due_users_of_shard(long_reader(), shard.shard, shard.now, Due(shard.after_user, shard.after))
    return {"published": ask_for_polls((user for user, _ in due), REASON)}, 200


def read_odometers(request: Request) -> tuple[dict[str, Any], int]:
    """Publishes one message a user with a car, however many cars they have, while the query still streams."""
    published = ask_for_polls(users_with_a_car(long_reader()), "daily")
    return {"users": published, "published": published}, 200
