"""Shows the closed years of a car's log, proves them, and keeps what is proposed to be changed in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared import logs, settings
from shared.domain.driver import Account
from shared.domain.log.history import Author
from shared.domain.log.sealing import Correction, Seal, YearIsClosed, correction, seal_hash
from shared.domain.log.shown import row_view
from shared.domain.log.tiling import Row
from shared.domain.tracking.state import DriverState
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.year import rows_of


class ClosedYear(NamedTuple):
    """A car's year as it stands: its seal, None where it is not closed; whether it holds; when it was stamped with the
    time (aware UTC), None where it was not; and what was proposed to be changed since, oldest first."""

    car_id: str
    rows: int
    seal: Seal | None
    holds: bool
    stamped_at: datetime | None
    corrections: Sequence[Correction]


def seal_of(account: Account, car_id: str, year: int) -> Seal | None:
    """The seal of a car's year, or None where it is not closed."""
    return UserStore(client(), account.email).seals.find(car_id, year)


def corrections_of(account: Account, car_id: str, year: int) -> Sequence[Correction]:
    """What was proposed to be changed in a closed year, oldest first."""
    return UserStore(client(), account.email).seals.corrections(car_id, year)


def proven(account: Account, car_id: str | None, year: int) -> ClosedYear:
    """A car's year with its seal held against its rows. Raises NotFound where there is no such car."""
    car, rows = rows_of(account, car_id, year)
    store = UserStore(client(), account.email)
    seal = store.seals.find(car.id, year)
    holds = seal is not None and _holds(store, seal, rows)
    corrections = store.seals.corrections(car.id, year) if seal else ()
    return ClosedYear(car.id, len(rows), seal, holds, _stamped_at(seal), corrections)


def _holds(store: UserStore, seal: Seal, rows: Sequence[Row]) -> bool:
    """Whether a seal is over these rows, and follows the one of the year before, if it was made after that."""
    before = store.seals.find(seal.car_id, seal.year - 1) if seal.prev else None
    is_chained = not seal.prev or (before is not None and before.hash == seal.prev)
    return is_chained and seal.hash == hash_of(seal.car_id, seal.year, seal.prev, rows)


def hash_of(car_id: str, year: int, prev: str, rows: Sequence[Row]) -> str:
    """What the seal of a car's year is, with these rows and the seal of the year before."""
    return seal_hash(car_id, year, prev, (row_view(row) for row in rows))


def _stamped_at(seal: Seal | None) -> datetime | None:
    if seal is None or seal.timestamp_token is None:
        return None
    from shared.timestamping.authority import NotStamped, read

    try:
        return read(seal.timestamp_token, seal.hash).at
    except NotStamped:
        return None


# --- the time


def stamp_missing(email: str) -> None:
    """Has each seal of a driver stamped with the time that is not yet, where the operator named an authority. What does
    not answer is asked another time: nothing waits for it."""
    if settings.current.tsa_url is None:
        return
    from shared.timestamping.authority import NotStamped, asked

    seals = UserStore(client(), email).seals
    for seal in seals.all():
        if seal.timestamp_token is None:
            try:
                seals.put_token(seal, asked(settings.current.tsa_url, seal.hash))
            except NotStamped as error:
                logs.log().warning("a seal has no time stamp yet: %s", error, extra={"user": email})
                return


# --- corrections


def propose(closed: YearIsClosed, why: str = "") -> list[Correction]:
    """Keeps what somebody would have changed in a closed year as corrections, which stand beside it. Raises
    YearIsClosed where neither they nor the caller say why. The same twice is one."""
    store, said = UserStore(client(), closed.email), closed.author
    if said is None or not (said.why.strip() or why):
        raise closed
    author = said._replace(why=said.why.strip() or why)

    @until_current
    def attempt() -> list[Correction]:
        read = store.state()
        found = [one for pair in closed.rows for one in _corrections(read.value, author, *pair)]
        known = [store.seals.find_correction(one.id) for one in found]
        change = store.change(author)
        for one, there in zip(found, known, strict=True):
            if there is None:
                change.put_correction(one)
        if not all(known):
            change.put_state(read, read.value)
            change.commit()
        return [there or one for one, there in zip(found, known, strict=True)]

    return attempt()


def _corrections(state: DriverState, author: Author, former: Row | None, row: Row | None) -> list[Correction]:
    """One for each closed year in which a row would not be any more as it is, or would come to be."""

    def within(one: Row | None, car_id: str, year: int) -> Row | None:
        return one if one and (one.car_id, one.year) == (car_id, year) else None

    years = {(one.car_id, one.year) for one in (former, row) if one and one.car_id}
    return [
        correction(author, car_id, year, within(former, car_id, year), within(row, car_id, year))
        for car_id, year in sorted((car_id, year) for car_id, year in years if car_id)
        if state.is_closed(car_id, year)
    ]
