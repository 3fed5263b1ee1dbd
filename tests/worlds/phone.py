"""What a phone sends of the drives, and when it arrives."""

from collections.abc import Iterable
from typing import NamedTuple

from tests.worlds.ground import Point, lat_lng
from tests.worlds.plan import Kind, Message
from tests.worlds.truth import TrueDrive, Truth

ACCURACY_M = 12.0


class Sent(NamedTuple):
    """A message as it arrives: `at_s` by the phone's clock, `true_s` when it was sent, of drive `n`."""

    arrives_s: int
    n: int
    kind: Kind
    at_s: int
    true_s: int
    position: tuple[float, float] | None
    names: str | None


def sent(truth: Truth) -> list[Sent]:
    """All that arrives, by the time of its arrival."""
    clock_s = truth.plan.clock_s
    return sorted((one for drive in truth.drives for one in _of_drive(drive, clock_s)), key=lambda one: one.arrives_s)


def _of_drive(drive: TrueDrive, clock_s: int) -> Iterable[Sent]:
    for message in drive.plan.messages:
        true_s = (drive.begins_s if message.since == "begin" else drive.ends_s) + message.offset_s
        if message.kind == "ping" and true_s >= drive.ends_s:
            continue  # the drive is shorter than it was planned
        once = Sent(
            0, drive.n, message.kind, true_s + clock_s, true_s, _position(drive, message, true_s), message.names
        )
        for delay_s in (message.delay_s, *message.again_s):
            yield once._replace(arrives_s=true_s + 1 + delay_s)


def _position(drive: TrueDrive, message: Message, true_s: int) -> tuple[float, float] | None:
    if message.off is None:
        return None
    point = drive.where(true_s).point
    return lat_lng(Point(point.x_m + message.off.x_m, point.y_m + message.off.y_m))
