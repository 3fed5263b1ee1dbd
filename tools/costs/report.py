"""The section of the README on costs: a pure text of what was measured, assumed and priced."""

import textwrap
from collections.abc import Iterable, Sequence

from tools.costs import assumptions, prices
from tools.costs.assumptions import DRIVERS, DURATIONS, Habits
from tools.costs.bill import HABITS, bill, billed_ms, by_service, runs_a_month, total_usd
from tools.costs.counts import ByFunction, Calls, Measured
from tools.costs.prices import GIB, PRICES, TIB
from tools.deploy.functions import BY_NAME, FUNCTIONS

BEGIN, END = "<!-- costs: python -m tools.costs -->", "<!-- /costs -->"
PICTURE = "docs/costs.svg"
BOTH = (False, True)  # without and with pings
MOST_LETTERS = 120  # of a line
ORDER = tuple(BY_NAME)


def section(measured: Measured) -> str:
    """The whole section, with its markers."""
    parts = (_sum_up(measured), _monthly(measured), _counted(measured), _assumed(), _priced())
    return "\n\n".join((BEGIN, *parts, END))


def put_into(readme: str, text: str) -> str:
    """The README with the section in place of the one it has. Raises ValueError where it has none."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks the markers {BEGIN} and {END}")
    return before + text + after


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, all but its first column to the right."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows))


def wrapped(text: str, mark: str = "") -> str:
    """Text in lines of a readable length, after a mark such as that of a list."""
    return textwrap.fill(
        text, MOST_LETTERS, initial_indent=mark, subsequent_indent=" " * len(mark), break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _sum_up(measured: Measured) -> str:
    most = DRIVERS[-1]
    plain, pinged = (100 * total_usd(bill(measured, most, pings)) / most for pings in BOTH)
    drive_min = int(assumptions.DRIVE.total_seconds() // 60)
    told = (
        f"With {most:,} drivers one of them costs at most **{plain:.1f} US cents a month**, {pinged:.1f} with a ping "
        f"each minute; a few drivers cost next to nothing. `python -m tools.costs` plays ordinary trips of {drive_min} "
        "minutes through the real functions on the emulators, counts, and multiplies by the assumptions and prices "
        "below. `--write` puts the result here; a test counts anew and fails where it differs."
    )
    return f"![A driver's share of the bill at {most:,} drivers]({PICTURE})\n\n{wrapped(told)}"


def _monthly(measured: Measured) -> str:
    bills = [(drivers, bill(measured, drivers, pings)) for drivers in DRIVERS for pings in BOTH]
    head = ["US dollars a month"]
    for drivers in DRIVERS:
        head += [f"{drivers:,} driver{'s' * (drivers > 1)}", "with pings"]
    sums = [by_service(lines) for _, lines in bills]
    rows = [[service, *(f"{found[service]:,.2f}" for found in sums)] for service in sums[0]]
    rows.append(["**together**", *(f"**{total_usd(lines):,.2f}**" for _, lines in bills)])
    rows.append(["each driver", *(f"{total_usd(lines) / drivers:,.3f}" for drivers, lines in bills)])
    return table(head, rows)


def _counted(measured: Measured) -> str:
    head = ["counted", "calls", "reads", "writes", "deletes", "messages", "bytes answered"]
    rows = [_row(f"`{name}`", measured.trip[name]) for name in ORDER if name in measured.trip]
    rows.append(_row("**an ordinary trip**", _together(measured.trip)))
    rows.append(_row("**with a ping each minute**", _together(measured.pinged_trip)))
    rows.append(_row("**the daily look at a car**", _together(measured.day)))
    rows += [_row(f"a look at `{name}`", measured.view[name]) for name in ORDER if name in measured.view]
    rows += [_row(f"an idle run of `{job}`", calls) for job, calls in measured.idle_ticks.items()]
    told = (
        "Reads are as billed: a query that finds nothing and a document that is not there count as one. The calls of "
        "`scheduler` are those that found the trip's poll due. Stored by Firestore's size rules, with all automatic "
        f"and composite index entries: {measured.trip_bytes:,} bytes for a trip with its readings "
        f"({measured.pinged_trip_bytes:,} with pings), {measured.day_bytes:,} bytes for the reading of a daily look, "
        f"{measured.driver_bytes:,} bytes for a driver's other documents. "
        f"A key's first use on a day costs {measured.key_day_writes} more write."
    )
    return f"{table(head, rows)}\n\n{wrapped(told)}"


def _together(trip: ByFunction) -> Calls:
    total = Calls()
    for calls in trip.values():
        total = total.plus(calls)
    return total


def _row(name: str, calls: Calls) -> list[str]:
    counts = (calls.calls, calls.reads, calls.writes, calls.deletes, calls.messages, calls.answer_bytes)
    return [name, *(f"{count:,}" for count in counts)]


def _assumed() -> str:
    durations = ", ".join(f"`{name}` {billed_ms(DURATIONS[name].call_ms):,.0f}" for name in ORDER)
    clock = ", ".join(
        f"`{schedule.job}` {runs_a_month(schedule.cron):,.0f} times"
        for function in FUNCTIONS
        for schedule in function.schedules
    )
    items = (
        _habits(HABITS),
        f"the car's cloud is asked as the default settings say and shows the parked car {_minutes()} after the end",
        "a poll of its own finds the addresses of a trip, at both ends of which somebody was before",
        f"billed ms of a call: {durations}; the clock runs {clock}; {assumptions.VCPUS:g} vCPU an instance",
        f"a start of an instance takes {assumptions.COLD_START_MS / 1000:g} s, as often as each call but no more than "
        f"every {assumptions.IDLE_MINUTES} min a function",
        "no two calls share an instance at a time, and each message is a request of its own; the free tiers are used "
        "evenly and by nobody else",
        f"{assumptions.BACKUPS_KEPT} daily backups and the versions for point-in-time recovery, each as large as the "
        "data",
        f"{assumptions.LOG_BYTES:,} bytes of log a call, {assumptions.ANSWER_OVERHEAD_BYTES:,} bytes around an answer, "
        f"{assumptions.CAR_CALL_BYTES:,} to a car's cloud a poll; images of {assumptions.IMAGE_GIB:g} GiB",
        "not in it: tax, builds, support, and what a car's maker asks for",
    )
    return "Assumed:\n\n" + "\n".join(wrapped(item, "- ") for item in items)


def _habits(habits: Habits) -> str:
    return (
        f"a driver makes {habits.trips} trips of {assumptions.DRIVE_KM:g} km a month, looks {habits.views} times at a "
        "page of trips, the sums of a year, the comparison and all that he set up, uses both of his keys on "
        f"{habits.key_days} days, and has a log of {habits.log_months} months"
    )


def _minutes() -> str:
    return f"{assumptions.CAR_LATE.total_seconds() / 60:g} min"


def _priced() -> str:
    head = ["list price", "USD", "for", "free a month", "region", "seen on"]
    rows = [
        [
            f"[{price.service}]({price.source}), {price.what}{'¹' * bool(price.remark)}",
            f"{price.usd:.10f}".rstrip("0").rstrip("."),
            _quantity(price.per, price.unit),
            _quantity(price.free_a_month, price.unit) if price.free_a_month else "-",
            price.region,
            price.seen_on,
        ]
        for price in PRICES
    ]
    remarks = "; ".join(f"{price.service}, {price.what}: {price.remark}" for price in PRICES if price.remark)
    stand_ins = sorted({price.service for price in PRICES if price.region == prices.NEAREST})
    told = (
        f"The region is {prices.REGION} (Netherlands). For {', '.join(stand_ins)} its figures were not found: those of "
        f"{prices.NEAREST} (Belgium), the nearest that were, stand in. ¹ {remarks}."
    )
    return f"{table(head, rows)}\n\n{wrapped(told)}"


def _quantity(amount: float, unit: str) -> str:
    if unit == "bytes":
        return f"{amount / TIB:g} TiB" if amount >= TIB else f"{amount / GIB:g} GiB"
    return f"{amount:,.10g} {unit}{'' if amount == 1 or unit[-1] in 'sB' else 's'}"
