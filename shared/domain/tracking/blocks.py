"""Older words of the drive going on leave the state for the store: its thousandth ping costs what the first did."""

from msgspec.structs import replace

from shared.domain.place.trail import Fix, trail_distance_km
from shared.domain.thresholds import EVENTS_A_BLOCK, KEPT_EVENTS, Rules
from shared.domain.tracking.events import Outcome
from shared.domain.tracking.state import GoingOn, cut


def with_block(outcome: Outcome, drive: GoingOn, rules: Rules) -> Outcome:
    """Moves the oldest hundred events of the drive going on out of the state."""
    _, legs = cut(drive, outcome.state.events, rules, outcome.state.default_car_id)
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
    state = replace(outcome.state, events=tuple(events[EVENTS_A_BLOCK:]), drive=moved)
    return replace(outcome, state=state, block=block)
