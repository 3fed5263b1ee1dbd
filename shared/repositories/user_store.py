"""The store of one user, and an atomic commit on it. Nothing here takes another user or a path, so none are crossed.

What is remembered of a driver is one text in one document: it is read and written with each of their events, and as
fields it would take longer to encode than all else that such an event does.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from zlib import crc32

import msgspec
from google.api_core.exceptions import Aborted
from google.cloud import firestore
from msgspec.structs import replace

from shared import logs, settings
from shared.domain.car.car import Car
from shared.domain.car.odometer import Judged, Reading, Standing
from shared.domain.driver import LOG_VERSION
from shared.domain.log.chapter import Chapter
from shared.domain.log.drive import Heard, Record
from shared.domain.log.explaining import gap_facts, interval, told
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import MERGED, Author, Entry, Head, RowKind, View, chained, entry_of_change, years_of
from shared.domain.log.sealing import Correction, Seal, YearIsClosed, correction_view, is_changed, seal_view
from shared.domain.log.shown import trip_facts
from shared.domain.log.sums import Sums, sums_of_row
from shared.domain.log.tiling import NotTiled, Row
from shared.domain.log.trip import NO_CAR, Trip
from shared.domain.place.places import Place
from shared.domain.tracking.settled import has_history
from shared.domain.tracking.state import DriverState, next_poll_at
from shared.repositories.cars import CarRepository
from shared.repositories.chapters import ChapterRepository
from shared.repositories.checks import CheckRepository
from shared.repositories.documents import RESTORING, HalfRestored, OldLog, Stored, from_document, to_document
from shared.repositories.doubts import DoubtRepository
from shared.repositories.gaps import GapRepository
from shared.repositories.history import HistoryRepository
from shared.repositories.places import SharedPlaceRepository, places_of, stage_index
from shared.repositories.readings import ReadingRepository, Why
from shared.repositories.seals import SealRepository
from shared.repositories.tiles import Tiles
from shared.repositories.trips import TripRepository, trip_document

SUM_FIELDS = Sums.__struct_fields__
# All users' next polls lie close to now, and Firestore takes about 500 writes a second to one stretch of an index.
# A number in front of the time spreads them over as many stretches; a query can ask for 30 of them at once.
SHARDS = 16
# How many commits changed rows or readings. It stands beside the state: also who does not read that raises it.
CHANGES = "changes"


def state_document(email: str, state: DriverState) -> dict[str, Any]:
    """A driver's state as it is stored, with when they are due next and the stretch of the index in which that stands.

    Whoever writes a state has this computed from all of it: nobody can forget what waits.
    """
    return {
        "version": LOG_VERSION,
        "state": msgspec.json.encode(state).decode(),
        "next_poll_at": next_poll_at(state, settings.current.rules),
        "shard": shard_of(email),
    }


def shard_of(email: str) -> int:
    """The stretch of the index in which a driver's next poll stands."""
    return crc32(email.encode()) % SHARDS


class UserStore:
    """Everything that belongs to one user (e-mail in lower case)."""

    def __init__(self, db: firestore.Client, email: str) -> None:
        self.email = email
        self._db = db
        self._root = db.collection("users").document(email)
        self._full_name = f"projects/{db.project}/databases/(default)/documents/{self._root.path}"
        self._state = self._root.collection("cache").document("trip_start")

    @cached_property
    def cars(self) -> CarRepository:
        """Their cars."""
        return CarRepository(self._db, self._root.collection("settings"))

    @cached_property
    def readings(self) -> ReadingRepository:
        """What their cars said of their odometers, and they themselves."""
        return ReadingRepository(self._db, self._root)

    @cached_property
    def doubts(self) -> DoubtRepository:
        """Which of these are not believed."""
        return DoubtRepository(self._root)

    @cached_property
    def trips(self) -> TripRepository:
        """Their trips that are over."""
        return TripRepository(self._db, self._root, self._full_name)

    @cached_property
    def gaps(self) -> GapRepository:
        """The rows of their log for kilometres that no trip has."""
        return GapRepository(self._db, self._root, self._full_name)

    @cached_property
    def history(self) -> HistoryRepository:
        """What was changed in their log, by whom and why."""
        return HistoryRepository(self._root)

    @cached_property
    def seals(self) -> SealRepository:
        """The years of their log that are closed."""
        return SealRepository(self._root)

    @cached_property
    def checks(self) -> CheckRepository:
        """What was found by the checks of their log."""
        return CheckRepository(self._root)

    @cached_property
    def chapters(self) -> ChapterRepository:
        """The settled parts of the books of their cars."""
        return ChapterRepository(self._root)

    def change(self, author: Author | None = None) -> "Change":
        """A new, empty commit. What its author changes is told in the history; without one, nothing is."""
        return Change(self._db, self._root, author)

    # --- the drive going on

    def state(self) -> Stored[DriverState]:
        """What is remembered of the driver, or an empty state. Raises OldLog where an earlier version kept it."""
        return self.state_and_changes()[0]

    def state_and_changes(self) -> tuple[Stored[DriverState], int]:
        """The same, and how many commits changed rows or readings by then: what was computed of these holds as long as
        no other one did."""
        snapshot = self._state.get()
        fields = (snapshot.to_dict() or {}) if snapshot.exists else {}
        changes = fields.pop(CHANGES, 0)
        if not fields:
            return Stored(DriverState(), snapshot.update_time), changes
        if fields.get("version") != LOG_VERSION:
            raise HalfRestored(self.email) if RESTORING in fields else OldLog(self.email)
        return Stored(msgspec.json.decode(fields["state"], type=DriverState), snapshot.update_time), changes

    def blocks(self, count: int) -> list[Heard]:
        """The older events of the drive going on."""
        found = [self._state.collection("trail").document(str(n)) for n in range(count)]
        snapshots = {snapshot.id: snapshot for snapshot in self._db.get_all(found)} if found else {}
        blocks = [snapshots[document.id].to_dict() or {} for document in found]
        return [from_document(heard, Heard) for block in blocks for heard in block.get("events", [])]

    def record(self, drive_id: str) -> Stored[Record] | None:
        """What is kept of a drive that is over, or None."""
        snapshot = self._root.collection("drives").document(drive_id).get()
        return Stored(from_document(snapshot.to_dict(), Record), snapshot.update_time) if snapshot.exists else None

    def recorded(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids under which something is kept of a drive."""
        documents = [self._root.collection("drives").document(one) for one in ids]
        found = self._db.get_all(documents, ["began_at"]) if documents else ()
        return {one.id for one in found if one.exists}

    # --- places

    def places(self) -> tuple[Place, ...]:
        """The user's places, from the one document that holds what polls and ends need, and those shared by all."""
        index = self._root.collection("settings").document("places").get()
        return places_of(index) + SharedPlaceRepository(self._db).list_places()

    def save_place(self, place: Place) -> None:
        """Stores a place, and what polls need of it in the same commit."""
        batch = self._db.batch()
        batch.set(self._root.collection("locations").document(place.id), to_document(place))
        stage_index(batch, self._root.collection("settings").document("places"), place)
        batch.commit()

    # --- sums

    def sums(self, year: int | None) -> dict[int, dict[int, dict[str, Sums]]]:
        """The sums by year, month and car; of every year where none is given."""
        stats = self._root.collection("stats")
        snapshots = stats.stream() if year is None else [stats.document(str(year)).get()]
        return {
            int(snapshot.id): {
                int(month): {car: from_document(sums, Sums) for car, sums in cars.items()}
                for month, cars in snapshot.get("months").items()
            }
            for snapshot in snapshots
            if snapshot.exists
        }


class Change:
    """Collects writes and commits them at once. Every write of a known document demands that it is still as read."""

    def __init__(self, db: firestore.Client, root: firestore.DocumentReference, author: Author | None) -> None:
        self._db, self._root, self._author = db, root, author
        self._batch = db.batch()
        self._state = root.collection("cache").document("trip_start")
        self._state_put: tuple[Stored[DriverState], DriverState] | None = None
        self._entries, self._meant, self._merged = list[Entry](), set[str](), dict[str, str]()
        self._trips: dict[str, tuple[Stored[Trip] | None, Trip | None]] = {}
        self._gaps: dict[str, tuple[Stored[GapRow] | None, GapRow | None]] = {}
        self._tiles: Tiles | None = None
        self._blocks = set[int]()
        self._has_readings = False

    def put_state(self, read: Stored[DriverState], state: DriverState) -> None:
        """The driver's state, in place of the one that was read."""
        self._state_put = (read, state)

    def tell(self, kind: RowKind, row_id: str, before: View, after: View, years: Iterable[int]) -> None:
        """An entry of the history, as far as the views differ. The state numbers it, and must be put as well."""
        if self._author is None:
            return
        is_word = row_id in self._meant
        if entry := entry_of_change(self._author, kind, row_id, before, after, years, is_word=is_word):
            self._entries.append(entry)

    def _tell_row(self, row_id: str, former: Row | None, row: Row | None) -> None:
        rows = [one for one in (former, row) if one]
        kind: RowKind = "gap" if isinstance(rows[0], GapRow) else "trip"
        before, after = _facts(former), _facts(row)
        if row is None and row_id in self._merged:
            after = {MERGED: self._merged[row_id]}
        if isinstance(row, GapRow) and isinstance(former, GapRow) and told(row) != told(former):
            # What is said of a gap is said of its kilometres, whichever row has them later.
            before = {name: value for name, value in before.items() if name not in interval(row)}
        self.tell(kind, row_id, before, after, [one.year for one in rows])

    def is_about(self, row_id: str) -> None:
        """Which row the driver means: what becomes of it is told, though nothing was told of it before."""
        self._meant.add(row_id)

    def is_merged(self, row_id: str, into: str) -> None:
        """Which trip has all of a trip that there is not any more."""
        self._meant.add(row_id)
        self._merged[row_id] = into

    def put_trip(self, read: Stored[Trip] | None, trip: Trip | None) -> None:
        """A trip: new (nothing read), changed, or deleted (None). The sums follow."""
        if trip_id := trip.id if trip else read.value.id if read else "":
            self._trips[trip_id] = (read, trip)

    def put_gap(self, read: Stored[GapRow] | None, gap: GapRow | None) -> None:
        """A gap: new (nothing read), changed, or deleted (None). The sums follow."""
        if gap_id := gap.id if gap else read.value.id if read else "":
            self._gaps[gap_id] = (read, gap)

    def tile(self, car_id: str, before: Sequence[Row], after: Sequence[Row]) -> None:
        """Says which rows take the place of which others, both in their order along the odometer of the car.

        All of a stretch, those that stay as they are too, and where rows follow it the first of them on both sides.
        A commit that puts, moves or deletes a row of a stretch needs it. Raises NotTiled where they do not tile it.
        """
        self._tiles = self._tiles or Tiles()
        self._tiles.declare(car_id, before, after)

    def put_record(self, record_id: str, read: Stored[Record] | None, record: Record | None) -> None:
        """What is kept of a drive, new or with more in it; None where all of its words are in another one."""
        document = self._root.collection("drives").document(record_id)
        if record is None:
            if read:
                self._batch.delete(document, option=self._as_read(read))
        elif read is None:
            self._batch.create(document, to_document(record))
        else:
            self._batch.update(document, to_document(record), option=self._as_read(read))

    def put_chapter(self, chapter_id: str, chapter: Chapter | None) -> None:
        """A chapter of a car's book; None where another one has what was in it. The state must be put as well."""
        ChapterRepository(self._root).put(self._batch, chapter_id, chapter)

    def put_seal(self, seal: Seal) -> None:
        """The seal of a year, which is told in the history. The state must be put as well, and know of it."""
        self.is_about(seal.id)
        SealRepository(self._root).stage(self._batch, seal)
        self.tell("seal", seal.id, {}, seal_view(seal), [seal.year])

    def put_correction(self, one: Correction) -> None:
        """A correction of a closed year, which is told in the history. The state must be put as well."""
        self.is_about(one.id)
        SealRepository(self._root).stage_correction(self._batch, one)
        self.tell("correction", one.id, {}, correction_view(one), [one.year])

    def set_refusals(self, read: Stored[dict[str, Car]], car_id: str, count: int) -> None:
        """How often a car's cloud refused the credentials; for one of the cars that were read."""
        cars = self._root.collection("settings").document("car")
        self._batch.update(cars, {f"cars.`{car_id}`.login_refusals": count}, option=self._as_read(read))

    def add_reading(
        self,
        car_id: str,
        reading: Reading,
        fetched_at: datetime,
        standing: Standing | None = "believed",
        why: Why = "",
    ) -> None:
        """An odometer reading, and why it is not believed if it is not; without a standing where nobody judged it."""
        self._has_readings = True
        ReadingRepository(self._db, self._root).stage(self._batch, car_id, reading, fetched_at, standing, why)

    def set_standing(self, reading_id: str, at: datetime, before: Judged | None, after: Judged) -> None:
        """What is thought of a reading that was measured `at`, in place of what was: None, if it is new."""
        self._has_readings = True
        ReadingRepository(self._db, self._root).stage_standing(self._batch, reading_id, after)
        if before:
            self.tell("reading", reading_id, {"standing": before.standing}, {"standing": after.standing}, years_of(at))

    def add_block(self, n: int, events: Sequence[Heard]) -> None:
        """A hundred older events of the drive going on."""
        self._blocks.add(n)
        self._batch.set(self._block(n), {"events": [to_document(heard) for heard in events]})

    def drop_blocks(self, count: int) -> None:
        """Deletes the older events of a drive that is over, but a block that the next drive has in this commit."""
        for n in set(range(count)) - self._blocks:
            self._batch.delete(self._block(n))

    def commit(self) -> None:
        """Writes everything or nothing. Raises a conflict of google.api_core where another writer was quicker.

        Raises NotTiled where the rows that it would store do not tile the odometer, and YearIsClosed where some of them
        are sealed.
        """
        self._check_tiles()
        self._refuse_closed()
        self._tell_rows()
        self._write_state()
        for collection, put in (("trips", self._trips), ("gaps", self._gaps)):
            for row_id, (read, row) in put.items():
                self._write_row(self._root.collection(collection).document(row_id), read, row)
        for year, months in self._sum_changes().items():
            fields = {"months": _increments(months)}
            self._batch.set(self._root.collection("stats").document(str(year)), fields, merge=True)
        self._batch.commit()
        for read, trip in self._trips.values():
            if trip and read is None:
                logs.log().info("trip saved", extra={"user": self._root.id, "car": trip.car_id, "trip": trip.id})

    def _check_tiles(self) -> None:
        """Raises NotTiled, or a conflict where another writer came between: then the rows were read at two moments."""
        rows = self._put_rows()
        if not rows and not self._tiles:
            return
        try:
            (self._tiles or Tiles()).check(rows)
        except NotTiled as error:
            if self._state_put and self._state.get().update_time != self._state_put[0].version:
                raise Aborted("another writer was quicker") from error
            raise

    def _refuse_closed(self) -> None:
        state = self._state_put[0].value if self._state_put else DriverState()
        if not state.closed_years:
            return
        closed = {
            row_id: pair
            for row_id, pair in self._put_rows().items()
            if any(one and state.is_closed(one.car_id, one.year) for one in pair) and is_changed(*pair)
        }
        if closed:
            meant = [pair for row_id, pair in closed.items() if row_id in self._meant]
            raise YearIsClosed(self._root.id, self._author, meant or [*closed.values()])

    def _tell_rows(self) -> None:
        """What happens to rows that have a history is told in it."""
        state = self._state_put[0].value if self._state_put else DriverState()
        for row_id, (former, row) in self._put_rows().items() if self._author else ():
            if row_id in self._meant or has_history(state, former, row):
                self._tell_row(row_id, former, row)

    def _as_read(self, read: Stored[Any]) -> Any:
        return self._db.write_option(last_update_time=read.version)

    def _write_state(self) -> None:
        if self._state_put is None:
            if self._entries:
                raise RuntimeError("an entry of the history is numbered by the state, which was not put")
            if raised := self._raised():
                self._batch.set(self._state, raised, merge=True)
            return
        read, state = self._state_put
        if self._entries:
            entries = chained(self._entries, Head(state.entries, state.last_hash))
            HistoryRepository(self._root).stage(self._batch, entries)
            state = replace(state, entries=entries[-1].n, last_hash=entries[-1].hash)
        document = {**state_document(self._root.id, state), **self._raised()}
        if read.version is None:
            self._batch.create(self._state, document)
        else:
            self._batch.update(self._state, document, option=self._as_read(read))

    def _raised(self) -> dict[str, Any]:
        return {CHANGES: firestore.Increment(1)} if self._trips or self._gaps or self._has_readings else {}

    def _block(self, n: int) -> firestore.DocumentReference:
        block: firestore.DocumentReference = self._state.collection("trail").document(str(n))
        return block

    def _write_row(self, document: Any, read: Stored[Any] | None, row: Row | None) -> None:
        if read is None:
            self._batch.create(document, _document(row) if row else {})
        elif row is None:
            self._batch.delete(document, option=self._as_read(read))
        else:
            self._batch.update(document, _document(row), option=self._as_read(read))

    def _put_rows(self) -> dict[str, tuple[Row | None, Row | None]]:
        """By id each row as it was read and as it will be."""
        put = {**self._trips, **self._gaps}
        return {row_id: (read.value if read else None, row) for row_id, (read, row) in put.items()}

    def _sum_changes(self) -> dict[int, dict[int, dict[str, Sums]]]:
        changes: dict[int, dict[int, dict[str, Sums]]] = {}
        for former, new in self._put_rows().values():
            for row, sign in ((former, -1), (new, 1)):
                if row:
                    cars = changes.setdefault(row.year, {}).setdefault(row.month, {})
                    car = row.car_id or NO_CAR
                    cars[car] = cars.get(car, Sums()).plus(sums_of_row(row), sign)
        return {year: months for year, months in changes.items() if _increments(months)}


def _document(row: Row) -> dict[str, Any]:
    return to_document(row) if isinstance(row, GapRow) else trip_document(row)


def _facts(row: Row | None) -> View:
    if row is None:
        return {}
    return gap_facts(row) if isinstance(row, GapRow) else trip_facts(row)


def _increments(months: dict[int, dict[str, Sums]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for month, cars in months.items():
        for car, sums in cars.items():
            if any(sums):
                changed = {name: value for name, value in zip(SUM_FIELDS, sums, strict=True) if value}
                fields = {name: firestore.Increment(value) for name, value in changed.items()}
                found.setdefault(str(month), {})[car] = fields
    return found
