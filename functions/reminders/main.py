"""The function reminders: the clock's daily call, and a message for each driver, who may be sent one e-mail."""

import functions_framework
from flask import Request, Response

from shared.handlers.http import route, routes, serve
from shared.handlers.reminding import remind, remind_all

ROUTES = routes(
    route("POST", "/remind-all", remind_all, scope=None),
    route("POST", "/remind", remind, scope=None),
)


@functions_framework.http
def reminders(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
