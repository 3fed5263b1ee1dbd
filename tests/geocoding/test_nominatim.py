"""Nominatim: the real geopy against a local server in its shapes."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from shared.domain.place.geo import Position
from shared.geocoding.geocoder import Unanswered, geocoder, usable
from shared.wire import MOST_BYTES
from tests.geocoding.services import NOMINATIM, NOMINATIM_NOTHING, NOMINATIM_PATH

THERE = Position(51.5123, 7.5321)


def ask(timeout_s: float = 2) -> str | None:
    return geocoder("nominatim").address(THERE, timeout_s)


def answer(server: HTTPServer, body: Any) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_json(body)


def test_street_number_postcode_town_and_country_are_given(server: HTTPServer) -> None:
    answer(server, NOMINATIM)
    assert ask() == "Musterstraße 12, 12345 Musterstadt, Deutschland"


def test_the_request_says_who_we_are_and_how_to_reach_us(server: HTTPServer) -> None:
    answer(server, NOMINATIM)
    ask()
    (request, _), *more = server.log
    assert request.headers["User-Agent"] == "mileage-log/1 (operator@example.com)"
    assert (request.args["lat"], request.args["lon"], request.args["addressdetails"]) == ("51.5123", "7.5321", "1")
    assert not more


def test_without_a_contact_it_must_not_be_asked(server: HTTPServer, set_by_operator: Callable[..., None]) -> None:
    assert usable(["pdok", "nominatim", "unheard-of", "pdok"]) == ["pdok", "nominatim"]
    set_by_operator(GEOCODER_CONTACT="")
    assert usable(["pdok", "nominatim"]) == ["pdok"]


def test_without_a_number_the_street_is_given_and_without_a_street_the_services_own_name(server: HTTPServer) -> None:
    parts = {"road": "Rue Modèle", "village": "Exempleville", "country": "France"}
    answer(server, {**NOMINATIM, "address": parts})
    assert ask() == "Rue Modèle, Exempleville, France"
    server.clear()
    answer(server, {**NOMINATIM, "display_name": "Parkplatz,  Deutschland", "address": {"country": "Deutschland"}})
    assert ask() == "Parkplatz, Deutschland"


def test_where_there_is_no_address_there_is_none(server: HTTPServer) -> None:
    answer(server, NOMINATIM_NOTHING)
    assert ask() is None


@pytest.mark.parametrize("status", [500, 502, 503, 403, 404])
def test_an_error_of_the_service_is_no_answer_and_is_asked_once(server: HTTPServer, status: int) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data("no", status=status)
    with pytest.raises(Unanswered, match="Geocoder") as raised:
        ask()
    assert not raised.value.rest
    assert len(server.log) == 1


@pytest.mark.parametrize(("headers", "rest_s"), [({}, 60), ({"Retry-After": "300"}, 300)])
def test_too_many_requests_says_how_long_to_rest(server: HTTPServer, headers: dict[str, str], rest_s: int) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data("no", status=429, headers=headers)
    with pytest.raises(Unanswered) as raised:
        ask()
    assert raised.value.rest.total_seconds() == rest_s


@pytest.mark.parametrize(
    "body",
    [
        *({"error": "Something else"}, {"address": {}}, {"display_name": ""}, 7, "text", {"display_name": [1]}),
        *({**NOMINATIM, "lat": "here"}, {**NOMINATIM, "address": 7}),
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_answer(server: HTTPServer, body: Any) -> None:
    answer(server, body)
    with pytest.raises(Unanswered):
        ask()


def test_what_is_not_json_is_no_answer(server: HTTPServer) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data("<html>we are down</html>")
    with pytest.raises(Unanswered, match="GeocoderParseError"):
        ask()


def test_a_service_that_hangs_is_left_after_the_time_limit(
    server: HTTPServer, silent_url: str, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(NOMINATIM_URL=silent_url)
    with pytest.raises(Unanswered, match="GeocoderTimedOut"):
        ask(timeout_s=0.2)


def test_a_service_that_is_not_there_is_no_answer_and_its_error_holds_no_position(
    server: HTTPServer, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(NOMINATIM_URL="http://127.0.0.1:9")
    with pytest.raises(Unanswered, match=r"^Geocoder\w+$") as raised:
        ask()
    assert raised.value.__suppress_context__


def test_a_service_that_wants_to_rest_for_ever_is_asked_again_after_a_day(server: HTTPServer) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data("", 429, {"Retry-After": "99999999"})
    with pytest.raises(Unanswered) as raised:
        ask()
    assert raised.value.rest.total_seconds() == 86_400


def test_a_redirect_is_not_followed(server: HTTPServer) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data("", 302, {"Location": server.url_for("/inside")})
    with pytest.raises(Unanswered):
        ask()
    assert [request.path for request, _ in server.log] == [NOMINATIM_PATH]


def test_an_answer_that_is_far_too_long_is_no_answer(server: HTTPServer) -> None:
    server.expect_request(NOMINATIM_PATH).respond_with_data(b"[" + b" " * MOST_BYTES + b"]")
    with pytest.raises(Unanswered):
        ask()
