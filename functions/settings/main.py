"""The function settings: what a driver sets for themselves, and their keys."""

import functions_framework
from flask import Request, Response

from shared.handlers import own_settings as calls
from shared.handlers.http import route, routes, serve

ROUTES = routes(
    route("GET", "/", calls.show, scope="full"),
    route("PATCH", "/", calls.change),
    route("GET", "/keys", calls.list_keys, scope="full"),
    route("POST", "/keys", calls.add_key),
    route("DELETE", "/keys/<key_id>", calls.delete_key),
)


@functions_framework.http
def settings(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES, anew=True)
