"""Cold starts: the benchmark runs, and a function's first answer takes little more than that of the bare one."""

from tools.benchmarks.cold_start import GOAL, HEAD, least, measure, starters


def test_a_small_run_has_a_row_for_each_function() -> None:
    table = measure(small=True, tell=lambda doing: None)
    assert table.head == HEAD
    assert [row[0] for row in table.rows] == ["`webhook_start`"]
    assert all(float(figure) > 0 for row in table.rows for figure in row[1:])


def test_the_first_poll_takes_the_processor_little_longer_than_the_bare_function() -> None:
    with starters(["poller"]) as started:
        starter = started["poller"]
        starter.warm()
        turns = []
        while len(turns) < 2 or (least(turns).ratios[1] > GOAL and len(turns) < 10):
            turns.append(starter.turn())
    assert least(turns).ratios[1] <= GOAL, turns
