"""What very many drivers ask of the cloud, pure: measured counts times habits, by the hours of a working day."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from shared.domain.asking import Budget
from shared.repositories.due import SHARDS
from shared.settings import SHARD_FROM
from tools.costs import assumptions, limits
from tools.costs.assumptions import BUSIEST_MINUTE, DRIVE, DURATIONS, HOUR_TRIPS
from tools.costs.bill import HABITS, KEYS, calls_a_month
from tools.costs.counts import Calls, Measured
from tools.costs.prices import KIB, MEMORY, MONTH_DAYS, REQUESTS, VCPU
from tools.deploy.functions import BY_NAME, FUNCTIONS, Function

HOUR_S, MINUTE_S = 3600, 60
BUSIEST_HOUR = HOUR_TRIPS.index(max(HOUR_TRIPS))
OUTAGE_S = 600
OPEN_S = (DRIVE + assumptions.CAR_LATE).total_seconds()  # of a trip: until the car shows that it is parked


class Load(NamedTuple):
    """What happens in one hour of a working day, by function, and the writes of keys that were used."""

    functions: Mapping[str, Calls]
    key_writes: int

    @property
    def total(self) -> Calls:
        """Everything together."""
        total = Calls(writes=self.key_writes)
        for calls in self.functions.values():
            total = total.plus(calls)
        return total


def in_hour(a_month: int, hour: int) -> int:
    """How many of so many in a month fall into an hour (0 to 23, local time) of a working day."""
    return round(a_month / MONTH_DAYS * assumptions.WORKING_DAY * HOUR_TRIPS[hour] / sum(HOUR_TRIPS))


def load(measured: Measured, drivers: int, pings: bool, hour: int = BUSIEST_HOUR) -> Load:
    """What so many drivers cause in an hour. The clock's idle runs are counted, its other calls are messages of it."""
    trips, views = (in_hour(drivers * each, hour) for each in (HABITS.trips, HABITS.views))
    parts = [(measured.pinged_trip if pings else measured.trip, trips), (measured.view, views)]
    if hour == assumptions.LOOK_HOUR:
        parts.append((measured.day, drivers))
    found: dict[str, Calls] = {}
    for part, times in parts:
        found |= {name: calls.times(times).plus(found.get(name, Calls())) for name, calls in part.items()}
    ticks = measured.idle_ticks["poll-all"].times(HOUR_S // MINUTE_S)
    found["scheduler"] = found["scheduler"]._replace(calls=0).plus(ticks)
    return Load(found, in_hour(drivers * HABITS.key_days * KEYS * measured.key_day_writes, hour))


def a_second(in_an_hour: float) -> float:
    """The rate in the busiest minute of an hour in which so many happen."""
    return in_an_hour * BUSIEST_MINUTE / HOUR_S


def operations(calls: Calls) -> int:
    """Documents read, written or deleted."""
    return calls.reads + calls.writes + calls.deletes


def due_in_busiest_minute(measured: Measured, drivers: int) -> float:
    """Polls for which the scheduler's busiest tick asks. Pings cause none."""
    return a_second(load(measured, drivers, False).functions["scheduler"].messages) * MINUTE_S


class Instances(NamedTuple):
    """What a function needs in the busiest minute: how many of its calls wait and what processors they keep busy."""

    function: Function
    calls_a_s: float
    call_s: float
    at_once: float
    processors: float

    @property
    def needed(self) -> int:
        """Instances, as Cloud Run adds them."""
        full = max(self.at_once / self.function.concurrency, self.processors / assumptions.VCPUS)
        return max(1, math.ceil(round(full / limits.CLOUD_RUN_FULL, 6)))


def instances(measured: Measured, drivers: int, pings: bool) -> list[Instances]:
    """The instances of each function in the busiest minute."""
    functions = load(measured, drivers, pings).functions
    return [_instances(function, functions[function.name]) for function in FUNCTIONS]


def _instances(function: Function, calls: Calls) -> Instances:
    # The clock ticks as often in every minute, but asks for more polls in the busiest one.
    calls_a_s = calls.calls / HOUR_S if function.schedules else a_second(calls.calls)
    messages_s = a_second(calls.messages) * DURATIONS[function.name].message_ms / 1000
    at_once = calls_a_s * DURATIONS[function.name].call_ms / 1000 + messages_s
    processors = calls_a_s * assumptions.PROCESSOR_MS / 1000 + messages_s
    call_s = at_once / calls_a_s if calls_a_s else 0.0
    return Instances(function, calls_a_s, call_s, at_once, processors)


def shared_run_usd(measured: Measured, drivers: int, pings: bool) -> float:
    """What Cloud Run costs a month if calls share instances as full as Cloud Run lets them be, in US dollars.

    The bill lets each call pay for an instance alone. The truth lies between: at night instances are emptier.
    """
    calls = calls_a_month(measured, drivers, pings, HABITS)
    each_s = {function: _shared_s(function, calls[function.name]) for function in FUNCTIONS}
    gib_s = sum(busy_s * function.memory_mib / KIB for function, busy_s in each_s.items())
    amounts = {REQUESTS: sum(found.calls for found in calls.values()), VCPU: sum(each_s.values()), MEMORY: gib_s}
    return sum(price.charge_usd(amount) for price, amount in amounts.items())


def _shared_s(function: Function, calls: Calls) -> float:
    duration = DURATIONS[function.name]
    messages_s = calls.messages * duration.message_ms / 1000
    waiting_s = (calls.calls * duration.call_ms / 1000 + messages_s) / function.concurrency
    working_s = (calls.calls * assumptions.PROCESSOR_MS / 1000 + messages_s) / assumptions.VCPUS
    return max(waiting_s, working_s) / limits.CLOUD_RUN_FULL


def calls_a_s_at_most(function: Function) -> float:
    """The calls a second that all instances together take which the deployment allows."""
    by_waiting = function.concurrency / (DURATIONS[function.name].call_ms / 1000)
    by_processor = assumptions.VCPUS / (assumptions.PROCESSOR_MS / 1000)
    return function.max_instances * min(by_waiting, by_processor)


class Ceiling(NamedTuple):
    """Something that gives way: what it allows, what so many drivers ask of it, and what follows."""

    what: str
    allowed: float
    unit: str
    asked: float
    drivers: int
    then: str

    @property
    def gives_way_at(self) -> int:
        """The number of drivers from which on it is too little, as all that is asked grows with them."""
        return math.floor(self.drivers * self.allowed / self.asked)


def ceilings(measured: Measured, drivers: int) -> list[Ceiling]:
    """What gives way, in the order in which it does; with pings, which ask for more of what they touch."""
    busiest = load(measured, drivers, True)
    poller, start = BY_NAME["poller"], BY_NAME["webhook_start"]
    look = operations(_total(measured.day))
    index_writes = a_second(busiest.total.states_written)
    messages_a_s = 1000 / DURATIONS["scheduler"].message_ms
    unasked = limits.RULE_START * 60.0 * limits.RULE_EVERY_MIN
    by_shards = {shards: shards * limits.INDEX_WRITES_A_S for shards in (SHARDS, limits.MOST_SHARDS)}
    more = "raise `max_instances` and its quota"
    rows = (
        ("daily look: documents in the first 5 min", unasked, "", look * drivers, "send it in growing slices"),
        (f"`poller`, {poller.max_instances} instances: calls", calls_a_s_at_most(poller), "/s",
         a_second(busiest.functions["poller"].calls), more),
        ("`poll-all` in one call: due polls", SHARD_FROM, "/min",
         due_in_busiest_minute(measured, drivers), "it shards itself"),
        (f"`webhook_start`, {start.max_instances} instances: calls", calls_a_s_at_most(start), "/s",
         a_second(busiest.functions["webhook_start"].calls), more),
        ("`read-odometers` in one call: messages", messages_a_s * BY_NAME["scheduler"].timeout_s, "", drivers,
         "shard it as `poll-all` is"),
        (f"index of `next_poll_at`, {SHARDS} shards: writes", by_shards[SHARDS], "/s", index_writes,
         f"`SHARDS` up to {limits.MOST_SHARDS}"),
        (f"the same, {limits.MOST_SHARDS} shards: writes", by_shards[limits.MOST_SHARDS], "/s", index_writes,
         "more shards, several queries"),
        ("Pub/Sub, region's publishing: bytes", limits.PUBLISHED_A_S, "/s",
         a_second(busiest.total.message_bytes) / 2, "raise the quota"),
    )  # fmt: skip
    found = [Ceiling(what, allowed, unit, asked, drivers, then) for what, allowed, unit, asked, then in rows]
    return sorted(found, key=lambda ceiling: ceiling.gives_way_at)


def _total(functions: Mapping[str, Calls]) -> Calls:
    return Load(functions, 0).total


def minutes_to_reach(operations_a_s: float) -> int:
    """Minutes that the 500/50/5 rule wants for the growth to so many operations a second."""
    steps = math.log(max(operations_a_s / limits.RULE_START, 1), limits.RULE_GROWTH)
    return math.ceil(round(steps, 6)) * limits.RULE_EVERY_MIN


def minutes_to_do(operations_in_all: float) -> int:
    """Minutes in which the rule lets so many operations be done, from nothing."""
    done, rate, minutes = 0.0, float(limits.RULE_START), 0
    while done < operations_in_all:
        done, rate = done + rate * limits.RULE_EVERY_MIN * 60, rate * limits.RULE_GROWTH
        minutes += limits.RULE_EVERY_MIN
    return minutes


def first_day_drivers(measured: Measured, drivers: int, pings: bool) -> int:
    """So many drivers keep a new database's busiest minute at what the rule begins with."""
    asked = a_second(operations(load(measured, drivers, pings).total))
    return math.floor(drivers * limits.RULE_START / asked)


def days_to_grow(first: int, drivers: int) -> int:
    """Days after the first one if each has half as many drivers more than the one before."""
    return math.ceil(math.log(drivers / first, limits.RULE_GROWTH))


class Outage(NamedTuple):
    """Ten minutes without the store in the busiest hour: what is lost, what waits, how long it takes to drain."""

    starts_lost: int
    pings_lost: int
    ends_lost: int
    waiting: int
    polls_a_s: float
    drain_s: float

    @property
    def ticks(self) -> int:
        """Ticks meanwhile, each of which asks again for those that still wait."""
        return math.ceil(self.drain_s / MINUTE_S)


def outage(measured: Measured, drivers: int) -> Outage:
    """With pings; at the average rate of the hour, and the instances that the busiest minute asks for."""
    functions = load(measured, drivers, True).functions
    trips, share = in_hour(drivers * HABITS.trips, BUSIEST_HOUR), OUTAGE_S / HOUR_S
    open_trips = trips * OPEN_S / HOUR_S
    poller = next(one for one in instances(measured, drivers, True) if one.function.name == "poller")
    polls_a_s = poller.needed * poller.function.concurrency / poller.call_s
    spare = polls_a_s - functions["poller"].calls / HOUR_S
    pings = functions["webhook_start"].calls - trips
    lost = round(trips * share)
    return Outage(lost, round(pings * share), lost, round(open_trips), polls_a_s, open_trips / spare)


class Brand(NamedTuple):
    """What a car's cloud allows one car, and what an ordinary working day of it asks."""

    budget: Budget
    reads_allowed: int  # in the budget's time
    reads_asked: float

    @property
    def is_enough(self) -> bool:
        """Whether an ordinary day's reads fit."""
        return self.reads_asked <= self.reads_allowed


def brand(measured: Measured, budget: Budget) -> Brand:
    """One car's reads in the time of its budget. In an hour there is one whole trip."""
    trip = measured.trip["poller"].calls - 1  # the last poll finds addresses and asks no car
    days = budget.per.total_seconds() / (24 * HOUR_S)
    asked = (
        trip
        if days < 1
        else (HABITS.trips / MONTH_DAYS * (assumptions.WORKING_DAY if days == 1 else 1) * trip + 1) * days
    )
    return Brand(budget, budget.requests // budget.a_read, asked)
