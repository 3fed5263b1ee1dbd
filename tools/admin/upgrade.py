"""Takes over logs that a version before this one kept: reads all of one, and writes what this version keeps besides.

The first commit of a log says that it is taken over, so that no version writes it from then on; the last one says that
it is of this version. Each of them finds the state as the one before has left it. So it can be stopped between any two
and run again, and of two that run at once one gives up.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import msgspec
from google.api_core.exceptions import AlreadyExists, FailedPrecondition
from google.cloud import firestore

from shared import settings
from shared.domain.driver import LOG_VERSION, Account
from shared.domain.log.gap_row import GapRow
from shared.domain.log.sums import sums_by_month
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Trip
from shared.repositories.accounts import AccountRepository
from shared.repositories.chapters import chapter_document
from shared.repositories.documents import RESTORING, HalfRestored, client, from_document, to_document
from shared.repositories.facts import FactRepository
from shared.repositories.history import entry_id
from shared.repositories.trips import trip_document
from shared.repositories.user_store import UserStore, state_document
from shared.services.log import StoredOwner
from shared.services.verification import verified
from tools.admin import store
from tools.admin.former import WITH_STRETCHES, Former, Upgraded, state_before, upgraded, version_of
from tools.migrate.moving import batched
from tools.migrate.values import Unreadable

T = TypeVar("T", Trip, GapRow)
AT_ONCE = 200  # documents a commit
TAKEN_OVER = 0  # the number of no version: each of them refuses the log


class Write(NamedTuple):
    """A document, and its fields, or with `merge` those of them that change; None where it goes."""

    document: Any
    fields: Mapping[str, Any] | None
    merge: bool = False


def upgrade(options: argparse.Namespace) -> None:
    """Takes over the logs that a version before this one kept; it can be stopped, and repeated."""
    if bool(options.emails) == options.all:
        raise store.Wrong("name the users, or --all")
    accounts = _named(options.emails) if options.emails else _everybody()
    told, failed = 0, list[str]()
    for account in accounts:
        try:
            said = _one(account, options.dry_run) if _is_old(account) else ""
        except store.Wrong as error:
            # One log that cannot be read must not keep all others from going on.
            failed.append(account.email)
            said = str(error)
        if said or options.emails:
            told += 1
            print(said or f"{account.email}: is of this version already", flush=True)
    if not told:
        print("There is no log that a version before this one kept.")
    if failed:
        raise store.Wrong(f"Not taken over: {', '.join(failed)}")


def _named(emails: Iterable[str]) -> Iterator[Account]:
    """The users of these e-mails. Raises Wrong where one is nobody's."""
    repository = AccountRepository(client())
    found = {email: repository.find(email) for email in emails}
    if strangers := [email for email, account in found.items() if account is None]:
        raise store.Wrong(f"{', '.join(strangers)} is not registered")
    return (account for account in found.values() if account)


def _everybody() -> Iterator[Account]:
    """All users. What an old system left below another name is none."""
    repository = AccountRepository(client())
    return (account for email in repository.emails() if (account := repository.find(email)))


def _is_old(account: Account) -> bool:
    fields = _state(account).get().to_dict()
    return account.log_version != LOG_VERSION or (fields is not None and fields.get("version") != LOG_VERSION)


def _root(account: Account) -> Any:
    return client().collection("users").document(account.email)


def _state(account: Account) -> Any:
    return _root(account).collection("cache").document("trip_start")


def _one(account: Account, dry_run: bool) -> str:
    """Upgrades one log; what came of it, in words. Raises Wrong where it cannot be read, or is written meanwhile."""
    try:
        hold = Hold(account)
        if RESTORING in hold.fields:
            raise store.Wrong(str(HalfRestored(account.email)))
        former = read(account, hold)
        owner = StoredOwner(UserStore(client(), account.email), account)
        made = upgraded(former, owner, hold.since, settings.current.rules)
        for _ in () if dry_run else commits(account, hold, former, made):
            pass
    except (msgspec.ValidationError, Unreadable) as error:
        raise store.Wrong(f"The log of {account.email} cannot be read: {error}. Nothing of it was changed.") from error
    except (FailedPrecondition, AlreadyExists) as error:
        raise store.Wrong(f"Somebody else writes the log of {account.email} now: run this again.") from error
    return f"{account.email}: {_told(former, made, dry_run)}{'' if dry_run else _checked(account)}"


def commits(account: Account, hold: "Hold", former: Former, made: Upgraded, at_once: int = AT_ONCE) -> Iterator[None]:
    """Writes a log as this version keeps it, and stops after each commit."""
    hold.take()
    yield
    for part in batched([*_writes(_root(account), former, made)], at_once):
        hold.commit(part)
        yield
    hold.give_back(made)
    yield


def _told(former: Former, made: Upgraded, dry_run: bool) -> str:
    rows = f"{'would have' if dry_run else 'has'} {len(made.trips)} trips and {len(made.gaps)} gaps"
    fixed = f", {len(made.fixed)} trips as they are whatever follows from the facts" if made.fixed else ""
    return f"{rows}{fixed}, {len(made.entries)} entries of the history, of which {len(former.kept.entries)} were there"


def _checked(account: Account) -> str:
    """What `verify` says of the log now."""
    found = len(verified(account.email).differences)
    return f". Differences: {found}, see verify." if found else ". Nothing differs."


class _Held(msgspec.Struct, frozen=True):
    """What the state of a log says of its being taken over: from which version, and since when."""

    former_version: int | None = None
    taken_over_at: datetime | None = None
    step: int = 0


class Hold:
    """The state of a log, which each commit must find as the one before has left it. Who commits to the log writes it:
    so nobody else does meanwhile, and what was read of the log before the first commit is all of one moment."""

    def __init__(self, account: Account) -> None:
        self._account, self._document = account, _state(account)
        snapshot = self._document.get()
        self.fields, self._version = snapshot.to_dict() or {}, snapshot.update_time if snapshot.exists else None
        held = from_document(self.fields, _Held)
        self._step, self._is_taken = held.step, held.taken_over_at is not None
        self.since = held.taken_over_at or datetime.now(UTC)
        self.version = held.former_version or version_of(account, self.fields)

    def take(self) -> None:
        """Takes the log over, if nobody has yet."""
        if not self._is_taken:
            taken = {"version": TAKEN_OVER, "former_version": self.version, "taken_over_at": self.since}
            self._commit(client().batch(), taken)

    def commit(self, writes: Iterable[Write]) -> None:
        """Writes documents, all or none."""
        batch = client().batch()
        for document, fields, merge in writes:
            if fields is None:
                batch.delete(document)
            else:
                batch.set(document, fields, merge=merge)
        self._step += 1
        self._commit(batch, {"step": self._step})

    def give_back(self, made: Upgraded) -> None:
        """Says that the log is of this version."""
        batch, document = client().batch(), state_document(self._account.email, made.state)
        held = {*self.fields, *_Held.__struct_fields__} - {*document}
        batch.update(_root(self._account), {"log_version": LOG_VERSION})
        self._commit(batch, {**document, **dict.fromkeys(held, firestore.DELETE_FIELD)})

    def _commit(self, batch: Any, fields: Mapping[str, Any]) -> None:
        if self._version is None:
            batch.create(self._document, fields)
        else:
            option = client().write_option(last_update_time=self._version)
            batch.update(self._document, fields, option=option)
        self._version = batch.commit()[-1].update_time


# --- what is read, and what is written


def read(account: Account, hold: Hold) -> Former:
    """All that is kept of a log. Raises ValidationError or Unreadable."""
    facts, cars = FactRepository(client(), account.email), UserStore(client(), account.email).cars.list_cars()
    kept = facts.kept(account.default_car_id, [*cars.values()])
    if facts.unreadable:
        raise Unreadable(", ".join(facts.unreadable))
    state = state_before(account, hold.fields, hold.version, hold.since)
    # What was written of the history, and of chapters, before this was stopped is written again.
    entries = [one for one in kept.entries if one.n <= state.entries]
    return Former(kept._replace(entries=entries, chapters=()), state, hold.version)


def _writes(root: Any, former: Former, made: Upgraded) -> Iterator[Write]:
    """All that differs from what was kept."""
    for record in made.dropped:
        yield Write(root.collection("drives").document(record.id), to_document(record))
    trips, gaps = {one.id: one for one in former.kept.trips}, {one.id: one for one in former.kept.gaps}
    yield from _of_rows(root.collection("trips"), trips, made.trips, trip_document, former.version < WITH_STRETCHES)
    yield from _of_rows(root.collection("gaps"), gaps, made.gaps, to_document)
    for car_id, of in former.kept.readings.items():
        for one in of:
            thought = made.judged.get(one.id, one.judged)
            if thought != one.judged:
                fields = {"car_id": car_id, **msgspec.structs.asdict(one.reading), **thought._asdict()}
                yield Write(root.collection("odometer_readings").document(one.id), fields, merge=True)
    yield from _of_chapters(root.collection("chapters"), made)
    yield from _of_history(root.collection("history"), made)
    yield from _of_sums(root.collection("stats"), [*made.trips.values(), *made.gaps.values()])


def _of_rows(
    rows: Any,
    before: Mapping[str, T],
    after: Mapping[str, T],
    as_document: Callable[[T], dict[str, Any]],
    is_all_new: bool = False,
) -> Iterator[Write]:
    """Of rows that there are what changes, and no more: a hundred routes may not fit into a commit."""
    for id_, row in after.items():
        fields, former = as_document(row), as_document(before[id_]) if id_ in before else {}
        changed = {name: value for name, value in fields.items() if name not in former or former[name] != value}
        changed |= {name: value for name, value in fields.items() if is_all_new and name != "route"}
        if changed:
            yield Write(rows.document(id_), changed, merge=bool(former))
    yield from (Write(rows.document(id_), None) for id_ in before if id_ not in after)


def _of_chapters(chapters: Any, made: Upgraded) -> Iterator[Write]:
    yield from (Write(chapters.document(one.id), chapter_document(one)) for one in made.chapters)
    wanted = {one.id for one in made.chapters}
    yield from (Write(one.reference, None) for one in chapters.select([]).stream() if one.id not in wanted)


def _of_history(history: Any, made: Upgraded) -> Iterator[Write]:
    yield from (Write(history.document(entry_id(one.n)), to_document(one)) for one in made.entries)
    wanted = {entry_id(one.n) for one in made.entries}
    yield from (Write(one.reference, None) for one in history.select([]).stream() if one.id not in wanted)


def _of_sums(stats: Any, rows: Iterable[Row]) -> Iterator[Write]:
    years: dict[int, dict[str, dict[str, Any]]] = {}
    for (year, month, car), sums in sums_by_month(rows).items():
        years.setdefault(year, {}).setdefault(str(month), {})[car] = to_document(sums)
    for year, months in years.items():
        yield Write(stats.document(str(year)), {"months": months})
    yield from (Write(one.reference, None) for one in stats.select([]).stream() if int(one.id) not in years)
