"""A keeper that is told the truth. The checker must find nothing in its log, else it asks what no log could give."""

from collections.abc import Callable
from datetime import datetime

from tests.worlds.log import CarAnswer, Correction, Gap, Log, PhoneEvent, Played, Trip
from tests.worlds.plan import HOUR, MINUTE, RENTAL, moment, seconds
from tests.worlds.truth import TrueDrive, Truth


class Oracle:
    """Writes each drive that was told of as it was, and what was not told as a gap."""

    def __init__(self, truth: Truth) -> None:
        self._truth, self._cars = truth, [car.id for car in truth.plan.cars]
        self._said = [drive.n for drive in truth.drives if drive.plan.messages]
        self._words: dict[int, Correction] = {}
        own = [drive for drive in truth.drives if drive.car != RENTAL]
        around = [(drive.begins_s - MINUTE, drive.ends_s + 2 * MINUTE, drive.ends_s + 50 * MINUTE) for drive in own]
        self._polls_s = sorted(
            {at_s for times in around for at_s in times} | {truth.ends_s + n * 5 * HOUR for n in range(4)}
        )

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        """It knows already."""

    def due_at(self) -> datetime | None:
        """Around each drive, and some times after all of them."""
        return moment(self._polls_s[0]) if self._polls_s else None

    def poll(self, now: datetime, ask: Callable[[str], CarAnswer | None]) -> None:
        """It asks all cars, so that the checker has something to hold its log against."""
        self._polls_s = [at_s for at_s in self._polls_s if at_s > seconds(now)]
        for car in self._cars:
            ask(car)

    def look(self, now: datetime) -> None:
        """It looks when it likes."""

    def correct(self, correction: Correction, now: datetime) -> Played:
        """It does what it is told."""
        named = [drive for drive in self._truth.drives if f"drive-{drive.n}" == correction.trip_id]
        begun = [drive for drive in self._truth.drives if moment(drive.begins_s) == correction.since]
        for drive in named or begun:
            self._words[drive.n] = correction
        return "played"

    def waits(self) -> bool:
        """As long as it means to poll."""
        return bool(self._polls_s)

    def log(self) -> Log:
        """The truth, in rows."""
        trips = tuple(self._trip(drive) for drive in self._truth.drives if self._is_row(drive))
        missing = [drive for drive in self._truth.drives if not self._is_row(drive) and drive.car != RENTAL]
        closed = {car: not any(drive.car == car for drive in missing) for car in self._cars}
        return Log(trips, tuple(_gap(drive) for drive in missing), closed)

    def _is_row(self, drive: TrueDrive) -> bool:
        word = self._words.get(drive.n)
        return word.kind != "delete" if word else drive.n in self._said

    def _trip(self, drive: TrueDrive) -> Trip:
        word = self._words.get(drive.n)
        km = word.km if word and word.kind == "distance" else round(drive.length_m / 1000, 1)
        clock_s = self._truth.plan.clock_s
        return Trip(
            id=f"drive-{drive.n}",
            car=None if drive.car == RENTAL else drive.car,
            start=moment(drive.begins_s + clock_s),
            end=moment(drive.ends_s + clock_s),
            km=km,
            from_km=drive.from_m / 1000,
            to_km=drive.to_m / 1000,
            source="manual" if word and word.kind == "manual" else "odometer",
            kind="business" if word and word.kind == "classify" else "unclassified",
            excess_km=km - round(drive.length_m / 1000, 1),
        )


def _gap(drive: TrueDrive) -> Gap:
    from_km, to_km = drive.from_m / 1000, drive.to_m / 1000
    return Gap(drive.car, round(to_km - from_km, 1), from_km, to_km, moment(drive.begins_s), moment(drive.ends_s))
