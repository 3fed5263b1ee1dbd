"""The simulated car cloud: an HTTP server that can be late, wrong, slow and broken like a real one."""

import argparse
import threading
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Flask, Response, jsonify, request
from msgspec import UNSET, Struct, UnsetType
from werkzeug.serving import make_server

FAULTS = ("error", "hang", "unauthorized", "rate_limited", "garbage")


class Control(Struct, forbid_unknown_fields=True):
    """What may be set of a car. Values may be wrong on purpose; only their types are checked."""

    odometer_km: float | None | UnsetType = UNSET
    lat: float | None | UnsetType = UNSET
    lng: float | None | UnsetType = UNSET
    state: str | UnsetType = UNSET
    measured_at: str | None | UnsetType = UNSET
    token: str | None | UnsetType = UNSET
    fault: str | None | UnsetType = UNSET
    vin: str | UnsetType = UNSET


class CarCloud:
    """The cars by VIN. Requests that hang wait until the car's fault is changed."""

    def __init__(self) -> None:
        self._cars: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()

    def control(self, vin: str, fields: Control) -> dict[str, Any]:
        """Sets fields of a car, which is made if it is not there."""
        blank = {
            "vin": vin,
            "odometer_km": None,
            "lat": None,
            "lng": None,
            "state": "unknown",
            "measured_at": None,
            "token": None,
            "fault": None,
            "requests": 0,
        }
        with self._changed:
            car = self._cars.setdefault(vin, blank)
            given = msgspec.structs.asdict(fields)
            car.update({name: value for name, value in given.items() if value is not UNSET and name != "vin"})
            self._changed.notify_all()
            return dict(car)

    def show(self, vin: str) -> dict[str, Any] | None:
        """A car as it is set, with how often it was asked."""
        with self._changed:
            return dict(self._cars[vin]) if vin in self._cars else None

    def ask(self, vin: str) -> dict[str, Any] | None:
        """A car for one who reads it: counts, and waits as long as the car hangs."""
        with self._changed:
            if vin not in self._cars:
                return None
            self._cars[vin]["requests"] += 1
            self._changed.wait_for(lambda: self._cars[vin]["fault"] != "hang")
            return dict(self._cars[vin])


def make_app() -> Flask:
    """The server's two faces: the makers', and the one that sets what the makers say."""
    app, cloud = Flask(__name__), CarCloud()

    @app.get("/v1/cars/<vin>")
    def read(vin: str) -> Response:
        car = cloud.ask(vin)
        if car is None:
            return _error(404, "no such car")
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if car["fault"] == "unauthorized" or kind != "Bearer" or token != (car["token"] or token) or not token:
            return _error(401, "unauthorized")
        return _faulty(car["fault"]) or jsonify(_told(car))

    @app.route("/control/cars/<vin>", methods=["GET", "PUT"])
    def control(vin: str) -> Response:
        if request.method == "GET":
            car = cloud.show(vin)
            return jsonify(car) if car else _error(404, "no such car")
        try:
            fields = msgspec.json.decode(request.get_data(), type=Control)
            _check(fields)
        except (msgspec.DecodeError, ValueError) as error:
            return _error(400, str(error))
        return jsonify(cloud.control(vin, fields))

    return app


def _check(fields: Control) -> None:
    if fields.fault not in (UNSET, None, *FAULTS):
        raise ValueError(f"fault must be null or one of {', '.join(FAULTS)}")
    if isinstance(fields.measured_at, str) and datetime.fromisoformat(fields.measured_at).tzinfo is None:
        raise ValueError("measured_at needs an offset")


def _told(car: dict[str, Any]) -> dict[str, Any]:
    told = {name: car[name] for name in ("vin", "odometer_km", "lat", "lng", "state", "measured_at")}
    told["measured_at"] = told["measured_at"] or datetime.now(UTC).isoformat()
    return told


def _faulty(fault: str | None) -> Response | None:
    if fault == "error":
        return _error(502, "bad gateway")
    if fault == "rate_limited":
        response = _error(429, "too many requests")
        response.headers["Retry-After"] = "1"
        return response
    return Response("<html>not the answer you look for", 200) if fault == "garbage" else None


def _error(status: int, text: str) -> Response:
    response = jsonify(error=text)
    response.status_code = status
    return response


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    make_server("127.0.0.1", parser.parse_args().port, make_app(), threaded=True).serve_forever()


if __name__ == "__main__":
    main()
