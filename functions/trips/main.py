"""The function trips: the driver's trips."""

import functions_framework
from flask import Request, Response

from shared.handlers import history
from shared.handlers import trips as calls
from shared.handlers.http import MEBIBYTE, route, routes, serve

MOST_IMPORTED_BYTES = 8 * MEBIBYTE

ROUTES = routes(
    route("GET", "/", calls.list_trips),
    route("POST", "/", calls.add),
    route("PATCH", "/", calls.correct_several),
    route("GET", "/active", calls.show_active),
    route("DELETE", "/active", calls.drop_active),
    route("POST", "/merge", calls.merge),
    route("GET", "/purposes", calls.list_purposes),
    route("POST", "/import", calls.take_in, most_bytes=MOST_IMPORTED_BYTES),
    route("GET", "/<id:trip_id>", calls.show),
    route("PATCH", "/<id:trip_id>", calls.correct),
    route("DELETE", "/<id:trip_id>", calls.delete),
    route("POST", "/<id:trip_id>/split", calls.split),
    route("GET", "/<id:trip_id>/history", history.show_trip),
)


@functions_framework.http
def trips(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
