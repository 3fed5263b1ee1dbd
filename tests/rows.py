"""Rows of a log as a fold would store them, for tests of what is stored and shown of rows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.gap_rows import gap_id
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip, classified, dated, local_date, shown_km, trip_id
from shared.repositories.user_store import UserStore

CAR, EMAIL, ZONE = "car", "boris@example.com", "Europe/Amsterdam"
BEGIN = datetime(2026, 1, 23, 8, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So many hours after 9 o'clock of a winter's day in Amsterdam."""
    return BEGIN + timedelta(hours=hours)


def trip(from_m: int, to_m: int, began_at: datetime, excess_km: float = 0.0, **more: Any) -> Trip:
    """A trip of half an hour on a stretch of the odometer, in metres."""
    user, car_id = more.get("user", EMAIL), more.get("car_id", CAR)
    begin_km, end_km = shown_km(from_m), shown_km(to_m)
    fields: dict[str, Any] = {
        "user": user, "car_id": CAR, "started_at": began_at, "ended_at": began_at + timedelta(minutes=30),
        "timezone": ZONE, "date": "", "year": 0, "month": 0, "from_m": from_m, "to_m": to_m,
        "start_odometer_km": begin_km, "end_odometer_km": end_km, "excess_km": excess_km,
        "distance_km": round(end_km - begin_km + excess_km, 1), "distance_source": "odometer", "created_at": began_at,
        "updated_at": began_at,
    }  # fmt: skip
    return classified(dated(Trip(id=trip_id(user, began_at, car_id=car_id), **fields | more)))


def gap(from_m: int, to_m: int, since: datetime, **more: Any) -> GapRow:
    """A gap of half an hour on a stretch of the odometer, in metres."""
    day = local_date(since, ZONE)
    fields: dict[str, Any] = {
        "id": gap_id(more.get("car_id", CAR), from_m, more.get("series", 0)),
        "user": EMAIL, "car_id": CAR, "timezone": ZONE,
        "date": day.isoformat(), "year": day.year, "month": day.month, "from_m": from_m, "to_m": to_m, "since": since,
        "until": since + timedelta(minutes=30), "created_at": since, "updated_at": since,
    }  # fmt: skip
    return GapRow(**fields | more)


def put(store: UserStore, *rows: Row) -> None:
    """Stores the rows of a car, in their order along its odometer, of a log that has none before them."""
    for begin in range(0, len(rows), 150):
        part: Sequence[Row] = [replace(row, user=store.email) for row in rows[begin : begin + 150]]
        change = store.change()
        change.tile(str(rows[0].car_id), (), part)
        for row in part:
            if isinstance(row, GapRow):
                change.put_gap(None, row)
            else:
                change.put_trip(None, row)
        change.commit()
