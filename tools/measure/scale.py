"""What very many drivers ask of the cloud in the busiest minute of a working day, pure; and what gives way first."""

from typing import NamedTuple

from shared.repositories.user_store import SHARDS
from shared.settings import SHARD_FROM
from tools.deploy.functions import BY_NAME, FUNCTIONS
from tools.measure import assumptions
from tools.measure.bill import calls_a_month, filled
from tools.measure.counting import Counted
from tools.measure.playing import Calls
from tools.measure.prices import MONTH_DAYS

# A second of the busiest minute has this part of what a month has.
BUSIEST = assumptions.WORKING_DAY * assumptions.BUSIEST_HOUR * assumptions.BUSIEST_MINUTE / 3600 / MONTH_DAYS
# Published limits; docs/costs.md has where. Operations a second on something new, which may then grow by half every
# five minutes; writes a second to documents with a rising indexed field, times the number that stands before it;
# bytes a second published in a small region.
RULE_A_S, INDEX_WRITES_A_S, PUBLISHED_A_S = 500, 500, 50_000_000


class Ceiling(NamedTuple):
    """Something that gives way: what so many drivers ask of it, what there is, and what follows."""

    what: str
    asked: float
    allowed: float
    unit: str
    then: str

    @property
    def share(self) -> float:
        """Of so many drivers the part for which there is enough, as all that is asked grows with them."""
        return self.allowed / self.asked


def a_second(counted: Counted, drivers: int, pings: bool) -> dict[str, Calls]:
    """What each function does in a second of the busiest minute. The daily looks are over."""
    awake = counted._replace(day={}, reminded=Calls())
    busy = {name: calls.times(BUSIEST) for name, calls in calls_a_month(awake, drivers, pings).items()}
    return {
        function.name: busy[function.name]._replace(calls=1 / 60) if function.schedules else busy[function.name]
        for function in FUNCTIONS
    }


def ceilings(counted: Counted, drivers: int) -> list[Ceiling]:
    """What gives way, in the order in which it does; with pings, which ask for more of what they touch."""
    busy = a_second(counted, drivers, pings=True)
    look = sum(calls.reads + calls.writes + calls.deletes for calls in counted.day.values())
    scheduler, states = BY_NAME["scheduler"], sum(calls.states_written for calls in busy.values())
    published = sum(calls.message_bytes for calls in busy.values()) / 2
    messages = scheduler.timeout_s * 1000 / scheduler.expected_message_ms
    found = [
        Ceiling("daily look: documents in the first 5 min", look * drivers, RULE_A_S * 300.0, "", "send it in slices"),
        Ceiling("`poll-all` in one call: due polls", busy["scheduler"].messages * 60, SHARD_FROM, "/min",
                "it shards itself"),
        Ceiling("`read-odometers` in one call: messages", drivers, messages, "",
                "shard it as `poll-all` is"),
        Ceiling(f"index of `next_poll_at`, {SHARDS} shards: writes", states, SHARDS * INDEX_WRITES_A_S, "/s",
                "`SHARDS` up to 30"),
        Ceiling("Pub/Sub in the region: bytes", published, PUBLISHED_A_S, "/s", "raise the quota"),
        *(Ceiling(f"`{each.name}`: full instances", filled(each, busy[each.name]), each.max_instances, "",
                  "raise `max_instances` and its quota")
          for each in FUNCTIONS),
    ]  # fmt: skip
    return sorted((each for each in found if each.asked), key=lambda each: each.share)
