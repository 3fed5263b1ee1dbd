"""The function logbook: the rows of a car's log, what its driver says of the gaps in it, and its checks."""

import functions_framework
from flask import Request, Response

from shared.handlers import checks, closing, history
from shared.handlers import logbook as calls
from shared.handlers.http import route, routes, serve

ROUTES = routes(
    route("GET", "/", calls.show),
    route("GET", "/gaps/<id:gap_id>", calls.show_gap),
    route("PATCH", "/gaps/<id:gap_id>", calls.explain_gap),
    route("GET", "/<int:year>", closing.show),
    route("POST", "/<int:year>/close", closing.seal),
    route("GET", "/<int:year>/checks", checks.show),
    route("GET", "/<int:year>/history", history.show_year),
)


@functions_framework.http
def logbook(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
