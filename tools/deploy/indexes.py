"""The table of indexes: those that queries need beyond Firestore's automatic ones, and the fields that need none."""

from typing import NamedTuple

from msgspec import Struct

from shared.domain.car.odometer import Reading
from shared.domain.log.drive import Record
from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Entry
from shared.domain.log.sealing import Correction, Seal
from shared.domain.log.trip import Trip

ASCENDING, DESCENDING = "ascending", "descending"


class Index(NamedTuple):
    """A composite index; `fields` are names with their order, `group` means collections of this name everywhere."""

    collection: str
    fields: tuple[tuple[str, str], ...]
    group: bool = False


def _index(collection: str, *fields: str, group: bool = False) -> Index:
    """An index by field names; a minus before a name means descending."""
    ordered = ((name.lstrip("-"), DESCENDING if name.startswith("-") else ASCENDING) for name in fields)
    return Index(collection, tuple(ordered), group)


INDEXES = (
    # A page of trips, newest first: Firestore joins the indexes of the fields that a caller filters by.
    _index("trips", "-started_at", "-id"),
    _index("trips", "year", "-started_at", "-id"),
    _index("trips", "month", "-started_at", "-id"),
    _index("trips", "car_id", "-started_at", "-id"),
    _index("trips", "kind", "-started_at", "-id"),
    # The trips before and after one on the same car, the first one of a car or of its year.
    _index("trips", "car_id", "started_at"),
    _index("trips", "car_id", "-started_at"),
    _index("trips", "year", "started_at"),
    # The trips of a chapter of a car, and those before and behind it.
    _index("trips", "car_id", "ended_at"),
    _index("trips", "car_id", "-ended_at"),
    # A page of a car's log, oldest first.
    _index("trips", "car_id", "started_at", "id"),
    _index("trips", "year", "started_at", "id"),
    _index("trips", "month", "started_at", "id"),
    _index("gaps", "car_id", "since", "id"),
    _index("gaps", "year", "since", "id"),
    _index("gaps", "month", "since", "id"),
    # The gaps of a car that nobody explained.
    _index("gaps", "explained_as", "since", "id"),
    # The last correction of a car before a gap.
    _index("gaps", "car_id", "explained_as", "-since"),
    # The first, the newest and the neighbouring readings of a car that are believed.
    _index("odometer_readings", "car_id", "standing", "at"),
    _index("odometer_readings", "car_id", "standing", "-at"),
    # All readings of a car in a stretch of time, and the newest of them.
    _index("odometer_readings", "car_id", "at"),
    _index("odometer_readings", "car_id", "-at"),
    # The chapters of a car around a moment.
    _index("chapters", "car_id", "ends_at"),
    # The users whose poll is due.
    _index("cache", "shard", "next_poll_at", group=True),
)


def _fields(struct: type[Struct], *more: str) -> tuple[str, ...]:
    """The fields of a document by the names that it stores them under."""
    return (*struct.__struct_encode_fields__, *more)


# Each automatic index entry costs storage and time at every write, and most of these documents have dozens. What is
# asked for by value above is found by the composite indexes; of the rest no query asks.
NOT_INDEXED = {
    "cache": ("version", "state", "next_poll_at", "shard", "changes"),
    "trail": ("events",),
    "drives": _fields(Record),
    # All about one row, or about a year, is found by the automatic ones.
    "history": tuple(name for name in _fields(Entry) if name not in ("row", "years")),
    "trips": _fields(Trip),
    "gaps": _fields(GapRow),
    "seals": _fields(Seal),
    "corrections": _fields(Correction),
    "chapters": ("car_id", "ends_at", "chapter"),
    "checks": ("key", "checked"),
    "stats": ("months",),
    "odometer_readings": _fields(Reading, "car_id", "fetched_at", "standing", "why"),
    "settings": ("cars", "places", "sealed", "tokens", "things"),
    "users": ("keys",),
    "addresses": ("address", "provider", "at"),
    "geocoding": ("free_at",),
    "limits": ("taken", "expires_at"),
}

# By collection the field that says from when on Firestore may delete a document by itself.
EXPIRING = {"limits": "expires_at"}
