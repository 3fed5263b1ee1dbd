"""Finds what a driver could be reminded of, in what is kept of them anyway: state, cars, sums, and never a place."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from shared.domain.car.car import Car
from shared.domain.driver import REMINDER_KINDS, Account, ReminderKind
from shared.domain.log.summary import Summary
from shared.domain.log.sums import Month, Sums
from shared.domain.log.trip import NO_CAR, Trip
from shared.domain.thresholds import GAP_TO_TELL_M, LONGEST_DRIVE, REMINDED_FOR_DAYS
from shared.domain.tracking.state import UNKNOWN_CAR, DriverState

MOST_ENDS = 10  # trips without an end that are looked at; more in one day are no drives of a person
LONGEST_MONTH = timedelta(days=31)


class Endless(NamedTuple):
    """A drive of which nobody told the end: when it began (aware UTC), and whether it is over all the same."""

    began_at: datetime
    is_over: bool


class Unclosed(NamedTuple):
    """What keeps a month of a car's log from being closed, or a year where `month` is None; of one car."""

    year: int
    month: int | None
    sums: Sums


class Private(NamedTuple):
    """The private metres of a car in a year so far, and at worst, if nothing that is open was business."""

    so_far_m: int
    worst_m: int


class Week(NamedTuple):
    """What there is to say once a week: the sums of the month that the last week ended on `until`, in all cars; the
    private kilometres of its year by car; how many trips of the year are still unclassified."""

    until: date
    month: Sums
    private: Mapping[str, Private]
    to_sort: int


class Thing(NamedTuple):
    """One thing that a driver could be reminded of.

    By its `key` it is known again among those of its kind. Its `amount` says how much of it there is, and it is news
    where that is by `least` more than what was said before, which then is in `new`. Of a gap these are metres.
    """

    kind: ReminderKind
    key: str
    car_id: str | None = None
    amount: int = 1
    least: int = 1
    new: int = 0
    about: Endless | Unclosed | Week | None = None


class Facts(NamedTuple):
    """All that is looked at, as of a moment (aware UTC).

    `sums` are those of the years of `years_at`, `endless` the trips of `ended_unheard` that have no known end.
    """

    now: datetime
    today: date
    state: DriverState
    cars: Mapping[str, Car]
    sums: Mapping[Month, Sums]
    endless: Sequence[Trip] = ()
    to_sort: int = 0


def kinds_at(account: Account, today: date) -> tuple[ReminderKind, ...]:
    """What is looked at on a day of the driver's, of all that they did not switch off."""
    seldom = {"weekly": today.weekday() < REMINDED_FOR_DAYS, "not_closed": today.day <= REMINDED_FOR_DAYS}
    return tuple(kind for kind in REMINDER_KINDS if account.wants(kind) and seldom.get(kind, True))


def years_at(today: date) -> tuple[int, ...]:
    """The years whose sums are looked at on a day: in January the one before as well."""
    return tuple(sorted({today.year, (today - LONGEST_MONTH).year}))


def last_sunday(today: date) -> date:
    """The end of the last week that is over."""
    return today - timedelta(days=today.weekday() + 1)


def ended_unheard(state: DriverState) -> list[str]:
    """The ids of the newest trips that may have no known end, for no phone told of one and no driver either."""
    found = [trip_id for drive in state.told if _is_unheard(drive) for trip_id in drive.trip_ids[-1:]]
    return found[-MOST_ENDS:]


def _is_unheard(drive: Summary) -> bool:
    is_phones = not drive.is_by_hand and drive.moved is None
    return is_phones and not drive.ended and drive.said.ended_at is None and not drive.said.is_deleted


def things(kinds: Sequence[ReminderKind], facts: Facts) -> list[Thing]:
    """What there is of these kinds, said or not."""
    find = {
        "trip_without_end": _endless,
        "login_refused": _refused,
        "gap": _gaps,
        "not_closed": _unclosed,
        "weekly": _week,
    }
    return [thing for kind in kinds for thing in find[kind](facts)]


def _endless(facts: Facts) -> Iterator[Thing]:
    for trip in facts.endless:
        yield Thing("trip_without_end", trip.id, trip.car_id, about=Endless(trip.started_at, is_over=True))
    drive = facts.state.drive
    if drive and facts.now - drive.started_at >= LONGEST_DRIVE:
        car_id = None if drive.car_id == UNKNOWN_CAR else drive.car_id
        # A late word may let it begin earlier, and it is the same one.
        about = Endless(drive.started_at, is_over=False)
        yield Thing("trip_without_end", "drive", car_id, _seconds(drive.started_at), about=about)


def _refused(facts: Facts) -> Iterator[Thing]:
    """New credentials that are refused as well are more than the former ones: they were set later."""
    for car in facts.cars.values():
        if car.login_stopped:
            set_at = max(car.credentials_set_at.values(), default=None)
            yield Thing("login_refused", car.id, car.id, _seconds(set_at) if set_at else 1)


def _gaps(facts: Facts) -> Iterator[Thing]:
    for (year, month, car_id), sums in sorted(facts.sums.items()):
        if sums.open_m > 0:
            yield Thing("gap", f"{year}-{month:02d} {car_id}", car_id, sums.open_m, GAP_TO_TELL_M)


def _unclosed(facts: Facts) -> Iterator[Thing]:
    before = facts.today.replace(day=1) - timedelta(days=1)
    month = None if before.month == 12 else before.month
    for car_id, sums in _by_car(facts, before.year, month).items():
        if sums.open_m or sums.unclassified_m or sums.pending:
            period = f"{before.year}-{month:02d}" if month else f"{before.year}"
            yield Thing("not_closed", f"{period} {car_id}", car_id, about=Unclosed(before.year, month, sums))


def _week(facts: Facts) -> Iterator[Thing]:
    until = last_sunday(facts.today)
    month = _total(_by_car(facts, until.year, until.month))
    if month.trip_count or facts.to_sort:
        private = {car_id: _private(sums) for car_id, sums in _by_car(facts, until.year).items() if car_id != NO_CAR}
        yield Thing("weekly", until.isoformat(), about=Week(until, month, private, facts.to_sort))


def _private(sums: Sums) -> Private:
    """What was explained of gaps and was no business is private, and so is at worst all that nobody explained."""
    so_far_m = sums.private_m + sums.explained_m - sums.explained_business_m
    return Private(so_far_m, so_far_m + sums.open_m + sums.unclassified_m)


def _by_car(facts: Facts, year: int, month: int | None = None) -> dict[str, Sums]:
    found = dict[str, Sums]()
    for (of_year, of_month, car_id), sums in sorted(facts.sums.items()):
        if of_year == year and month in (None, of_month):
            found[car_id] = found.get(car_id, Sums()).plus(sums)
    return found


def _total(of_cars: Mapping[str, Sums]) -> Sums:
    total = Sums()
    for sums in of_cars.values():
        total = total.plus(sums)
    return total


def _seconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
