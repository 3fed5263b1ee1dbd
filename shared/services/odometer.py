"""Takes an odometer that a driver read by eye, if it can be true beside what is known of the car."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.car.odometer import Disbelief, Reading, why_not_believed
from shared.domain.driver import Account
from shared.domain.fitting import Conflict
from shared.domain.tracking.answers import seen_by_eye
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore
from shared.services.cars import found
from shared.services.log import owner_of, stage

WHY: dict[Disbelief, str] = {
    "falls": "is below an earlier reading",
    "above a later one": "is above a later reading",
    "jumps": "is further on than a car gets in the time",
}


class Unlikely(Conflict):
    """A reading does not fit those `around` it, by time."""

    def __init__(self, why: Disbelief, around: Sequence[Reading]) -> None:
        super().__init__(f"This odometer cannot be right, it {WHY.get(why, why)}.", "odometer_km")
        self.around = around


def car_id_of(email: str, car_id: str) -> str:
    """The id of one of the driver's cars, as it is kept. Raises NotFound where there is none."""
    return found(UserStore(client(), email).cars.list_cars(), car_id).id


def enter(account: Account, car_id: str, reading: Reading, now: datetime) -> None:
    """Keeps a reading by eye of one of the driver's cars. Raises Unlikely where it cannot be true."""
    store = UserStore(client(), account.email)

    @until_current
    def attempt() -> None:
        read, around, change = store.state(), store.readings.around(car_id, reading.at), store.change()
        if why := why_not_believed(reading, around, now):
            raise Unlikely(why, around)
        outcome = seen_by_eye(read.value, car_id, reading)
        state = stage(change, store, outcome, owner_of(account), (), now)
        change.put_state(read, replace(state, log_changes=state.log_changes + 1))
        change.commit()

    attempt()
