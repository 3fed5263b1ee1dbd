"""The migration of a store of many old trips of three users, killed on its way: several pages to read at a time, and
commits by the dozen for each user. `MIGRATE_TRIPS=20000` has it move as many.
"""

import os
from collections import Counter
from typing import Any

from shared.domain.log.gap_row import GapRow
from shared.domain.log.tiling import why_not_tiled
from shared.repositories.user_store import UserStore
from tests.tools.migrate.migration import House, rows_of
from tests.tools.migrate.old_store import BORIS, CARLA, DEWI, SECRETS, OldStore, everything
from tools.migrate.source import PAGE

USERS = (BORIS, CARLA, DEWI)
TRIPS = int(os.environ.get("MIGRATE_TRIPS", "1200"))
CHECKED = [
    "user", "car_id", "started_at", "ended_at", "kind", "distance_km", "business_km", "private_km", "year",
]  # fmt: skip
KILLED_AT = (TRIPS // 10, TRIPS * 9 // 20, TRIPS * 4 // 5)


def test_every_trip_of_a_large_store_moves_once_however_often_the_tool_is_killed() -> None:
    assert TRIPS > 2 * PAGE
    house, old = House(), OldStore(TRIPS)
    old.write(house.db)
    for count in KILLED_AT:
        house.kill(house.start(), lambda count=count: moved(house) >= count, f"{count} trips")  # type: ignore[misc]
    assert "before and after agree" in house.run()
    check_trips(house, old)
    check_sums(house, old)
    check_rows(house)
    assert [house.differences(email) for email in USERS] == [[], [], []]
    check_the_rest(house, old)
    once = everything(house.db)
    # Moves everything again first: below the users not one document may be written.
    house.run("--delete-old")
    left = everything(house.db)
    assert {path for path in left if not path.startswith("users/")} == old.unreadable
    assert left.items() <= once.items()
    assert {path for path in once if path.startswith("users/")} <= set(left)


def moved(house: House) -> int:
    """How many trips were moved, by the sums. Costs next to nothing, while counting the documents again and again would
    take the emulator's time from the migration."""
    years = (year for email in USERS for year in house.store(email).sums(None).values())
    return sum(sums.trip_count for months in years for cars in months.values() for sums in cars.values())


def check_trips(house: House, old: OldStore) -> None:
    wanted = Counter(
        (t.user, t.car, t.started_at, t.ended_at, t.kind, t.tenths, t.business, t.private, t.year)
        for t in old.truth.values()
    )
    found: Counter[Any] = Counter()
    for email in USERS:
        for snapshot in house.db.collection(f"users/{email}/trips").select(CHECKED).stream():
            trip = snapshot.to_dict()
            kms = [round(trip[name] * 10) for name in ("distance_km", "business_km", "private_km")]
            about = (trip["user"], trip["car_id"], trip["started_at"], trip["ended_at"], trip["kind"])
            assert trip["user"] == email
            found[(*about, *kms, trip["year"])] += 1
    assert found == wanted


def check_rows(house: House) -> None:
    """Whatever the odometers said: the rows tile them, and what they show adds up to how far the odometer went on."""
    for email, car_id in ((BORIS, "audi"), (BORIS, "polo"), (CARLA, "zoe"), (DEWI, "id3")):
        rows = rows_of(house, email, car_id)
        assert why_not_tiled(rows) is None
        shown_km = sum(row.missing_km if isinstance(row, GapRow) else row.distance_km - row.excess_km for row in rows)
        set_on_m = sum(row.set_on_m for row in rows)
        assert round(1000 * shown_km) + set_on_m == (rows[-1].to_m or 0) - (rows[0].from_m or 0)


def check_sums(house: House, old: OldStore) -> None:
    unclassified = old.sums(lambda truth: (truth.user, truth.year, truth.kind))
    for (user, year), (count, *tenths) in old.sums(lambda truth: (truth.user, truth.year)).items():
        months = UserStore(house.db, user).sums(year)[year]
        rows = [list(sums) for cars in months.values() for sums in cars.values()]
        parts = [*tenths, unclassified.get((user, year, "unclassified"), (0, 0, 0, 0))[1]]
        assert [sum(column) for column in zip(*rows, strict=True)][:5] == [count, *(part * 100 for part in parts)]


def check_the_rest(house: House, old: OldStore) -> None:
    boris, carla, dewi = (house.store(email) for email in USERS)
    for store in (boris, carla, dewi):
        kept = store._root.collection("odometer_readings").get()
        assert len(kept) == old.readings[store.email]
        assert all(one.get("standing") for one in kept)
    assert {place.name for place in boris.places()} == {"Home", "Work"}
    assert (dewi.state().value.drive is None, boris.state().value.drive) == (False, None)
    assert boris.cars.access("audi").credentials == {"username": "b", "password": SECRETS[0]}
    assert carla.cars.access("polo").credentials == {"spin": SECRETS[1]}
    assert dewi.cars.access("id3").credentials == {"token": SECRETS[2]}
