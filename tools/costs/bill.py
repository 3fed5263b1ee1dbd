"""The monthly bill, pure: counts times habits, less what is free, times the price list.

It is an upper bound: each call pays for its time alone although an instance serves many at once, and each message for a
request of its own.
"""

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tools.costs import assumptions, prices
from tools.costs.assumptions import DURATIONS, Duration, Habits
from tools.costs.counts import Calls, Measured
from tools.costs.prices import GIB, KIB, Price
from tools.deploy.functions import FUNCTIONS, Function

HABITS = Habits()
KEYS = 2  # the phone's, which starts and ends trips, and the driver's own
MINUTES_OF_AN_HOUR, HOURS_OF_A_DAY = 60, 24


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
    return _values(minute, MINUTES_OF_AN_HOUR) * _values(hour, HOURS_OF_A_DAY) * prices.MONTH_DAYS


def _values(field: str, of: int) -> int:
    every, _, step = field.partition("/")
    return math.ceil(of / int(step or 1)) if every == "*" else len(field.split(","))


def billed_ms(ms: float) -> float:
    """The time of one request as it is billed."""
    return math.ceil(round(ms / prices.BILLING_STEP_MS, 6)) * prices.BILLING_STEP_MS


def calls_a_month(measured: Measured, drivers: int, pings: bool, habits: Habits) -> dict[str, Calls]:
    """What each function does in a month for so many drivers."""
    trip = measured.pinged_trip if pings else measured.trip
    driven = {name: calls.times(drivers * habits.trips) for name, calls in trip.items()}
    viewed = {name: calls.times(drivers * habits.views) for name, calls in measured.view.items()}
    looked = {name: calls.times(round(drivers * prices.MONTH_DAYS)) for name, calls in measured.day.items()}
    found: dict[str, Calls] = {}
    for part in (driven, viewed, looked):
        found |= {name: calls.plus(found.get(name, Calls())) for name, calls in part.items()}
    for function in FUNCTIONS:
        if function.schedules:
            found[function.name] = _scheduled(measured, function, found.get(function.name, Calls()))
    return found


def _scheduled(measured: Measured, function: Function, due: Calls) -> Calls:
    """The runs that the clock makes, however many users are due: those pay their reads on top of those of idle runs."""
    total = due._replace(calls=0)
    for schedule in function.schedules:
        total = total.plus(measured.idle_ticks[schedule.job].times(round(runs_a_month(schedule.cron))))
    return total


def bill(measured: Measured, drivers: int, pings: bool, habits: Habits = HABITS) -> list[Line]:
    """The lines of a month's bill."""
    calls = calls_a_month(measured, drivers, pings, habits)
    trip_bytes = measured.pinged_trip_bytes if pings else measured.trip_bytes
    month_bytes = habits.trips * trip_bytes + prices.MONTH_DAYS * measured.day_bytes
    stored_gib = drivers * (measured.driver_bytes + habits.log_months * month_bytes) / GIB
    key_writes = drivers * habits.key_days * KEYS * measured.key_day_writes
    return [*_run(calls), *_store(calls, key_writes, stored_gib), *_around(calls)]


def _run(calls: Mapping[str, Calls]) -> Iterator[Line]:
    seconds = {function.name: _instance_s(calls[function.name], DURATIONS[function.name]) for function in FUNCTIONS}
    gib_s = sum(seconds[function.name] * function.memory_mib / KIB for function in FUNCTIONS)
    yield Line(prices.REQUESTS, sum(found.calls for found in calls.values()))
    yield Line(prices.VCPU, sum(seconds.values()) * assumptions.VCPUS)
    yield Line(prices.MEMORY, gib_s)


def _instance_s(calls: Calls, duration: Duration) -> float:
    """Billed seconds of one function's calls and of the starts of its instances."""
    if not calls.calls:
        return 0.0
    each_ms = billed_ms(duration.call_ms + duration.message_ms * calls.messages / calls.calls)
    return (calls.calls * each_ms + cold_starts(calls) * assumptions.COLD_START_MS) / 1000


def cold_starts(calls: Calls) -> float:
    """How often an instance of the function starts in a month because none is left from the call before."""
    return min(calls.calls, assumptions.WINDOWS)


def _store(calls: Mapping[str, Calls], key_writes: int, stored_gib: float) -> Iterator[Line]:
    yield Line(prices.READS, sum(found.reads for found in calls.values()))
    yield Line(prices.WRITES, sum(found.writes for found in calls.values()) + key_writes)
    yield Line(prices.DELETES, sum(found.deletes for found in calls.values()))
    yield Line(prices.STORED, stored_gib)
    yield Line(prices.RECOVERY, stored_gib)
    yield Line(prices.BACKUPS, stored_gib * assumptions.BACKUPS_KEPT)


def _around(calls: Mapping[str, Calls]) -> Iterator[Line]:
    requests = sum(found.calls for found in calls.values())
    public = [calls[function.name] for function in FUNCTIONS if function.is_public]
    answers = sum(found.answer_bytes + found.calls * assumptions.ANSWER_OVERHEAD_BYTES for found in public)
    yield Line(prices.MESSAGES, sum(found.message_bytes for found in calls.values()))
    yield Line(prices.EVENTS, sum(found.messages for found in calls.values()))
    yield Line(prices.JOBS, sum(len(function.schedules) for function in FUNCTIONS))
    yield Line(prices.SECRET_VERSIONS, assumptions.SECRET_VERSIONS_KEPT)
    yield Line(prices.SECRET_READS, cold_starts(calls["poller"]))
    yield Line(prices.IMAGES, len(FUNCTIONS) * assumptions.IMAGE_GIB)
    yield Line(prices.LOGS, requests * assumptions.LOG_BYTES)
    yield Line(prices.EGRESS, answers + calls["poller"].calls * assumptions.CAR_CALL_BYTES)


def by_service(lines: list[Line]) -> dict[str, float]:
    """US dollars a month by service, in the order of the price list."""
    services = dict.fromkeys(line.price.service for line in lines)
    return {service: sum(line.usd for line in lines if line.price.service == service) for service in services}


def total_usd(lines: list[Line]) -> float:
    """US dollars a month, everything together."""
    return sum(line.usd for line in lines)
