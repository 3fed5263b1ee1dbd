"""Draws the plan of a world: a driver's days, what their phone makes of them, what is wrong with their cars' clouds.

The same preset and seed always give the same plan.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import cos, pi, sin
from random import Random

from tests.worlds.cloud import QUARTER_S, WRONG
from tests.worlds.ground import Point, straight_m
from tests.worlds.plan import (
    DAY,
    HOME,
    HOUR,
    MINUTE,
    RENTAL,
    RENTAL_STANDS_AT,
    Car,
    Drive,
    Message,
    Plan,
    Quirk,
    Stop,
    Word,
    WordKind,
)
from tests.worlds.presets import Preset, drawn
from tests.worlds.truth import TrueDrive, Truth

MOST_AWAY_M = 55_000.0  # nobody goes farther from home
NEAR_HOME_M = 2_500.0
LATEST = (20 * HOUR, 22 * HOUR)
TRIES = 60
OF_TOLD: tuple[WordKind, ...] = ("classify", "classify", "distance", "delete", "eye")
OF_UNTOLD: tuple[WordKind, ...] = ("manual", "manual", "eye")


def planned(preset: Preset, seed: int) -> Plan:
    """The plan of a seed."""
    dice = Random(f"{preset.name} {seed}")
    switches = drawn(preset, dice)
    cars = tuple(_car(name, switches, dice) for name in ("a", "b")[: switches.cars])
    rides = list(_rides(switches, cars, dice))
    if switches.rented and dice.random() < 0.25:  # a driver without a car of their own
        cars, rides = (), [ride._replace(car=RENTAL) for ride in rides]
    plan = Plan(switches, seed, cars, tuple(rides))
    clock_s = dice.randint(-switches.clock_s, switches.clock_s)
    truth = Truth(plan)
    drives = tuple(_spoken(drive, switches, dice) for drive in truth.drives)
    quirks = (*_quirks(truth, switches, dice), *_dark(truth, drives, switches, dice))
    return plan._replace(
        drives=drives, quirks=quirks, words=tuple(_words(truth, drives, switches, dice)), clock_s=clock_s
    )


def _car(name: str, switches: Preset, dice: Random) -> Car:
    return Car(
        id=name,
        start_m=dice.randrange(5_000_000, 90_000_000),
        stands_at=HOME if name == "a" else Point(40.0, 25.0),
        cloud=switches.cloud,
        resolution=switches.resolution,
        positions=switches.positions,
        states=switches.states,
        at_ignition=switches.cloud == "switch_off" and dice.random() < 0.4,
        lag_s=dice.choice((0, 5, 20)),
        phase_s=dice.randrange(QUARTER_S),
    )


# --- the driver's days


def _rides(switches: Preset, cars: tuple[Car, ...], dice: Random) -> Iterator[Drive]:
    """Drives by time, without messages. The car is chosen at home; a rented one is left where it was taken."""
    left, at_s, car, n = dice.randint(*switches.drives), 0, "", 0
    stands = {car.id: car.stands_at for car in cars} | {RENTAL: RENTAL_STANDS_AT}
    for day in range(switches.days):
        at_s = max(at_s, day * DAY + 7 * HOUR + dice.randint(0, 2 * HOUR))
        share = left if day == switches.days - 1 else max(1, left // (switches.days - day))
        while share and at_s < day * DAY + dice.randint(*LATEST):
            if not car or straight_m(stands[car], HOME) < NEAR_HOME_M:
                car = RENTAL if _is(switches.rented, dice) else dice.choice([own.id for own in cars])
            ride = _ride(car, stands[car], at_s, share, switches, dice)._replace(n=n)
            made = TrueDrive(ride, stands[car], 0)
            yield ride
            stands[car], share, left, n = ride.to, share - 1, left - 1, n + 1
            at_s = made.ends_s + MINUTE * dice.randint(*switches.stands_min)


def _ride(car: str, stands_at: Point, at_s: int, left: int, switches: Preset, dice: Random) -> Drive:
    m = 1000 * dice.uniform(*switches.km) / 1.15
    away = straight_m(stands_at, HOME) > NEAR_HOME_M
    home = RENTAL_STANDS_AT if car == RENTAL else HOME
    fits_home = m / 2 < straight_m(stands_at, home) < 1.5 * m
    to = home if away and (left == 1 or (fits_home and dice.random() < 0.6)) else _around(stands_at, m, dice)
    far_m = straight_m(stands_at, to)
    km_h = round(min(105.0, 28 + far_m / 1000 * 1.8) * dice.uniform(0.85, 1.15))
    stops = (Stop(round(dice.uniform(0.3, 0.8), 2), 60 * dice.randint(18, 45)),) if _is(switches.charging, dice) else ()
    return Drive(0, car, at_s, to, round(dice.uniform(0.5, 1.1), 2), km_h, stops=stops)


def _around(point: Point, m: float, dice: Random) -> Point:
    """A point so far away, not too far from home."""
    for _ in range(TRIES):
        angle = dice.uniform(0, 2 * pi)
        to = Point(round(point.x_m + m * cos(angle)), round(point.y_m + m * sin(angle)))
        if straight_m(to, HOME) < MOST_AWAY_M:
            return to
    return HOME


def _is(share: float, dice: Random) -> bool:
    return bool(share) and dice.random() < share


# --- the phone


def _spoken(drive: TrueDrive, switches: Preset, dice: Random) -> Drive:
    """The drive with what the phone sends of it."""
    ride = drive.plan
    if ride.car != RENTAL and _is(switches.untold, dice):
        return ride
    messages = [_noisy(message, switches, dice) for message in _messages(drive, switches, dice)]
    messages = [message for message in messages if not _is(switches.lost, dice)]
    if _is(switches.late, dice):
        later_s = dice.randint(20 * MINUTE, 22 * HOUR)
        messages = [one._replace(delay_s=later_s + n) for n, one in enumerate(messages)]
    return ride._replace(messages=tuple(messages))


def _messages(drive: TrueDrive, switches: Preset, dice: Random) -> Iterator[Message]:
    """The phone connects shortly before the wheels roll or soon after, and leaves shortly after they stand."""
    names = drive.car if switches.naming == "all" else None
    if drive.car == RENTAL and dice.random() < 0.5:
        names = RENTAL
    begin_s = dice.randint(-40, 50)
    yield Message("start", "begin", begin_s, names=names)
    if switches.phone == "pings":
        for offset_s in range(max(begin_s, 0) + MINUTE, drive.ends_s - drive.begins_s, MINUTE):
            yield Message("ping", "begin", offset_s, names=names)
    yield Message("end", "end", dice.randint(0, 45), names=names)


def _noisy(message: Message, switches: Preset, dice: Random) -> Message:
    off = None if switches.phone == "nowhere" else Point(round(dice.gauss(0, 7)), round(dice.gauss(0, 7)))
    delay_s = dice.randint(20, 40 * MINUTE) if _is(switches.delayed, dice) else 0
    again_s = (delay_s + dice.randint(1, 20 * MINUTE),) if _is(switches.repeated, dice) else ()
    return message._replace(off=off, delay_s=delay_s, again_s=again_s)


# --- the clouds


def _quirks(truth: Truth, switches: Preset, dice: Random) -> Iterator[Quirk]:
    if switches.silent and truth.drives:
        since_s = dice.randint(5 * HOUR, max(6 * HOUR, truth.ends_s - 20 * HOUR))
        yield from (Quirk(car.id, "silent", since_s, since_s + dice.randint(20, 28) * HOUR) for car in truth.plan.cars)
    for drive in truth.drives:
        if drive.car == RENTAL:
            continue
        if _is(switches.old, dice):
            share = dice.choice((0.0, 0.0, dice.uniform(0.2, 0.9))) if switches.states else 0.0
            since_s = round(drive.begins_s - 60 + share * (drive.ends_s - drive.begins_s))
            yield Quirk(drive.car, "old", since_s, drive.ends_s + dice.randint(3, 40) * MINUTE)
        if _is(switches.wild, dice):
            since_s = dice.choice((drive.begins_s - 60, drive.ends_s - 30, (drive.begins_s + drive.ends_s) // 2))
            yield Quirk(drive.car, "wild", since_s, since_s + HOUR, dice.choice(WRONG))


def _dark(truth: Truth, drives: tuple[Drive, ...], switches: Preset, dice: Random) -> Iterator[Quirk]:
    """The cloud is down from before an untold drive until the next one has begun."""
    for n, (before, after) in enumerate(pairwise(truth.drives)):
        if not drives[n].messages and drives[n + 1].messages and _is(switches.dark, dice):
            until_s = round(after.begins_s + dice.uniform(0.1, 0.9) * (after.ends_s - after.begins_s))
            yield Quirk(before.car, "silent", before.begins_s - 5 * MINUTE, until_s)


# --- the driver's words


def _words(truth: Truth, drives: tuple[Drive, ...], switches: Preset, dice: Random) -> Iterator[Word]:
    """What they say some time after a drive, before the next one or after it."""
    for drive, spoken in zip(truth.drives, drives, strict=True):
        if drive.car == RENTAL or not _is(switches.by_hand, dice):
            continue
        kind = dice.choice(OF_TOLD if spoken.messages else OF_UNTOLD)
        after_s = dice.choice((2 * MINUTE, 20 * MINUTE, 3 * HOUR))
        yield Word(kind, drive.ends_s + after_s, drive.n, dice.choice((0, 0, 1_000, -1_000)))
