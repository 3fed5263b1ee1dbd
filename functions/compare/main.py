"""The function compare: the log held against the odometer."""

import functions_framework
from flask import Request, Response

from shared.handlers.compare import show
from shared.handlers.http import route, routes, serve

ROUTES = routes(route("GET", "/", show))


@functions_framework.http
def compare(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
