"""How far a log may be from the truth before it is counted as wrong, and why that is fair. Metres and seconds.

What no fact decides is not counted at all; the checker says where.
"""

from tests.worlds.presets import Resolution

# --- by odometer

# Both ends read while the car stood: each is shown to 0.1 km, so a distance is out by 0.1 km at most.
ROUNDED_M = 110
# A coarse odometer hides up to this much at each end, and nearly all of it may fall on one drive.
HIDDEN_M: dict[Resolution, int] = {"exact": 0, "km": 1_000, "mile": 1_610}
# A driver types to 0.1 km. The stands beside their drive give way to that as far as an odometer told to 0.1 km hides
# them: whether it stood at the begin or at the end of its tenth, no fact says.
GIVES_WAY_M = 100
# Each further row of a sum is rounded to 0.1 km, one way or the other.
ROUNDED_ROW_M = 50
# A reading stands for a boundary where it shows the same odometer to so many metres.
SAME_M = 5

# --- what the phone did not see

# A phone connects late or leaves early: so much of a drive before its first word or after its last one is its own,
# as nobody else could have driven it meanwhile. What is more may be its own or a gap.
UNSEEN_M = 3_500
# Faster than this on average goes no car, with the phone up to three minutes late or early.
FASTEST_KM_H = 130.0
PHONE_OFF_S = 180

# --- by positions

# Fixes up to this far apart make a dense trail: one a minute of which one is lost, and the seconds of their sending.
DENSE_S = 150
# A dense trail is 3 % shorter than its road here, 5 to 20 % in the field: who allows for that may be out by a third.
DENSE_SHARE, DENSE_M = 0.3, 500
# Roads here are 1.06 to 1.4 times the straight line between their ends.
ENDS_SHARE, ENDS_M = 0.4, 1_000
# Where the road is longer than this many straight lines it turned back, and two positions say nothing of it.
TURNED_BACK = 1.6
# Two positions are so far out at most, so less than the straight line less this no car has driven.
STRAIGHT_LESS_M = 400
# Between two anchors the odometer wins over a trail as long as a trail of this length could be meant.
TRAIL_SHARE, TRAIL_M = 0.4, 500

# --- when

# Shorter stands are stops of one trip, or ends of two: a phone may lose its connection for minutes.
STAND_S = 600
# A trip of which nothing was heard for longer may be taken for over.
SILENCE_S = 2 * 3600
# A trip belongs to a drive that it overlaps by a minute or by half; else to one that is so near.
OVERLAP_S, NEAR_S = 60, 300
# Polls of a day that may come while nothing waits: daily readings, a last one after each trip.
IDLE_POLLS_A_DAY = 15
# A gap stands for a drive where it holds at least this share of it.
GAP_SHARE = 0.5
