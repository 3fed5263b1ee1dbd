"""The function stats: the sums of a month, a year or all time."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, routes, serve
from shared.handlers.stats import show

ROUTES = routes(route("GET", "/", show))


@functions_framework.http
def stats(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
