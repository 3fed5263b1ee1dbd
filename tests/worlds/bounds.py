"""How far a trip of a drive may be said to have gone by the facts that were told: at least and at most, in metres."""

from typing import NamedTuple

from tests.worlds import tolerances as tol
from tests.worlds.evidence import Anchored, Evidence, Seen
from tests.worlds.ground import straight_m
from tests.worlds.truth import TrueDrive


class Bounds(NamedTuple):
    """From and to how many metres, and by which evidence."""

    least_m: float
    most_m: float
    why: str


def bounds(evidence: Evidence, group: Anchored, drive: TrueDrive) -> Bounds:
    """Those of a told drive. It may be among others between two stands where its car was read."""
    seen, hidden_m = evidence.seen[drive.n], evidence.hidden_m(drive.car)
    if group.is_read and len(group.drives) == 1:
        off_m = tol.ROUNDED_M + hidden_m + tol.GIVES_WAY_M * evidence.is_beside_typed(drive)
        return Bounds(drive.length_m - _foreign_m(seen) - off_m, drive.length_m + off_m, "read at both ends")
    least_m = _least_m(seen) - hidden_m - tol.ROUNDED_M
    if all(evidence.is_told(other) for other in group.drives):
        return Bounds(least_m, _most_m(evidence, group, drive) + hidden_m + tol.ROUNDED_M, f"by {seen.trail} positions")
    most_m = _less_break_m(evidence, group, drive)
    if seen.kinds == {"end"}:
        # Nobody knows when it began: a drive that nobody told before it, and it alone but longer, were told alike.
        most_m = min(most_m, sum(other.length_m for other in group.drives))
    else:
        most_m = min(most_m, _greatest_m(drive, seen), _less_read_m(evidence, drive))
    return Bounds(least_m, most_m + hidden_m + tol.ROUNDED_M, "beside kilometres that nobody told")


def _foreign_m(seen: Seen) -> float:
    """What may as well be a gap: long ways before the phone's first word and after its last."""
    return sum(m for m in (seen.head_m, seen.tail_m) if m > tol.UNSEEN_M)


def _least_m(seen: Seen) -> float:
    if seen.trail == "dense":
        return seen.trail_m * (1 - tol.DENSE_SHARE) - tol.DENSE_M
    return seen.straight_m - tol.STRAIGHT_LESS_M


def _most_m(evidence: Evidence, group: Anchored, drive: TrueDrive) -> float:
    """By its own positions; what the odometer says of several goes where the least is known, which only time bounds."""
    seen = evidence.seen[drive.n]
    if seen.trail == "dense":
        share, more_m = (tol.TRAIL_SHARE, tol.TRAIL_M) if group.is_read else (tol.DENSE_SHARE, tol.DENSE_M)
        return drive.length_m * (1 + share) + more_m
    vague = any(evidence.seen.get(other.n) is None or evidence.seen[other.n].trail == "poor" for other in group.drives)
    if seen.trail == "poor" or vague:
        return _by_time_m(drive)
    return drive.length_m * (1 + tol.ENDS_SHARE) + tol.ENDS_M


def _by_time_m(drive: TrueDrive) -> float:
    hours = (drive.ends_s - drive.begins_s + tol.PHONE_OFF_S) / 3600
    return max(1000 * tol.FASTEST_KM_H * hours, drive.length_m) + tol.UNSEEN_M


def _greatest_m(drive: TrueDrive, seen: Seen) -> float:
    if seen.trail != "dense":
        return _by_time_m(drive)
    return drive.length_m * (1 + tol.TRAIL_SHARE) + tol.TRAIL_M + tol.UNSEEN_M


def _less_break_m(evidence: Evidence, group: Anchored, drive: TrueDrive) -> float:
    """Where it began elsewhere than the drive before it ended, the straight line between is nobody's."""
    told = [other for other in group.drives if other.n in evidence.seen]
    before = [other for other in told if other.n < drive.n][-1:]
    left, begun = (evidence.seen[before[0].n].end if before else None), evidence.seen[drive.n].begin
    if not group.is_read or left is None or begun is None:
        return float("inf")
    total_m = sum(other.length_m for other in group.drives)
    return max(total_m - straight_m(left, begun) + tol.UNSEEN_M, drive.length_m)


def _less_read_m(evidence: Evidence, drive: TrueDrive) -> float:
    """A reading on the way says how far it went from there; how far to there, only the time since its begin."""
    most_m = float("inf")
    for told in evidence.true_readings(drive.car):
        if drive.begins_s <= told.measured_s <= drive.ends_s:
            gone_m = drive.gone_m(told.measured_s)
            hours = (told.measured_s - drive.begins_s + tol.PHONE_OFF_S) / 3600
            until_m = max(gone_m, 1000 * tol.FASTEST_KM_H * hours)
            most_m = min(most_m, drive.length_m - gone_m + until_m + tol.UNSEEN_M)
    return most_m
