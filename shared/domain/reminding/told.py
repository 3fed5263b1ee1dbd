"""Owns what a driver was told, so that each thing is said once, and once more where it comes again or grows."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec
from msgspec.structs import replace

from shared.domain.driver import ReminderKind
from shared.domain.reminding.things import Thing


class Told(msgspec.Struct, frozen=True):
    """What a driver was told by e-mail: of each thing, by kind and key, how much of it; the last time `on` a day of
    theirs (yyyy-mm-dd). Until `leased_until` (aware UTC) somebody is sending them one."""

    on: str = ""
    things: dict[ReminderKind, dict[str, int]] = {}
    leased_until: datetime | None = None

    def amount(self, thing: Thing) -> int:
        """How much of a thing was told; none of one that was not."""
        return self.things.get(thing.kind, {}).get(thing.key, 0)

    def is_told(self, today: date) -> bool:
        """Whether a mail has left on this day: there is one a day at most."""
        return self.on == today.isoformat()

    def is_being_sent(self, now: datetime) -> bool:
        """Whether somebody else is sending one."""
        return self.leased_until is not None and self.leased_until > now


def news(told: Told, found: Iterable[Thing]) -> list[Thing]:
    """Those of the things that were not told, each with how much of it is new."""
    beside = [thing._replace(new=thing.amount - told.amount(thing)) for thing in found]
    return [thing for thing in beside if thing.new >= thing.least]


def after(told: Told, kinds: Sequence[ReminderKind], found: Sequence[Thing]) -> Told:
    """What is remembered once the news among the things found of these kinds are told.

    What is not there any more is forgotten, and what has become less counts for less: it is said again if it comes
    again. Kinds that were not looked at stay as they were.
    """
    fresh = {(thing.kind, thing.key) for thing in news(told, found)}
    known = {kind: dict[str, int]() for kind in kinds}
    for thing in found:
        amount = thing.amount if (thing.kind, thing.key) in fresh else min(thing.amount, told.amount(thing))
        if amount > 0:
            known[thing.kind][thing.key] = amount
    kept = {kind: things for kind, things in {**told.things, **known}.items() if things}
    return replace(told, things=kept)
