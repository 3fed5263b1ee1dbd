"""Shows the log of a car, row by row, and keeps what its driver says of the gaps in it."""

from collections.abc import Mapping
from functools import reduce
from typing import Any, NamedTuple

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.domain.fitting import Conflict, NotFound
from shared.domain.log.explaining import explained
from shared.domain.log.gap_row import GAP_ID, GapRow
from shared.domain.log.history import Author
from shared.domain.log.logbook import OPEN, Position, is_of, page_of, row_behind
from shared.domain.log.sums import Sums, sums_of_gap
from shared.domain.log.tiling import Row
from shared.domain.tracking.open_stretch import open_stretch
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import Stored, client, until_current
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore


class Page(NamedTuple):
    """A page of a car's log with the sums of the time asked for; `next` is where it goes on, None on the last page."""

    car: Car
    rows: list[Row]
    sums: Sums
    next: Position | None


def page(
    account: Account, car_id: str | None, year: int | None, month: int | None, limit: int, after: Position
) -> Page:
    """A page of the log of one car, the default one if none is named. Raises NotFound where there is no such car.

    A car that the driver had before is one as long as its log has rows.
    """
    if not (car_id := car_id or account.default_car_id):
        raise NotFound("There is no car yet.")
    store = UserStore(client(), account.email)
    asked = {"year": year, "month": month, "car_id": car_id}
    equal = {name: value for name, value in asked.items() if value is not None}
    trips = later(lambda: store.trips.by_time(equal, limit + 1, after.trip))
    gaps = later(lambda: store.gaps.by_time(equal, limit + 1, after.gap))
    sums, state = later(lambda: store.sums(year)), later(store.state)
    car = store.cars.list_cars().get(car_id)
    last = behind(account, state().value, car_id)
    last = last if last and is_of(last, year, month) else None
    rows, next_ = page_of(trips(), gaps(), last, limit, after)
    if not car and not rows and not _has_rows(store, car_id):
        raise NotFound("There is no such car.")
    of_time = _of_car(sums(), car_id, month).plus(sums_of_gap(last) if last else Sums())
    return Page(car or Car(car_id, "", car_id), rows, of_time, next_)


def find_gap(account: Account, gap_id: str) -> GapRow:
    """One gap. Raises NotFound."""
    store = UserStore(client(), account.email)
    if gap_id.startswith(OPEN):
        last = behind(account, store.state().value, gap_id.removeprefix(OPEN))
        return _known(Stored(last) if last else None).value
    return _known(_stored(store, gap_id)).value


def explain(account: Account, gap_id: str, said: Mapping[str, Any], revision: int | None, author: Author) -> GapRow:
    """A gap with what is said of it, by the names of its fields.

    Raises NotFound and Unfit, and Conflict where it is of another revision than the one given, or no row yet.
    """
    if gap_id.startswith(OPEN):
        raise Conflict("This becomes a row when the next drive is over, and can be explained then.")
    # Nothing else that the function logbook does needs the fold: to load it would be a part of each cold start.
    from shared.services.gap_word import keep
    from shared.services.ratio import driven_before

    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> GapRow:
        later_state = later(store.state)
        read = _known(_stored(store, gap_id))
        former = read.value
        if revision not in (None, former.revision):
            raise Conflict(f"The gap is at revision {former.revision} by now.", "revision")
        # The state before the rows that it is divided by: who changes one of them meanwhile changes that too.
        state = later_state()
        driven = driven_before(store, former) if said.get("explained_as") == "correction" else Sums()
        gap = explained(former, said, driven, author.now)
        return keep(store, account, state, read, gap, author) if gap != former else gap

    return attempt()


def _stored(store: UserStore, gap_id: str) -> Stored[GapRow] | None:
    return store.gaps.find(gap_id) if GAP_ID.fullmatch(gap_id) else None


def _known(found: Stored[GapRow] | None) -> Stored[GapRow]:
    if found is None:
        raise NotFound("There is no such gap.")
    return found


def behind(account: Account, state: DriverState, car_id: str) -> GapRow | None:
    """What lies behind the last finished drive of a car, as the gap that is not stored; None where nothing does."""
    found = open_stretch(state, car_id)
    if found is None:
        return None
    stretch = (found.from_m, found.to_m)
    timezone = state.zone_of(car_id, account.timezone)
    return row_behind(account.email, car_id, timezone, stretch, found.since, found.until)


def _has_rows(store: UserStore, car_id: str) -> bool:
    """Whether the log of a car has rows at any time."""
    return any(sums.trip_count or sums.gap_m for sums in _each(store.sums(None), car_id, None))


def _of_car(years: Mapping[int, Mapping[int, Mapping[str, Sums]]], car_id: str, month: int | None) -> Sums:
    return reduce(Sums.plus, _each(years, car_id, month), Sums())


def _each(years: Mapping[int, Mapping[int, Mapping[str, Sums]]], car_id: str, month: int | None) -> list[Sums]:
    """The sums of a car, of each month or of one."""
    months = [(number, cars) for found in years.values() for number, cars in found.items()]
    return [cars[car_id] for number, cars in months if car_id in cars and month in (None, number)]
