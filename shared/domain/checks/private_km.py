"""8: no more private kilometres than are allowed without tax, even if all that is unknown was private."""

from collections.abc import Mapping
from datetime import date
from functools import reduce

from shared.domain.car.car import Car
from shared.domain.checks.check import HOLDS, Check, Outcome, Text
from shared.domain.checks.examined import Examined
from shared.domain.checks.finding import PrivateKm
from shared.domain.log.sums import Sums, sums_by_month, sums_of_row
from shared.domain.log.tiling import Row
from shared.domain.log.trip import km
from shared.domain.thresholds import MOST_PRIVATE_KM, WARN_PRIVATE_KM


def private_km(months: Mapping[int, Sums], behind: Row | None, car: Car, year: int, today: date) -> PrivateKm:
    """The meter of a car's year, of the sums of its months and of what lies behind its last drive in that year.

    Private are the private part of trips, and of explained gaps what was not business. The worst case adds all that
    nobody explained or classified. `today` is in the driver's time zone.
    """
    sums = reduce(Sums.plus, [*months.values(), *([sums_of_row(behind)] if behind else [])], Sums())
    so_far_m = sums.private_m + sums.explained_m - sums.explained_business_m
    worst_m = so_far_m + sums.unclassified_m + sums.open_m
    first = min((month for month, of_month in months.items() if any(of_month)), default=1)
    forecast_km = so_far_m / 1000 * _times(car, date(year, first, 1), today)
    return PrivateKm(km(so_far_m / 1000), km(worst_m / 1000), km(forecast_km), MOST_PRIVATE_KM)


def of_year(examined: Examined) -> PrivateKm:
    """The same by the rows of the year."""
    log = examined.log
    months = {month: sums for (_, month, _), sums in sums_by_month(log.rows).items()}
    return private_km(months, log.behind, log.car, log.year, examined.today)


def _times(car: Car, first: date, today: date) -> float:
    """How many times as long the car's time in a year is as what is over of it."""
    begin = max(first, date.fromisoformat(car.available_from or f"{first.year}-01-01"))
    end = min(date(first.year, 12, 31), date.fromisoformat(car.available_until or f"{first.year}-12-31"))
    return ((end - begin).days + 1) / ((today - begin).days + 1) if begin <= today < end else 1.0


def outcome(examined: Examined) -> Outcome:
    """Fails over the limit, warns shortly before it, each at worst: what is unexplained counts as private."""
    found = of_year(examined)
    numbers = {"so_far_km": found.so_far, "worst_km": found.worst_case, "limit_km": int(MOST_PRIVATE_KM)}
    if found.so_far > MOST_PRIVATE_KM:
        return Outcome("fails", (), OVER, numbers)
    if found.worst_case > MOST_PRIVATE_KM:
        return Outcome("fails", (), OVER_AT_WORST, numbers)
    reached = [limit_km for limit_km in WARN_PRIVATE_KM if found.worst_case >= limit_km]
    return Outcome("warns", (), NEAR, {**numbers, "reached_km": int(max(reached))}) if reached else HOLDS


OVER = Text(
    "Er zijn {so_far_km} km privé gereden, en zonder bijtelling mogen het er {limit_km} zijn. Kijk na of elke rit de"
    " juiste soort heeft, en vraag anders je adviseur wat dit voor de bijtelling betekent.",
    "{so_far_km} km were private, and {limit_km} are allowed without tax on private use. See that each trip has its"
    " right kind; else ask your adviser what this means for the tax.",
)
OVER_AT_WORST = Text(
    "Er zijn {so_far_km} km privé gereden, maar met alles wat nog niet is uitgelegd of ingedeeld {worst_km} km, en dat"
    " telt als privé: meer dan de {limit_km} km. Deel de ritten in en leg de ontbrekende kilometers uit.",
    "{so_far_km} km were private, but {worst_km} km with all that is not explained or classified yet, which counts as"
    " private: more than the {limit_km} km. Classify the trips and explain the missing kilometres.",
)
NEAR = Text(
    "Er zijn {so_far_km} km privé gereden, en {worst_km} km met alles wat nog niet is uitgelegd of ingedeeld. Bij"
    " {reached_km} km waarschuwen we; die grens is van ons, die van {limit_km} km is de wet.",
    "{so_far_km} km were private, and {worst_km} km with all that is not explained or classified yet. We warn at"
    " {reached_km} km; that limit is ours, the one of {limit_km} km is law.",
)
CHECK = Check(
    8, "law", Text("Niet meer dan 500 km privé in het jaar", "No more than 500 private km in the year"), outcome
)
