"""Owns the numbers that can be tuned: each with its unit, and where it comes from. "Ours" is chosen, not measured."""

from datetime import timedelta

import msgspec


class Rules(msgspec.Struct, frozen=True):
    """Waits of the trip machine, which an operator may set. Zero means no wait at all."""

    poll_every: timedelta = timedelta(seconds=300)
    poll_after_end: timedelta = timedelta(seconds=60)
    end_grace: timedelta = timedelta(seconds=900)
    resume_within: timedelta = timedelta(seconds=300)
    stale_after: timedelta = timedelta(seconds=7200)

    def wait_for_end(self, has_car: bool) -> timedelta:
        """How long after an end its trip stays open. Without a car only a quick reconnection may still come."""
        return self.end_grace if has_car else min(self.end_grace, self.resume_within)


# --- what a phone says

OLDEST_EVENT = timedelta(hours=24)  # ours: a phone that was without a network for a day
CLOCK_AHEAD = timedelta(minutes=5)  # ours: how far clocks of phones and drivers may be ahead of this one
# What is heard is rounded before anything is thought of it: of a drive is kept, whatever form it takes later, exactly
# what was heard, and what is computed of that again is the same. No phone knows it better.
EVENT_STEP = timedelta(milliseconds=1)
POSITION_DECIMALS = 6  # of a degree: 0.1 m
ACCURACY_DECIMALS = 1  # of a metre

# --- trails

MOST_ACCURACY_M = 100.0  # ours: a fix that is less sure says little about a road
LEAST_LEG_KM = 0.05  # ours: what a phone that lies still wanders
# Roads are longer than straight lines, and the more so the farther two fixes are apart. Ours, held against recorded
# drives by the tests.
SHORT_LEG_KM = 1.0
SHORT_LEG_FACTOR = 1.15
LONG_LEG_FACTOR = 1.3

# --- places

LEAST_RADIUS_M, USUAL_RADIUS_M, MOST_RADIUS_M = 20.0, 150.0, 2000.0  # ours

# --- asking cars

MOST_REFUSALS = 2  # more refused logins than this get accounts locked
# Cloud Scheduler and Pub/Sub may deliver twice; the next day's look comes later than this.
ONE_LOOK_IN = timedelta(hours=12)
READABLE_KM = 1e9  # ours: what is said beyond it is no odometer at all, and cannot be kept
MOST_WINDOWS = 100  # ours: of the budgets of all cars of a driver that are counted at a time

# --- what is remembered of a driver: bounds of one document, all ours

KEPT_CARS = 60  # more than a driver can have at a time; the others they have taken away
EVENTS_A_BLOCK = 100  # moved out of the state at a time
KEPT_EVENTS = 10  # the newest, which stay when a block is moved
MOST_BLOCKS = 100  # of one drive: with more, its record would not fit into one document, whatever is in it
MOST_RECORDED = 11_000  # words of the phone in one record, for the same reason
MOST_DRIVERS = 20  # whom one record names, for the same reason: as many as a driver can have keys at a time
KEPT_LOOSE_ENDS = 20  # that wait for a start
FORGET_AN_END_AFTER = timedelta(hours=24)
KEPT_READINGS = 60  # of the drive going on
KEPT_DRIVES = 24  # that are over
MOST_LOOK_UPS = 50  # trips whose addresses are still to be found

# --- when a drive is over, all ours

STILL_READINGS = 3  # that show the same odometer
STILL_FOR = timedelta(minutes=10)
STILL_WITHIN_KM = 0.2  # what a phone that lies still wanders
GIVE_UP_SETTLING_AFTER = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=30)  # between two polls of a car
