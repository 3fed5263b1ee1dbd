"""Takes what a driver says of an odometer and what they take back, and lists all readings of a car."""

from collections.abc import Sequence
from datetime import datetime

from shared.domain.car.fitting_in import contradicts, nearest, why_beside
from shared.domain.car.odometer import WITHDRAWN, Disbelief, KeptReading, Reading, Standing, reading_view
from shared.domain.driver import Account
from shared.domain.fitting import CAR_ID, Conflict, NotFound
from shared.domain.log.history import Author, years_of
from shared.repositories.documents import client, until_current
from shared.repositories.readings import reading_id
from shared.repositories.user_store import UserStore
from shared.services.cars import found

WHY: dict[Disbelief, str] = {
    "falls": "is below an earlier reading",
    "above a later one": "is above a later reading",
    "jumps": "is further from another one than a car gets in the time",
}
# So many readings on each side of a word are looked at: as many as may be wrong one after the other.
BESIDE = 12
NAMED = 3  # readings of the car in the words that refuse one


class Unlikely(Conflict):
    """A reading does not fit what the car said at least twice: the nearest `around` it, by time."""

    def __init__(self, why: Disbelief, around: Sequence[Reading]) -> None:
        super().__init__(f"This odometer cannot be right, it {WHY.get(why, why)}.", "odometer_km")
        self.around = around


def car_id_of(email: str, car_id: str) -> str:
    """The id of one of the driver's cars, as it is kept. Raises NotFound where there is none."""
    return found(UserStore(client(), email).cars.list_cars(), car_id).id


def page(
    email: str,
    car_id: str,
    limit: int,
    span: tuple[datetime, datetime] | None,
    after: tuple[datetime, str] | None,
) -> tuple[list[KeptReading], bool]:
    """At most so many readings of a car, newest first, after a position in that order; and whether there are more.

    With a span, those from its first moment up to, but not at, its last one. Also of a car that its driver has no more.
    Raises NotFound where there is neither a car nor a reading.
    """
    store, known_id = UserStore(client(), email), _kept_id(car_id)
    readings = store.readings.page(known_id, limit + 1, span, after)
    if not readings and known_id not in store.cars.list_cars() and not store.readings.has_any(known_id):
        raise NotFound("There is no such car.")
    return readings[:limit], len(readings) > limit


def enter(account: Account, car_id: str, reading: Reading, author: Author) -> tuple[str, Standing]:
    """Keeps what its driver says of the odometer of one of their cars; its id, and what is thought of it.

    The same a second time changes nothing, and another one of the same moment takes its place. Raises Unlikely where it
    does not fit what the car said at least twice, unless it is confirmed.
    """
    # Nothing else that the function cars does needs the fold: to load it would be a part of each cold start.
    from shared.services.odometer_word import Said, folded

    store, word_id = UserStore(client(), account.email), reading_id(car_id, reading)

    @until_current
    def attempt() -> Standing:
        read, change = store.state(), store.change(author)
        beside = store.readings.beside(car_id, reading.at, BESIDE)
        former = next((one for one in beside if one.id == word_id), None)
        kept = [one for one in beside if one.id != word_id]
        if former and former.reading == reading and former.standing == "believed":
            return former.standing
        _refuse_unlikely(reading, kept)
        slips = [one for one in kept if one.reading.at == reading.at and one.reading.is_word and one.counts]
        for slip in slips:
            change.set_standing(slip.id, slip.reading.at, slip.judged, WITHDRAWN)
        gone = [one.reading for one in (*slips, former) if one]
        state, standing = folded(change, store, account, read.value, Said(car_id, gone, reading), author.now)
        before = reading_view(car_id, former.reading, former.standing) if former else {}
        change.is_about(word_id)
        change.tell("reading", word_id, before, reading_view(car_id, reading, standing), years_of(reading.at))
        change.put_state(read, state)
        change.commit()
        return standing

    return word_id, attempt()


def withdraw(account: Account, car_id: str, wanted_id: str, author: Author) -> None:
    """Takes back what the driver said of an odometer: it stays in the store, and counts for nothing.

    A second time it changes nothing. Raises NotFound, and Conflict where the car itself said it.
    """
    from shared.services.odometer_word import Said, folded

    store, known_id = UserStore(client(), account.email), _kept_id(car_id)

    @until_current
    def attempt() -> None:
        read, change = store.state(), store.change(author)
        gone = _withdrawable(store.readings.find(known_id, wanted_id))
        if gone.standing == "withdrawn":
            return
        change.is_about(gone.id)
        change.set_standing(gone.id, gone.reading.at, gone.judged, WITHDRAWN)
        state, _ = folded(change, store, account, read.value, Said(known_id, [gone.reading]), author.now)
        change.put_state(read, state)
        change.commit()

    attempt()


def _refuse_unlikely(reading: Reading, kept: Sequence[KeptReading]) -> None:
    against = contradicts(reading, [one.reading for one in kept if one.counts])
    if against and not reading.is_confirmed:
        raise Unlikely(why_beside(reading, against), nearest(reading, against, NAMED))


def _withdrawable(kept: KeptReading | None) -> KeptReading:
    if kept is None:
        raise NotFound("There is no such reading.")
    if not kept.reading.is_word:
        raise Conflict("What the car itself said cannot be withdrawn. Say what the odometer showed, and confirm it.")
    return kept


def _kept_id(car_id: str) -> str:
    """The id of a car as it is kept, be it still theirs or not. Raises NotFound for what is no id at all."""
    if not CAR_ID.fullmatch(car_id.lower()):
        raise NotFound("There is no such car.")
    return car_id.lower()
