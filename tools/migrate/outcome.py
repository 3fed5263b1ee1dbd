"""Reads what the new store holds of a user after the move: whether its sums are those of its rows, and these tile."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Month, Sums, flat, sums_by_month
from shared.domain.log.tiling import Row, along, why_not_tiled
from shared.domain.log.trip import Trip
from shared.repositories.documents import from_document
from shared.repositories.user_store import UserStore
from shared.services.importing import Preview
from tools.migrate.checking import Tally, stored_tally
from tools.migrate.plan import Share
from tools.migrate.source import pages

# What rows and sums need; the fields beside it that every trip has are not read.
NEEDED = [
    "id", "car_id", "started_at", "ended_at", "year", "month", "start_odometer_km", "end_odometer_km", "distance_km",
    "from_m", "to_m", "set_on_m", "excess_km", "flags", "kind", "business_km", "private_km",
]  # fmt: skip
UNREAD = datetime.min.replace(tzinfo=UTC)
NOT_READ = {"user": "", "timezone": "", "date": "", "created_at": UNREAD, "updated_at": UNREAD}
TRIES = 20  # a driver who corrects one trip after the other ends some time


class Result(msgspec.Struct, frozen=True):
    """What became of a user's share: counts, kilometres, trips corrected since, and whether sums and rows agree.

    `untiled` says of which car the rows do not follow each other along the odometer, and where.
    """

    after: Tally
    expected: Tally
    readings: int
    places: int
    cars: int
    corrected: int
    sums_agree: bool
    untiled: tuple[str, ...] = ()

    def agrees(self, share: Share) -> bool:
        """Whether everything that can be read is there, kilometre by kilometre."""
        counts = (self.readings, self.places, self.cars)
        wanted = (len(share.readings), len(share.places), cars_of(share))
        return self.after == self.expected and counts == wanted and self.sums_agree and not self.untiled


def cars_of(share: Share) -> int:
    """How many cars a share has."""
    return sum(len(row.made.cars) for row in share.cars if row.made)


def result_of(store: UserStore, root: Any, share: Share, found: Preview) -> Result:
    """Counts what is there of a share, as its preview found it; holds the rows of its user against each other."""
    rows, sums_agree = _log(root, store)
    moved = {one.where: one.trip for one in found.trips if one.what == "there already" and one.trip}
    after, corrected = Tally(), [trip for trip in moved.values() if trip.revision > 1]
    for trip in moved.values():
        after = after.plus(stored_tally(trip))
    expected = share.before
    for trip in corrected:
        # What its driver changed since is not held against the move.
        expected = expected.plus(stored_tally(trip)).minus(stored_tally(share.trips[trip.id]))
    places, cars = {place.id for place in store.places()}, store.cars.list_cars()
    return Result(
        after=after,
        expected=expected,
        readings=len(share.readings) - found.new_readings,
        places=sum(place.id in places for place in share.places),
        cars=sum(old.car.id in cars for row in share.cars if row.made for old in row.made.cars),
        corrected=len(corrected),
        sums_agree=sums_agree,
        untiled=tuple(_untiled(rows)),
    )


def _log(root: Any, store: UserStore) -> tuple[list[Row], bool]:
    """All rows of the user, and whether the sums are theirs, read again where the live system wrote in between."""
    for _ in range(TRIES):
        version = store.state().version
        found = pages(root.collection("trips").select(NEEDED))
        rows: list[Row] = [from_document({**NOT_READ, **snapshot.to_dict()}, Trip) for snapshot in found]
        rows += [from_document(snapshot.to_dict(), GapRow) for snapshot in pages(root.collection("gaps"))]
        agree = _some(flat(store.sums(None))) == _some(sums_by_month(rows))
        if store.state().version == version:
            break
    return rows, agree


def _untiled(rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the rows of each car along its odometer."""
    for car_id in sorted({row.car_id for row in rows if row.car_id and row.from_m is not None}):
        of_car = [row for row in rows if row.car_id == car_id and row.from_m is not None]
        if why := why_not_tiled(sorted(of_car, key=along)):
            yield f"{car_id}: {why}"


def _some(of: Mapping[Month, Sums]) -> dict[Month, Sums]:
    return {month: sums for month, sums in of.items() if any(sums)}
