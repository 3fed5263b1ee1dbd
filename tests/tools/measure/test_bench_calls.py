"""The benchmark of calls: a small run has every row, and its counts are within the bounds and do not grow."""

import os

from tools.benchmarks import calls
from tools.benchmarks.calls import KINDS, PAGE, SMALL_TRIPS, Driver, Seen, SeenBy, measure
from tools.costs.counts import Calls


def test_a_small_run_counts_what_each_kind_of_call_reads_and_writes() -> None:
    before = dict(os.environ)
    table = measure(True, lambda doing: None)
    assert SMALL_TRIPS == (1, 60)
    one, more = table.head.index("1 trip"), table.head.index("60 trips")
    assert [row[0] for row in table.rows] == [kind.name for kind in KINDS]
    counts = {row[0]: (row[one], row[more]) for row in table.rows}
    assert counts == {
        "start": ("1, 1", "1, 1"),
        "ping": ("1, 1", "1, 1"),
        "poll while driving": ("5, 3", "5, 3"),
        "end": ("2, 1", "2, 1"),
        "poll that finishes a trip": ("9, 5", "9, 5"),
        "GET /trips/active": ("1, 0", "1, 0"),
        f"GET /trips, page of {PAGE}": ("1, 0", "51, 0"),
        "GET /stats of a year": ("1, 0", "1, 0"),
        # With one trip there are few readings to show, more of them after each drive.
        "GET /compare": (counts["GET /compare"][0], "24, 0"),
    }
    assert "All within the bounds" in table.summary
    waited = {row[0]: float(row[-2]) for row in table.rows}
    with_queries = {"poll that finishes a trip", f"GET /trips, page of {PAGE}", "GET /compare"}
    assert {name for name, ms in waited.items() if ms > 0} == with_queries
    assert dict(os.environ) == before


def seen(reads: int, slower: float = 1.0, queries_s: float = 0.0) -> SeenBy:
    """Runs as they should be, but for what a start with the longest log reads, how long it takes and waits."""
    runs = {(kind.name, trips): [Seen(Calls(1, 1), 1.0, 0.0)] for kind in KINDS for trips in SMALL_TRIPS}
    return {**runs, ("start", 60): [Seen(Calls(1, reads), slower, queries_s)]}


def test_the_goal_is_missed_where_a_count_or_the_latency_grows_with_the_trips() -> None:
    drivers = [Driver(None, trips, 1, 0.0) for trips in SMALL_TRIPS]  # type: ignore[arg-type]
    assert calls._table(drivers, seen(1), 1).reached
    grown = calls._table(drivers, seen(3), 1)
    assert not grown.reached
    assert "Not within the bounds: start" in grown.summary
    slow = calls._table(drivers, seen(1, slower=2.5), 1)
    assert not slow.reached
    assert "it is not for start (2.5)" in slow.summary
    assert slow.rows[0][-3:] == ("2.5", "0.0", "2.5")


def test_what_a_call_waits_for_queries_stands_beside_the_ratio_of_all_the_rest() -> None:
    drivers = [Driver(None, trips, 1, 0.0) for trips in SMALL_TRIPS]  # type: ignore[arg-type]
    waits = calls._table(drivers, seen(1, slower=2.5, queries_s=1.4), 1)
    assert not waits.reached
    assert waits.rows[0][-3:] == ("2.5", "1400.0", "1.1")
    assert "1.1 at most" in waits.summary
