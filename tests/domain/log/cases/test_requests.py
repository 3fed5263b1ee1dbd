"""Clouds that may be asked a few hundred times a month: what matters is asked first."""

from datetime import timedelta

from shared.domain.car.asking import Budget
from tests.domain.log.cases.script import Script, kms
from tests.worlds.product import Product

DAYS, DAY_MIN, DRIVE_MIN = 30, 24 * 60, 40
BUDGET = Budget(500, timedelta(days=DAYS), a_read=3)


def test_a_month_of_two_trips_a_day_leaves_requests_and_reads_every_end() -> None:
    """wbyoung/smartcar#124: by the middle of the month there were none left."""
    text, km = "10000@-5.. parked H", 10000
    for n in range(2 * DAYS):
        begin = DAY_MIN * (n // 2) + 9 * 60 * (n % 2)
        here, there = ("H", "O") if n % 2 == 0 else ("O", "H")
        text += f"\n start {begin} {here}"
        text += "".join(f"\n {km + gone}@{begin + gone}.. driving" for gone in (1, 10, 20))
        km += 27
        text += f"\n {km}@{begin + DRIVE_MIN}.. parked {there}\n end {begin + DRIVE_MIN} {there}"
    world = Script(keeper=Product(("car",), budgets={"car": BUDGET})).play(text.replace("\n ", "\n"))
    log = world.until(DAYS * DAY_MIN - 60)
    assert kms(log) == [27.0] * (2 * DAYS)
    assert {(trip.source, trip.pending) for trip in log.trips} == {("odometer", False)}
    assert BUDGET.a_read * len(world.asked["car"]) < BUDGET.requests
    days = {(at - world.begins) // timedelta(days=1) for at in world.asked["car"]}
    assert len(days) >= DAYS - 1
