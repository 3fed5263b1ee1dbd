"""Owns the simulated car cloud: a process of its own, whose cars say, and fail to say, whatever they are told to.

It believes anything: an odometer that falls, a latitude of 900. Only the types of what it is told are checked, since
what it plays is a cloud that may be wrong. It knows nothing of users and trips.

    PUT /control/cars/VIN   sets fields of a car, and makes the car      GET /control/cars/VIN   shows it
    GET /v1/cars/VIN        what the car's owner gets, with a bearer token
"""

import argparse
import contextlib
import json
import select
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Any, NoReturn

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

STATES = ("driving", "parked", "unknown", "offline")
FAULTS = ("error", "hang", "unauthorized", "rate_limited", "garbage")
NUMBERS = ("odometer_km", "lat", "lng")
TEXTS = ("measured_at", "token")
READABLE = (*NUMBERS, "state", "measured_at")
LOOK_EVERY_S = 0.2

Car = dict[str, Any]


class Refused(ValueError):
    """What was sent to /control is not something a car can be told."""


class Cars:
    """All cars, safe for threads. A car is only ever replaced, so one that was found can be read without the lock."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._cars: dict[str, Car] = {}
        self._requests: Counter[str] = Counter()

    def put(self, vin: str, fields: Car) -> None:
        with self.changed:
            self._cars[vin] = {**self._cars.get(vin, _new_car(vin)), **fields}
            self.changed.notify_all()

    def find(self, vin: str) -> Car | None:
        return self._cars.get(vin)

    def count(self, vin: str) -> None:
        with self.changed:
            self._requests[vin] += 1

    def requests_for(self, vin: str) -> int:
        return self._requests[vin]


def _new_car(vin: str) -> Car:
    """A car that nobody told to drive is parked; what it was not told it does not know."""
    return {"vin": vin, **dict.fromkeys((*NUMBERS, *TEXTS, "fault")), "state": "parked"}


def checked_fields(vin: str, body: bytes) -> Car:
    """The fields that a PUT sets, or Refused with what is wrong."""
    try:
        fields = json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:
        raise Refused(f"the body is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise Refused("the body must be a JSON object")
    for name, value in fields.items():
        _check(vin, name, value)
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON value")


def _check(vin: str, name: str, value: Any) -> None:
    if name == "vin":
        _require(value == vin, f"vin is {vin} by the path")
    elif name in NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        _require(value is None or is_number, f"{name} must be a number or null")
    elif name in TEXTS:
        _require(value is None or (isinstance(value, str) and value != ""), f"{name} must be a text or null")
    elif name == "state":
        _require(value is None or value in STATES, f"state must be null or one of {', '.join(STATES)}")
    elif name == "fault":
        _require(value is None or value in FAULTS, f"fault must be null or one of {', '.join(FAULTS)}")
    else:
        raise Refused(f"a car has no field {name!r}")


def _require(is_fine: bool, otherwise: str) -> None:
    if not is_fine:
        raise Refused(otherwise)


def create_app() -> Flask:
    app, cars = Flask(__name__), Cars()

    @app.put("/control/cars/<vin>")
    def control(vin: str) -> Response:
        cars.put(vin, checked_fields(vin, request.get_data()))
        return show(vin)

    @app.get("/control/cars/<vin>")
    def show(vin: str) -> Response:
        car = cars.find(vin)
        return jsonify(car | {"requests": cars.requests_for(vin)}) if car else _problem(404, f"no car {vin}")

    @app.get("/v1/cars/<vin>")
    def read(vin: str) -> Response:
        cars.count(vin)
        car = _wait_while_it_hangs(cars, vin)
        return _answer(car) if car else _problem(404, f"no car {vin}")

    app.register_error_handler(Refused, lambda error: _problem(400, str(error)))
    app.register_error_handler(HTTPException, lambda error: _problem(error.code or 500, error.description or ""))
    return app


def _wait_while_it_hangs(cars: Cars, vin: str) -> Car | None:
    with cars.changed:
        while (car := cars.find(vin)) and car["fault"] == "hang" and not _client_is_gone():
            cars.changed.wait(LOOK_EVERY_S)
        return car


def _client_is_gone() -> bool:
    """A client that waits sends nothing: if its socket has something to read, that is the end of it."""
    connection = request.environ.get("werkzeug.socket")
    return connection is not None and bool(select.select([connection], [], [], 0)[0])


def _answer(car: Car) -> Response:
    if fault := car["fault"]:
        return _failure(fault)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or car["token"] not in (None, token.strip()):
        return _failure("unauthorized")
    measured_at = car["measured_at"] or datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return jsonify({"vin": car["vin"], **{name: car[name] for name in READABLE}, "measured_at": measured_at})


def _failure(fault: str) -> Response:
    if fault == "unauthorized":
        return _problem(401, "wrong or missing bearer token", {"WWW-Authenticate": "Bearer"})
    if fault == "rate_limited":
        return _problem(429, "too many requests", {"Retry-After": "1"})
    if fault == "garbage":  # as a broken proxy would: it says JSON, and it is not
        return Response("<html>Service temporarily", mimetype="application/json")
    return _problem(502, "the car cannot be reached")


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    answer = jsonify({"error": detail})
    answer.status_code = status
    answer.headers.update(headers or {})
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.car_cloud", description="A simulated car cloud.")
    parser.add_argument("--port", type=int, default=8090, help="port on 127.0.0.1 (default %(default)s)")
    port = parser.parse_args().port
    server = make_server("127.0.0.1", port, create_app(), threaded=True)
    server.socket.listen(1024)  # many cars are asked in the same instant
    print(f"car cloud on http://127.0.0.1:{port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
