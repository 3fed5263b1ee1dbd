"""The function webhook_start: the start of a trip, or a ping."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, routes, serve
from shared.handlers.webhooks import start

ROUTES = routes(route("POST", "/", start, scope="webhook"))


@functions_framework.http
def webhook_start(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
