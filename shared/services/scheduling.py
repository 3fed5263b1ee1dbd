"""Asks for one poll of every user whose poll is due, and once a day for a look at every car."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from shared import logs, settings
from shared.domain.driver import EMAIL
from shared.messaging.polls import Reason, ask_for_polls, ask_for_shards
from shared.repositories.due import Due, due_users, due_users_of_shard, users_with_a_car
from shared.repositories.streaming import long_reader
from shared.repositories.user_store import SHARDS

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


class Tick(NamedTuple):
    """For how many users a poll was asked, and how many shards were left to calls of their own; None where none was."""

    polls: int
    shards: int | None = None


def poll_due() -> Tick:
    """Publishes one message a due user, while the query still streams.

    From SHARD_FROM users on it leaves those who come after them to the shards, each of which is a call of its own.
    """
    now, at_most, asked = datetime.now(UTC), settings.current.shard_from, _Asked()
    polls = ask_for_polls(asked.users(due_users(long_reader(), now, at_most)), REASON)
    if asked.last and polls >= at_most:
        return Tick(polls, ask_for_shards(_rest(now, asked.last)))
    return Tick(polls)


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


def poll_shard(shard: Shard) -> int:
    """Publishes one message a due user of a shard, and says for how many. A shard that is late is dropped."""
    if datetime.now(UTC) - shard.now > OLDEST_SHARD:
        logs.log().info("shard dropped: it is late, the next tick asks for all who are due")
        return 0
    due = due_users_of_shard(long_reader(), shard.shard, shard.now, Due(shard.after_user, shard.after))
    return ask_for_polls((user for user, _ in due), REASON)


def read_odometers() -> int:
    """Publishes one message a user with a car, however many cars they have, and says for how many."""
    return ask_for_polls(users_with_a_car(long_reader()), "daily")
