"""The function scheduler: the clock's calls, and what it leaves to itself."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, routes, serve
from shared.handlers.scheduling import poll_all, poll_shard, read_odometers

ROUTES = routes(
    route("POST", "/poll-all", poll_all, scope=None),
    route("POST", "/poll-shard", poll_shard, scope=None),
    route("POST", "/read-odometers", read_odometers, scope=None),
)


@functions_framework.http
def scheduler(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
