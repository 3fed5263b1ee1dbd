"""Owns the sums over rows of a log: what a trip and what a gap adds to those of its month and car."""

from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.log.gap_row import GapRow
from shared.domain.log.tiling import Row
from shared.domain.log.trip import NO_CAR, Trip

Month = tuple[int, int, str]  # year, month, and the id of a car or what stands for none


class Sums(msgspec.Struct, frozen=True):
    """Sums over trips and gaps, in metres as they are shown: whole numbers add up without rounding.

    `unplaced_m` is of trips without a stretch of the odometer, `pending` how many wait for theirs. Of the gaps' `gap_m`
    their driver explained `explained_m`, and of that `explained_business_m` as business. `excess_m` is what trips show
    beyond their stretches, `set_on_m` how far the odometer was set on where the car got another one.
    """

    trip_count: int = 0
    total_m: int = 0
    business_m: int = 0
    private_m: int = 0
    unclassified_m: int = 0
    gap_m: int = 0
    explained_m: int = 0
    explained_business_m: int = 0
    pending: int = 0
    excess_m: int = 0
    unplaced_m: int = 0
    set_on_m: int = 0

    def plus(self, other: "Sums", times: int = 1) -> "Sums":
        """These sums and `times` the other ones."""
        return Sums(*(a + times * b for a, b in zip(self, other, strict=True)))

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(msgspec.structs.astuple(self))

    @property
    def open_m(self) -> int:
        """The metres of gaps that nobody explained."""
        return self.gap_m - self.explained_m

    @property
    def tiled_m(self) -> int:
        """How far the odometer went on by all rows, in metres."""
        return self.total_m - self.unplaced_m + self.gap_m - self.excess_m + self.set_on_m


def sums_of(trip: Trip) -> Sums:
    """What one trip adds to the sums."""
    total_m = _metres(trip.distance_km)
    is_placed = trip.start_odometer_km is not None and trip.end_odometer_km is not None
    return Sums(
        trip_count=1,
        total_m=total_m,
        business_m=_metres(trip.business_km),
        private_m=_metres(trip.private_km),
        unclassified_m=total_m if trip.kind == "unclassified" else 0,
        pending=int(trip.has("odometer_pending")),
        excess_m=_metres(trip.excess_km),
        unplaced_m=0 if is_placed else total_m,
        set_on_m=trip.set_on_m,
    )


def sums_of_gap(gap: GapRow) -> Sums:
    """What one gap adds to the sums."""
    shown_m = _metres(gap.missing_km)
    explained_m = shown_m if gap.explained_as else 0
    return Sums(
        gap_m=shown_m, explained_m=explained_m, explained_business_m=_metres(gap.business_km), set_on_m=gap.set_on_m
    )


def sums_of_row(row: Row) -> Sums:
    """What one row adds to the sums."""
    return sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row)


def sums_by_month(rows: Iterable[Row]) -> dict[Month, Sums]:
    """The sums of rows by their year, month and car."""
    found: dict[Month, Sums] = {}
    for row in rows:
        month = (row.year, row.month, row.car_id or NO_CAR)
        found[month] = found.get(month, Sums()).plus(sums_of_row(row))
    return found


def flat(years: Mapping[int, Mapping[int, Mapping[str, Sums]]]) -> dict[Month, Sums]:
    """Sums that are kept by year, in these by month, and in these by car; each under all three."""
    return {
        (year, month, car): sums
        for year, months in years.items()
        for month, cars in months.items()
        for car, sums in cars.items()
    }


def _metres(distance_km: float) -> int:
    return round(1000 * distance_km)
