"""Lists, adds, corrects and deletes a driver's trips, and shows or drops the one going on.

Whatever changes a log loads the fold when it is first called: it would be a third of what each cold start imports.
"""

from typing import Any, get_args

from flask import Request

from shared.domain.driver import Account, Caller
from shared.domain.log.shown import trip_view
from shared.domain.log.trip import TripKind
from shared.domain.tracking.going import SoFar
from shared.handlers import fields
from shared.handlers.authors import author_by_query, author_of
from shared.handlers.bodies import decoded
from shared.handlers.cursors import cursor_of, position_of
from shared.handlers.problems import bad
from shared.handlers.trip_bodies import MergeBody, SeveralBody, SplitBody, TripBody
from shared.services import active_trip, kept_trips

KINDS = get_args(TripKind)
ASKED_OF_PURPOSES = ("trip_id", "from", "to")


def list_trips(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A page of trips, newest first."""
    year, month = fields.year_and_month(request)
    kind = request.args.get("kind")
    if kind is not None and kind not in KINDS:
        raise bad("kind", f"must be one of {', '.join(KINDS)}")
    limit = fields.whole(request, "limit", range(1, 201)) or 50
    equal = {"year": year, "month": month, "car_id": fields.query_car_id(request), "kind": kind}
    wanted = {name: value for name, value in equal.items() if value is not None}
    found, has_more = kept_trips.page(caller.account.email, wanted, limit, position_of(request.args.get("cursor")))
    return {
        "trips": [trip_view(trip) for trip in found],
        "next_cursor": cursor_of(found[-1]) if has_more else None,
    }, 200


def show(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """One trip."""
    return trip_view(kept_trips.find(caller.account.email, trip_id)), 200


def add(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """A trip entered by hand."""
    from shared.services import trips

    body = decoded(request, TripBody)
    return trip_view(trips.add(caller.account, body.said(), author_of(caller, body.why))), 201


def correct(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """A trip with some fields changed, if it is still of the revision that the caller saw."""
    from shared.services import trips

    body = decoded(request, TripBody)
    author = author_of(caller, body.why)
    return trip_view(trips.correct(caller.account, trip_id, body.said(), body.revision, author)), 200


def correct_several(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """Several trips with some fields changed: all of them, or none."""
    from shared.services import several_trips

    body = decoded(request, SeveralBody)
    for name in ("why", "revision"):
        if getattr(body.set_, name) is not None:
            raise bad(name, "is no field of a trip that can be set here")
    found = several_trips.correct(caller.account, body.ids, body.set_.said(), author_of(caller, body.why))
    return {"trips": [trip_view(trip) for trip in found]}, 200


def split(request: Request, caller: Caller, trip_id: str) -> tuple[dict[str, Any], int]:
    """Two trips in place of one."""
    from shared.services import reshaping

    body = decoded(request, SplitBody)
    found = reshaping.split(caller.account, trip_id, body.at, author_of(caller, body.why))
    return {"trips": [trip_view(trip) for trip in found]}, 200


def merge(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """One trip in place of several."""
    from shared.services import reshaping

    body = decoded(request, MergeBody)
    return trip_view(reshaping.merge(caller.account, body.ids, author_of(caller, body.why))), 200


def take_in(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The trips of a file, or what would become of them."""
    from shared.handlers import imports

    return imports.take_in(request, caller)


def delete(request: Request, caller: Caller, trip_id: str) -> tuple[None, int]:
    """Takes a trip out of the log."""
    from shared.services import trips

    trips.delete(caller.account, trip_id, author_by_query(request, caller))
    return None, 204


def list_purposes(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The purposes last used between the ends of a trip, or between two places; of all trips where neither is said."""
    from shared.domain.log.purposes import named
    from shared.services import purposes

    fields.refuse_unknown(request, ASKED_OF_PURPOSES)
    trip_id, one, other = (fields.short(request, name) for name in ASKED_OF_PURPOSES)
    if trip_id and (one or other):
        raise bad("trip_id", "goes without from and to")
    found = (
        purposes.for_trip(caller.account, trip_id) if trip_id else purposes.between(caller.account, named(one, other))
    )
    return {"purposes": found}, 200


def show_active(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """The trip going on."""
    return _active_view(active_trip.going_on(caller.account.email), caller.account), 200


def drop_active(request: Request, caller: Caller) -> tuple[None, int]:
    """Drops the trip going on; what the phone sent for it does not begin it again."""
    active_trip.drop(caller.account, author_by_query(request, caller))
    return None, 204


def _active_view(drive: SoFar, account: Account) -> dict[str, Any]:
    return {
        "user": account.email,
        "car_id": drive.car_id,
        "phase": drive.phase,
        "started_at": fields.local(drive.started_at, account.timezone),
        "distance_km": drive.distance_km,
        "odometer_km": drive.reading.km if drive.reading else None,
        "odometer_at": fields.zulu(drive.reading.at) if drive.reading else None,
        "points": drive.points,
    }
