"""The monthly bill, pure: counts times habits, less what is free, times the price list."""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tools.deploy.database import BACKUPS_KEPT_DAYS
from tools.deploy.functions import FUNCTIONS, Function
from tools.measure import assumptions, prices
from tools.measure.assumptions import PROCESSOR_MS
from tools.measure.counting import Counted
from tools.measure.playing import Calls
from tools.measure.prices import GIB, KIB, MONTH_DAYS, Price

NONE = Calls()


class Line(NamedTuple):
    """One line of the bill: the amount in the price's unit, and US dollars a month."""

    price: Price
    amount: float

    @property
    def usd(self) -> float:
        """The charge for a month, in US dollars."""
        return self.price.charge_usd(self.amount)


def runs_a_month(cron: str) -> float:
    """How often a cron expression comes due in an average month. Raises ValueError where it is about certain days."""
    minute, hour, *days = cron.split()
    if days != ["*", "*", "*"]:
        raise ValueError(f"no count is known for the schedule {cron}")
    times = [of if field == "*" else len(field.split(",")) for field, of in ((minute, 60), (hour, 24))]
    return math.prod(times) * MONTH_DAYS


def calls_a_month(counted: Counted, drivers: int, pings: bool) -> dict[str, Calls]:
    """What each function does in a month for so many drivers."""
    trip = counted.pinged_trip if pings else counted.trip
    found = dict.fromkeys((function.name for function in FUNCTIONS), NONE)
    for part, times in ((trip, assumptions.TRIPS), (counted.view, assumptions.VIEWS), (counted.day, MONTH_DAYS)):
        for name, calls in part.items():
            found[name] = found[name].plus(calls.times(drivers * times))
    for name in assumptions.KEYS_FIRST_AT:
        found[name] = found[name].plus(Calls(writes=drivers * assumptions.KEY_DAYS * counted.key_day_writes))
    for function in FUNCTIONS:
        # The clock's runs do not depend on the drivers; what they find is paid on top of what idle runs read.
        if function.schedules:
            found[function.name] = found[function.name]._replace(calls=0)
        for schedule in function.schedules:
            runs = counted.idle_runs.get(schedule.job, NONE).times(runs_a_month(schedule.cron))
            found[function.name] = found[function.name].plus(runs)
    found["reminders"] = found["reminders"].plus(counted.reminded.times(drivers * MONTH_DAYS))
    return found


def bill(counted: Counted, drivers: int, pings: bool, shared: bool = False) -> list[Line]:
    """The lines of a month's bill.

    Each call pays for an instance alone, which is an upper bound; or calls share instances that are as full as Cloud
    Run lets them be, of which the truth falls short, for at night instances are emptier.
    """
    calls = calls_a_month(counted, drivers, pings)
    trip_bytes = counted.pinged_trip_bytes if pings else counted.trip_bytes
    month_bytes = assumptions.TRIPS * trip_bytes + MONTH_DAYS * counted.day_bytes
    stored_gib = drivers * (counted.driver_bytes + assumptions.LOG_MONTHS * month_bytes) / GIB
    return [*_run(calls, shared), *_store(calls, stored_gib), *_around(calls)]


def _run(calls: Mapping[str, Calls], shared: bool) -> Iterator[Line]:
    instance_s = {
        each: filled(each, calls[each.name]) / assumptions.FULL if shared else _alone_s(each, calls[each.name])
        for each in FUNCTIONS
    }
    yield Line(prices.REQUESTS, sum(found.calls for found in calls.values()))
    yield Line(prices.VCPU, sum(instance_s.values()) * assumptions.VCPUS)
    yield Line(prices.MEMORY, sum(each_s * each.memory_mib / KIB for each, each_s in instance_s.items()))


def _alone_s(function: Function, calls: Calls) -> float:
    if not calls.calls:
        return 0.0
    steps = (function.expected_call_ms + _publishing_ms(function, calls) / calls.calls) / prices.BILLING_STEP_MS
    each_ms = math.ceil(round(steps, 6)) * prices.BILLING_STEP_MS
    return (calls.calls * each_ms + cold_starts(calls) * assumptions.COLD_START_MS) / 1000


def filled(function: Function, calls: Calls) -> float:
    """Seconds of instances that the calls fill, by what waits or by what works."""
    waiting_ms = calls.calls * function.expected_call_ms + _publishing_ms(function, calls)
    working_ms = calls.calls * PROCESSOR_MS + _publishing_ms(function, calls)
    return max(waiting_ms / function.concurrency, working_ms / assumptions.VCPUS) / 1000


def _publishing_ms(function: Function, calls: Calls) -> float:
    # A webhook's one message is in its call's time.
    return calls.messages * function.expected_message_ms


def cold_starts(calls: Calls) -> float:
    """How often an instance of the function starts in a month because none is left from the call before."""
    return min(calls.calls, MONTH_DAYS * 24 * 60 / assumptions.IDLE_MINUTES)


def _store(calls: Mapping[str, Calls], stored_gib: float) -> Iterator[Line]:
    yield Line(prices.READS, sum(found.reads for found in calls.values()))
    yield Line(prices.WRITES, sum(found.writes for found in calls.values()))
    yield Line(prices.DELETES, sum(found.deletes for found in calls.values()))
    yield Line(prices.STORED, stored_gib)
    yield Line(prices.RECOVERY, stored_gib)
    yield Line(prices.BACKUPS, stored_gib * BACKUPS_KEPT_DAYS)  # one a day, each as large as the data


def _around(calls: Mapping[str, Calls]) -> Iterator[Line]:
    public = [calls[function.name] for function in FUNCTIONS if function.is_public]
    answers = sum(found.answer_bytes + found.calls * assumptions.ANSWER_OVERHEAD_BYTES for found in public)
    yield Line(prices.MESSAGES, sum(found.message_bytes for found in calls.values()))
    yield Line(prices.EVENTS, sum(found.messages for found in calls.values()))
    yield Line(prices.JOBS, sum(len(function.schedules) for function in FUNCTIONS))
    yield Line(prices.SECRET_VERSIONS, 1)
    yield Line(prices.SECRET_READS, cold_starts(calls["poller"]))
    yield Line(prices.IMAGES, len(FUNCTIONS) * assumptions.IMAGE_GIB)
    yield Line(prices.LOGS, sum(found.calls for found in calls.values()) * assumptions.LOG_BYTES)
    yield Line(prices.EGRESS, answers + calls["poller"].calls * assumptions.CAR_CALL_BYTES)


def by_service(lines: list[Line]) -> dict[str, float]:
    """US dollars a month by service, in the order of the price list."""
    services = dict.fromkeys(line.price.service for line in lines)
    return {service: sum(line.usd for line in lines if line.price.service == service) for service in services}


def total_usd(lines: list[Line]) -> float:
    """US dollars a month, everything together."""
    return sum(line.usd for line in lines)
