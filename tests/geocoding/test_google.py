"""Google: the real geopy against a local server in its shapes."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from shared.domain.place.geo import Position
from shared.geocoding.geocoder import GEOCODERS, Unanswered, geocoder, usable
from tests.geocoding.services import GOOGLE, GOOGLE_NOTHING, GOOGLE_PATH

THERE = Position(52.1234, 5.4321)


def ask(timeout_s: float = 2) -> str | None:
    return geocoder("google").address(THERE, timeout_s)


def answer(server: HTTPServer, body: Any) -> None:
    server.expect_request(GOOGLE_PATH).respond_with_json(body)


def test_the_address_is_given_and_not_the_plus_code_before_it(server: HTTPServer) -> None:
    answer(server, GOOGLE)
    assert ask() == "Proefstraat 12, 1234 AB Voorbeeld, Nederland"
    (request, _), *more = server.log
    assert (request.args["latlng"], request.args["key"]) == ("52.1234,5.4321", "an-invented-key")
    assert not more


def test_a_plus_code_alone_is_no_address(server: HTTPServer) -> None:
    answer(server, {**GOOGLE, "results": GOOGLE["results"][:1]})
    assert ask() is None


def test_where_there_is_no_address_there_is_none(server: HTTPServer) -> None:
    answer(server, GOOGLE_NOTHING)
    assert ask() is None


def test_without_a_key_it_must_not_be_asked(server: HTTPServer, set_by_operator: Callable[..., None]) -> None:
    assert usable(["google"]) == ["google"]
    set_by_operator(GOOGLE_GEOCODING_KEY="")
    assert usable(["google"]) == []


def test_its_terms_let_no_answer_be_kept_for_others() -> None:
    assert not GEOCODERS["google"].may_be_kept


@pytest.mark.parametrize("status", ["OVER_QUERY_LIMIT", "REQUEST_DENIED", "INVALID_REQUEST", "UNKNOWN_ERROR", "NEW"])
def test_a_refusal_is_no_answer_and_what_it_says_is_not_told_on(server: HTTPServer, status: str) -> None:
    answer(server, {"status": status, "results": [], "error_message": "the key an-invented-key at 52.1234"})
    with pytest.raises(Unanswered, match=r"^Geocoder\w+$"):
        ask()


@pytest.mark.parametrize("status", [500, 503, 403])
def test_an_error_of_the_service_is_no_answer(server: HTTPServer, status: int) -> None:
    server.expect_request(GOOGLE_PATH).respond_with_data("no", status=status)
    with pytest.raises(Unanswered, match=r"^Geocoder\w+$"):
        ask()


@pytest.mark.parametrize(
    "body",
    [[], {}, 7, {"status": "OK", "results": [{}]}, {"status": "OK", "results": 7}, {"status": "OK", "results": [7]}],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_answer(server: HTTPServer, body: Any) -> None:
    answer(server, body)
    with pytest.raises(Unanswered):
        ask()


def test_what_is_not_json_is_no_answer(server: HTTPServer) -> None:
    server.expect_request(GOOGLE_PATH).respond_with_data("<html>we are down</html>")
    with pytest.raises(Unanswered):
        ask()


def test_a_service_that_hangs_is_left_and_neither_key_nor_position_is_in_the_error(
    server: HTTPServer, silent_url: str, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(GOOGLE_GEOCODING_URL=silent_url)
    with pytest.raises(Unanswered, match=r"^GeocoderTimedOut$") as raised:
        ask(timeout_s=0.2)
    assert raised.value.__suppress_context__
