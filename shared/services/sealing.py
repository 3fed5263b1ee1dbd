"""Closes a year of a car's log with a seal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
        if author.now < (soonest := closable_from(year, account.timezone)):
            told = local(soonest, account.timezone)
            raise Conflict(f"The log of {year} can be closed from {told} on: until then news of it may come.", "year")
        closing = _Closing(store, account, car_id, year, author)
        # What is settled stays so: who is refused for want of a reason has nothing changed.
        closing.failing(year_of(account, car_id, year), reasons, language)
        until_current(closing.settle)()
        until_current(closing.seal)(reasons, language)
    stamp_missing(account.email)
    seal = store.seals.find(car_id, year)
    assert seal is not None
    return seal


class _Closing(NamedTuple):
    """The closing of a car's year by somebody, in two commits: a year may be settled and never closed."""

    store: UserStore
    account: Account
    car_id: str
    year: int
    author: Author

    def settle(self) -> None:
        """Settles what is open of the year."""
        read, log = self.store.state(), StoredLog(self.store)
        rows, owner = Rows(log), StoredOwner(self.store, self.account)
        _, until = span_of(self.year, None, self.account.timezone)
        state = settled_through(read.value, self.car_id, until, rows, owner, self.author.now)
        if state != read.value:
            change = self.store.change(self.author)
            log.stage(change, rows, self.author.now)
            locked(change, read, state)
            change.commit()

    def failing(self, found: ReadYear, reasons: Mapping[str, str], language: Language) -> Sequence[Finding]:
        """The checks that fail, each of which has a reason. Raises NotClosable, and what refuses every year like it."""
        _refuse_unread(found)
        checks = checked(self.account, self.car_id, self.year, language, found)
        failing = [one for one in checks.findings if one.result == "fails"]
        if missing := [one for one in failing if not reasons.get(str(one.n), "").strip()]:
            raise NotClosable(missing)
        return failing

    def seal(self, reasons: Mapping[str, str], language: Language) -> None:
        """Seals its rows, with a reason for each check that fails."""
        found = year_of(self.account, self.car_id, self.year)
        if found.state.value.is_closed(self.car_id, self.year):
            return
        if any(is_open(found.state.value, row) for row in found.log.rows):
            raise _waiting(self.year)
        failing = self.failing(found, reasons, language)
        change = self.store.change(self.author)
        change.put_seal(self._made(found, {str(one.n): reasons[str(one.n)].strip() for one in failing}))
        closed = with_closed(found.state.value, self.car_id, self.year, self.account.timezone)
        change.put_state(found.state, closed)
        change.commit()

    def _made(self, found: ReadYear, reasons: dict[str, str]) -> Seal:
        before = self.store.seals.find(self.car_id, self.year - 1)
        prev = before.hash if before else ""
        return Seal(
            car_id=self.car_id,
            year=self.year,
            rows=len(found.log.rows),
            hash=hash_of(self.car_id, self.year, prev, found.log.rows),
            prev=prev,
            closed_at=self.author.now,
            by=self.author.by,
            timezone=self.account.timezone,
            reasons=reasons,
        )


def _refuse_unread(found: ReadYear) -> None:
    if not found.log.rows:
        raise NotFound(f"This car has nothing in {found.log.year}.")
    if found.log.behind:
        raise _waiting(found.log.year)


def _waiting(year: int) -> Conflict:
    return Conflict(f"Some kilometres of {year} wait for what the car says: try again tomorrow.", "year")
