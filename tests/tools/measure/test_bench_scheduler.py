"""The benchmark of the scheduler: a small run has every row, and its counts are those of the due polls."""

import os

from tools.benchmarks.scheduler import HEAD, SMALL, measure
from tools.benchmarks.table import Table


def column(table: Table, name: str) -> list[str]:
    return [row[HEAD.index(name)] for row in table.rows]


def test_a_small_run_has_a_row_for_each_number_of_due_polls_and_two_in_shards() -> None:
    before, told = dict(os.environ), list[str]()
    table = measure(True, told.append)
    few, many = SMALL.due
    shards = [f"{many} in shards, 1 instance", f"{many} in shards, 2 instances"]
    assert column(table, "due polls") == [str(few), str(many), *shards]
    # Each is measured with its messages counted: the run stops where one is missing.
    assert column(table, "documents read") == [str(few), str(many), "", ""]
    assert all(0 < float(value) < 150 for value in column(table, "peak MiB"))
    assert all(float(row[HEAD.index("ratio")]) > 0 for row in table.rows[:2])
    assert all(len(row) == len(HEAD) for row in table.rows)
    assert f"drivers into the store, {2 * SMALL.drivers} of {2 * SMALL.drivers} documents" in told
    assert dict(os.environ) == before
