"""Takes over logs that an earlier version of this system kept: reads all of one, folds it anew, writes it.

    python -m tools.migrate take-over --all | EMAIL... [--dry-run]

Until the last commit of a log, which says that it is of this version, its calls are refused. So nobody writes it
meanwhile, and all that is written before can be written again.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from google.cloud import firestore
from msgspec.structs import replace

from shared import settings
from shared.domain.car.odometer import Disbelief, Reading
from shared.domain.driver import LOG_VERSION, Account
from shared.domain.log.addresses import ADDRESS_PENDING
from shared.domain.log.drive import Record
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import Sums, sums_of, sums_of_gap
from shared.domain.log.tiling import Row, why_not_tiled
from shared.domain.log.trip import NO_CAR, Trip
from shared.domain.tracking.look_ups import wanted
from shared.domain.tracking.state import DriverState, with_told
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client, from_document, to_document
from shared.repositories.trips import trip_document, trip_of
from shared.repositories.user_store import UserStore, state_document
from shared.services.log import StoredOwner
from tools.migrate.folding import into_open, parts_of, with_trips
from tools.migrate.former_facts import Memory, with_facts
from tools.migrate.moving import batched
from tools.migrate.old_rows import state_of
from tools.migrate.old_trips import Owner
from tools.migrate.outcome import along
from tools.migrate.source import Stop, pages
from tools.migrate.values import Unreadable

AT_ONCE = 200


class Kept(NamedTuple):
    """What an earlier version kept: trips, what the phone said, readings by their documents, and the state's fields."""

    trips: list[Trip]
    records: list[Record]
    readings: dict[str, tuple[str, Reading]]
    state: dict[str, Any]


class Folded(NamedTuple):
    """A log as it is to be written: its rows, what is thought of its readings, the state."""

    memory: Memory
    state: DriverState

    def rows(self, car_id: str | None = None) -> list[Row]:
        """All rows, or those of a car with a stretch of its odometer, by time."""
        rows: list[Row] = [*self.memory.kept_trips.values(), *self.memory.kept_gaps.values()]
        if car_id:
            rows = [row for row in rows if row.car_id == car_id and row.from_m is not None]
        return sorted(rows, key=along)


def take_over(db: firestore.Client, account: Account, now: datetime, dry_run: bool = False) -> str:
    """Takes over the log of one user; says what came of it. Raises Stop where it cannot be read."""
    root = db.collection("users").document(account.email)
    try:
        kept = kept_of(root)
        made = folded(db, account, kept, now)
    except (msgspec.ValidationError, Unreadable) as error:
        raise Stop(f"The log of {account.email} cannot be read: {error}. Nothing of it was changed.") from error
    for car_id in sorted({row.car_id for row in made.rows() if row.car_id}):
        if why := why_not_tiled(made.rows(car_id)):
            raise Stop(f"The log of {account.email} cannot be folded: {why}. Nothing of it was changed.")
    if not dry_run:
        _write(db, root, account, kept, made)
    gone = {trip.id for trip in kept.trips} - {*made.memory.kept_trips}
    told = f"{len(made.memory.kept_trips)} trips and {len(made.memory.kept_gaps)} gaps"
    lost = f"; no trips by now, for the car stood: {', '.join(sorted(gone))}" if gone else ""
    return f"{account.email}: {'would have' if dry_run else 'has'} {told}{lost}"


# --- reading


def kept_of(root: Any) -> Kept:
    """All that is known of a log. Raises ValidationError where something of it cannot be read."""
    snapshots = [one for one in pages(root.collection("odometer_readings")) if one.get("standing") != "withdrawn"]
    readings = {one.id: (one.get("car_id"), from_document(one.to_dict(), Reading)) for one in snapshots}
    return Kept(
        trips=[trip_of(one.to_dict()) for one in pages(root.collection("trips"))],
        records=[from_document(one.to_dict(), Record) for one in pages(root.collection("drives"))],
        readings=readings,
        state=root.collection("cache").document("trip_start").get().to_dict() or {},
    )


def _former_state(account: Account, fields: dict[str, Any], now: datetime) -> DriverState:
    """What still counts of the state: the drive going on, the budgets, what waits for its address."""
    if "state" in fields:
        found = msgspec.json.decode(fields["state"], type=DriverState)
        return replace(found, open={}, told=(), late=(), late_at=None)
    if not fields.get("active"):
        return DriverState()
    points = [{**fix, "timestamp": fix.get("at")} for fix in fields.get("fixes") or []]
    owner = Owner(account.email, account.timezone, account.default_car_id)
    return state_of({**fields, "gps_trail": points}, owner, now)


# --- folding


def folded(db: firestore.Client, account: Account, kept: Kept, now: datetime) -> Folded:
    """The log as it follows from what was kept."""
    store, memory = UserStore(db, account.email), Memory(kept.records)
    owner, cars = StoredOwner(store, account), store.cars.list_cars()
    former, trips = _former_state(account, kept.state, now), with_facts(kept, settings.current.rules)
    told, open_ = list(former.told), dict(former.open)
    named = {trip.car_id for trip in trips if trip.car_id}
    for car_id in sorted(named | {car for car, _ in kept.readings.values()}):
        own = [trip for trip in trips if trip.car_id == car_id]
        readings = [reading for car, reading in kept.readings.values() if car == car_id]
        state = DriverState(car_ids=(car_id,), default_car_id=car_id)
        for part in parts_of(car_id, own, readings):
            rows = memory.rows()
            state, book = into_open(state, rows, part, car_id, cars.get(car_id), owner, now)
            memory.take(rows, car_id, dict(book.standings))
        told += state.told
        asked = former.of_car(car_id)
        open_[car_id] = replace(state.of_car(car_id), ask_at=asked.ask_at)
    for part in parts_of(None, [trip for trip in trips if trip.car_id is None], ()):
        rows = memory.rows()
        with_trips(rows, part, owner, now)
        memory.take(rows)
    state = replace(
        with_told(former, told),
        open=open_,
        car_ids=tuple(sorted(cars)),
        default_car_id=account.default_car_id,
        log_changes=former.log_changes + 1,
    )
    pending = [trip.id for trip in memory.kept_trips.values() if trip.has(ADDRESS_PENDING)]
    return Folded(memory, wanted(state, pending, now))


# --- writing


def _write(db: firestore.Client, root: Any, account: Account, kept: Kept, made: Folded) -> None:
    """Rows first, then sums; last, in one commit, the state and that the log is of this version."""
    commit(db, [*row_writes(root, kept, made), *_standings(root, kept, made.memory.judged)])
    commit(db, _sums(root, made.rows()))
    batch = db.batch()
    batch.set(root.collection("cache").document("trip_start"), state_document(account.email, made.state))
    batch.update(root, {"log_version": LOG_VERSION})
    batch.commit()


def row_writes(root: Any, kept: Kept, made: Folded) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    """The documents of all rows; None where there is no such row any more."""
    trips, gaps = made.memory.kept_trips, made.memory.kept_gaps
    for trip in trips.values():
        yield root.collection("trips").document(trip.id), trip_document(trip)
    for gap in gaps.values():
        yield root.collection("gaps").document(gap.id), to_document(gap)
    for former in kept.trips:
        if former.id not in trips:
            yield root.collection("trips").document(former.id), None
    for snapshot in pages(root.collection("gaps").select([])):
        if snapshot.id not in gaps:
            yield snapshot.reference, None


def _standings(
    root: Any, kept: Kept, judged: dict[tuple[str, Reading], Disbelief | None]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    for id_, of_car in kept.readings.items():
        why = judged.get(of_car)
        standing = {"standing": "not_believed" if why else "believed", "why": why or ""}
        fields = {"car_id": of_car[0], **msgspec.structs.asdict(of_car[1]), **standing}
        yield root.collection("odometer_readings").document(id_), fields


def _sums(root: Any, rows: Iterable[Row]) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    years: dict[int, dict[str, dict[str, Sums]]] = {}
    for row in rows:
        cars = years.setdefault(row.year, {}).setdefault(str(row.month), {})
        sums = sums_of_gap(row) if isinstance(row, GapRow) else sums_of(row)
        cars[row.car_id or NO_CAR] = cars.get(row.car_id or NO_CAR, Sums()).plus(sums)
    for year, months in years.items():
        fields = {month: {car: to_document(sums) for car, sums in cars.items()} for month, cars in months.items()}
        yield root.collection("stats").document(str(year)), {"months": fields}
    for snapshot in root.collection("stats").select([]).stream():
        if int(snapshot.id) not in years:
            yield snapshot.reference, None


def commit(db: firestore.Client, writes: Iterable[tuple[Any, dict[str, Any] | None]]) -> None:
    """Writes documents, by so many as one commit takes."""
    for part in batched(list(writes), AT_ONCE):
        batch = db.batch()
        for reference, fields in part:
            if fields is None:
                batch.delete(reference)
            elif reference.parent.id == "odometer_readings":
                batch.set(reference, fields, merge=True)  # when it became known stays
            else:
                batch.set(reference, fields)
        batch.commit()


# --- the command


def is_old(db: firestore.Client, account: Account) -> bool:
    """Whether an earlier version kept the log of a user."""
    fields = db.document(f"users/{account.email}/cache/trip_start").get().to_dict()
    return account.log_version != LOG_VERSION or (fields is not None and fields.get("version") != LOG_VERSION)


def run(arguments: Sequence[str]) -> int:
    """Takes over the logs that are named; the exit code. Raises Stop."""
    parser = argparse.ArgumentParser(prog="python -m tools.migrate take-over", description=__doc__)
    parser.add_argument("emails", nargs="*", metavar="EMAIL", type=str.lower)
    parser.add_argument("--all", action="store_true", help="all logs that an earlier version kept")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be written")
    options = parser.parse_args(arguments)
    if bool(options.emails) == options.all:
        parser.error("name the users, or --all")
    db, found = client(), 0
    for account in _accounts(db, options.emails):
        if is_old(db, account):
            found += 1
            print(take_over(db, account, datetime.now(UTC), options.dry_run))
        elif options.emails:
            print(f"{account.email}: is of this version already")
    if options.all and not found:
        print("There is no log that an earlier version kept.")
    return 0


def _accounts(db: firestore.Client, emails: Sequence[str]) -> list[Account]:
    accounts = AccountRepository(db)
    found = {email: accounts.find(email) for email in emails or accounts.emails()}
    if strangers := [email for email, account in found.items() if account is None]:
        raise Stop(f"Nobody is registered as {', '.join(strangers)}.")
    return [account for account in found.values() if account]
