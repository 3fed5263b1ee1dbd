"""What the cloud of a car tells at a moment."""

from typing import NamedTuple

from tests.worlds.ground import lat_lng
from tests.worlds.log import CarAnswer
from tests.worlds.plan import HOUR, MINUTE, Car, Quirk, moment
from tests.worlds.truth import Truth

QUARTER_S = 15 * MINUTE
KM_PER_MILE = 1.609344
BEFORE_ALL_S = -5 * HOUR  # when a car that reports at switch-off reported last before its first drive
IGNITION_S = -12  # a car reports its ignition so long before its drive begins
RESOLUTION_KM = {"exact": 0.1, "km": 1.0, "mile": KM_PER_MILE}
WRONG_KM = {"0": 0.0, "6553.5": 6553.5, "65535": 65_535.0, "1048575": 1_048_575.0}
WRONG = (*WRONG_KM, "+1000", "in miles")


class Told(NamedTuple):
    """An answer: asked at `at_s`, measured (as it says) at `measured_s`. `true` where the odometer is that of then."""

    at_s: int
    car: str
    answer: CarAnswer
    measured_s: int
    true: bool


class Cloud:
    """The cloud of one car. It remembers only which wild values it has told already."""

    def __init__(self, truth: Truth, car: Car) -> None:
        self._truth, self.car = truth, car
        self._quirks = [quirk for quirk in truth.plan.quirks if quirk.car == car.id]
        self._wild: dict[Quirk, int] = {}

    def answer(self, at_s: int) -> Told | None:
        """What it tells when it is asked at a moment; None where it does not answer."""
        if self._has("silent", at_s):
            return None
        measured_s = self._reported_s(at_s)
        old = self._has("old", at_s)
        seen_s = min(measured_s, old.since_s) if old else measured_s
        seen, wild = self._truth.where(self.car.id, seen_s), self._wild_at(measured_s)
        km = self._shown_km(seen.odometer_m)
        drives = seen.drives or (self.car.at_ignition and self._is_ignition(seen_s))
        state = ("driving" if drives else "parked") if self.car.states else "unknown"
        lat, lng = lat_lng(seen.point) if self.car.positions else (None, None)
        shown_km, resolution_km = _wrong(km, wild.how) if wild else km, RESOLUTION_KM[self.car.resolution]
        answer = CarAnswer(shown_km, moment(measured_s), state, lat, lng, resolution_km)
        true = not wild and self._truth.where(self.car.id, measured_s).odometer_m == seen.odometer_m
        return Told(at_s, self.car.id, answer, measured_s, true)

    def _has(self, kind: str, at_s: int) -> Quirk | None:
        found = (quirk for quirk in self._quirks if quirk.kind == kind and quirk.since_s <= at_s < quirk.until_s)
        return next(found, None)

    def _wild_at(self, measured_s: int) -> Quirk | None:
        """The wild value that belongs to a report: each is in one report, the first one that anybody asks for."""
        quirk = self._has("wild", measured_s)
        return quirk if quirk and self._wild.setdefault(quirk, measured_s) == measured_s else None

    def _reported_s(self, at_s: int) -> int:
        """When the newest report was measured that the cloud has at a moment."""
        known_s = at_s - self.car.lag_s
        if self.car.cloud == "live":
            return known_s
        if self.car.cloud == "quarter":
            return (known_s - self.car.phase_s) // QUARTER_S * QUARTER_S + self.car.phase_s
        return max((at for at in self._reports_s() if at <= known_s), default=BEFORE_ALL_S)

    def _reports_s(self) -> list[int]:
        drives = self._truth.of(self.car.id)
        ignitions = [drive.begins_s + IGNITION_S for drive in drives] if self.car.at_ignition else []
        return [BEFORE_ALL_S, *ignitions, *(drive.ends_s for drive in drives)]

    def _is_ignition(self, at_s: int) -> bool:
        return any(drive.begins_s + IGNITION_S == at_s for drive in self._truth.of(self.car.id))

    def _shown_km(self, odometer_m: int) -> float:
        if self.car.resolution == "km":
            return float(odometer_m // 1000)
        if self.car.resolution == "mile":
            return round(int(odometer_m / 1000 / KM_PER_MILE) * KM_PER_MILE, 3)
        return odometer_m / 1000


def _wrong(km: float, how: str) -> float:
    if how == "+1000":
        return km + 1000
    return round(km / KM_PER_MILE, 1) if how == "in miles" else WRONG_KM[how]
