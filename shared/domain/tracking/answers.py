"""What comes of a poll: what a car says of the drive going on, of a trip that waits for its end, of a car at rest."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from shared.domain.car.odometer import Reading, same_km, why_not_believed
from shared.domain.log.trip import Trip
from shared.domain.place.places import Place
from shared.domain.thresholds import GIVE_UP_SETTLING_AFTER, KEPT_READINGS, READABLE_KM, Rules
from shared.domain.tracking.ending import close, over_since
from shared.domain.tracking.events import CarFailed, CarRead, NotAsked, Outcome, Settlement, Told
from shared.domain.tracking.schedule import after_failure, given_back, planned
from shared.domain.tracking.state import DriverState, GoingOn, leg_of, with_log


def car_read(state: DriverState, event: CarRead, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What an answer of a car's cloud makes of the state."""
    log = replace(state.of_car(event.car_id), failures=0, retry_at=None)
    outcome = _heard(with_log(state, event.car_id, log), event, now)
    return _look(outcome, event.car_id, event.lease_until, now, rules, places)


def car_failed(state: DriverState, event: CarFailed, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What a failure of a car's cloud makes of the state. A car at rest is asked again at the next daily look."""
    if waits(state, event.car_id):
        log = after_failure(state.of_car(event.car_id), event.retry_after, now, rules)
        state = with_log(state, event.car_id, log)
    return _look(Outcome(state=state), event.car_id, event.lease_until, now, rules, places)


def not_asked(state: DriverState, event: NotAsked, now: datetime, rules: Rules, places: Sequence[Place]) -> Outcome:
    """What time alone makes of the state."""
    if not event.has_car and state.drive and state.drive.car_id == event.car_id:
        state = replace(state, drive=replace(state.drive, is_asked=False))
    outcome = Outcome(state=state)
    return _look(outcome, event.car_id, event.lease_until, now, rules, places, event.not_before)


def waits(state: DriverState, car_id: str) -> bool:
    """Whether the drive going on, or a trip that has no end odometer yet, waits for what this car says."""
    return _is_driven(state, car_id) or state.of_car(car_id).pending_since is not None


def _look(
    outcome: Outcome,
    car_id: str | None,
    lease_until: datetime | None,
    now: datetime,
    rules: Rules,
    places: Sequence[Place],
    not_before: datetime | None = None,
) -> Outcome:
    """Closes the drive going on if it is over by now, and plans when the car is asked next."""
    state = _give_up_settling(outcome.state, now)
    if car_id:
        state = given_back(state, car_id, lease_until)
    drive, leg = state.drive, leg_of(state, rules)
    over = over_since(state, drive, leg, now, rules, places) if drive and leg else None
    if leg is None or over is None:
        return replace(outcome, state=planned(state, car_id, leg, now, rules, not_before) if car_id else state)
    closed, state = close(state, leg, *over)
    if car_id and car_id != closed.car_id:
        state = planned(state, car_id, None, now, rules, not_before)
    return replace(outcome, state=state, drives=(*outcome.drives, closed))


def _give_up_settling(state: DriverState, now: datetime) -> DriverState:
    """Stops asking for an end odometer after a day; the trip stays flagged, the next one may still settle it."""
    for car_id, log in state.open.items():
        if log.pending_since and now - log.pending_since > GIVE_UP_SETTLING_AFTER:
            state = settled(state, car_id, None)
    return state


# --- what a car says -----------------------------------------------------------------------------------------------


def _heard(state: DriverState, event: CarRead, now: datetime) -> Outcome:
    """Takes in what a car says of its odometer. To be kept it is once, however often it is told."""
    reading, log = event.reading, state.of_car(event.car_id)
    if reading is None:
        return Outcome(state=state)
    if not abs(reading.km) <= READABLE_KM:
        return Outcome(state=replace(state, rejected=state.rejected + 1))
    outcome = _judged(with_log(state, event.car_id, replace(log, told=reading)), event, reading, now)
    is_believed = outcome.told and outcome.told.is_judged and not outcome.told.why_not
    return outcome if reading != log.told or is_believed else replace(outcome, told=None)


def _judged(state: DriverState, event: CarRead, reading: Reading, now: datetime) -> Outcome:
    if not waits(state, event.car_id):
        return _at_rest(state, event, reading, now)
    known, ended_at = state.known_readings(event.car_id), state.of_car(event.car_id).ended_at
    if (ended_at and reading.at < ended_at) or reading.at in {other.at for other in known}:
        return Outcome(state=state, told=Told(event.car_id, reading, is_judged=False))
    if why := why_not_believed(reading, known, now):
        return _not_believed(state, Told(event.car_id, reading, why_not=why))
    return _believed(state, Told(event.car_id, reading), now)


def _not_believed(state: DriverState, told: Told) -> Outcome:
    return Outcome(state=replace(state, rejected=state.rejected + 1), told=told)


def _at_rest(state: DriverState, event: CarRead, reading: Reading, now: datetime) -> Outcome:
    """What a car says at rest: where it stands now, if that is newer than all that is known of it."""
    log, told = state.of_car(event.car_id), Told(event.car_id, reading)
    last = log.last or event.known
    left_at = max((moment for moment in (log.ended_at, last and last.at) if moment), default=None)
    if left_at and reading.at <= left_at:
        return Outcome(state=state, told=replace(told, is_judged=False))
    if why := why_not_believed(reading, (last,) if last else (), now):
        return _not_believed(state, replace(told, why_not=why))
    if not reading.driving:
        stands = replace(log, ended_at=log.ended_at or reading.at, last=reading)
        state = with_log(state, event.car_id, stands)
    return Outcome(state=state, told=told)


def _believed(state: DriverState, told: Told, now: datetime) -> Outcome:
    """Takes a reading into the drive going on, and settles the trip before it if that waited for one."""
    log, reading, drive = state.of_car(told.car_id), told.reading, state.drive
    going = drive if drive and drive.car_id == told.car_id else None
    settlement = None
    before_drive = going is None or reading.at <= going.started_at
    if log.pending_since and log.trip_id and before_drive and not reading.driving:
        settlement = Settlement(log.trip_id, reading)
        state = settled(state, told.car_id, None if going else reading)
    if going:
        state = replace(state, drive=_taken_in(going, reading, state.known_readings(told.car_id), now))
    return Outcome(state=state, told=told, settlement=settlement)


def _taken_in(drive: GoingOn, reading: Reading, known: Sequence[Reading], now: datetime) -> GoingOn:
    earlier = [other for other in known if other.at < reading.at]
    moved = reading.driving or bool(earlier and not same_km(earlier[-1], reading))
    return replace(drive, readings=_with_reading(drive, reading), heard_at=now if moved else drive.heard_at)


def _with_reading(drive: GoingOn, reading: Reading) -> tuple[Reading, ...]:
    others = [other for other in drive.readings if other.at != reading.at]
    readings = tuple(sorted((*others, reading), key=lambda kept: kept.at))
    # The first stays: it may be the start odometer.
    return readings[:1] + readings[1:][-(KEPT_READINGS - 1) :]


def seen_by_eye(state: DriverState, car_id: str, reading: Reading) -> Outcome:
    """The state that knows an odometer read by eye where it is the car's newest, and the trip that waited for it.

    Whether it is believed was decided before. Of the drive going on it is a reading like the car's own; else it is
    where the car stands. An older one than those that are remembered changes nothing here: it is for the history alone.
    """
    log, drive = state.of_car(car_id), state.drive
    known_at = max((moment for moment in (log.ended_at, log.last and log.last.at) if moment), default=None)
    told = Told(car_id, reading)
    if known_at and reading.at < known_at:
        return Outcome(state=state, told=told)
    if drive and drive.car_id == car_id and not (log.last and reading.at == log.last.at):
        return Outcome(state=replace(state, drive=replace(drive, readings=_with_reading(drive, reading))), told=told)
    settlement = Settlement(log.trip_id, reading) if log.pending_since and log.trip_id else None
    stands = settled(state, car_id, reading)
    return Outcome(state=stands, told=told, settlement=settlement)


def settled(state: DriverState, car_id: str, stands: Reading | None) -> DriverState:
    """The state in which no trip of a car waits any more, and the car stands where it was read, if it does."""
    log = state.of_car(car_id)
    ask_at = log.ask_at if _is_driven(state, car_id) else None
    log = replace(log, pending_since=None, asked=0, ask_at=ask_at)
    if stands:
        log = replace(log, ended_at=log.ended_at or stands.at, last=stands)
    return with_log(state, car_id, log)


def remembered(state: DriverState, car_id: str, trip: Trip, now: datetime, rules: Rules) -> DriverState:
    """The state with the trip that came of a drive; its car is asked on where it still waits for its end odometer."""
    pending, log = trip.has("odometer_pending"), state.of_car(car_id)
    begun_at = trip.started_at if trip.ended_at == log.ended_at else None
    log = replace(log, trip_id=trip.id, pending_since=now if pending else None, begun_at=begun_at)
    state = with_log(state, car_id, log)
    return planned(state, car_id, None, now, rules) if pending and not _is_driven(state, car_id) else state


def _is_driven(state: DriverState, car_id: str) -> bool:
    return state.drive is not None and state.drive.car_id == car_id
