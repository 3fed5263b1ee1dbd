"""Deletes old documents, after a second check that reads every one of them again and what became of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.domain.log.drive import Record
from shared.domain.log.record import events_of
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import from_document
from shared.repositories.user_store import UserStore
from tools.migrate.checking import place_differences, reading_differences, trip_differences
from tools.migrate.moving import batched
from tools.migrate.old_rows import reading_keys
from tools.migrate.plan import Note, Watched
from tools.migrate.source import Row, Source, Stop, pages

AT_ONCE = 200
COMPARED = [
    "user", "revision", "distance_km", "business_km", "private_km", "timezone", "started_at", "ended_at",
]  # fmt: skip


class Check(msgspec.Struct):
    """What was found: the old documents that may go, with the versions that were checked, and what disagrees."""

    agreed: list[tuple[Any, Any]] = []
    wrong: list[Note] = []

    def note(self, row: Row[Any], differences: Iterable[str]) -> None:
        """Takes in one row that was compared."""
        if found := ", ".join(differences):
            self.wrong.append(Note(f"differs from what was moved in: {found}", row.path))
        else:
            self.agreed.append((row.snapshot.reference, row.snapshot.update_time))


def checked(source: Source, watched: Watched[Any]) -> Check:
    """Compares every old document that can be read with what became of it. Those that cannot be read stay."""
    check = Check()
    list(source.cars())  # trips and readings that name no car need to know their owner's
    _check_places(source, watched, check)
    _check_readings(source, watched, check)
    _check_active(source, check)
    _check_trips(source, watched, check)
    return check


def _readable(rows: Iterable[Row[Any]], id_of: Callable[[Any], str]) -> Iterator[Row[Any]]:
    """The rows that can be read; of two with one new id only the first was moved."""
    seen: set[tuple[str, str]] = set()
    for row in rows:
        if row.made is not None and (row.owner, id_of(row.made)) not in seen:
            seen.add((row.owner, id_of(row.made)))
            yield row


def _check_trips(source: Source, watched: Watched[Any], check: Check) -> None:
    rows = list(_readable(source.trips(), lambda made: made.trip.id))
    for part in watched("checking trips", list(batched(rows, AT_ONCE))):
        documents = {row.path: _user(source, row).collection("trips").document(row.made.trip.id) for row in part}
        found = _found(source.db, documents.values(), COMPARED)
        for row in part:
            new = found.get(documents[row.path].path)
            check.note(row, trip_differences(row.fields, new, row.owner) if new else ["all: it is missing"])


def _check_readings(source: Source, watched: Watched[Any], check: Check) -> None:
    stored: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in watched("checking readings", list(_readable(source.readings(), lambda made: made.id))):
        if row.owner not in stored:
            readings = list(pages(_user(source, row).collection("odometer_readings")))
            stored[row.owner] = {key: one.to_dict() for one in readings for key in reading_keys([one.id])}
        new = stored[row.owner].get(row.made.key)
        check.note(row, reading_differences(row.fields, new) if new else ["all: it is missing"])


def _check_places(source: Source, watched: Watched[Any], check: Check) -> None:
    for row in watched("checking places", list(_readable(source.places(), lambda made: made.id))):
        new = _user(source, row).collection("locations").document(row.made.id).get().to_dict()
        check.note(row, place_differences(row.fields, new) if new else ["all: it is missing"])


def _check_active(source: Source, check: Check) -> None:
    row = source.active()
    if row is None or row.made is None:
        return
    if not row.made.drive:
        check.note(row, [])
    elif row.fields.get("moved_to") == row.owner:
        check.note(row, [] if _is_taken_up(source, row) else ["all: no trip of its user began then"])


def _is_taken_up(source: Source, row: Row[DriverState]) -> bool:
    """Whether the drive is still going on, or was kept when it was over."""
    old, now = row.made.drive if row.made else None, UserStore(source.db, row.owner).state().value.drive
    if old is None:
        return False
    if now is not None and now.started_at <= old.started_at:
        return True
    records = _user(source, row).collection("drives").where(filter=FieldFilter("began_at", "<=", old.started_at))
    newest = records.order_by("began_at", direction=firestore.Query.DESCENDING).limit(1).stream()
    kept = [heard.at for one in newest for heard in events_of(from_document(one.to_dict(), Record))]
    return any(at >= old.started_at for at in kept)


def _user(source: Source, row: Row[Any]) -> Any:
    return source.db.collection("users").document(row.owner)


def _found(db: firestore.Client, documents: Iterable[Any], fields: list[str]) -> dict[str, Mapping[str, Any]]:
    snapshots = db.get_all(list(documents), fields)
    return {snapshot.reference.path: snapshot.to_dict() for snapshot in snapshots if snapshot.exists}


def delete(db: firestore.Client, check: Check, watched: Watched[Any]) -> int:
    """Deletes the documents that were checked, each only as it was then. Gives their number."""
    for part in watched("deleting", list(batched(check.agreed, AT_ONCE))):
        batch = db.batch()
        for reference, version in part:
            batch.delete(reference, option=db.write_option(last_update_time=version))
        try:
            batch.commit()
        except (FailedPrecondition, NotFound) as error:
            raise Stop("Old documents changed during the check: stop the old system and run this again.") from error
    return len(check.agreed)
