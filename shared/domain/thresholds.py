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

# --- marks of a trail, all ours

MARK_EVERY = timedelta(minutes=5)  # between two of them, a trail is straight enough
MOST_MARKS = 40  # of one drive: many drives fit into one document
FASTEST_FIX_KM_H = 250.0  # no car comes faster from one fix to the next
FIX_OFF_KM = 0.2  # two fixes of the worst accuracy may be so far apart and be of one place
LONE_FIX_OFF_KM = 2.0  # the first and the last fix have one neighbour, which may be the wrong one
WRONG_TOGETHER = 3  # fixes one after another that can be wrong; more of them are a place

# --- places

LEAST_RADIUS_M, USUAL_RADIUS_M, MOST_RADIUS_M = 20.0, 150.0, 2000.0  # ours

# --- asking cars

MOST_REFUSALS = 2  # more refused logins than this get accounts locked
# Cloud Scheduler and Pub/Sub may deliver twice; the next day's look comes later than this.
ONE_LOOK_IN = timedelta(hours=12)
READABLE_KM = 5e9  # ours: beyond what cars tell that know none (2^32 - 1) it is no odometer at all, and is not kept
MOST_WINDOWS = 100  # ours: of the budgets of all cars of a driver that are counted at a time
KEPT_SHARE = 1 / 3  # ours: of a budget, for ends and daily readings
NEEDED_READS_A_DAY = 5  # ours: two trips a day, the end of each read twice, and a daily reading
LEARNS_FOR = timedelta(days=3)  # ours: the first days of a window say little about what a driver needs
DRIVEN_A_DAY = timedelta(hours=2)  # ours: twice what an ordinary driver drives
LEAST_WAIT = timedelta(seconds=1)  # ours: a budget that allows a read each second is no reason to wait

# --- which readings are believed: ours, found by playing worlds. Prices in tenths of a reading of a car.

PRICES = {"car": 10, "eye": 13, "typed": 9, "struck": 4}
DEAR = 100_000  # what its driver confirmed is never left out
BREAK_PRICE = 14  # the car has another odometer now
SUPERSEDED_PRICE = 5  # its driver said otherwise later
SENTINEL_PRICE = 3
SENTINELS_KM = frozenset({0.0, 6553.5, 65535.0, 1048575.0, 4294967295.0})  # what cars tell that know none

# --- how far a drive went, by what the phone saw of it: ours, found by playing worlds

WORD_SLACK = timedelta(minutes=3)  # a phone's word and a car's may be apart
UNSEEN_M = 3_500  # what can be driven meanwhile
STOOD_M = 200  # what a phone that lies still wanders
DENSE_FIXES = timedelta(seconds=150)  # a minute apart, one of which is lost
DENSE_LEAST, DENSE_BEST, DENSE_MOST = 0.9, 1.02, 1.4
DENSE_LESS_M, DENSE_MOST_M = 300, 500  # where a part of a trail begins or ends is known to so many metres
STRAIGHT_LESS_M, STRAIGHT_BEST = 400, 1.25
SLOW_KM_H, UNSEEN_KM_H, FAST_KM_H = 12.0, 40.0, 130.0

# --- which words of a phone are of one drive: ours

CAR_CHANGE = timedelta(minutes=1)  # the new car is there before the old one lets go
LONGEST_SILENCE = timedelta(hours=12)  # who says nothing for longer has begun another drive, or ended this one long ago
MOST_LATE = 100  # words of earlier times that wait until no more come

LEAST_DRIVE_M = 2_000  # a shorter one leaves no trace that can be held against an odometer
LEAST_TRIP_M = 100  # what an odometer that shows tenths may be out by where its car stood
SURE_OF_STANDING = timedelta(minutes=10)  # a car that shows the same once more after it was not late

# --- when drives were, and in which car: ours, measured on worlds

SAME_PLACE_M = 300  # a phone and a car that stand together tell positions so far apart at most
SLOWEST_M_S, MOST_LATE_M = 1.0, 1_500.0  # a car that drives is faster, and a phone that is late not farther
STOOD_FOR = timedelta(minutes=5)  # a shorter stop ends no drive
COARSE_STOOD_FOR = timedelta(minutes=10)  # by whole kilometres a slow car seems to stand
LAY_STILL_FOR = timedelta(minutes=10)  # a phone that says nothing so long, and then is where it was, stood with its car
OLD_ANSWER_AFTER = timedelta(minutes=10)  # a car that drives goes somewhere meanwhile
REFUTED_WITHIN = timedelta(minutes=30)  # of an end, by a car that drives on
ROSE_KM, ROSE_KM_H = 0.5, 25.0  # slower than this is no drive that goes on: with less, drives of others were taken in
OTHER_CAR_STOOD_FOR = timedelta(minutes=4)  # a car that stands so long during a drive is not the one that drives
COARSE_KM = 3.0  # whole kilometres prove no stand of a car that may have gone less
UNHEARD_FOR = timedelta(hours=2)  # a drive goes on no longer by itself
FREE_KM, FREE_SHARE = 0.5, 0.2  # what is left beside other drives, and less than this, is what their trails are wrong

# --- what an odometer can do

FASTEST_KM_PER_H = 200.0  # ours: over a short time
FURTHEST_KM, FURTHEST_KM_PER_H = 500.0, 60.0  # ours: over a long one, nights and all
LATE_BY = timedelta(minutes=3)  # ours: how far the times of two readings may be out

# --- what is remembered of a driver: bounds of one document, all ours

KEPT_CARS = 60  # more than a driver can have at a time; the others they have taken away
EVENTS_A_BLOCK = 100  # moved out of the state at a time
KEPT_EVENTS = 10  # the newest, which stay when a block is moved
MOST_BLOCKS = 100  # of one drive: with more, its record would not fit into one document, whatever is in it
MOST_RECORDED = 11_000  # words of the phone in one record, for the same reason
MOST_DRIVERS = 20  # whom one record names, for the same reason: as many as a driver can have keys at a time
KEPT_READINGS = 60  # of what is open of a car's book
# A stand is settled once so many readings after it agree with it over such a time.
AGREEING, AGREED_FOR = 2, timedelta(hours=24)
KEPT_DRIVES = 60  # of a car that are over and may still change
NEWS_REACHES = timedelta(hours=25)  # back: words are a day old at most, and clocks a little ahead
MOST_CLOSED_YEARS = 200  # of all cars that a driver ever had
MOST_LOOK_UPS = 50  # trips whose addresses are still to be found

# --- when a drive is over, all ours

STILL_READINGS = 3  # that show the same odometer
STILL_FOR = timedelta(minutes=10)
STILL_WITHIN_KM = 0.2  # what a phone that lies still wanders
GIVE_UP_SETTLING_AFTER = timedelta(hours=24)
LONGEST_WAIT = timedelta(minutes=30)  # between two polls of a car

# --- what a driver says

# Ours, after the practice of German tax offices: what is entered later than a week after the drive proves less.
LATE_AFTER = timedelta(days=7)

# --- the checks of a year. What is no law is ours, and is called so wherever it is shown.

MOST_PRIVATE_KM = 500.0  # law: in a calendar year, private detours included; with more, the tax is due
WARN_PRIVATE_KM = (400.0, 450.0)  # ours: time enough to look at it
MEETS_WITHIN_M = 1_000  # ours: what whole kilometres of a car's cloud can be out by
ENDS_WITHIN_M = 250  # ours: where a car was parked, and where its next trip began
USUAL_OF = 3  # ours: trips between two places, of which one is usual
DETOUR_SHARE, DETOUR_KM = 0.1, 3.0  # ours: beyond both, a trip is longer than usual
BY_HAND_WARN, BY_HAND_MOST = timedelta(days=31), timedelta(days=61)  # law, by secondary sources: every two months
OUTSIDE_WITHIN_KM = 1.0  # ours: an invoice tells whole kilometres
ROUND_OF, ROUND_SHARE, ROUND_KM = 5, 0.3, 5  # ours: of so many distances by hand, a share in multiples of so many km
LONGEST_TRIP_KM = 1_500.0  # ours: nobody drives more in one go

# --- reminders, all ours

LONGEST_DRIVE = timedelta(hours=12)  # what goes on for longer has probably lost its end
GAP_TO_TELL_M = 1000  # kilometres of nobody that are worth an e-mail
REMINDED_FOR_DAYS = 3  # what belongs to a day is still said on the next two, where no mail left on that day
