"""Closes a year of a car's log with a seal."""

from collections.abc import Mapping, Sequence

from shared.domain.checks.finding import Finding
from shared.domain.driver import Account, Language
from shared.domain.fitting import Conflict, NotFound
from shared.domain.log.history import Author
from shared.domain.log.rows import Rows
from shared.domain.log.sealing import Seal
from shared.domain.log.shown import local
from shared.domain.log.year import span_of
from shared.domain.tracking.closing import closable_from, settled_through, with_closed
from shared.domain.tracking.settled import is_open
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.by_hand import locked
from shared.services.checks import checked
from shared.services.closing import hash_of, stamp_missing
from shared.services.log import StoredOwner
from shared.services.rows import StoredLog
from shared.services.year import ReadYear, year_of


class NotClosable(Conflict):
    """Checks fail for which no reason is given: `findings`."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("Some checks fail: mend what they name, or give a reason for each of them.", "reasons")
        self.findings = findings


def close(
    account: Account, car_id: str, year: int, reasons: Mapping[str, str], author: Author, language: Language
) -> Seal:
    """The seal of a car's year, which is closed with a reason for each check that fails; closing it again changes
    nothing. Raises NotFound where the car has nothing in that year, NotClosable, and Conflict where it is too early."""
    store = UserStore(client(), account.email)
    if store.seals.find(car_id, year) is None:
        _close(store, account, car_id, year, reasons, author, language)
    stamp_missing(account.email)
    seal = store.seals.find(car_id, year)
    assert seal is not None
    return seal


def _close(
    store: UserStore,
    account: Account,
    car_id: str,
    year: int,
    reasons: Mapping[str, str],
    author: Author,
    language: Language,
) -> None:
    if author.now < (soonest := closable_from(year, account.timezone)):
        told = local(soonest, account.timezone)
        raise Conflict(f"The log of {year} can be closed from {told} on: until then news of it may come.", "year")
    _settle(store, account, car_id, year, author)
    until_current(lambda: _seal(store, account, car_id, year, reasons, author, language))()


def _settle(store: UserStore, account: Account, car_id: str, year: int, author: Author) -> None:
    """Settles what is open of the year, in a commit of its own: nobody has to close a year for which that was done."""
    _, until = span_of(year, None, account.timezone)

    @until_current
    def attempt() -> None:
        read, log = store.state(), StoredLog(store)
        rows, owner = Rows(log), StoredOwner(store, account)
        state = settled_through(read.value, car_id, until, rows, owner, author.now)
        if state != read.value:
            change = store.change(author)
            log.stage(change, rows, author.now)
            locked(change, read, state)
            change.commit()

    attempt()


def _seal(
    store: UserStore,
    account: Account,
    car_id: str,
    year: int,
    reasons: Mapping[str, str],
    author: Author,
    language: Language,
) -> None:
    found = year_of(account, car_id, year)
    if found.state.value.is_closed(car_id, year):
        return
    _refuse_open(found)
    failing = [one for one in checked(account, car_id, year, language, found).findings if one.result == "fails"]
    if missing := [one for one in failing if not reasons.get(str(one.n), "").strip()]:
        raise NotClosable(missing)
    before = store.seals.find(car_id, year - 1)
    prev = before.hash if before else ""
    seal = Seal(
        car_id=car_id,
        year=year,
        rows=len(found.log.rows),
        hash=hash_of(car_id, year, prev, found.log.rows),
        prev=prev,
        closed_at=author.now,
        by=author.by,
        timezone=account.timezone,
        reasons={str(one.n): reasons[str(one.n)].strip() for one in failing},
    )
    change = store.change(author)
    change.put_seal(seal)
    change.put_state(found.state, with_closed(found.state.value, car_id, year, account.timezone))
    change.commit()


def _refuse_open(found: ReadYear) -> None:
    year = found.log.year
    if not found.log.rows:
        raise NotFound(f"This car has nothing in {year}.")
    if found.log.behind or any(is_open(found.state.value, row) for row in found.log.rows):
        raise Conflict(f"Some kilometres of {year} wait for what the car says: try again tomorrow.", "year")
