"""Finds the addresses of a driver's trips once they are saved: no trip waits for a geocoder or is lost by one."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared import logs, settings
from shared.domain.log.addresses import ADDRESS_PENDING, addressed, given_up, spot, unaddressed_positions
from shared.domain.place.geo import Position
from shared.domain.place.places import place_at
from shared.domain.tracking.look_ups import AT_A_TIME, claimed, forgotten, looked_up
from shared.domain.tracking.state import DriverState
from shared.geocoding.geocoder import GEOCODERS, Unanswered, geocoder, usable
from shared.repositories.addresses import AddressBook
from shared.repositories.documents import client, until_current
from shared.repositories.user_store import UserStore

# No request begins later than this after the first; the lease is longer than it, the last request and the commit.
BEGUN_WITHIN_S = 15.0
LEASE_MARGIN_S = 45.0
PATIENCE = timedelta(seconds=2)


class LookUp(NamedTuple):
    """The trips whose addresses this poll finds, and until when nobody else does."""

    trip_ids: Sequence[str]
    lease_until: datetime


def claim(state: DriverState, now: datetime) -> tuple[DriverState, LookUp | None]:
    """The state to store with the look-ups that it claims, if any are due."""
    if not usable(settings.current.geocoders):
        return forgotten(state), None
    leased = claimed(state, now, timedelta(seconds=LEASE_MARGIN_S + 2 * settings.current.geocoder_timeout_s))
    if leased is None or leased.look_ups.due_at is None:
        return state, None
    return leased, LookUp(leased.look_ups.trips[:AT_A_TIME], leased.look_ups.due_at)


def find_addresses(store: UserStore, claim: LookUp) -> None:
    """Looks the trips' addresses up and stores them, if the claim still holds by then."""
    reads = [store.trips.find(trip_id) for trip_id in claim.trip_ids]
    positions = dict.fromkeys(position for read in reads if read for position in unaddressed_positions(read.value))
    asking = _Asking(store)
    found = asking.found(list(positions)) if positions else {}
    until_current(_keep)(store, claim, found, failed=asking.failed)


def _keep(store: UserStore, claim: LookUp, found: dict[Position, str], failed: bool) -> None:
    read, now, left = store.state(), datetime.now(UTC), []
    if read.value.look_ups.due_at != claim.lease_until:
        return
    change = store.change()
    for trip_id in claim.trip_ids:
        trip = store.trips.find(trip_id)
        if trip is None:
            continue
        if read.value.is_closed(trip.value.car_id, trip.value.year):
            continue  # what is sealed stays without
        changed = addressed(trip.value, found, now)
        if changed != trip.value:
            change.put_trip(trip, changed)
        if changed.has(ADDRESS_PENDING) and not given_up(trip.value, now):
            left.append(trip_id)
    change.put_state(read, looked_up(read.value, claim.trip_ids, left, failed, now, settings.current.rules))
    change.commit()


class _Asking:
    """The questions of one poll. One geocoder after the other is asked, until one knows an address.

    One that fails at a spot may know the next; one that was asked too often is left alone.
    """

    def __init__(self, store: UserStore) -> None:
        self.failed, self._resting = False, set[str]()
        self._store, self._book = store, AddressBook(client())
        self._names = usable(settings.current.geocoders)
        self._begin_until = time.monotonic() + BEGUN_WITHIN_S

    def found(self, positions: Sequence[Position]) -> dict[Position, str]:
        """The addresses that could be found by now, "" where there is none; the driver's own places come first."""
        places = self._store.places()
        own = {position: place.address for position in positions if (place := place_at(places, position))}
        found = {position: address for position, address in own.items() if address}
        spots = {position: spot(position) for position in positions if position not in found}
        known = self._book.known(set(spots.values()), self._all_names)
        for there in dict.fromkeys(spots.values()):
            if there not in known and (address := self._address(there)) is not None:
                known[there] = address
        return found | {position: known[there] for position, there in spots.items() if there in known}

    @property
    def _all_names(self) -> str:
        return ",".join(self._names)

    def _address(self, there: Position) -> str | None:
        """The address at a spot, "" where all say that there is none, None where that is not known yet."""
        sure = True
        for name in self._names:
            answer = self._answer(name, there)
            if answer:
                if GEOCODERS[name].may_be_kept:
                    self._book.keep(there, answer, name, datetime.now(UTC))
                return answer
            sure = sure and answer is not None
        if not sure:
            return None
        self._book.keep(there, "", self._all_names, datetime.now(UTC))
        return ""

    def _answer(self, name: str, there: Position) -> str | None:
        """What one geocoder says, "" for nothing there; None where it cannot be asked now, or fails."""
        if name in self._resting:
            return None
        try:
            service = geocoder(name)
            return (service.address(there, settings.current.geocoder_timeout_s) or "") if self._may_ask(name) else None
        except Unanswered as error:
            self._note_failure(name, str(error))
            if error.rest:
                self._resting.add(name)
                self._book.rest(name, datetime.now(UTC) + error.rest)
        except Exception as error:  # noqa: BLE001 - whatever a library does, the look-up must end and be repeated later
            self._note_failure(name, type(error).__name__)
        return None

    def _note_failure(self, name: str, why: str) -> None:
        self.failed = True
        logs.log().warning("no address from %s: %s", name, why, extra={"user": self._store.email})

    def _may_ask(self, name: str) -> bool:
        """Waits for a turn where the service wants few requests. False where that takes too long."""
        if time.monotonic() > self._begin_until:
            return False
        if not GEOCODERS[name].apart:
            return True
        wait = self._book.take_turn(name, GEOCODERS[name].apart, PATIENCE)
        time.sleep(wait.total_seconds() if wait else 0.0)
        return wait is not None
