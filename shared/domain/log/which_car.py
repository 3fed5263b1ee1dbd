"""Owns in which of a driver's cars a drive was of which the phone named none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.log.evidence import apart_m, seen
from shared.domain.log.splitting import where
from shared.domain.log.standing import Watched, has_risen, is_coarse, position_of
from shared.domain.log.summary import Drive, Said
from shared.domain.place.geo import Position
from shared.domain.thresholds import (
    COARSE_KM,
    LONGEST_WAIT,
    OTHER_CAR_STOOD_FOR,
    SAME_PLACE_M,
    STOOD_M,
    UNHEARD_FOR,
    WORD_SLACK,
)

Evidence = Callable[[Drive, str, Sequence[Drive]], bool]


class Garage:
    """A driver's cars, what each of them said, and which one is meant where nothing tells."""

    def __init__(
        self,
        readings: Mapping[str, Sequence[Reading]],
        cars: Iterable[str],
        default: str | None,
        settled: Mapping[str, datetime] | None = None,
    ) -> None:
        """Until when the log of some cars is `settled` (aware UTC): no drive before that comes to them any more."""
        self.cars, self._default, self._settled = tuple(sorted(set(cars))), default, settled or {}
        self._watched = {car: Watched(said) for car, said in readings.items()}

    def of(self, car_id: str | None) -> Watched | None:
        """What a car said; None where there is no car."""
        return None if car_id is None else self._watched.get(car_id) or Watched(())

    def open_at(self, moment: datetime) -> tuple[str, ...]:
        """The cars whose log is open at a moment; all of them, where none is."""
        return tuple(car for car in self.cars if car not in self._settled or moment > self._settled[car]) or self.cars

    def with_cars(self, drives: Sequence[Drive]) -> list[Drive]:
        """Drives by their begin, each with its car: what is found of the former counts for the later ones."""
        made: list[Drive] = []
        for n, drive in enumerate(drives):
            made.append(self.with_car(drive, [*made, *(_undecided(one) for one in drives[n + 1 :])]))
        return made

    def with_car(self, drive: Drive, others: Sequence[Drive]) -> Drive:
        """A drive with its car; without one where it was in none that the driver has."""
        if drive.summary.has_car:
            return replace(_undecided(drive), is_car_unsure=_is_unsure(drive.summary.said))
        if len(cars := self.open_at(drive.began_at)) < 2:
            return replace(drive, car_id=next(iter(cars), None), is_car_unsure=False)
        watched = _with_what_follows(drive, others)
        left = self._narrowed(self._possible(watched, others), (self._moved, self._rose), watched, others)
        if len(left) == 1:
            return replace(drive, car_id=left[0], is_car_unsure=False)
        left = self._narrowed(left, (self._was_there, self._is_there_now), drive, others)
        if len(left) == 1:
            # Where a car stood is no surer than that its last drive was in it.
            last = _last(left[0], drive.began_at, others)
            return replace(drive, car_id=left[0], is_car_unsure=last is not None and last.is_car_unsure)
        return replace(drive, car_id=self._likeliest(drive, left, others), is_car_unsure=True)

    @staticmethod
    def _narrowed(left: list[str], by: Sequence[Evidence], drive: Drive, others: Sequence[Drive]) -> list[str]:
        """Of some cars those for which anything speaks, step by step, as long as there is more than one."""
        for speaks_for in by:
            if len(left) > 1:
                left = [car for car in left if speaks_for(drive, car, others)] or left
        return left

    def _possible(self, drive: Drive, others: Sequence[Drive]) -> list[str]:
        """The cars that no other drive had then, and that may have moved; all of them where there is none."""
        taken = {other.car_id for other in others if _overlap(drive, other)}
        cars = self.open_at(drive.began_at)
        left = [car for car in cars if car not in taken] or list(cars)
        return [car for car in left if not self._stood(drive, car)] or left

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

    def _moved(self, drive: Drive, car_id: str, others: Sequence[Drive]) -> bool:
        """Whether a car moved during a drive, and in no other one."""
        car = self._watched.get(car_id)
        if car is None:
            return False
        around = car.within(drive.began_at - WORD_SLACK, drive.ended_at + WORD_SLACK)
        if any(has_risen(a, b) for a, b in pairwise(around)):
            return True
        return any(drive.began_at < one.at < drive.ended_at and one.driving for one in around)

    def _rose(self, drive: Drive, car_id: str, others: Sequence[Drive]) -> bool:
        """Whether a car has more kilometres than before, and this drive alone can be why, or it told so at its end."""
        car = self._watched.get(car_id)
        before = car.until(drive.began_at + WORD_SLACK) if car else None
        after = car.since(drive.ended_at - WORD_SLACK) if car else None
        if before is None or after is None or not has_risen(before, after):
            return False
        if after.at <= drive.ended_at + WORD_SLACK:
            return True
        since, until = before.at + WORD_SLACK, after.at - WORD_SLACK
        return not any(one.ended_at > since and one.began_at < until for one in others)

    def _was_there(self, drive: Drive, car_id: str, others: Sequence[Drive]) -> bool:
        """Whether a car stood where a drive began, as far as that is known."""
        return drive.summary.begun and _is_near(
            self._left_at(car_id, drive.began_at, others), where(drive.summary, drive.began_at)
        )

    def _is_there_now(self, drive: Drive, car_id: str, others: Sequence[Drive]) -> bool:
        """Whether a car stood then where a drive ended."""
        car = self._watched.get(car_id)
        after = car.since(drive.ended_at) if car else None
        return after is not None and _is_near(position_of(after), where(drive.summary, drive.ended_at))

    def _left_at(self, car_id: str, moment: datetime, others: Sequence[Drive]) -> Position | None:
        """Where a car was last, by what it said itself or by where its last drive ended."""
        car = self._watched.get(car_id)
        said = car.until(moment) if car else None
        last = _last(car_id, moment, others)
        here = position_of(said) if said else None
        if last and (said is None or here is None or said.at < last.ended_at):
            return where(last.summary, last.ended_at) or here
        return here

    def _likeliest(self, drive: Drive, left: Sequence[str], others: Sequence[Drive]) -> str:
        """The car of the drive just before, else the one that is meant where nothing tells."""
        former = [one for one in others if one.car_id in left and one.ended_at <= drive.began_at]
        last = max(former, key=_ended_at, default=None)
        if last and last.car_id and drive.began_at - last.ended_at <= UNHEARD_FOR:
            return last.car_id
        usual = [car for car in (drive.summary.default_car_id, self._default) if car in left]
        return (usual or left)[0] or left[0]


def _with_what_follows(drive: Drive, others: Sequence[Drive]) -> Drive:
    """A drive of which no end was heard, with the time after it in which its car still moves perhaps."""
    if drive.summary.ended:
        return drive
    following = [one.began_at for one in others if one.began_at > drive.began_at]
    return replace(drive, ended_at=max(drive.ended_at, min([drive.ended_at + LONGEST_WAIT, *following])))


def _undecided(drive: Drive) -> Drive:
    """A drive with the car that was named alone: by its driver, else by the phone."""
    return replace(drive, car_id=drive.summary.named_car_id)


def _is_unsure(said: Said) -> bool:
    """Whether nothing told which car it was when its driver saw the trip, and they did not say it either."""
    return said.is_seen_unsure and not said.has_car


def _last(car_id: str, moment: datetime, drives: Sequence[Drive]) -> Drive | None:
    """The last drive of a car that was over by a moment."""
    former = [one for one in drives if one.car_id == car_id and one.ended_at <= moment]
    return max(former, key=_ended_at, default=None)


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
