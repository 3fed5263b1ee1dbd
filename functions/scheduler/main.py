"""The function scheduler: the cron's tick."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, serve
from shared.handlers.scheduling import poll_all

ROUTES = [route("POST", "/poll-all", poll_all)]


@functions_framework.http
def scheduler(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES, scope=None)
