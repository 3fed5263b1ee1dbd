"""Makes a world that fails small: takes away what is not needed for the same count to fail."""

from collections.abc import Iterator

from tests.worlds.checker import checked
from tests.worlds.ground import Point
from tests.worlds.plan import Drive, Message, Plan
from tests.worlds.playing import MakeKeeper, Run, play
from tests.worlds.running import product
from tests.worlds.truth import Impossible

MOST_TRIES = 600
MANY = 12  # messages of a drive, up to which each of them is tried


def shrunk(plan: Plan, count: str, make: MakeKeeper = product) -> Run:
    """The run of the smallest plan found in which the count still is not 0."""
    run, tries, smaller = play(plan, make), 0, True
    while smaller and tries < MOST_TRIES:
        smaller = False
        for less in _less(run.truth.plan):
            tries += 1
            found = _failing(less, count, make)
            if found:
                run, smaller = found, True
                break
            if tries >= MOST_TRIES:
                break
    return run


def _failing(plan: Plan, count: str, make: MakeKeeper) -> Run | None:
    try:
        run = play(plan, make)
    except Impossible:
        return None
    return run if any(finding.kind == count for finding in checked(run)) else None


def _less(plan: Plan) -> Iterator[Plan]:
    """Plans with a little less, the greatest steps first."""
    yield from _halves(plan)
    for n in range(len(plan.drives)):
        yield _without_drive(plan, n)
    for n in range(len(plan.words)):
        yield plan._replace(words=plan.words[:n] + plan.words[n + 1 :])
    for n in range(len(plan.quirks)):
        yield plan._replace(quirks=plan.quirks[:n] + plan.quirks[n + 1 :])
    if plan.clock_s:
        yield plan._replace(clock_s=0)
    for n, drive in enumerate(plan.drives):
        for less in _less_of(drive, may_lose=plan.preset.lost > 0):
            yield plan._replace(drives=(*plan.drives[:n], less, *plan.drives[n + 1 :]))


def _halves(plan: Plan) -> Iterator[Plan]:
    half = len(plan.drives) // 2
    for drives in (plan.drives[:half], plan.drives[half:]) if half else ():
        kept = {drive.n for drive in drives}
        yield plan._replace(drives=drives, words=tuple(word for word in plan.words if word.n in kept))


def _without_drive(plan: Plan, n: int) -> Plan:
    gone = plan.drives[n].n
    words = tuple(word for word in plan.words if word.n != gone)
    return plan._replace(drives=plan.drives[:n] + plan.drives[n + 1 :], words=words)


def _less_of(drive: Drive, may_lose: bool) -> Iterator[Drive]:
    """The drive with less noise. A start or an end goes only where messages are lost, and never the last message."""
    if drive.stops:
        yield drive._replace(stops=())
    if any(message.kind == "ping" for message in drive.messages):
        yield drive._replace(messages=tuple(one for one in drive.messages if one.kind != "ping"))
    for ease in (_quiet, _in_time):
        easier = tuple(ease(message) for message in drive.messages)
        if easier != drive.messages:
            yield drive._replace(messages=easier)
    for n, message in enumerate(drive.messages if len(drive.messages) < MANY else ()):
        if len(drive.messages) > 1 and (may_lose or message.kind == "ping"):
            yield drive._replace(messages=drive.messages[:n] + drive.messages[n + 1 :])
        if _in_time(message) != message:
            yield drive._replace(messages=(*drive.messages[:n], _in_time(message), *drive.messages[n + 1 :]))


def _quiet(message: Message) -> Message:
    """The message once, with the position where the phone was; a start and an end when the car starts and stops."""
    off = message.off and Point(0.0, 0.0)
    return message._replace(again_s=(), off=off, offset_s=message.offset_s if message.kind == "ping" else 0)


def _in_time(message: Message) -> Message:
    return message._replace(delay_s=0)
