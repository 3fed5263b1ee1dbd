"""The function locations: the driver's places."""

import functions_framework
from flask import Request, Response

from shared.handlers import locations as calls
from shared.handlers.http import route, routes, serve

ROUTES = routes(
    route("GET", "/", calls.list_places),
    route("POST", "/", calls.add),
    route("PATCH", "/<place_id>", calls.change),
    route("DELETE", "/<place_id>", calls.delete),
    route("POST", "/<place_id>/apply", calls.apply),
)


@functions_framework.http
def locations(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
