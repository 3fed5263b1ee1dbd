"""Words of the phone that leave the state: to a block in the store, or beside a drive that is over."""

from collections.abc import Iterable

from msgspec.structs import replace

from shared.domain.log.drive import Heard, alone_id
from shared.domain.place.trail import Fix, trail_distance_km
from shared.domain.thresholds import EVENTS_A_BLOCK, KEPT_EVENTS, Rules
from shared.domain.tracking.ending import with_recent
from shared.domain.tracking.events import Beside, Outcome
from shared.domain.tracking.state import GoingOn, OverDrive, cut


def let_go(outcome: Outcome, words: Iterable[Heard], rules: Rules) -> Outcome:
    """Without words that no drive took, each of which is kept beside one."""
    gone = dict.fromkeys(words)
    events = tuple(heard for heard in outcome.state.events if heard not in gone)
    outcome = replace(outcome, state=replace(outcome.state, events=events))
    for heard in gone:
        outcome = kept_beside(outcome, heard, rules)
    return outcome


def kept_beside(outcome: Outcome, heard: Heard, rules: Rules) -> Outcome:
    """With a word that is kept beside the drive that it was near to, or by itself."""
    if outcome.state.knows(heard):
        return outcome
    recent, within = outcome.state.recent, rules.resume_within
    near = [over for over in reversed(recent) if over.began_at - within <= heard.at <= over.ended_at + within]
    if near:
        over = next((over for over in near if over.car_id == heard.car_id), near[0])
        others = tuple(other.id for other in near if other != over)
        return replace(outcome, beside=(*outcome.beside, Beside(over.id, heard, others)))
    alone = OverDrive(alone_id(heard), heard.at, heard.at)
    state = replace(outcome.state, recent=with_recent(recent, alone))
    return replace(outcome, state=state, beside=(*outcome.beside, Beside(alone.id, heard)))


def with_block(outcome: Outcome, drive: GoingOn, rules: Rules) -> Outcome:
    """Moves the oldest events of the drive going on out of the state: its thousandth ping costs what the first did."""
    # Ends that still wait for a start are of no drive, and none of them is a place where this one was.
    loose, legs = cut(drive, outcome.state.events, rules)
    events = [heard for leg in legs for heard in leg.events]
    if len(events) < EVENTS_A_BLOCK + KEPT_EVENTS:
        return outcome
    block, last = tuple(events[:EVENTS_A_BLOCK]), (drive.last,) if drive.last else ()
    newest = block[-1]
    moved = replace(
        drive,
        blocks=drive.blocks + 1,
        points=drive.points + sum(1 for heard in block if not heard.is_end),
        km=drive.km + trail_distance_km((*last, *block)),
        last=max((*last, Fix(newest.at, newest.lat, newest.lng, newest.accuracy_m)), key=lambda fix: fix.at),
    )
    state = replace(outcome.state, events=(*loose, *events[EVENTS_A_BLOCK:]), drive=moved)
    return replace(outcome, state=state, block=block)
