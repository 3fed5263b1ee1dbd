"""A commit says only what changed of a driver's state; what is stored afterwards is the whole state all the same."""

import secrets
from datetime import UTC, datetime, timedelta

from google.cloud import firestore
from msgspec.structs import replace

from shared.domain.car.asking import Asking
from shared.domain.place.trail import Fix
from shared.domain.tracking.state import End, TripState
from shared.repositories.user_store import UserStore
from tools.measure.drivers import driving, put

NOW = datetime(2026, 1, 23, 8, 12, 0, 123456, tzinfo=UTC)


def test_each_kind_of_change_is_read_back_as_it_was_meant(emulators: None) -> None:
    store = UserStore(firestore.Client(project=f"state-{secrets.token_hex(6)}"), "driver@example.com")
    first = driving(NOW)
    later, last = Fix(NOW, 52.3, 5.3, 4.0, "car"), Fix(NOW + timedelta(seconds=1))
    between = Fix(first.fixes[3].at + timedelta(seconds=1), 52.2, 5.2)
    pinged = replace(first, fixes=(*first.fixes, later), heard_at=NOW)
    states = [
        first,
        first,
        pinged,
        replace(pinged, fixes=(*pinged.fixes, last, replace(last, lat=52.0, lng=5.0))),
        replace(pinged, fixes=(*pinged.fixes[:4], between, *pinged.fixes[4:]), ends=(End(NOW, paused=True),)),
        replace(pinged, fixes=(*pinged.fixes[50:], last), trail_blocks=1, trail_last=pinged.fixes[49]),
        replace(pinged, fixes=(), next_poll_at=None, asking=Asking(lost={"car": (NOW,)}), parked={}),
        replace(pinged, fixes=(last,), asking=Asking()),
        TripState(),
    ]
    for state in states:
        put(store, state)
        assert store.state().value == state
