"""The computed parts of docs/scale.md: pure texts of what was measured, assumed and published."""

import math
from collections.abc import Callable, Mapping
from itertools import pairwise

from shared.cars.provider import PROVIDERS
from shared.repositories.due import SHARDS
from shared.settings import DEFAULTS_S, SHARD_FROM
from tools.costs import assumptions, limits
from tools.costs.assumptions import HOUR_TRIPS, MANY_DRIVERS
from tools.costs.bill import HABITS, KEYS, bill, by_service, calls_a_month, total_usd
from tools.costs.counts import Calls, Measured
from tools.costs.limits import PUBLISHED
from tools.costs.prices import GIB, LOGS, STORED
from tools.costs.report import BOTH, table, wrapped
from tools.costs.scale import (
    BUSIEST_HOUR,
    HOUR_S,
    OUTAGE_S,
    Brand,
    Load,
    a_second,
    brand,
    ceilings,
    days_to_grow,
    due_in_busiest_minute,
    first_day_drivers,
    in_hour,
    instances,
    load,
    minutes_to_do,
    minutes_to_reach,
    operations,
    outage,
    shared_run_usd,
)

PAGE, PICTURE = "docs/scale.md", "docs/scale.svg"


def page(text: str, measured: Measured) -> str:
    """The page with all its computed parts in place of those it has. Raises ValueError where it lacks one."""
    for name, write in PARTS.items():
        begin, end = f"<!-- scale: {name} -->", f"<!-- /scale: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"{PAGE} lacks the markers {begin} and {end}")
        text = f"{before}{begin}\n\n{write(measured)}\n\n{end}{after}"
    return text


def _load(measured: Measured) -> str:
    months = [_month(measured, pings) for pings in BOTH]
    busiest = [load(measured, MANY_DRIVERS, pings).total for pings in BOTH]
    head = [f"{MANY_DRIVERS:,} drivers", "a month", "with pings", "a second, busiest minute", "with pings"]
    trips = MANY_DRIVERS * HABITS.trips
    rows = [["trips", *[f"{trips / 1e6:,.0f} million"] * 2, *[f"{a_second(in_hour(trips, BUSIEST_HOUR)):,.0f}"] * 2]]
    for name in ("calls", "reads", "writes", "deletes", "messages"):
        sums = [f"{getattr(calls, name) / 1e6:,.0f} million" for calls in months]
        rows.append([name, *sums, *(f"{a_second(getattr(calls, name)):,.0f}" for calls in busiest)])
    rows.append(
        ["writes that move `next_poll_at`, at most", *["-"] * 2, *(_rate(each.states_written) for each in busiest)]
    )
    lines = [bill(measured, MANY_DRIVERS, pings) for pings in BOTH]
    stored = [next(line.amount for line in each if line.price is STORED) for each in lines]
    rows.append(["stored, with indexes, after a year", *(f"{gib / 1024:,.1f} TiB" for gib in stored), "-", "-"])
    logged = [next(line.amount for line in each if line.price is LOGS) for each in lines]
    rows.append(["logged", *(f"{size / GIB / 1024:,.1f} TiB" for size in logged), "-", "-"])
    return table(head, rows)


def _month(measured: Measured, pings: bool) -> Calls:
    keys = MANY_DRIVERS * HABITS.key_days * KEYS * measured.key_day_writes
    return Load(calls_a_month(measured, MANY_DRIVERS, pings, HABITS), keys).total


def _rate(in_an_hour: float) -> str:
    return f"{a_second(in_an_hour):,.0f}"


def _money(measured: Measured) -> str:
    sums = [by_service(bill(measured, MANY_DRIVERS, pings)) for pings in BOTH]
    totals = [total_usd(bill(measured, MANY_DRIVERS, pings)) for pings in BOTH]
    rows = [[service, *(f"{found[service]:,.0f}" for found in sums)] for service in sums[0] if sums[1][service] >= 1]
    rows.append(["**together**", *(f"**{total:,.0f}**" for total in totals)])
    rows.append(["each driver, in cents, at most", *(f"{100 * total / MANY_DRIVERS:.1f}" for total in totals)])
    shared = [shared_run_usd(measured, MANY_DRIVERS, pings) for pings in BOTH]
    less = [total - found["Cloud Run"] + run for total, found, run in zip(totals, sums, shared, strict=True)]
    rows.append(["Cloud Run, if calls share instances", *(f"{usd:,.0f}" for usd in shared)])
    rows.append(["together, if so", *(f"{usd:,.0f}" for usd in less)])
    return table(["US dollars a month, at most", "no pings", "with pings"], rows)


def _instances(measured: Measured) -> str:
    both = [instances(measured, MANY_DRIVERS, pings) for pings in BOTH]
    head = [
        "busiest minute, with pings",
        "calls a second",
        "s a call",
        "at once",
        "processors",
        "instances",
        "no pings",
    ]
    head.append("deployed, at most")
    rows = [
        [
            f"`{pinged.function.name}`",
            f"{pinged.calls_a_s:,.2f}" if pinged.calls_a_s < 1 else f"{pinged.calls_a_s:,.0f}",
            f"{pinged.call_s:,.2f}",
            f"{pinged.at_once:,.1f}",
            f"{pinged.processors:,.1f}",
            str(pinged.needed),
            str(plain.needed),
            str(pinged.function.max_instances),
        ]
        for plain, pinged in zip(*both, strict=True)
    ]
    sums = [str(sum(one.needed for one in each)) for each in reversed(both)]
    rows.append(["**together**", "", "", "", "", *(f"**{count}**" for count in sums), ""])
    (poller,) = (one for one in both[1] if one.function.name == "poller")
    told = (
        f"The poller waits, {poller.at_once:,.0f} calls at once, and works little: with more threads an instance it "
        f"would need {math.ceil(poller.processors / limits.CLOUD_RUN_FULL)} instances. Memory must be measured before."
    )
    return f"{table(head, rows)}\n\n{wrapped(told)}"


def _ceilings(measured: Measured) -> str:
    head = ["what gives way", f"asked by {MANY_DRIVERS:,}", "there is", "gives way at drivers", "then"]
    rows = [
        [
            each.what,
            f"{each.asked:,.0f}{each.unit}",
            f"{each.allowed:,.0f}{each.unit}",
            f"{_rounded(each.gives_way_at):,}",
            each.then,
        ]
        for each in ceilings(measured, MANY_DRIVERS)
    ]
    return table(head, rows)


def _rounded(number: int) -> int:
    """Down to two digits: more would promise what assumptions cannot keep."""
    digits = str(number)
    return int(digits[:2] + "0" * len(digits[2:]))


def _scheduler(measured: Measured) -> str:
    due, alone = due_in_busiest_minute(measured, MANY_DRIVERS), SHARD_FROM
    one_call_s = due * assumptions.DURATIONS["scheduler"].message_ms / 1000
    from_drivers = _rounded(int(MANY_DRIVERS * alone / due))
    return wrapped(
        f"At {MANY_DRIVERS:,} drivers **{due:,.0f} polls** are due in the busiest minute. One call would need "
        f"{one_call_s:,.0f} s of its 60 at {assumptions.DURATIONS['scheduler'].message_ms:g} ms a message: enough, but "
        f"the last poll is late by that much, and there is no room left. So from {alone:,} due polls on, at some "
        f"{from_drivers:,} drivers, the rest goes to {SHARDS} shards of {(due - alone) / SHARDS:,.0f} polls each."
    )


def _growth(measured: Measured) -> str:
    plain, pinged = (a_second(operations(load(measured, MANY_DRIVERS, pings).total)) for pings in BOTH)
    first = first_day_drivers(measured, MANY_DRIVERS, True)
    steepest = max(after / before for before, after in pairwise(HOUR_TRIPS))
    allowed = limits.RULE_GROWTH ** (60 / limits.RULE_EVERY_MIN)
    items = (
        f"**First day.** {limits.RULE_START} operations a second are the busiest minute of {_rounded(first):,} drivers "
        f"who ping. Half as many more each day makes {MANY_DRIVERS:,} on day {days_to_grow(first, MANY_DRIVERS) + 1}: "
        "let drivers in by the day, and watch both rush hours of each.",
        f"**Morning.** The busiest minute has {plain:,.0f} operations a second, {pinged:,.0f} with pings. From "
        f"{limits.RULE_START} on the rule wants {minutes_to_reach(pinged)} minutes for that. The steepest hour grows "
        f"{steepest:.1f}-fold, the rule allows {allowed:,.0f}-fold: people do it slowly enough.",
        _look(measured),
    )
    return "\n".join(wrapped(item, "- ") for item in items)


def _look(measured: Measured) -> str:
    a_driver = sum(operations(calls) for calls in measured.day.values())
    poller = next(one for one in instances(measured, MANY_DRIVERS, True) if one.function.name == "poller")
    begins = poller.needed * poller.function.concurrency / poller.call_s * a_driver
    operations_in_all = MANY_DRIVERS * a_driver
    return (
        f"**The daily look** at 2:30 UTC does not grow: all its messages are there at once. The {poller.needed} "
        f"instances of the poller would make {begins:,.0f} operations a second of them where there was next to none, "
        f"as soon as Pub/Sub lets them. Its {operations_in_all / 1e6:,.0f} million operations fit the rule in "
        f"{minutes_to_do(operations_in_all)} minutes, in growing slices. (The day before has split the ranges already, "
        "so it may go well all the same; nobody promises that.)"
    )


def _cars(measured: Measured) -> str:
    head = [
        "a car's cloud",
        "requests",
        "a read",
        "reads it allows",
        "an ordinary car asks",
        "enough",
        "all cars, requests a second",
    ]
    rows = []
    for name, offer in PROVIDERS.items():
        if name == "simulated":
            continue
        found = brand(measured, offer.budget)
        polls = load(measured, MANY_DRIVERS, False).functions["poller"].calls
        asked_s = a_second(polls) * offer.budget.a_read
        allowed = f"{found.reads_allowed:,}"
        rows.append([offer.label, _budget(found), str(offer.budget.a_read), allowed, f"{found.reads_asked:,.0f}",
                     "yes" if found.is_enough else "**no**", f"{asked_s:,.0f}"])  # fmt: skip
    return table(head, rows)


def _budget(found: Brand) -> str:
    hours = found.budget.per.total_seconds() / HOUR_S
    per = "an hour" if hours == 1 else "a day" if hours == 24 else f"in {hours / 24:g} days"
    return f"{found.budget.requests:,} {per}"


def _outage(measured: Measured) -> str:
    found = outage(measured, MANY_DRIVERS)
    rows = [
        ["starts, ends that no phone sends again", f"{found.starts_lost:,} and {found.ends_lost:,}"],
        ["pings, each of which the next one makes up for", f"{found.pings_lost:,}"],
        ["drivers under way whose one poll waits, at most", f"{found.waiting:,}"],
        ["polls a second of the poller, filled", f"{found.polls_a_s:,.0f}"],
        ["until nobody waits, beside the ordinary polls", f"{found.drain_s:,.0f} s, {found.ticks} ticks"],
        [
            "`END_GRACE_S`, within which an ended trip still gets its odometer",
            f"{DEFAULTS_S['END_GRACE_S']:,.0f} s",
        ],
    ]
    return table([f"{OUTAGE_S // 60} min without the store at {BUSIEST_HOUR}:00", f"{MANY_DRIVERS:,} drivers"], rows)


def _assumed(measured: Measured) -> str:
    ends = a_second(2 * in_hour(MANY_DRIVERS * HABITS.trips, BUSIEST_HOUR))
    items = (
        "everything that README's section on costs assumes, the same counts, the same prices",
        f"a working day has {assumptions.WORKING_DAY:g} times the trips of an average day; of 1,000 trips "
        f"{max(HOUR_TRIPS)} begin from {BUSIEST_HOUR}:00 to {BUSIEST_HOUR + 1}:00 (CBS, below; the picture has the "
        f"others); the busiest minute has {assumptions.BUSIEST_MINUTE:g} times those of an average minute, for people "
        "leave on the quarter; views come as trips do",
        "what a trip causes is put into the hour in which it begins",
        f"a call keeps one processor busy for {assumptions.PROCESSOR_MS} ms, a message for "
        f"{assumptions.DURATIONS['scheduler'].message_ms:g} ms; the rest of its time it waits",
        f"at both ends of a trip somebody was before. Where nobody was, geocoders are asked for up to {ends:,.0f} "
        f"spots a second; Nominatim takes {limits.NOMINATIM_A_S}, one in {ends / limits.NOMINATIM_A_S:,.0f}",
        f"`poller` spends {assumptions.DURATIONS['poller'].call_ms / 1000:g} s on a poll because a car's cloud does; a "
        "slow one needs as many times more instances",
        "the daily look is drawn as if it took an hour",
    )
    return "\n".join(wrapped(item, "- ") for item in items)


def _published(_: Measured) -> str:
    return "\n".join(f"- [{each.what}]({each.source}); {each.seen_on}" for each in PUBLISHED)


PARTS: Mapping[str, Callable[[Measured], str]] = {
    "load": _load,
    "money": _money,
    "instances": _instances,
    "ceilings": _ceilings,
    "scheduler": _scheduler,
    "growth": _growth,
    "cars": _cars,
    "outage": _outage,
    "assumed": _assumed,
    "published": _published,
}
