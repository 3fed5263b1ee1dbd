"""Every query that the repositories make is served by the table of indexes: the emulator itself never refuses one."""

import ast
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore_v1.types import StructuredQuery

from shared.domain.log.purposes import Use
from shared.domain.tracking.state import DriverState
from shared.repositories.accounts import AccountRepository
from shared.repositories.due import Due, all_users, due_users, due_users_of_shard, users_with_a_car
from shared.repositories.facts import FactRepository
from shared.repositories.streaming import LongReader, long_reader
from shared.repositories.user_store import CHANGES, UserStore, state_document
from tools.deploy.indexes import ASCENDING, DESCENDING, INDEXES, NOT_INDEXED, Index

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 1, 23, 8, tzinfo=UTC)
EQUAL = (StructuredQuery.FieldFilter.Operator.EQUAL, StructuredQuery.FieldFilter.Operator.IN)
CONTAINS = StructuredQuery.FieldFilter.Operator.ARRAY_CONTAINS


class Asked(NamedTuple):
    """What an index must do for a query: fields that equal something, and the order of the rest."""

    collection: str
    group: bool
    equal: frozenset[str]
    order: tuple[tuple[str, str], ...]
    contains: str = ""


def asked(query: Any) -> Asked:
    where, (source,) = query.where, query.from_
    filters = list(where.composite_filter.filters) or [where]
    found = [(one.field_filter.field.field_path, one.field_filter.op) for one in filters]
    found = [(name, op) for name, op in found if name]
    # To equal None is said in a way of its own.
    is_null = [one.unary_filter.field.field_path for one in filters if one.unary_filter.op]
    equal = frozenset([*(name for name, op in found if op in EQUAL), *is_null])
    contains = [name for name, op in found if op == CONTAINS]
    ranges = [name for name, op in found if op not in (*EQUAL, CONTAINS)]
    down = StructuredQuery.Direction.DESCENDING
    order = [(one.field.field_path, DESCENDING if one.direction == down else ASCENDING) for one in query.order_by]
    # Without an order of its own a query goes upwards by the field of its inequality; the name comes last by itself.
    order = order or [(name, ASCENDING) for name in ranges[:1]]
    kept = tuple(entry for entry in order if entry[0] != "__name__")
    return Asked(source.collection_id, source.all_descendants, equal, kept, *contains)


def is_served(query: Asked, indexes: tuple[Index, ...] = INDEXES) -> bool:
    """Whether Firestore can answer by single indexes or by joining those that end in the same order.

    The rules: https://firebase.google.com/docs/firestore/query-data/index-overview and .../indexing.
    """
    fields = [*query.equal, *(name for name, _ in query.order), *([query.contains] if query.contains else [])]
    joined = query.equal and not query.order
    if (len(fields) <= 1 or joined) and not query.group:
        return not set(fields) & set(NOT_INDEXED.get(query.collection, ()))
    covered: set[str] = set()
    for index in indexes:
        split = len(index.fields) - len(query.order)
        prefix = {name for name, _ in index.fields[:split]}
        right = (index.collection, index.group) == (query.collection, query.group)
        if right and split >= 0 and index.fields[split:] == query.order and prefix <= query.equal:
            covered |= prefix | {""}
    return covered == query.equal | {""}


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The queries that go over Firestore's channel."""
    seen: list[Any] = []

    class Watch(grpc.UnaryStreamClientInterceptor):  # type: ignore[misc]
        def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
            if details.method.endswith("/RunQuery"):
                seen.append(request.structured_query)
            return continuation(details, request)

    insecure = grpc.insecure_channel
    watched = lambda *args, **more: grpc.intercept_channel(insecure(*args, **more), Watch())  # noqa: E731
    monkeypatch.setattr(grpc, "insecure_channel", watched)
    long_reader.cache_clear()
    yield seen
    long_reader.cache_clear()


@pytest.fixture
def made(emulators: None, queries: list[Any]) -> list[Any]:
    """The queries of every method that makes one, with and without each of its filters."""
    project = f"indexes-{secrets.token_hex(4)}"
    db, reader = firestore.Client(project=project), LongReader(project)
    store, users = UserStore(db, "boris@example.com"), AccountRepository(db)
    filters = {"year": 2026, "month": 1, "car_id": "car", "kind": "private"}
    for size in range(len(filters) + 1):
        for names in combinations(filters, size):
            for after in (None, (NOW, "id")):
                store.trips.newest({name: filters[name] for name in names}, 10, after)
    store.trips.parts(Use, 10)
    for car_id in ("car", None):
        store.trips.before(car_id, NOW)
        store.trips.after(car_id, NOW)
        for year in (None, 2026):
            store.trips.first(car_id, year)
            store.gaps.first(car_id, year)
            store.gaps.unexplained(car_id, year)
        for after in (None, (NOW, "id")):
            for more in ({}, {"year": 2026}, {"year": 2026, "month": 1}):
                store.trips.by_time({"car_id": car_id, **more}, 10, after)
                store.gaps.by_time({"car_id": car_id, **more}, 10, after)
        for since in (None, NOW):
            for before in (None, NOW):
                store.doubts.of_car(car_id, since, before)
        for before in (None, NOW):
            store.readings.newest(car_id, 20, before)
        store.readings.first(car_id)
    store.readings.beside("car", NOW, 3)
    store.readings.since("car", NOW)
    store.readings.around("car", NOW, NOW)
    store.readings.has_any("car")
    store.history.gone(["1"])
    store.history.gone([str(n) for n in range(1000)])
    store.seals.all()
    store.seals.corrections("car", 2026)
    for span in (None, (NOW, NOW)):
        for after in (None, (NOW, "20260123T080000.000000Z.car.car.1")):
            store.readings.page("car", 10, span, after)
    store.gaps.between("car", NOW, NOW)
    store.gaps.correction_before("car", NOW)
    store.trips.between("car", NOW, NOW)
    store.trips.ended_by("car", NOW)
    store.trips.ended_after("car", NOW)
    store.chapters.between("car", NOW, NOW)
    store.chapters.first("car")
    store.history.of_row("20260123T071200Z-7f3a9c")
    store.history.of_year(2026, 10, after=3)
    FactRepository(db, store.email).kept(None, [])
    store.sums(None)
    list(due_users(reader, NOW, 10))
    list(due_users_of_shard(reader, 3, NOW, Due("boris@example.com", NOW)))
    list(users_with_a_car(reader))
    list(all_users(reader))
    store.trips.newest({"kind": "unclassified", "year": 2026}, 10, None)  # by whose indexes they are counted
    users.proven(None, "a key")
    users.emails("a")
    list(users.pages())
    return queries


def test_every_query_is_served(made: list[Any]) -> None:
    assert len(made) > 40
    assert [query for query in map(asked, made) if not is_served(query)] == []


@pytest.mark.parametrize("index", INDEXES, ids=str)
def test_without_any_one_of_the_indexes_some_query_is_not_served(index: Index, made: list[Any]) -> None:
    fewer = tuple(other for other in INDEXES if other != index)
    assert [query for query in map(asked, made) if not is_served(query, fewer)]


def test_no_method_makes_a_query_that_this_test_does_not_know() -> None:
    streams = {
        function.name
        for file in (ROOT / "shared").rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and node.attr in ("stream", "run_query", "count", "sum", "on_snapshot")
    }
    known = {
        "_stored",
        "_count",
        "unclassified",
        "_doubted",
        "sums",
        "_found",
        "documents",  # of the long reader, whose callers are in shared/repositories/due.py
        "_owner",
        "emails",
        "pages",
        "of_row",
        "of_year",
        "_gone",
        "_documents",  # all that is a user's, which asks for no field
        "corrections",
        "all",
        "_all",
    }
    assert streams == known, "a new query: call it in `made` above, and name it here"


def test_what_is_not_indexed_are_fields_that_documents_have(made: list[Any]) -> None:
    for collection, fields in NOT_INDEXED.items():
        assert len(set(fields)) == len(fields), collection
    assert set(NOT_INDEXED["cache"]) == {*state_document("boris@example.com", DriverState()), CHANGES}
    # A field that only composite indexes serve may lack the automatic ones; the users' hashes need theirs.
    assert "key_hashes" not in NOT_INDEXED["users"]
