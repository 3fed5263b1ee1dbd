"""Audi, through the real library, against a local server that answers as the maker's cloud does."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from werkzeug import Request, Response

from shared.cars.cost import counted
from shared.cars.provider import (
    PROVIDERS,
    CarUnavailable,
    CarUnknown,
    ConsentMissing,
    LoginClosed,
    LoginRefused,
    NotUnderstood,
    TooManyRequests,
    provider,
)
from shared.domain.car.car import CarValues, Measured
from shared.domain.car.odometer import Reading
from shared.domain.place.geo import Position
from tests.cars.maker import PASSWORD, USER, VIN, Maker, fails_with, guarded, make_httpserver, maker, redirect

__all__ = ["guarded", "make_httpserver", "maker"]
pytestmark = pytest.mark.usefixtures("guarded")

CLOUD, IDENTITY = "emea.bff.cariad.digital", "identity.vwgroup.io"
CAR = f"{CLOUD}/vehicle/v1/vehicles/{VIN}"
LIST, STATUS, POSITION = f"GET {CLOUD}/vehicle/v1/vehicles", f"GET {CAR}/selectivestatus", f"GET {CAR}/parkingposition"
TOKEN = f"POST {CLOUD}/auth/v1/idk/oidc/token"
AT = datetime(2026, 1, 23, 7, 42, tzinfo=UTC)
EARLIER = AT - timedelta(hours=20)
WHOLE_KM = 1.0
CREDENTIALS = {"username": USER, "password": PASSWORD}


def body(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(value), status=status, headers=headers, content_type="application/json")


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def tokens(expires_in_s: float = 3600.0) -> dict[str, Any]:
    """What an earlier read left."""
    return {
        "token": {
            "access_token": "secret-access",
            "refresh_token": "secret-refresh",
            "expires_in": 3600,
            "expires_at": time.time() + expires_in_s,
        }
    }


def odometer(**value: Any) -> dict[str, Any]:
    return {
        "measurements": {"odometerStatus": {"value": value}},
        "readiness": {"readinessStatus": {"value": {"connectionState": {"isOnline": True, "isActive": False}}}},
    }


def capabilities(*names: str) -> list[dict[str, Any]]:
    return [{"id": name} for name in names]


def good(maker: Maker) -> None:
    """A parked car, among others, that offers more than is asked."""
    offers = capabilities(
        "measurements", "readiness", "parkingPosition", "charging", "honkAndFlash", "vehicleWakeUpTrigger"
    )
    other = {"vin": "WAUZZZTEST0000002", "model": "A4", "capabilities": offers}
    maker.says(LIST, body({"data": [other, {"vin": VIN, "model": "A3", "nickname": "B", "capabilities": offers}]}))
    maker.says(STATUS, body(odometer(odometer=12345, carCapturedTimestamp=stamp(AT)), 207))
    maker.says(POSITION, body({"data": {"lat": 52.0907, "lon": 5.1214, "carCapturedTimestamp": stamp(AT)}}))
    maker.says(TOKEN, renewed)


def renewed(request: Request) -> Response:
    """Takes each refresh token once."""
    if request.form.get("refresh_token") != "secret-refresh":
        return body({"error": "invalid_grant"}, 400)
    return body({"access_token": "secret-access-2", "refresh_token": "secret-refresh-2", "expires_in": 3600})


def read(kept: dict[str, Any] | None = None, timeout_s: float = 10.0, **more: Any) -> CarValues:
    return provider("audi").read(VIN, CREDENTIALS | more, tokens() if kept is None else kept, timeout_s)


def no_password_login(maker: Maker) -> bool:
    return maker.count(IDENTITY) == 0 and all(
        "authorization_code" not in str(asked.request.form) for asked in maker.asked
    )


def test_a_parked_car_gives_odometer_position_and_state_with_their_times_in_three_requests(maker: Maker) -> None:
    good(maker)
    place = Measured(Position(52.0907, 5.1214), AT)
    assert read() == CarValues(Measured(12345.0, AT), place, Measured("parked", AT), WHOLE_KM)
    assert [asked.address for asked in maker.asked] == [key.split()[1] for key in (LIST, STATUS, POSITION)]
    assert maker.asked[1].request.args["jobs"] == "readiness,measurements"


def test_old_values_keep_their_own_times(maker: Maker) -> None:
    good(maker)
    maker.says(STATUS, body(odometer(odometer=12345, carCapturedTimestamp=stamp(EARLIER))))
    values = read()
    assert values.odometer_km == Measured(12345.0, EARLIER)
    assert values.position and values.position.at == AT


@pytest.mark.parametrize("value", [{"odometer": 12345}, {"odometer": 12345, "carCapturedTimestamp": None}])
def test_an_odometer_without_a_time_is_no_reading(maker: Maker, value: dict[str, Any]) -> None:
    good(maker)
    maker.says(STATUS, body(odometer(**value)))
    values = read()
    assert values.odometer_km is None
    assert values.reading() is None
    assert values.position is not None


@pytest.mark.parametrize("answer", [Response(status=204), Response(status=404), body({"data": {"lat": 1, "lon": 2}})])
def test_without_a_position_that_has_a_time_there_is_neither_position_nor_state(maker: Maker, answer: Response) -> None:
    good(maker)
    maker.says(POSITION, answer)
    assert read() == CarValues(odometer_km=Measured(12345.0, AT), resolution_km=WHOLE_KM)


@pytest.mark.parametrize("connection", [{"isOnline": False, "isActive": False}, {"isOnline": True, "isActive": True}])
def test_a_car_that_is_offline_or_has_its_ignition_on_is_said_neither_to_drive_nor_to_be_parked(
    maker: Maker, connection: dict[str, bool]
) -> None:
    good(maker)
    answer = odometer(odometer=12345, carCapturedTimestamp=stamp(AT))
    answer["readiness"]["readinessStatus"]["value"]["connectionState"] = connection
    maker.says(STATUS, body(answer))
    values = read()
    assert values.state is None
    assert values.odometer_km == Measured(12345.0, AT)


def test_a_clock_of_the_car_that_is_ahead_starts_no_thread(maker: Maker) -> None:
    good(maker)
    ahead = datetime.now(UTC) + timedelta(hours=1)
    maker.says(STATUS, body(odometer(odometer=12345, carCapturedTimestamp=stamp(ahead))))
    assert read().odometer_km == Measured(12345.0, ahead)


def test_tokens_that_are_over_are_renewed_once_and_the_next_read_needs_no_renewing(maker: Maker) -> None:
    good(maker)
    kept = tokens(expires_in_s=-1)
    assert read(kept).odometer_km
    assert kept["token"]["refresh_token"] == "secret-refresh-2"
    assert read(json.loads(json.dumps(kept))).odometer_km
    assert maker.count(TOKEN) == 1
    assert maker.asked[-1].request.headers["Authorization"] == "Bearer secret-access-2"
    assert no_password_login(maker)


def test_tokens_that_are_not_taken_are_renewed_within_the_budget_of_a_read(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body({}, 401), *maker._table[LIST])
    kept = tokens()
    assert read(kept).odometer_km
    assert kept["token"]["refresh_token"] == "secret-refresh-2"
    assert no_password_login(maker)
    assert maker.count() == 5 <= PROVIDERS["audi"].budget.a_read


def test_a_read_costs_each_request_that_it_sends(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body({}, 401), *maker._table[LIST])
    with counted() as cost:
        read()
    assert cost.requests == maker.count() == 5


def test_a_refresh_token_among_the_credentials_opens_the_cloud_the_first_time(maker: Maker) -> None:
    good(maker)
    kept: dict[str, Any] = {}
    assert read(kept, refresh_token="secret-refresh").odometer_km
    assert kept["token"]["refresh_token"] == "secret-refresh-2"
    assert no_password_login(maker)


@pytest.mark.parametrize("allowed", [{}, {"allow_login": False}, {"allow_login": "false"}])
@pytest.mark.parametrize("kept", [tokens(-1), {}], ids=["refused", "none"])
def test_without_allow_login_no_password_is_sent_where_the_tokens_are_refused_or_missing(
    maker: Maker, kept: dict[str, Any], allowed: dict[str, Any]
) -> None:
    good(maker)
    maker.says(TOKEN, body({"error": "invalid_grant"}, 400))
    before = deepcopy(kept)
    with fails_with(LoginClosed):
        read(kept, **allowed)
    assert no_password_login(maker)
    assert maker.count() == len(before)  # one for the refresh token, if there is one
    assert kept.get("token", {}).get("refresh_token") == before.get("token", {}).get("refresh_token")


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (body({}, 503), CarUnavailable),
        (body({}, 429), TooManyRequests),
        (Response("<html>"), NotUnderstood),
        (body({"tokens": []}), NotUnderstood),
    ],
)
def test_a_renewing_that_fails_for_another_reason_makes_no_password_login(
    maker: Maker, answer: Response, kind: type[CarUnavailable], allowed: bool
) -> None:
    good(maker)
    maker.says(TOKEN, answer)
    kept = tokens(-1)
    with fails_with(kind):
        read(kept, allow_login=allowed)
    assert no_password_login(maker)
    assert maker.count() == 1
    assert kept["token"]["refresh_token"] == "secret-refresh"


def test_renewed_tokens_are_handed_back_by_a_read_that_fails_and_used_by_the_next(maker: Maker) -> None:
    good(maker)
    maker.says(STATUS, body({}, 502), *maker._table[STATUS])
    kept = tokens(-1)
    with fails_with(CarUnavailable):
        read(kept)
    assert kept["token"]["refresh_token"] == "secret-refresh-2"
    assert read(kept).odometer_km
    assert maker.count(TOKEN) == 1


def login_pages(maker: Maker, end: str = "https://identity.vwgroup.io/oidc/v1/oauth/sso?userId=secret-user") -> None:
    """The pages of a login, up to the answer to the password, which sends the browser to `end`."""
    client = "09b6cbec-cd19-4589-82fd-363dfa8c24da@apps_vw-dilab_com"
    form = '<form id="emailPasswordForm" action="/signin-service/v1/x/login/identifier">'
    inputs = "".join(f'<input name="{name}" value="v">' for name in ("_csrf", "relayState", "hmac", "email"))
    model = {"relayState": "v", "hmac": "v", "postAction": "login/authenticate"}
    script = f"<script>window._IDK = {{ templateModel: {json.dumps(model)},\n csrf_token: 'v' }}</script>"
    maker.says(f"GET {IDENTITY}/oidc/v1/authorize", redirect(f"https://{IDENTITY}/signin-service/v1/signin/x"))
    maker.says(f"GET {IDENTITY}/signin-service/v1/signin/x", Response(f"{form}{inputs}</form>"))
    maker.says(f"POST {IDENTITY}/signin-service/v1/x/login/identifier", Response(script))
    maker.says(f"POST {IDENTITY}/signin-service/v1/{client}/login/authenticate", redirect(end))
    maker.says(f"GET {IDENTITY}/oidc/v1/oauth/sso", redirect("myaudi:///?code=secret-code&state=s"))


def test_with_allow_login_the_password_opens_the_cloud_within_the_budget_of_a_read(maker: Maker) -> None:
    good(maker)
    login_pages(maker)
    grants = {
        "refresh_token": body({"error": "invalid_grant"}, 400),
        "authorization_code": body({"access_token": "secret-a", "refresh_token": "secret-r", "expires_in": 3600}),
    }
    maker.says(TOKEN, lambda request: grants[request.form["grant_type"]])
    maker.says(LIST, body({}, 401), *maker._table[LIST])
    kept = tokens()
    assert read(kept, allow_login=True).odometer_km
    assert kept["token"]["refresh_token"] == "secret-r"
    sent = next(asked.request.form for asked in maker.asked if asked.address.endswith("/login/authenticate"))
    assert (sent["email"], sent["password"]) == (USER, PASSWORD)
    assert maker.count(CLOUD) == PROVIDERS["audi"].budget.a_read


def test_a_login_that_asks_for_an_attestation_says_that_this_way_in_is_closed(maker: Maker) -> None:
    good(maker)
    login_pages(maker)
    maker.says(TOKEN, body({"error": "invalid_request", "error_description": "invalid assertion headers"}, 400))
    kept: dict[str, Any] = {}
    with fails_with(LoginClosed) as found:
        read(kept, allow_login=True)
    assert "attestation" in str(found[0])
    assert "EU Data Act portal" in found[0].advice
    assert kept == {}
    assert maker.count("/login/authenticate") == 1


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("https://identity.vwgroup.io/x?error=login.errors.password_invalid", LoginRefused),
        ("https://identity.vwgroup.io/x?error=login.error.throttled", TooManyRequests),
        ("https://identity.vwgroup.io/x?updated=dataprivacy", ConsentMissing),
        ("https://identity.vwgroup.io/terms-and-conditions?userId=secret-user", ConsentMissing),
        ("https://identity.vwgroup.io/consent/x?userId=secret-user", ConsentMissing),
        ("https://identity.vwgroup.io/x", NotUnderstood),
        ("https://elsewhere.example.com/x?userId=secret-user", NotUnderstood),
    ],
)
def test_a_login_that_is_refused_says_why_and_is_tried_once(maker: Maker, end: str, kind: type[CarUnavailable]) -> None:
    good(maker)
    login_pages(maker, end)
    with fails_with(kind):
        read({}, allow_login=True)
    assert maker.count("/login/authenticate") == 1
    assert maker.count("elsewhere.example.com") == 0


def test_the_password_is_sent_once_in_a_read_also_where_its_tokens_are_not_taken(maker: Maker) -> None:
    good(maker)
    login_pages(maker)
    maker.says(TOKEN, body({"access_token": "secret-a", "refresh_token": "secret-r", "expires_in": 3600}))
    maker.says(LIST, body({}, 401), *maker._table[LIST])
    maker.says(STATUS, body({}, 401))
    with fails_with(LoginRefused):
        read({}, allow_login=True)
    assert maker.count("/login/authenticate") == 1


def test_a_cloud_that_is_asked_too_often_says_how_long_to_wait(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body({}, 429, **{"Retry-After": "120"}))
    with fails_with(TooManyRequests) as found:
        read()
    assert found[0].retry_after == timedelta(seconds=120)
    maker.says(LIST, body({}, 429))
    with fails_with(TooManyRequests) as found:
        read()
    assert found[0].retry_after == timedelta(minutes=15)
    assert maker.count() == 2


@pytest.mark.parametrize("key", [LIST, STATUS, POSITION])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_cloud_that_is_down_is_asked_once(maker: Maker, key: str, status: int) -> None:
    good(maker)
    maker.says(key, body({}, status))
    with fails_with(CarUnavailable):
        read()
    assert maker.count(key.split()[1].rsplit("/", maxsplit=1)[-1]) >= 1
    assert maker.count() == [LIST, STATUS, POSITION].index(key) + 1


def test_a_car_that_is_not_given_wants_consent(maker: Maker) -> None:
    good(maker)
    maker.says(STATUS, body({"error": {"description": "secret-why"}}, 403))
    with fails_with(ConsentMissing):
        read()


def test_an_account_without_the_car_says_so(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body({"data": []}))
    with fails_with(CarUnknown):
        read()
    with fails_with(CarUnknown):
        provider("audi").read("../../x", CREDENTIALS, tokens(), 10)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (LIST, body({"vehicles": []})),
        (LIST, body([])),
        (LIST, Response("<html>secret-page</html>")),
        (STATUS, body({"values": {}})),
        (STATUS, body(odometer(odometer="secret-many", carCapturedTimestamp=stamp(AT)))),
        (STATUS, body(odometer(odometer=12345, carCapturedTimestamp="secret-soon"))),
        (STATUS, body(odometer(odometer=12345, carCapturedTimestamp="2026-01-23T07:42:00"))),
        (STATUS, Response("<html>secret-page</html>")),
        (POSITION, body({"data": {"lat": "x", "lon": "y", "carCapturedTimestamp": stamp(AT)}})),
    ],
)
def test_an_answer_of_another_shape_is_not_understood(maker: Maker, key: str, answer: Response) -> None:
    good(maker)
    maker.says(key, answer)
    with fails_with(NotUnderstood):
        read()


@pytest.mark.parametrize("key", [LIST, STATUS, TOKEN])
@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_cloud_that_hangs_or_drips_ends_in_time_with_its_tokens(maker: Maker, key: str, way: str) -> None:
    good(maker)
    maker.says(key, getattr(maker, way))
    kept = tokens(-1)
    started_s = monotonic()
    with fails_with(CarUnavailable):
        read(kept, timeout_s=0.5)
    assert monotonic() - started_s < 2
    assert kept["token"]["refresh_token"].startswith("secret-refresh")
    assert no_password_login(maker)


def test_reads_at_once_do_not_mix_their_drivers(maker: Maker) -> None:
    vins = [f"WAUZZZTEST00001{number:02}" for number in range(12)]
    maker.says(LIST, lambda request: body({"data": [{"vin": request.headers["Authorization"][-17:]}]}))

    def one(vin: str) -> dict[str, Any]:
        kept = tokens()
        kept["token"]["access_token"] = f"secret-{vin}"
        assert provider("audi").read(vin, CREDENTIALS, kept, 10) == CarValues(resolution_km=WHOLE_KM)
        return kept

    with ThreadPoolExecutor(len(vins)) as pool:
        assert [kept["token"]["access_token"] for kept in pool.map(one, vins)] == [f"secret-{vin}" for vin in vins]


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(maker: Maker) -> None:
    good(maker)
    assert read().reading() == Reading(AT, 12345.0, False, 52.0907, 5.1214, resolution_km=WHOLE_KM)
    assert PROVIDERS["audi"].resolution_km == WHOLE_KM
