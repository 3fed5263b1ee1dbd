"""The function webhook_end: the end of a trip."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, routes, serve
from shared.handlers.webhooks import end

ROUTES = routes(route("POST", "/", end, scope="webhook"))


@functions_framework.http
def webhook_end(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
