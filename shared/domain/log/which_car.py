"""Owns in which of a driver's cars a drive was of which the phone named none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.evidence import apart_m, seen
from shared.domain.log.splitting import where
from shared.domain.log.standing import Watched, has_risen, is_coarse, position_of
from shared.domain.log.summary import Drive
from shared.domain.place.geo import Position
from shared.domain.thresholds import (
    COARSE_KM,
    OTHER_CAR_STOOD_FOR,
    SAME_PLACE_M,
    STOOD_M,
    UNHEARD_FOR,
    WORD_SLACK,
)


class Garage:
    """A driver's cars, what each of them said, and which one is meant where nothing tells."""

    def __init__(self, readings: Mapping[str, Sequence[Reading]], cars: Iterable[str], default: str | None) -> None:
        self.cars, self._default = tuple(sorted(set(cars))), default
        self._watched = {car: Watched(said) for car, said in readings.items()}

    def of(self, car_id: str | None) -> Watched | None:
        """What a car said; None where there is no car."""
        return None if car_id is None else self._watched.get(car_id) or Watched(())

    def with_cars(self, drives: Sequence[Drive]) -> list[Drive]:
        """Drives by their begin, each with its car, as far as it is not said already."""
        made: list[Drive] = []
        for drive in drives:
            others = [*made, *(one for one in drives[len(made) + 1 :] if one.summary.said.has_car or _named(one))]
            made.append(self._with_car(drive, made, others))
        return made

    def _with_car(self, drive: Drive, before: Sequence[Drive], others: Sequence[Drive]) -> Drive:
        said, summary = drive.summary.said, drive.summary
        if said.has_car or summary.is_stray or summary.car_id is not None:
            car_id = said.car_id if said.has_car else None if summary.is_stray else summary.car_id
            return replace(drive, car_id=car_id, is_car_unsure=False)
        if len(self.cars) < 2:
            return replace(drive, car_id=next(iter(self.cars), None), is_car_unsure=False)
        taken = {_car(other) for other in others if _overlap(drive, other)}
        left = [car for car in self.cars if car not in taken] or list(self.cars)
        left = [car for car in left if not self._stood(drive, car)] or left
        for is_it in (self._moved, self._was_there, self._is_there_now):
            if len(left) == 1:
                break
            left = [car for car in left if is_it(drive, car, before)] or left
        if len(left) == 1:
            return replace(drive, car_id=left[0], is_car_unsure=False)
        return replace(drive, car_id=self._likeliest(drive, left, before), is_car_unsure=True)

    def _stood(self, drive: Drive, car_id: str) -> bool:
        """Whether a car provably did not move during a drive."""
        car = self._watched.get(car_id)
        if car is None:
            return False
        before, after = car.until(drive.began_at + WORD_SLACK), car.since(drive.ended_at)
        if before and after and not has_risen(before, after) and before.at < after.at:
            return not is_coarse(before) or _went_m(drive, drive.began_at, drive.ended_at) > 1000 * COARSE_KM
        around = car.within(drive.began_at - WORD_SLACK, drive.ended_at + WORD_SLACK)
        inside = car.within(drive.began_at, drive.ended_at)
        if len(inside) < 2 or has_risen(around[0], around[-1]) or any(one.driving for one in inside):
            return False
        a, b = inside[0], inside[-1]
        least_m = 1000 * COARSE_KM if is_coarse(a) else STOOD_M
        return b.at - a.at >= OTHER_CAR_STOOD_FOR and _went_m(drive, a.at, b.at) > least_m

    def _moved(self, drive: Drive, car_id: str, before: Sequence[Drive]) -> bool:
        """Whether a car moved during a drive, and in no other one."""
        car = self._watched.get(car_id)
        if car is None:
            return False
        around = car.within(drive.began_at - WORD_SLACK, drive.ended_at + WORD_SLACK)
        if any(has_risen(a, b) for a, b in pairwise(around)):
            return True
        return any(drive.began_at < one.at < drive.ended_at and one.driving for one in around)

    def _was_there(self, drive: Drive, car_id: str, before: Sequence[Drive]) -> bool:
        """Whether a car stood where a drive began."""
        return _is_near(self._left_at(car_id, drive.began_at, before), where(drive.summary, drive.began_at))

    def _is_there_now(self, drive: Drive, car_id: str, before: Sequence[Drive]) -> bool:
        """Whether a car stood then where a drive ended."""
        car = self._watched.get(car_id)
        after = car.since(drive.ended_at) if car else None
        return after is not None and _is_near(position_of(after), where(drive.summary, drive.ended_at))

    def _left_at(self, car_id: str, moment: datetime, before: Sequence[Drive]) -> Position | None:
        """Where a car was last, by what it said itself or by where its last drive ended."""
        car = self._watched.get(car_id)
        said = car.until(moment) if car else None
        drives = [one for one in before if _car(one) == car_id and one.ended_at <= moment]
        last = max(drives, key=_ended_at, default=None)
        here = position_of(said) if said else None
        if last and (said is None or here is None or said.at < last.ended_at):
            return where(last.summary, last.ended_at) or here
        return here

    def _likeliest(self, drive: Drive, left: Sequence[str], before: Sequence[Drive]) -> str:
        """The car of the drive just before, else the one that is meant where nothing tells."""
        drives = [one for one in before if _car(one) in left and drive.began_at - one.ended_at <= UNHEARD_FOR]
        last = max(drives, key=_ended_at, default=None)
        usual = (drive.summary.default_car_id, self._default)
        wanted = [*([_car(last)] if last else []), *usual]
        return next((car for car in wanted if car in left), left[0]) or left[0]


def _car(drive: Drive) -> str | None:
    return drive.car_id or _named(drive)


def _named(drive: Drive) -> str | None:
    said = drive.summary.said
    return said.car_id if said.has_car else drive.summary.car_id


def _ended_at(drive: Drive) -> tuple[datetime, str]:
    return drive.ended_at, drive.summary.id


def _overlap(a: Drive, b: Drive) -> bool:
    return min(a.ended_at, b.ended_at) - max(a.began_at, b.began_at) > WORD_SLACK / 3


def _went_m(drive: Drive, since: datetime, until: datetime) -> float:
    marks = drive.summary.marks
    apart = apart_m(where(drive.summary, since), where(drive.summary, until))
    return max(seen(marks, since, until).trail_m, apart)


def _is_near(a: Position | None, b: Position | None) -> bool:
    return a is not None and b is not None and apart_m(a, b) <= SAME_PLACE_M


Evidence = Callable[[Drive, str, Sequence[Drive]], bool]
