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


class SeveralBody(Struct, forbid_unknown_fields=True, rename={"set_": "set"}):
    """What is said of each of several trips, and why."""

    ids: list[str]
    set_: "TripBody"
    why: str | None = None


class SplitBody(Struct, forbid_unknown_fields=True):
    """When the second of two trips begins that one becomes, and why."""

    at: str
    why: str | None = None


class MergeBody(Struct, forbid_unknown_fields=True):
    """Which trips become one, and why."""

    ids: list[str]
    why: str | None = None


class TripBody(Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Any of a trip's fields that a driver may set, and why they do; null is for the domain to understand."""

    started_at: str | None | UnsetType = UNSET
    ended_at: str | None | UnsetType = UNSET
    from_: EndpointBody | None | UnsetType = UNSET
    to: EndpointBody | None | UnsetType = UNSET
    start_odometer_km: float | None | UnsetType = UNSET
    end_odometer_km: float | None | UnsetType = UNSET
    distance_km: float | None | UnsetType = UNSET
    kind: TripKind | None | UnsetType = UNSET
    business_km: float | None | UnsetType = UNSET
    car_id: str | None | UnsetType = UNSET
    purpose: str | None | UnsetType = UNSET
    notes: str | None | UnsetType = UNSET
    deviation: str | None | UnsetType = UNSET
    why: str | None = None
    revision: int | None = None

    def said(self) -> dict[str, Any]:
        """What is said of the trip, by the names of its fields."""
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        del said["revision"], said["why"]
        ends = {name: end for name, end in said.items() if isinstance(end, EndpointBody)}
        return said | {name: Endpoint(end.lat, end.lng, end.place, end.address) for name, end in ends.items()}
