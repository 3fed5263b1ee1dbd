"""What comes of a poll: what a car says, that it fails, that time passes. What it means is for the log to fold."""

from bisect import insort
from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.car.belief import sort_key
from shared.domain.car.odometer import CLOCK_TOLERANCE, HIGHEST_KM, Disbelief, Reading, same_km
from shared.domain.place.places import Place
from shared.domain.thresholds import READABLE_KM, Rules
from shared.domain.tracking.ending import close, over_since
from shared.domain.tracking.events import Asked, CarFailed, CarRead, NotAsked, Outcome, Told
from shared.domain.tracking.schedule import after_failure, given_back
from shared.domain.tracking.state import DriverState, begun_before, leg_of, with_log


def car_read(state: DriverState, event: CarRead, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What an answer of a car's cloud makes of the state."""
    log = replace(state.of_car(event.car_id), failures=0, retry_at=None, is_mute=False)
    outcome = _heard(with_log(state, event.car_id, log), event, now)
    return _look(outcome, Asked(event.car_id, event.not_before), event.lease_until, now, rules, places)


def car_failed(state: DriverState, event: CarFailed, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What a failure of a car's cloud makes of the state. A car at rest is asked again at the next daily look."""
    if waits(state, event.car_id):
        log = after_failure(state.of_car(event.car_id), event.retry_after, now, rules)
        state = with_log(state, event.car_id, log)
    return _look(Outcome(state=state), Asked(event.car_id), event.lease_until, now, rules, places)


def not_asked(state: DriverState, event: NotAsked, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What time alone makes of the state."""
    car_id = event.car_id
    if not event.has_car and car_id is not None:
        state = with_log(state, car_id, replace(state.of_car(car_id), is_mute=True))
        if state.drive and state.drive.car_id == car_id:
            state = replace(state, drive=replace(state.drive, is_asked=False))
    asked = Asked(car_id, event.not_before) if car_id else None
    return _look(Outcome(state=state), asked, event.lease_until, now, rules, places)


def waits(state: DriverState, car_id: str) -> bool:
    """Whether the drive going on, or a trip that has no end odometer yet, waits for what this car says."""
    return is_driven(state, car_id) or state.of_car(car_id).pending_since is not None


def is_driven(state: DriverState, car_id: str) -> bool:
    """Whether the drive going on is in this car, as far as is known."""
    return state.drive is not None and state.drive.car_id == car_id


def _look(
    outcome: Outcome,
    asked: Asked | None,
    lease_until: datetime | None,
    now: datetime,
    rules: Rules,
    places: Sequence[Place],
) -> Outcome:
    """Closes the drive going on if it is over by now, and takes in what was told late once no more of it comes."""
    state = given_back(outcome.state, asked.car_id if asked else None, lease_until)
    weaves = state.late_at is not None and now >= state.late_at + rules.poll_after_end
    outcome = replace(outcome, state=state, asked=asked, weaves=weaves)
    drive, leg = state.drive, leg_of(state, rules)
    over = over_since(state, drive, leg, now, rules, places) if drive and leg else None
    if leg is None or over is None:
        return outcome
    finished, state = close(state, leg, over[1])
    return replace(outcome, state=state, finished=(*outcome.finished, finished))


# --- what a car says -----------------------------------------------------------------------------------------------


def _heard(state: DriverState, event: CarRead, now: datetime) -> Outcome:
    """Takes in what a car says of its odometer: once, however often it is told."""
    reading, log = event.reading, state.of_car(event.car_id)
    if reading is None or reading == log.told:
        return Outcome(state=state)
    if not abs(reading.km) <= READABLE_KM:
        return Outcome(state=replace(state, rejected=state.rejected + 1))
    state = with_log(state, event.car_id, replace(log, told=reading))
    if why := why_impossible(reading, now):
        return Outcome(state=replace(state, rejected=state.rejected + 1), told=Told(event.car_id, reading, why))
    return taken_in(state, event.car_id, reading, now)


def why_impossible(reading: Reading, now: datetime) -> Disbelief | None:
    """Why a reading cannot be true, whatever else was said."""
    if not 0 <= reading.km <= HIGHEST_KM:
        return "out of range"
    return "measured in the future" if reading.at > now + CLOCK_TOLERANCE else None


def taken_in(state: DriverState, car_id: str, reading: Reading, now: datetime) -> Outcome:
    """The state that knows a reading; one from before the open part of a book is a fact, and changes nothing here."""
    log = begun_before(state.of_car(car_id), reading.at)
    told = Told(car_id, reading)
    if reading in log.readings or (log.start and reading.at < log.start.at):
        return Outcome(state=state, told=told)
    readings = [*log.readings]
    insort(readings, reading, key=sort_key)
    if state.drive and state.drive.car_id == car_id and _moves(readings, reading):
        state = replace(state, drive=replace(state.drive, heard_at=now))
    return Outcome(state=with_log(state, car_id, replace(log, readings=tuple(readings))), told=told)


def _moves(readings: Sequence[Reading], reading: Reading) -> bool:
    earlier = [other for other in readings if other.at < reading.at]
    return reading.driving or bool(earlier and not same_km(earlier[-1], reading))


def without(state: DriverState, car_id: str, reading: Reading) -> DriverState:
    """The state without a reading that its driver took back."""
    log = state.of_car(car_id)
    left = tuple(other for other in log.readings if other != reading)
    return with_log(state, car_id, replace(log, readings=left))
