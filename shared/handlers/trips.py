"""Lists, adds, corrects and deletes a driver's trips, and shows or drops the one going on."""

from typing import Any, get_args

from flask import Request

from shared import settings
from shared.domain.driver import Account, Caller
from shared.domain.log.measuring import so_far_km
from shared.domain.log.shown import trip_view
from shared.domain.log.trip import TripKind
from shared.domain.place.trail import trail_distance_km
from shared.domain.tracking.ending import gone_on_since
from shared.domain.tracking.state import UNKNOWN_CAR, DriverState, GoingOn, leg_of
from shared.handlers import fields
from shared.handlers.bodies import decoded
from shared.handlers.cursors import cursor_of, position_of
from shared.handlers.problems import bad
from shared.handlers.trip_bodies import TripBody
from shared.services import active_trip, trips
from shared.services.trips import Speaking

KINDS = get_args(TripKind)


def list_trips(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A page of trips, newest first."""
    year, month = fields.year_and_month(request)
    kind = request.args.get("kind")
    if kind is not None and kind not in KINDS:
        raise bad("kind", f"must be one of {', '.join(KINDS)}")
    limit = fields.whole(request, "limit", range(1, 201)) or 50
    equal = {"year": year, "month": month, "car_id": fields.query_car_id(request), "kind": kind}
    wanted = {name: value for name, value in equal.items() if value is not None}
    found, has_more = trips.page(caller.account.email, wanted, limit, position_of(request.args.get("cursor")))
    return {
        "trips": [trip_view(trip) for trip in found],
        "next_cursor": cursor_of(found[-1]) if has_more else None,
    }, 200


def show(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """One trip."""
    return trip_view(trips.find(caller.account.email, trip_id)), 200


def add(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A trip entered by hand."""
    body = decoded(request, TripBody)
    return trip_view(trips.add(caller.account, body.said(), _speaking(caller, body.why))), 201


def correct(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """A trip with some fields changed, if it is still of the revision that the caller saw."""
    body = decoded(request, TripBody)
    return trip_view(
        trips.correct(caller.account, trip_id, body.said(), body.revision, _speaking(caller, body.why))
    ), 200


def delete(request: Request, caller: Caller, trip_id: str) -> tuple[None, int]:
    """Takes a trip out of the log."""
    trips.delete(caller.account.email, trip_id, _speaking(caller))
    return None, 204


def show_active(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The trip going on."""
    return _active_view(*active_trip.going_on(caller.account.email), caller.account), 200


def drop_active(request: Request, caller: Caller) -> tuple[None, int]:
    """Drops the trip going on; what the phone sent for it does not begin it again."""
    active_trip.drop(caller.account, fields.utc_now())
    return None, 204


def _speaking(caller: Caller, why: str | None = None) -> Speaking:
    return Speaking(caller.label, why or "", fields.utc_now())


def _active_view(state: DriverState, drive: GoingOn, account: Account) -> dict[str, Any]:
    leg, car_id = leg_of(state, settings.current.rules), None if drive.car_id == UNKNOWN_CAR else drive.car_id
    readings = state.known_readings(car_id or "")
    last = (drive.last,) if drive.last else ()
    gps_km = drive.km + trail_distance_km((*last, *state.events))
    went_on = leg and leg.phase == "paused" and gone_on_since(drive, leg.last_at)
    return {
        "user": account.email,
        "car_id": car_id,
        "phase": "driving" if went_on or not leg else leg.phase,
        "started_at": fields.local(drive.started_at, account.timezone),
        "distance_km": so_far_km(readings, drive.started_at, gps_km),
        "odometer_km": readings[-1].km if readings else None,
        "odometer_at": fields.zulu(readings[-1].at) if readings else None,
        "points": drive.points + sum(1 for heard in state.events if heard.position and not heard.is_end),
    }
