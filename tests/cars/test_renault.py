"""Renault: its library against a server that answers as Gigya, which holds the accounts, and Kamereon do."""

import json
import logging
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from pytest_httpserver import HTTPServer, RequestHandler
from renault_api import const
from werkzeug import Request, Response

from shared.cars.provider import (
    PROVIDERS,
    CarUnavailable,
    ConsentMissing,
    LoginRefused,
    NotUnderstood,
    ProviderBroken,
    TooManyRequests,
)
from shared.domain.place.geo import Position
from tests.cars.local import PLACE, VIN, at, cost, failed, is_now, position, read, silence

ACCOUNT = {"email": "driver@example.com", "password": "password-never-tell"}
SEEN_AT = "2026-11-20T08:12:31Z"


class Cloud:
    """Gigya and Kamereon of one person, who has an account at Renault and one at Dacia with his car."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.logins = self.jwts = 0
        self.ended: set[str] = set()
        self.cockpit: dict[str, Any] = {"totalMileage": 42163.75, "timestamp": SEEN_AT}
        self.location: dict[str, Any] = {
            "lastUpdateTime": SEEN_AT,
            "gpsLatitude": PLACE[0],
            "gpsLongitude": PLACE[1],
        }
        car = f"/commerce/v1/accounts/dacia/kamereon/kca/car-adapter/v1/cars/{VIN}"
        for path, handler in {
            "/accounts.login": self._login,
            "/accounts.getAccountInfo": self._person_id,
            "/accounts.getJWT": self._jwt,
            "/commerce/v1/persons/person-1": self._person,
            "/commerce/v1/accounts/renault/vehicles": lambda _: self._cars([]),
            "/commerce/v1/accounts/dacia/vehicles": lambda _: self._cars([VIN]),
            f"{car}/cockpit": lambda request: self._data(request, self.cockpit),
            f"{car}/location": lambda request: self._data(request, self.location),
        }.items():
            server.expect_request(path).respond_with_handler(handler)

    def first(self, end: str) -> RequestHandler:
        """The next answer to a path that ends so, before the usual ones."""
        return self.server.expect_oneshot_request(re.compile(f".*/{re.escape(end)}"))

    def asked(self) -> list[str]:
        """The ends of the paths asked for, in order."""
        return [request.path.rsplit("/", 1)[1] for request, _ in self.server.log]

    def _login(self, request: Request) -> Response:
        if (request.form["loginID"], request.form["password"]) != (ACCOUNT["email"], ACCOUNT["password"]):
            return gigya(403042, errorDetails="never-tell")
        self.logins += 1
        return gigya(sessionInfo={"cookieValue": f"login-token-{self.logins}"})

    def _person_id(self, request: Request) -> Response:
        return self._login_ended(request) or gigya(data={"personId": "person-1"})

    def _jwt(self, request: Request) -> Response:
        self.jwts += 1
        return self._login_ended(request) or gigya(id_token=token(900, self.jwts))

    def _login_ended(self, request: Request) -> Response | None:
        return gigya(403005, errorDetails="never-tell") if request.form["login_token"] in self.ended else None

    def _person(self, _: Request) -> Response:
        accounts = [{"accountId": name, "accountType": f"MY{name.upper()}"} for name in ("renault", "dacia")]
        return answer({"accounts": accounts})

    def _cars(self, vins: list[str]) -> Response:
        links = [{"vin": vin, "brand": "DACIA", "vehicleDetails": {"vin": vin}} for vin in vins]
        return answer({"accountId": "x", "country": "NL", "vehicleLinks": links})

    def _data(self, request: Request, attributes: dict[str, Any]) -> Response:
        assert request.args["country"] == "NL"
        return answer({"data": {"id": VIN, "type": "Car", "attributes": attributes}})


def answer(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def gigya(code: int = 0, **more: Any) -> Response:
    return Response(json.dumps({"errorCode": code, "statusCode": 200, **more}), content_type="text/javascript")


def error(code: str, status: int) -> Response:
    return answer({"type": "FUNCTIONAL", "errors": [{"errorCode": code, "errorMessage": "never-tell"}]}, status)


def token(lives_s: float, number: int = 0) -> str:
    claims = {"exp": time.time() + lives_s, "number": number}
    encoded: str = jwt.encode(claims, "a key of nobody, long enough for its kind", algorithm="HS256")
    return encoded


def known(**changed: Any) -> dict[str, Any]:
    """What a former read has left."""
    tokens = {"login_token": "login-token-0", "person_id": "person-1", "jwt": token(900)}
    return {**tokens, "vin": VIN, "account_id": "dacia", **changed}


@pytest.fixture
def cloud(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    here = httpserver.url_for("").rstrip("/")
    locale = {**const.AVAILABLE_LOCALES["nl_NL"], const.CONF_GIGYA_URL: here, const.CONF_KAMEREON_URL: here}
    monkeypatch.setitem(const.AVAILABLE_LOCALES, "nl_NL", locale)
    return Cloud(httpserver)


def test_the_first_read_logs_in_and_finds_the_car_in_either_account(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    values = read("renault", ACCOUNT, tokens)
    assert values.odometer_km is not None
    assert (values.odometer_km.value, values.odometer_km.at) == (42163.75, at("2026-11-20T08:12:31"))
    assert position(values) == Position(*PLACE)
    assert values.position is not None
    assert values.position.at == at("2026-11-20T08:12:31")
    assert values.state is None
    assert (tokens["login_token"], tokens["person_id"], tokens["account_id"]) == ("login-token-1", "person-1", "dacia")
    assert ACCOUNT["password"] not in json.dumps(tokens)


def test_a_later_read_is_no_login_and_two_requests(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    read("renault", ACCOUNT, tokens)
    cloud.server.clear_log()
    read("renault", ACCOUNT, tokens)
    assert cloud.asked() == ["cockpit", "location"]


def test_a_read_costs_what_the_cloud_of_the_cars_is_asked(cloud: Cloud) -> None:
    tokens: dict[str, Any] = {}
    # Who it is, the cars of both accounts, odometer and position; the login is another cloud's.
    assert cost("renault", ACCOUNT, tokens) == 5 == PROVIDERS["renault"].budget.a_read
    assert cost("renault", ACCOUNT, tokens) == 2
    assert cost("renault", {**ACCOUNT, "password": "wrong"}) == 0


def test_an_old_value_keeps_its_own_time(cloud: Cloud) -> None:
    cloud.cockpit = {"totalMileage": 5, "timestamp": "2026-11-01T06:00:00Z"}
    values = read("renault", ACCOUNT, known())
    assert values.odometer_km is not None
    assert values.odometer_km.at == at("2026-11-01T06:00:00")


def test_the_first_odometer_without_a_time_counts_from_that_of_the_position(cloud: Cloud) -> None:
    cloud.cockpit = {"totalMileage": 5}
    values = read("renault", ACCOUNT, known())
    assert values.odometer_km is not None
    assert values.odometer_km.at == at("2026-11-20T08:12:31")


def test_the_first_odometer_with_no_time_at_all_is_left_out(cloud: Cloud) -> None:
    cloud.cockpit, cloud.location = {"totalMileage": 5}, {}
    tokens = known()
    assert read("renault", ACCOUNT, tokens).odometer_km is None
    assert read("renault", ACCOUNT, tokens).odometer_km is None


def test_an_odometer_without_a_time_counts_from_the_read_that_first_showed_it(cloud: Cloud) -> None:
    cloud.cockpit, cloud.location = {"totalMileage": 5}, {}
    tokens = known()
    read("renault", ACCOUNT, tokens)
    cloud.cockpit = {"totalMileage": 17.5}
    values = read("renault", ACCOUNT, tokens)
    assert values.odometer_km is not None
    assert values.odometer_km.value == 17.5
    assert is_now(values.odometer_km.at)


def test_an_odometer_that_stays_the_same_gets_no_newer(cloud: Cloud) -> None:
    cloud.cockpit = {"totalMileage": 17.5}
    yesterday = datetime.now(UTC) - timedelta(days=1)
    tokens = known(odometer={"km": 17.5, "at": yesterday.isoformat()})
    values = read("renault", ACCOUNT, tokens)
    assert values.odometer_km is not None
    assert values.odometer_km.at == yesterday


def test_an_odometer_that_falls_is_undated_and_so_left_out(cloud: Cloud) -> None:
    cloud.cockpit = {"totalMileage": 3}
    assert read("renault", ACCOUNT, known(odometer={"km": 17.5, "at": SEEN_AT})).odometer_km is None


@pytest.mark.parametrize("cockpit", [{}, {"totalMileage": None}, {"totalMileage": 0}])
def test_without_an_odometer_the_position_counts(cloud: Cloud, cockpit: dict[str, Any]) -> None:
    cloud.cockpit = cockpit
    values = read("renault", ACCOUNT, known())
    assert values.odometer_km is None
    assert position(values) == Position(*PLACE)


def test_a_car_that_tells_no_odometer_is_no_failure(cloud: Cloud) -> None:
    cloud.first("cockpit").respond_with_response(error("err.tech.501", 501))
    assert position(read("renault", ACCOUNT, known())) == Position(*PLACE)


@pytest.mark.parametrize(
    "location",
    [
        {},
        {"lastUpdateTime": SEEN_AT, "gpsLatitude": None, "gpsLongitude": None},
        {"lastUpdateTime": None, "gpsLatitude": 52.0, "gpsLongitude": 5.0},
        {"lastUpdateTime": SEEN_AT, "gpsLatitude": 91, "gpsLongitude": 181},
        {"lastUpdateTime": SEEN_AT, "gpsLatitude": "never-tell", "gpsLongitude": 181},
    ],
)
def test_without_a_position_the_odometer_counts(cloud: Cloud, location: dict[str, Any]) -> None:
    cloud.location = location
    values = read("renault", ACCOUNT, known())
    assert values.odometer_km is not None
    assert values.position is None


@pytest.mark.parametrize(
    ("code", "status"),
    [("err.func.403", 403), ("err.func.privacy.on", 403), ("err.func.wired.notFound", 404), ("err.tech.501", 501)],
)
def test_a_position_that_is_refused_is_a_missing_one(cloud: Cloud, code: str, status: int) -> None:
    cloud.first("location").respond_with_response(error(code, status))
    values = read("renault", ACCOUNT, known())
    assert values.odometer_km is not None
    assert values.position is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("err.func.403", 403, ConsentMissing),
        ("err.func.wired.forbidden", 403, ConsentMissing),
        ("err.func.wired.notFound", 404, ConsentMissing),
        ("err.func.privacy.on", 403, ConsentMissing),
        ("err.func.wired.overloaded", 400, TooManyRequests),
        ("err.tech.500", 500, CarUnavailable),
        ("err.tech.wired.kamereon-proxy", 502, CarUnavailable),
        ("err.tech.unheard-of", 504, CarUnavailable),
        ("err.func.400", 400, NotUnderstood),
    ],
)
def test_each_refusal_is_told_for_what_it_is(cloud: Cloud, code: str, status: int, kind: type[CarUnavailable]) -> None:
    cloud.first("cockpit").respond_with_response(error(code, status))
    failed(kind, "renault", ACCOUNT, known())


def test_a_key_of_the_app_that_was_replaced_is_not_the_drivers_fault(cloud: Cloud) -> None:
    cloud.first("cockpit").respond_with_json({"error": "access_denied"}, status=403)
    failed(ProviderBroken, "renault", ACCOUNT, known())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (403042, LoginRefused),
        (403120, LoginRefused),
        (403101, ConsentMissing),
        (206002, ConsentMissing),
        (403048, TooManyRequests),
        (500001, CarUnavailable),
        (400093, NotUnderstood),
    ],
)
def test_each_refusal_of_a_login_is_told_for_what_it_is(cloud: Cloud, code: int, kind: type[CarUnavailable]) -> None:
    cloud.first("accounts.login").respond_with_response(gigya(code, errorDetails="never-tell", regToken="never-tell"))
    failed(kind, "renault", ACCOUNT)
    assert cloud.asked() == ["accounts.login"]


def test_a_wrong_password_is_a_refused_login(cloud: Cloud) -> None:
    failed(LoginRefused, "renault", {**ACCOUNT, "password": "wrong-never-tell"})
    assert cloud.asked() == ["accounts.login"]


def test_a_locale_that_the_maker_does_not_have_is_refused(cloud: Cloud) -> None:
    failed(LoginRefused, "renault", {**ACCOUNT, "locale": "xx_XX"})
    assert cloud.asked() == []


def test_an_account_without_the_car_does_not_show_it(cloud: Cloud) -> None:
    failed(ConsentMissing, "renault", ACCOUNT, vin="VF1AAAAA000000001")


def test_the_account_of_a_former_vin_is_not_used(cloud: Cloud) -> None:
    tokens = known(vin="VF1AAAAA000000001", account_id="renault")
    assert read("renault", ACCOUNT, tokens).odometer_km is not None
    assert tokens["account_id"] == "dacia"


def test_an_account_that_is_closed_to_us_hides_no_other(cloud: Cloud) -> None:
    cloud.first("vehicles").respond_with_response(error("err.func.wired.forbidden", 403))
    assert read("renault", ACCOUNT).odometer_km is not None


def test_an_access_that_is_old_is_refreshed_without_a_login(cloud: Cloud) -> None:
    tokens = known(jwt=token(30))
    read("renault", ACCOUNT, tokens)
    assert cloud.asked() == ["accounts.getJWT", "cockpit", "location"]
    assert jwt.decode(tokens["jwt"], options={"verify_signature": False})["number"] == 1


def test_an_access_that_is_refused_too_early_is_refreshed_once(cloud: Cloud) -> None:
    # Which token is shown cannot be seen: this server leaves out headers with an underscore in their names.
    cloud.first("cockpit").respond_with_response(error("err.func.wired.unauthorized", 401))
    assert read("renault", ACCOUNT, known()).odometer_km is not None
    assert cloud.asked() == ["cockpit", "accounts.getJWT", "cockpit", "location"]


def test_an_access_that_is_refused_also_when_new_is_a_refused_login(cloud: Cloud) -> None:
    for _ in range(2):
        cloud.first("cockpit").respond_with_response(error("err.func.wired.unauthorized", 401))
    failed(LoginRefused, "renault", ACCOUNT, known())
    assert cloud.logins == 0


def test_a_login_that_has_ended_is_made_again_once(cloud: Cloud) -> None:
    cloud.ended = {"login-token-0"}
    tokens = known(jwt=token(30))
    assert read("renault", ACCOUNT, tokens).odometer_km is not None
    assert (tokens["login_token"], cloud.logins) == ("login-token-1", 1)


def test_a_login_that_has_ended_is_made_again_also_where_nobody_knows_the_person(cloud: Cloud) -> None:
    cloud.ended = {"login-token-0"}
    assert read("renault", ACCOUNT, {"login_token": "login-token-0", "jwt": token(900)}).odometer_km is not None
    assert cloud.logins == 1


@pytest.mark.parametrize("code", [500001, 403048])
def test_a_refresh_that_fails_otherwise_is_no_reason_to_log_in(cloud: Cloud, code: int) -> None:
    cloud.first("accounts.getJWT").respond_with_response(gigya(code))
    tokens = known(jwt=token(30))
    failed(CarUnavailable if code == 500001 else TooManyRequests, "renault", ACCOUNT, tokens)
    assert (cloud.logins, tokens["login_token"]) == (0, "login-token-0")


def test_the_tokens_are_handed_back_also_when_the_read_fails_after_the_login(cloud: Cloud) -> None:
    cloud.first("cockpit").respond_with_data("", 503)
    tokens: dict[str, Any] = {}
    failed(CarUnavailable, "renault", ACCOUNT, tokens)
    assert (tokens["login_token"], tokens["account_id"]) == ("login-token-1", "dacia")
    assert read("renault", ACCOUNT, tokens).odometer_km is not None
    assert cloud.logins == 1


@pytest.mark.parametrize("path", ["cockpit", "accounts.getJWT"])
def test_too_many_requests_wait_as_long_as_told(cloud: Cloud, path: str) -> None:
    cloud.first(path).respond_with_data("{}", 429, headers={"Retry-After": "240"})
    wait = failed(TooManyRequests, "renault", ACCOUNT, known(jwt=token(30))).retry_after
    assert wait == timedelta(seconds=240)


@pytest.mark.parametrize("path", ["cockpit", "accounts.getJWT"])
def test_a_gateway_that_is_out_of_order_is_no_answer(cloud: Cloud, path: str) -> None:
    cloud.first(path).respond_with_data("<html>never-tell</html>", 502, content_type="text/html")
    failed(CarUnavailable, "renault", ACCOUNT, known(jwt=token(30)))


@pytest.mark.parametrize(
    "body",
    [
        "<html>never-tell</html>",
        "[]",
        "{}",
        '{"message": "you should not be there"}',
        '{"data": "never-tell"}',
        '{"data": {"attributes": {"totalMileage": {}}}}',
        '{"data": {"attributes": {"totalMileage": 5, "timestamp": "never-tell"}}}',
        '{"data": {"attributes": {"totalMileage": "never-tell"}}}',
    ],
)
def test_an_answer_of_another_shape_is_not_understood(cloud: Cloud, body: str) -> None:
    cloud.first("cockpit").respond_with_data(body, content_type="application/json")
    failed(NotUnderstood, "renault", ACCOUNT, known())


@pytest.mark.parametrize("body", ["<html>never-tell</html>", "[]", "{}", '{"errorCode": 0}'])
def test_a_login_of_another_shape_is_not_understood(cloud: Cloud, body: str) -> None:
    cloud.first("accounts.login").respond_with_data(body, content_type="text/javascript")
    failed(NotUnderstood, "renault", ACCOUNT)


def test_an_access_of_another_shape_is_not_understood(cloud: Cloud) -> None:
    cloud.first("accounts.getJWT").respond_with_response(gigya(id_token="never-tell"))
    failed(NotUnderstood, "renault", ACCOUNT, known(jwt=token(30)))


@pytest.mark.parametrize("path", ["accounts.login", "cockpit"])
def test_silence_ends_with_the_time_limit(cloud: Cloud, path: str) -> None:
    tokens = {} if path == "accounts.login" else known()
    with silence(cloud.first(path)):
        failed(CarUnavailable, "renault", ACCOUNT, tokens, timeout_s=0.5)


def test_nobody_there_is_no_answer(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {**const.AVAILABLE_LOCALES["nl_NL"], const.CONF_KAMEREON_URL: "http://127.0.0.1:9"}
    monkeypatch.setitem(const.AVAILABLE_LOCALES, "nl_NL", nowhere)
    failed(CarUnavailable, "renault", ACCOUNT, known())


def test_the_library_logs_nothing(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read("renault", ACCOUNT)
    assert [record.message for record in caplog.records if record.name.startswith("renault_api")] == []
    assert [secret for secret in (ACCOUNT["password"], "login-token", str(PLACE[0])) if secret in caplog.text] == []


@pytest.mark.parametrize("path", ["accounts.login", "cockpit"])
def test_a_redirect_is_not_followed(cloud: Cloud, path: str) -> None:
    elsewhere = Response("", 302, {"Location": cloud.server.url_for("/inside")})
    cloud.first(path).respond_with_response(elsewhere)
    failed(NotUnderstood, "renault", ACCOUNT, {} if path == "accounts.login" else known())
    assert cloud.asked()[-1] == path


def test_an_answer_without_end_is_not_kept_in_memory(cloud: Cloud) -> None:
    endless = Response((b"x" * 100_000 for _ in range(10_000)), content_type="application/json")
    cloud.first("cockpit").respond_with_response(endless)
    failed(NotUnderstood, "renault", ACCOUNT, known())


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(cloud: Cloud) -> None:
    reading = read("renault", ACCOUNT, known()).reading()
    assert reading is not None
    assert reading.resolution_km == PROVIDERS["renault"].resolution_km == 0.1
