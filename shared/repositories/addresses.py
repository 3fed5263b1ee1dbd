"""Owns the addresses that geocoders gave, by spot, and whose turn it is to ask one.

Under no user, for neither is anybody's: a house has its address whoever parks before it, and a service counts the
requests of us all. Who asked is not kept.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import firestore

from shared.domain.place.geo import Position
from shared.repositories.documents import until_current


class AddressBook:
    """The addresses of all spots that were asked for, and the turns of the services that want few requests."""

    def __init__(self, db: firestore.Client) -> None:
        self._db = db
        self._addresses, self._turns = db.collection("addresses"), db.collection("geocoding")

    def known(self, spots: Iterable[Position], asking: str) -> dict[Position, str]:
        """The address of each spot that was asked for before.

        "" where `asking` (the geocoders, as `keep` was told) found none; others might, and are asked.
        """
        by_path = {self._spot(spot).path: spot for spot in spots}
        snapshots = self._db.get_all([self._db.document(path) for path in by_path]) if by_path else []
        kept = {by_path[snapshot.reference.path]: snapshot.to_dict() for snapshot in snapshots if snapshot.exists}
        return {spot: data["address"] for spot, data in kept.items() if data["address"] or data["provider"] == asking}

    def keep(self, spot: Position, address: str, provider: str, now: datetime) -> None:
        """Keeps what was found at a spot, "" for nothing, and by whom."""
        self._spot(spot).set({"address": address, "provider": provider, "at": now})

    @until_current
    def take_turn(self, service: str, apart: timedelta, patience: timedelta) -> timedelta | None:
        """How long to wait for a turn, which is taken with this; None where that is longer than the patience.

        Whoever asks, from whatever instance: any two turns of a service lie as far apart as demanded.
        """
        now, document = datetime.now(UTC), self._turns.document(service)
        read = document.get()
        turn = max(now, read.get("free_at")) if read.exists else now
        if turn - now > patience:
            return None
        taken: dict[str, Any] = {"free_at": turn + apart}
        if read.exists:
            document.update(taken, option=self._db.write_option(last_update_time=read.update_time))
        else:
            document.create(taken)
        return turn - now

    def rest(self, service: str, until: datetime) -> None:
        """Nobody's turn comes before this moment: the service said that it was too much."""
        self._turns.document(service).set({"free_at": until})

    def _spot(self, spot: Position) -> firestore.DocumentReference:
        document: firestore.DocumentReference = self._addresses.document(f"{spot.lat:.4f},{spot.lng:.4f}")
        return document
