"""Owns the bodies that speak of a trip: one by hand, or corrections of one."""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.domain.log.trip import Endpoint, TripKind


class EndpointBody(Struct, forbid_unknown_fields=True):
    """Where a trip began or ended, as a driver says it."""

    lat: float | None = None
    lng: float | None = None
    place: str = ""
    address: str = ""


class TripBody(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Any of a trip's fields that a driver may set."""

    started_at: str | UnsetType = UNSET
    ended_at: str | UnsetType = UNSET
    from_: EndpointBody | UnsetType = UNSET
    to: EndpointBody | UnsetType = UNSET
    start_odometer_km: float | None | UnsetType = UNSET
    end_odometer_km: float | None | UnsetType = UNSET
    distance_km: float | UnsetType = UNSET
    kind: TripKind | UnsetType = UNSET
    business_km: float | UnsetType = UNSET
    car_id: str | None | UnsetType = UNSET
    purpose: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    revision: int | None = None

    def said(self) -> dict[str, Any]:
        """What is said of the trip, by the names of its fields."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        del said["revision"]
        ends = {name: end for name, end in said.items() if isinstance(end, EndpointBody)}
        return said | {name: Endpoint(end.lat, end.lng, end.place, end.address) for name, end in ends.items()}
