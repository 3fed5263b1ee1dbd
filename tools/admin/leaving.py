"""Takes all that is a user's along in one file, and puts it back, also under another e-mail."""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from google.api_core.exceptions import Aborted, AlreadyExists, FailedPrecondition
from msgspec.structs import replace

from shared.domain.driver import EMAIL, LOG_VERSION, Account
from shared.domain.fitting import NotFound
from shared.domain.tracking.state import DriverState
from shared.formats.user_file import UserFile, Written, read_user_file, user_file
from shared.repositories.accounts import AccountRepository, account_document
from shared.repositories.documents import client, from_document
from shared.repositories.facts import UNREADABLE
from shared.repositories.typed import fields_of, typed_fields
from shared.repositories.user_store import UserStore
from shared.repositories.whole import STATE, Document, Occupied, WholeRepository
from shared.services.exporting import full_log, years_of_cars
from shared.services.verification import verified
from tools.admin import store

# With the state, which each commit writes: 200 documents. A commit takes 10 MiB.
AT_ONCE, MOST_BYTES = 199, 4_000_000
TELL_EVERY = 5000
OVERTAKEN = (FailedPrecondition, AlreadyExists, Aborted)


# --- out


def export_user(options: argparse.Namespace) -> None:
    """Writes everything that is a user's into one file, but what opens their cars' clouds; nothing is changed."""
    account, now = store.user(options.email), datetime.now(UTC)
    UserStore(client(), account.email).state()  # raises where it is not a whole log of this version
    whole = WholeRepository(client(), account.email).read()
    if whole is None:
        raise store.Wrong(f"{account.email} is not registered")
    counted = _Counted("documents")
    written = Written(
        account.email,
        whole.moment,
        _logs(account, now),
        msgspec.json.encode(typed_fields(whole.account)),
        counted.each(_kept(one) for one in whole.documents),
    )
    _write(Path(options.file), user_file(written))
    print(f"documents: {counted.number}\nwritten: {options.file}")


def _logs(account: Account, now: datetime) -> Iterator[bytes]:
    """The JSON exports of all years of all cars that have rows, as far as these can be read."""
    for year, car_id in years_of_cars(account.email):
        try:
            log = full_log(account, car_id, year, now)
        except NotFound:  # a car that is gone, and of which that year has no rows
            continue
        except UNREADABLE as error:  # what is kept goes into the file all the same
            print(f"log: {car_id} {year} is left out, see verify: {error}", flush=True)
            continue
        if log:
            print(f"log: {car_id} {year}", flush=True)
            yield log


def _kept(document: Document) -> bytes:
    return msgspec.json.encode({"path": document.path, "fields": typed_fields(document.fields)})


def _write(file: Path, pieces: Iterable[bytes]) -> None:
    """Writes a file that its owner alone can read, all of it or nothing. Raises Wrong."""
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for piece in pieces:
                out.write(piece)
        part.replace(file)
    except OSError as error:
        raise store.Wrong(f"{file} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


# --- back


class Given(NamedTuple):
    """What is to be put back: of whom the file is, the account as it will be with the fields of its document, and the
    state. `lost` is how many keys stay with another user."""

    file: UserFile
    account: Account
    fields: dict[str, Any]
    state: Document | None
    lost: int


def restore(options: argparse.Namespace) -> None:
    """Puts what `export-user` wrote back, also under another e-mail; it can be stopped, and repeated."""
    if not EMAIL.fullmatch(options.email):
        raise store.Wrong(f"{options.email} is not an e-mail address")
    given = _given(options.email, Path(options.file))
    for done in restored(given):
        if done % TELL_EVERY < AT_ONCE:
            print(f"{done} of {len(given.file.kept)} documents", flush=True)
    print(f"restored: {given.account.email}, as of {given.file.made_at:%Y-%m-%d %H:%M} UTC")
    _tell_keys(given)
    found = verified(given.account.email)
    print(f"Differences: {len(found.differences)}, see verify." if found.differences else "Nothing differs.")


def _tell_keys(given: Given) -> None:
    print(f"keys: {len(given.account.keys)}. Those that were revoked since are back: see list-keys.")
    if given.lost:
        print(f"keys of another user, left out: {given.lost}")
    print("Credentials of cars are not in the file: set-car, or their driver, sets them again.")


def restored(given: Given, at_once: int = AT_ONCE) -> Iterator[int]:
    """Puts documents back and stops after each commit; how many there are by then. Raises Wrong."""
    email = given.account.email
    try:
        restoration = WholeRepository(client(), email).restoration(given.file.sha256)
        for part in _parts(_documents(given, restoration.done), at_once):
            restoration.put(part)
            yield restoration.done
        restoration.finish(given.fields, given.state)
    except Occupied as error:
        raise store.Wrong(f"{email} {error}") from error
    except OVERTAKEN as error:
        raise store.Wrong(f"Somebody else writes the log of {email} now: run this again.") from error


def _given(email: str, path: Path) -> Given:
    """What a file gives a user, once all of it has been read. Raises Wrong, and Unfit where it is not sound."""
    try:
        file = read_user_file(path.read_bytes())
        account = from_document(fields_of(file.account), Account)
        state = None
        for kept in file.documents():
            document = Document(kept.path, fields_of(kept.fields))
            if len(parts := kept.path.split("/")) % 2 or not all(parts):
                raise store.Wrong(f"{path} cannot be read: {kept.path!r} is no document's path")
            state = document.belonging_to(file.user, email) if kept.path == STATE else state
        if state and "state" in state.fields:
            msgspec.json.decode(state.fields["state"], type=DriverState)
    except OSError as error:
        raise store.Wrong(f"{path} cannot be read: {error.strerror}") from error
    except UNREADABLE as error:
        raise store.Wrong(f"{path} cannot be read: {error}") from error
    if account.log_version != LOG_VERSION:
        raise store.Wrong(f"A version of the program with logs of version {account.log_version} has to restore this.")
    return _registered(email, file, account, state)


def _registered(email: str, file: UserFile, account: Account, state: Document | None) -> Given:
    """The account as it will be: with its keys, but those that another user has, and those that were made for it by
    now. A key that two have would be nobody's."""
    users = AccountRepository(client())
    there = users.find(email)
    free = {id_: key for id_, key in account.keys.items() if users.owner_of(key.sha256) in (None, email)}
    made = replace(account, email=email, keys={**free, **(there.keys if there else {})})
    fields = {**fields_of(file.account), "email": email}
    if made.keys != account.keys:
        fields |= account_document(made)
    return Given(file, made, fields, state, len(account.keys) - len(free))


def _documents(given: Given, done: int) -> Iterator[tuple[Document, int]]:
    """The documents but the state, and how many bytes each has in the file; without the first ones, that are done."""
    for raw, kept in zip(given.file.kept, given.file.documents(), strict=True):
        if kept.path == STATE:
            continue
        if done > 0:
            done -= 1
            continue
        document = Document(kept.path, fields_of(kept.fields))
        yield document.belonging_to(given.file.user, given.account.email), len(memoryview(raw))


def _parts(documents: Iterable[tuple[Document, int]], at_once: int) -> Iterator[Sequence[Document]]:
    """What goes into one commit each. There is one at least: it takes hold of the log."""
    part, size = list[Document](), 0
    for document, length in documents:
        if part and (len(part) == at_once or size + length > MOST_BYTES):
            yield part
            part, size = [], 0
        part, size = [*part, document], size + length
    yield part


class _Counted:
    """Counts what goes by, and says now and then how much it was."""

    def __init__(self, what: str) -> None:
        self.number, self._what = 0, what

    def each(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            self.number += 1
            if self.number % TELL_EVERY == 0:
                print(f"{self.number} {self._what}", flush=True)
