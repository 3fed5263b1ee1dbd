"""The EU Data Act portal, through the real library, against a local server that answers as the portal does."""

import io
import json
import zipfile
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
    LoginRefused,
    NotUnderstood,
    TooManyRequests,
    provider,
)
from shared.cars.vw_eu_data_act import MOST_UNPACKED
from shared.domain.car.car import CarValues, Measured
from shared.domain.car.odometer import Reading
from tests.cars.maker import PASSWORD, USER, VIN, Maker, fails_with, guarded, make_httpserver, maker, redirect

__all__ = ["guarded", "make_httpserver", "maker"]
pytestmark = pytest.mark.usefixtures("guarded")

PORTAL, IDENTITY = "eu-data-act.drivesomethinggreater.com", "identity.vwgroup.io"
DATA = f"{PORTAL}/proxy_api/euda-apim"
METADATA = f"GET {DATA}/datarequest/vehicles/{VIN}/metadata/partial"
LIST, DOWNLOAD = (f"GET {DATA}/datadelivery/vehicles/{VIN}/id-1/{what}" for what in ("list", "download"))
PASSWORDS = f"POST {IDENTITY}/signin-service/v1/x/login/authenticate"
AT = datetime(2026, 1, 23, 7, 42, tzinfo=UTC)
WHOLE_KM = 1.0
CREDENTIALS = {"username": USER, "password": PASSWORD, "brand": "Audi"}


def body(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(value), status=status, headers=headers, content_type="application/json")


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def point(name: str, value: Any, at: datetime | str | None = None, key: str = "") -> dict[str, Any]:
    timed = {} if at is None else {"timestampUtc": at if isinstance(at, str) else stamp(at)}
    return {"key": key or f"key-of-{name}", "dataFieldName": name, "value": value} | timed


def dataset(*points: dict[str, Any], vin: str = VIN, member: str = "data.json") -> Response:
    """A zip as the portal delivers it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, json.dumps({"vin": vin, "user_id": "secret-user", "Data": list(points)}))
    return Response(packed.getvalue(), content_type="application/zip")


def entry(minutes: int, suffix: str = "") -> dict[str, Any]:
    made_at = AT + timedelta(minutes=minutes)
    return {"name": f"{made_at:%Y%m%d%H%M%S}_{VIN}{suffix}.zip", "createdOn": stamp(made_at), "size": 1}


def good(maker: Maker) -> None:
    """An account with one car, of which there are three data sets, the newest in the middle of the list."""
    login_pages(maker)
    maker.says(METADATA, body({"Identifier": "id-1"}))
    maker.says(LIST, body([entry(5), entry(35), entry(20), entry(50, "_no_content_found")]))
    maker.says(DOWNLOAD, dataset(point("mileage", "12345", AT), point("locked", "1", AT + timedelta(hours=9))))


def login_pages(maker: Maker, end: str = f"https://{IDENTITY}/oidc/v1/oauth/sso?userId=secret-user") -> None:
    """The pages of a login with the redirects between them; the answer to the password sends the browser to `end`."""
    inputs = "".join(f'<input name="{name}" value="v">' for name in ("_csrf", "relayState", "hmac", "email"))
    signin, steps = f"{IDENTITY}/signin-service/v1", f"{IDENTITY}/oidc/v1"
    model = {"relayState": "v", "hmac": "v", "emailPasswordForm": {"email": USER}}
    password = f"<script>window._IDK = {{ templateModel: {json.dumps(model)}, csrf_token: 'v' }}</script>"
    maker.says(f"GET {steps}/authorize", redirect(f"https://{signin}/signin/x"))
    maker.says(
        f"GET {signin}/signin/x", Response(f'<form action="/signin-service/v1/x/login/identifier">{inputs}</form>')
    )
    maker.says(f"POST {signin}/x/login/identifier", redirect(f"https://{signin}/x/login/authenticate"))
    maker.says(f"GET {signin}/x/login/authenticate", Response(password))
    maker.says(PASSWORDS, redirect(end))
    maker.says(f"GET {steps}/oauth/sso", redirect(f"https://{steps}/oauth/client/callback"))
    maker.says(f"GET {steps}/oauth/client/callback", redirect(f"https://{PORTAL}/login?code=secret-code"))
    maker.says(f"GET {PORTAL}/login", redirect(f"https://{PORTAL}/services/callbacklogin"))
    session = "access_token=secret-session; Path=/; Secure; HttpOnly; Max-Age=3600"
    maker.says(
        f"GET {PORTAL}/services/callbacklogin", redirect(f"https://{PORTAL}/nl/nl.html", **{"Set-Cookie": session})
    )


def read(kept: dict[str, Any] | None = None, timeout_s: float = 10.0, **more: Any) -> CarValues:
    return provider("vw_eu_data_act").read(VIN, CREDENTIALS | more, {} if kept is None else kept, timeout_s)


def kept_after_a_good_read(maker: Maker) -> dict[str, Any]:
    """What a read leaves, as it comes back from the store; then the server begins to count anew."""
    good(maker)
    kept: dict[str, Any] = {}
    assert read(kept).odometer_km
    maker.asked.clear()
    return json.loads(json.dumps(kept))


def test_the_newest_data_set_alone_is_fetched_and_gives_the_odometer_with_its_own_time(maker: Maker) -> None:
    good(maker)
    assert read() == CarValues(odometer_km=Measured(12345.0, AT), resolution_km=WHOLE_KM)
    assert maker.count("/download") == 1
    assert maker.asked[-1].request.headers["filename"] == entry(35)["name"]
    assert maker.count(PASSWORDS) == 1
    sent = next(asked.request for asked in maker.asked if asked.address in PASSWORDS and asked.method == "POST")
    assert (sent.form["email"], sent.form["password"]) == (USER, PASSWORD)


def test_the_second_read_uses_the_session_of_the_first_and_makes_two_requests(maker: Maker) -> None:
    kept = kept_after_a_good_read(maker)
    before = deepcopy(kept)
    assert read(kept).odometer_km
    assert [asked.address for asked in maker.asked] == [LIST.split()[1], DOWNLOAD.split()[1]]
    assert maker.asked[0].request.cookies["access_token"] == "secret-session"
    assert kept == before  # nothing to store


def test_a_read_costs_each_request_that_it_sends_also_where_it_fails(maker: Maker) -> None:
    good(maker)
    kept: dict[str, Any] = {}
    with counted() as cost:
        read(kept)
    assert cost.requests == maker.count() > 2
    maker.asked.clear()
    maker.says(DOWNLOAD, body({}, 502))
    with counted() as cost, fails_with(CarUnavailable):
        read(kept)
    assert cost.requests == maker.count() == 2


def test_the_session_is_handed_back_by_a_read_that_fails_and_used_by_the_next(maker: Maker) -> None:
    good(maker)
    maker.says(DOWNLOAD, body({}, 502), *maker._table[DOWNLOAD])
    kept: dict[str, Any] = {}
    with fails_with(CarUnavailable):
        read(kept)
    assert read(kept).odometer_km
    assert maker.count(PASSWORDS) == 1


def test_a_session_that_is_over_is_made_anew_within_the_budget_of_a_read(maker: Maker) -> None:
    kept = kept_after_a_good_read(maker)
    maker.says(LIST, body({}, 401), body([]))
    anew = f"GET {DATA}/datadelivery/vehicles/{VIN}/id-2"
    maker.says(METADATA, body({"Identifier": "id-2"}))
    maker.says(f"{anew}/list", *[body([entry(5)])])
    maker.says(f"{anew}/download", dataset(point("mileage", "12400", AT)))
    assert read(kept).odometer_km == Measured(12400.0, AT)
    assert maker.count(PASSWORDS) == 1
    assert maker.count() == PROVIDERS["vw_eu_data_act"].budget.a_read


@pytest.mark.parametrize("gone", [body([]), body({}, 404), body({"files": []})])
def test_a_request_for_data_that_was_made_anew_is_found_by_itself(maker: Maker, gone: Response) -> None:
    kept = kept_after_a_good_read(maker)
    maker.says(LIST, gone)
    maker.says(METADATA, body({"Identifier": "id-2"}))
    anew = f"GET {DATA}/datadelivery/vehicles/{VIN}/id-2"
    maker.says(f"{anew}/list", body({"files": [entry(5)]}))
    maker.says(f"{anew}/download", dataset(point("mileage", "12400", AT)))
    assert read(kept).odometer_km == Measured(12400.0, AT)
    assert kept["identifiers"] == {VIN: "id-2"}


@pytest.mark.parametrize("listing", [[], [entry(5, "_no_content_found"), entry(20, "_no_content_found")]])
def test_where_no_data_set_has_content_there_is_no_value_and_nothing_is_fetched(
    maker: Maker, listing: list[Any]
) -> None:
    good(maker)
    maker.says(LIST, body(listing))
    assert read() == CarValues(resolution_km=WHOLE_KM)
    assert maker.count("/download") == 0


def test_the_moment_of_a_data_set_orders_it_not_its_name(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body([entry(5) | {"name": "z.zip"}, entry(20) | {"name": "a.zip"}]))
    assert read().odometer_km
    assert maker.asked[-1].request.headers["filename"] == "a.zip"


def test_a_session_of_which_the_time_is_over_is_not_shown_any_more(maker: Maker) -> None:
    kept = kept_after_a_good_read(maker)
    for cookie in kept["cookies"]:
        cookie["expires"] = 1
    assert read(kept).odometer_km
    assert maker.count(LIST) == 1
    assert maker.count(PASSWORDS) == 1


def test_data_sets_without_a_moment_are_ordered_by_their_names(maker: Maker) -> None:
    good(maker)
    maker.says(LIST, body([{"name": entry(minutes)["name"]} for minutes in (35, 50, 5)]))
    assert read().odometer_km
    assert maker.asked[-1].request.headers["filename"] == entry(50)["name"]


@pytest.mark.parametrize(
    ("points", "odometer_km"),
    [
        ([point("mileage.value", "10000", AT), point("mileage.unit", "MILES", AT)], 16093.44),
        ([point("mileage.value", "10000.5", AT), point("mileage.unit", "KM", AT)], 10000.5),
        ([point("mileage.value", "10000", AT)], 10000.0),
        ([point("mileage.value", 1, AT, "a") | {"value": "10"}, point("mileage.value", "12", AT, "b")], 12.0),
        ([point("mileage", "10", AT, "a"), point("mileage", "12", AT - timedelta(hours=1), "b")], 10.0),
        ([point("mileage", "10", "2026-01-23T08:42:00+01:00")], 10.0),
        ([point("mileage", "10", "2026-01-23T07:42:00")], 10.0),
        ([point("mileage.value", "10"), point("car_captured_time", stamp(AT))], 10.0),
    ],
    ids=["miles", "km", "no unit", "lagging", "older", "offset", "utc by name", "the report's time"],
)
def test_an_odometer_is_in_km_and_of_the_moment_that_the_payload_says(
    maker: Maker, points: list[dict[str, Any]], odometer_km: float
) -> None:
    good(maker)
    maker.says(DOWNLOAD, dataset(*points))
    assert read().odometer_km == Measured(pytest.approx(odometer_km), AT)


@pytest.mark.parametrize(
    "points",
    [
        [point("mileage", "12345")],
        [point("mileage", "12345"), point("locked", "1", AT)],
        [point("mileage", "", AT)],
        [point("locked", "1", AT)],
        [],
    ],
    ids=["no time", "another's time", "empty", "no odometer", "nothing"],
)
def test_an_odometer_of_which_the_moment_cannot_be_known_is_no_reading(
    maker: Maker, points: list[dict[str, Any]]
) -> None:
    good(maker)
    maker.says(DOWNLOAD, dataset(*points))
    values = read()
    assert values == CarValues(resolution_km=WHOLE_KM)
    assert values.reading() is None


def test_an_odometer_of_any_of_several_reports_is_from_between_the_first_and_the_last(maker: Maker) -> None:
    good(maker)
    moments = [stamp(AT - timedelta(minutes=minutes)) for minutes in (20, 0, 38)]
    reports = [point("car_captured_time", moment, key=moment) for moment in moments]
    maker.says(DOWNLOAD, dataset(point("mileage.value", "12345"), *reports))
    since = AT - timedelta(minutes=38)
    values = read()
    assert values.odometer_km == Measured(12345.0, AT, since)
    reading = values.reading()
    assert reading == Reading(AT, 12345.0, since=since, resolution_km=WHOLE_KM)
    assert not reading.is_of_one_moment


def test_reports_of_nearly_one_moment_are_of_one(maker: Maker) -> None:
    good(maker)
    since = AT - timedelta(seconds=110)
    reports = [point("car_captured_time", stamp(at), key=stamp(at)) for at in (AT, since)]
    maker.says(DOWNLOAD, dataset(point("mileage.value", "12345"), *reports))
    reading = read().reading()
    assert reading == Reading(AT, 12345.0, since=since, resolution_km=WHOLE_KM)
    assert reading
    assert reading.is_of_one_moment


@pytest.mark.parametrize(
    ("unit", "km"),
    [
        ("0", 1.0),
        ("1", 1.609344),
        ("DISTANCE_UNIT_KM", 1.0),
        ("DISTANCE_UNIT_MILES", 1.609344),
        ("KM", 1.0),
        ("MILES", 1.609344),
    ],
)
def test_the_unit_is_told_in_several_ways_and_says_how_coarse_the_odometer_is(
    maker: Maker, unit: str, km: float
) -> None:
    good(maker)
    maker.says(DOWNLOAD, dataset(point("mileage.value", "10000", AT), point("mileage.unit", unit)))
    values = read()
    assert values.odometer_km == Measured(pytest.approx(10000 * km), AT)
    assert values.resolution_km == km


def test_two_units_that_mean_the_same_are_one(maker: Maker) -> None:
    good(maker)
    units = [point("mileage.unit", unit, key=unit) for unit in ("MILES", "1")]
    maker.says(DOWNLOAD, dataset(point("mileage.value", "10000", AT), *units))
    assert read().resolution_km == 1.609344


def test_the_unit_of_another_value_does_not_matter_to_an_older_car(maker: Maker) -> None:
    good(maker)
    maker.says(DOWNLOAD, dataset(point("mileage", "10000", AT), point("mileage.unit", "LEAGUES")))
    assert read().odometer_km == Measured(10000.0, AT)


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (METADATA, Response("<html>secret-page</html>")),
        (METADATA, body([1])),
        (METADATA, body({}, 400)),
        (LIST, body({}, 400)),
        (LIST, body(["secret-name"])),
        (LIST, Response("<html>secret-page</html>")),
        (DOWNLOAD, Response(b"secret-no-zip")),
        (DOWNLOAD, dataset(member="data.xml")),
        (DOWNLOAD, dataset(point("mileage", "secret-many", AT))),
        (DOWNLOAD, dataset(point("mileage", "true", AT))),
        (DOWNLOAD, dataset(point("mileage", 12345, AT))),
        (DOWNLOAD, dataset(point("mileage.value", "1", AT), point("mileage.unit", "LEAGUES"))),
        (DOWNLOAD, dataset(point("mileage.value", "1", AT), point("mileage.unit", "2"))),
        (DOWNLOAD, dataset(point("mileage.value", "1", AT), point("mileage.unit", "DISTANCE_UNIT_INVALID"))),
        (
            DOWNLOAD,
            dataset(
                point("mileage.value", "1", AT),
                point("mileage.unit", "KM", key="a"),
                point("mileage.unit", "MILES", key="b"),
            ),
        ),
        (DOWNLOAD, dataset(point("mileage", "12345", AT), vin="WAUZZZTEST0000002")),
    ],
)
def test_an_answer_of_another_shape_is_not_understood(maker: Maker, key: str, answer: Response) -> None:
    good(maker)
    maker.says(key, answer)
    with fails_with(NotUnderstood):
        read()


def test_an_error_of_the_list_makes_the_next_read_ask_anew_what_to_list(maker: Maker) -> None:
    kept = kept_after_a_good_read(maker)
    maker.says(LIST, body({}, 400), body([entry(5)]))
    with fails_with(NotUnderstood):
        read(kept)
    assert read(kept).odometer_km
    assert maker.count(METADATA) == 1


@pytest.mark.parametrize("answer", [body({}), body({"Identifier": None}), body({}, 404)])
def test_a_portal_that_was_not_asked_for_data_wants_the_driver_to_do_it(maker: Maker, answer: Response) -> None:
    good(maker)
    maker.says(METADATA, answer)
    with fails_with(ConsentMissing):
        read()


def test_a_car_that_is_not_given_after_a_login_wants_consent_and_makes_no_second_login(maker: Maker) -> None:
    good(maker)
    maker.says(METADATA, body({}, 403))
    kept: dict[str, Any] = {}
    for _ in range(3):
        with fails_with(ConsentMissing):
            read(kept)
    assert maker.count(PASSWORDS) == 1


def test_a_session_that_is_refused_at_once_makes_no_second_login_in_the_same_read(maker: Maker) -> None:
    good(maker)
    maker.says(METADATA, body({}, 401))
    with fails_with(CarUnavailable):
        read()
    assert maker.count(PASSWORDS) == 1


def test_a_car_without_a_vin_asks_nothing(maker: Maker) -> None:
    for vin in ("", "../../x", "WAUZZZTEST00000010"):
        with fails_with(CarUnknown):
            provider("vw_eu_data_act").read(vin, CREDENTIALS, {}, 10)
    assert maker.count() == 0


def test_a_brand_that_the_portal_does_not_have_asks_nothing(maker: Maker) -> None:
    with fails_with(LoginRefused):
        read(brand="lada")
    assert maker.count() == 0


@pytest.mark.parametrize(
    ("brand", "client"), [("Audi", "cc29b87a"), ("Volkswagen", "9b58543e"), ("SEAT", "f85e5b69"), ("cupra", "f85e5b69")]
)
def test_each_brand_logs_in_as_itself(maker: Maker, brand: str, client: str) -> None:
    good(maker)
    assert read(brand=brand).odometer_km
    asked = maker.asked[0].request.args
    assert asked["client_id"].startswith(client)
    assert asked["state"].lower().startswith(f"nl__nl__{brand.lower()}")


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (f"https://{IDENTITY}/signin-service/v1/signin/x?error=secret-error", LoginRefused),
        (f"https://{IDENTITY}/signin-service/v1/x/terms-and-conditions?userId=secret-user", ConsentMissing),
        (f"https://{IDENTITY}/signin-service/v1/consent/users/secret-user/x", ConsentMissing),
        (f"https://{IDENTITY}/elsewhere?userId=secret-user", NotUnderstood),
        ("https://elsewhere.example.com/x?userId=secret-user", NotUnderstood),
    ],
)
def test_a_login_that_is_refused_says_why_and_is_tried_once(maker: Maker, end: str, kind: type[CarUnavailable]) -> None:
    good(maker)
    login_pages(maker, end)
    for page in (
        "signin-service/v1/x/terms-and-conditions",
        "signin-service/v1/consent/users/secret-user/x",
        "elsewhere",
    ):
        maker.says(f"GET {IDENTITY}/{page}", Response("<html></html>"))
    with fails_with(kind):
        read()
    assert maker.count(PASSWORDS) == 1
    assert maker.count(DATA) == 0


def test_a_login_that_waits_for_a_consent_is_not_repeated_by_the_next_reads(maker: Maker) -> None:
    good(maker)
    login_pages(maker, f"https://{IDENTITY}/signin-service/v1/x/terms-and-conditions")
    maker.says(f"GET {IDENTITY}/signin-service/v1/x/terms-and-conditions", Response("<html></html>"))
    kept: dict[str, Any] = {}
    for _ in range(3):
        with fails_with(ConsentMissing):
            read(kept)
    assert maker.count(PASSWORDS) == 1


def test_an_optional_question_about_marketing_is_passed_by_unanswered(maker: Maker) -> None:
    good(maker)
    callback = f"https%3A%2F%2F{IDENTITY}%2Foidc%2Fv1%2Foauth%2Fclient%2Fcallback"
    question = f"https://{IDENTITY}/signin-service/v1/consent/marketing/secret-user/x/0?callback={callback}"
    login_pages(maker, question)
    assert read().odometer_km
    assert maker.count("consent") == 0


@pytest.mark.parametrize("said", ["120", ""])
@pytest.mark.parametrize("key", [METADATA, LIST, DOWNLOAD, PASSWORDS])
def test_a_portal_that_is_asked_too_often_says_how_long_to_wait(maker: Maker, key: str, said: str) -> None:
    good(maker)
    maker.says(key, body({}, 429, **({"Retry-After": said} if said else {})))
    with fails_with(TooManyRequests) as found:
        read()
    assert found[0].retry_after == timedelta(seconds=120 if said else 900)
    assert maker.count(key) == 1


def test_a_moment_until_which_to_wait_is_understood(maker: Maker) -> None:
    good(maker)
    until = datetime.now(UTC) + timedelta(minutes=5)
    maker.says(LIST, body({}, 429, **{"Retry-After": f"{until:%a, %d %b %Y %H:%M:%S} GMT"}))
    with fails_with(TooManyRequests) as found:
        read()
    assert timedelta(minutes=4) < found[0].retry_after <= timedelta(minutes=5)


@pytest.mark.parametrize("key", [METADATA, LIST, DOWNLOAD, PASSWORDS])
@pytest.mark.parametrize("status", [500, 503])
def test_a_portal_that_is_down_is_asked_once(maker: Maker, key: str, status: int) -> None:
    good(maker)
    maker.says(key, body({}, status))
    with fails_with(CarUnavailable):
        read()
    assert maker.count(key) == 1


@pytest.mark.parametrize("key", [METADATA, LIST, DOWNLOAD, PASSWORDS])
@pytest.mark.parametrize("way", ["hangs", "drips"])
def test_a_portal_that_hangs_or_drips_ends_in_time(maker: Maker, key: str, way: str) -> None:
    good(maker)
    maker.says(key, getattr(maker, way))
    started_s = monotonic()
    with fails_with(CarUnavailable):
        read(timeout_s=0.7)
    assert monotonic() - started_s < 2.2


def test_an_answer_without_end_is_not_kept_in_memory(maker: Maker) -> None:
    good(maker)

    def endless(_: Request) -> Response:
        return Response((b"x" * 1_000_000 for _ in range(1000)), content_type="application/zip")

    maker.says(DOWNLOAD, endless)
    with fails_with(NotUnderstood):
        read()


def test_a_data_set_that_unpacks_to_far_too_much_is_not_unpacked(maker: Maker) -> None:
    good(maker)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", b" " * (MOST_UNPACKED + 1))
    assert len(packed.getvalue()) < 100_000
    maker.says(DOWNLOAD, Response(packed.getvalue(), content_type="application/zip"))
    with fails_with(NotUnderstood):
        read()


def test_a_reading_is_as_coarse_as_its_cloud_tells_it(maker: Maker) -> None:
    good(maker)
    assert read().reading() == Reading(AT, 12345.0, resolution_km=WHOLE_KM)
    assert PROVIDERS["vw_eu_data_act"].resolution_km == WHOLE_KM
