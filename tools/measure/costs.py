"""What the service costs a month: counts of ordinary trips, stated assumptions and the public price list."""

from collections.abc import Callable, Mapping

from tools.deploy.database import BACKUPS_KEPT_DAYS
from tools.deploy.functions import BY_NAME, FUNCTIONS
from tools.measure import assumptions
from tools.measure.assumptions import DRIVERS, MANY_DRIVERS, PAGES
from tools.measure.bill import bill, by_service, runs_a_month, total_usd
from tools.measure.counting import Counted, count
from tools.measure.drivers import TRIP_KM
from tools.measure.playing import Calls
from tools.measure.prices import GIB, TIB
from tools.measure.scale import a_second, ceilings
from tools.measure.table import Table

BOTH = (False, True)  # without and with pings
COLUMNS = {
    "calls": "calls", "reads": "reads", "writes": "writes", "deletes": "deletes", "messages": "messages",
    "answer_bytes": "bytes answered",
}  # fmt: skip


def measure(small: bool, tell: Callable[[str], None]) -> list[Table]:
    """Counts, and computes the bill; small is the same."""
    counted = count(tell)
    return [_bill(counted), _counts(counted), _assumed(), _prices(counted), _busiest(counted), _ceilings(counted)]


def _bill(counted: Counted) -> Table:
    cases = [(drivers, pings) for drivers in DRIVERS for pings in BOTH]
    bills = [bill(counted, *case) for case in cases]
    shared = [total_usd(bill(counted, *case, shared=True)) for case in cases]
    cents = [100 * total_usd(lines) / drivers for lines, (drivers, _) in zip(bills, cases, strict=True)]
    sums = [by_service(lines) for lines in bills]
    rows = [[service, *(f"{found[service]:,.2f}" for found in sums)] for service in sums[0] if sums[-1][service]]
    rows.append(["**together, at most**", *(f"**{total_usd(lines):,.2f}**" for lines in bills)])
    rows.append(["together, if calls share instances", *(f"{usd:,.2f}" for usd in shared)])
    rows.append(["each driver in cents, at most", *(f"{each:,.1f}" for each in cents)])
    said = (
        f"US dollars a month. With {DRIVERS[-1]:,} drivers one of them costs at most {cents[-2]:.1f} US cents a month, "
        f"{cents[-1]:.1f} with a ping each minute."
    )
    drivers = (f"{drivers:,} driver{'s' * (drivers > 1)}{', pings' * pings}" for drivers, pings in cases)
    return Table("bill", said, ["service", *drivers], rows)


def _counts(counted: Counted) -> Table:
    rows = [_row(f"`{name}`", calls) for name, calls in counted.trip.items()]
    rows.append(_row("**an ordinary trip**", _together(counted.trip)))
    rows.append(_row("**with a ping each minute**", _together(counted.pinged_trip)))
    rows.append(_row("**the daily look at a car**", _together(counted.day)))
    rows.append(_row("**the daily look at what a driver is to be reminded of**", counted.reminded))
    rows += [_row(f"a view of `{name}`", calls) for name, calls in counted.view.items()]
    rows += [_row(f"an idle run of `{job}`", calls) for job, calls in counted.idle_runs.items()]
    said = (
        "Reads are as billed: a query that finds nothing and a document that is not there count as one. The calls of "
        "`scheduler` are those that found the trip's poll due. Stored by Firestore's size rules, with all index "
        f"entries: {counted.trip_bytes:,} bytes for a trip with its drive and readings "
        f"({counted.pinged_trip_bytes:,} with pings), {counted.day_bytes:,} for the reading of a daily look, "
        f"{counted.driver_bytes:,} for a driver's other documents. A key's first use on a day costs "
        f"{counted.key_day_writes} more write."
    )
    return Table("counts", said, ("counted", *COLUMNS.values()), rows)


def _together(parts: Mapping[str, Calls]) -> Calls:
    total = Calls()
    for calls in parts.values():
        total = total.plus(calls)
    return total


def _row(name: str, calls: Calls) -> list[str]:
    return [name, *(f"{getattr(calls, field):,.0f}" for field in COLUMNS)]


def _assumed() -> Table:
    schedules = [schedule for function in FUNCTIONS for schedule in function.schedules]
    message_ms = BY_NAME["scheduler"].expected_message_ms
    rows = {
        "a driver in a month": f"{assumptions.TRIPS} trips, {assumptions.VIEWS} views, both keys on "
        f"{assumptions.KEY_DAYS} days",
        "a view": ", ".join(f"`{name}`" for name in PAGES),
        "a trip": f"{assumptions.DRIVE.seconds // 60} min, {TRIP_KM:g} km, between two spots where somebody was before",
        "a car's cloud shows the parked car": f"{assumptions.CAR_LATE.seconds // 60} min after the end",
        "age of the log": f"{assumptions.LOG_MONTHS} months",
        "ms of a call": ", ".join(f"`{each.name}` {each.expected_call_ms:g}" for each in FUNCTIONS),
        "the clock runs": ", ".join(f"`{each.job}` {runs_a_month(each.cron):,.0f} times" for each in schedules),
        "start of an instance": f"{assumptions.COLD_START_MS / 1000:g} s, at most every {assumptions.IDLE_MINUTES} min "
        "a function",
        "an instance": f"{assumptions.VCPUS:g} vCPU; a call keeps it busy for {assumptions.PROCESSOR_MS:g} ms, a "
        f"message of the scheduler for {message_ms:g} ms; it is full at {assumptions.FULL:.0%}",
        "backups": f"{BACKUPS_KEPT_DAYS} daily ones and the versions for recovery, each as large as the data",
        "bytes": f"{assumptions.LOG_BYTES:,} of log a call, {assumptions.ANSWER_OVERHEAD_BYTES:,} around an answer, "
        f"{assumptions.CAR_CALL_BYTES:,} to a car's cloud a poll; an image has {assumptions.IMAGE_GIB:g} GiB",
        "a working day": f"{assumptions.WORKING_DAY:g} times the trips of an average day, "
        f"{assumptions.BUSIEST_HOUR:.0%} of them from 17 to 18; its busiest minute has {assumptions.BUSIEST_MINUTE:g} "
        "times the average one's",
    }
    said = (
        "“At most”: each call has an instance alone, each message a request of its own. The free tiers are used evenly "
        "and by nobody else. Not in it: tax, builds, support, and what a car's maker asks for."
    )
    return Table("assumed", said, ("what", "assumed"), [*map(list, rows.items())])


def _prices(counted: Counted) -> Table:
    rows = [
        [
            f"[{price.service}](https://cloud.google.com/{price.page}), {price.what}",
            f"{price.usd:.10f}".rstrip("0").rstrip("."),
            _quantity(price.per, price.unit),
            _quantity(price.free, price.unit) if price.free else "-",
            price.seen_on,
        ]
        for price, _ in bill(counted, 1, pings=True)
    ]
    return Table(
        "prices",
        "Public list prices, as they were seen on the day in the last column.",
        ("list price", "USD", "for", "free a month", "seen on"),
        rows,
    )


def _quantity(amount: float, unit: str) -> str:
    if unit == "bytes":
        return f"{amount / TIB:g} TiB" if amount >= TIB else f"{amount / GIB:g} GiB"
    return f"{amount:,.10g} {unit}{'' if amount == 1 or unit[-1] in 'sB' else 's'}"


def _busiest(counted: Counted) -> Table:
    plain, pinged = (_together(a_second(counted, MANY_DRIVERS, pings)) for pings in BOTH)
    rows = [
        [name, *(f"{getattr(each, field):,.0f}" for each in (plain, pinged))]
        for field, name in {**COLUMNS, "states_written": "writes that move `next_poll_at`, at most"}.items()
    ]
    said = f"What {MANY_DRIVERS:,} drivers would ask for in a second of the busiest minute of a working day."
    return Table("busiest", said, ("a second", "no pings", "with pings"), rows)


def _ceilings(counted: Counted) -> Table:
    rows = [
        [what, f"{asked:,.0f}{unit}", f"{allowed:,.0f}{unit}", _rounded(MANY_DRIVERS * allowed / asked), then]
        for what, asked, allowed, unit, then in ceilings(counted, MANY_DRIVERS)
        if allowed < 2 * asked
    ]
    head = ("what gives way", f"asked by {MANY_DRIVERS:,}", "there is", "gives way at drivers", "then")
    return Table("ceilings", f"With pings; what gives way before {2 * MANY_DRIVERS:,} drivers.", head, rows)


def _rounded(number: float) -> str:
    """Down to two digits: more would promise what assumptions cannot keep."""
    digits = str(int(number))
    return f"{int(digits[:2].ljust(len(digits), '0')):,}"
