"""The function export: a car's log as a file."""

import functions_framework
from flask import Request, Response

from shared.handlers.export import show
from shared.handlers.http import route, routes, serve

ROUTES = routes(route("GET", "/", show))


@functions_framework.http
def export(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
