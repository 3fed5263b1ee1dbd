"""The function cars: the driver's cars, their credentials and their odometers."""

import functions_framework
from flask import Request, Response

from shared.handlers import car_trying as asking
from shared.handlers import cars as calls
from shared.handlers import readings
from shared.handlers.http import route, routes, serve

ROUTES = routes(
    route("GET", "/", calls.list_cars, scope="full"),
    route("PUT", "/<car_id>", calls.put),
    route("DELETE", "/<car_id>", calls.delete),
    route("PUT", "/<car_id>/credentials", calls.put_credentials),
    route("POST", "/<car_id>/test", asking.try_out),
    route("GET", "/<car_id>/data", asking.show_data, scope="full"),
    route("POST", "/<car_id>/odometer", readings.enter, scope="reading"),
    route("GET", "/<car_id>/readings", readings.list_readings, scope="full"),
    route("DELETE", "/<car_id>/readings/<reading_id>", readings.withdraw),
)


@functions_framework.http
def cars(request: Request) -> Response:
    """Answers an HTTP request."""
    return serve(request, ROUTES)
