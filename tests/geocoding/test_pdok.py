"""PDOK against a local server in its shapes."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from shared.domain.place.geo import Position
from shared.geocoding.geocoder import Unanswered, geocoder
from tests.geocoding.services import PDOK, PDOK_NOTHING, PDOK_PATH

THERE = Position(52.1234, 5.4321)


def ask(timeout_s: float = 2) -> str | None:
    return geocoder("pdok").address(THERE, timeout_s)


def answer(server: HTTPServer, body: Any) -> None:
    server.expect_request(PDOK_PATH).respond_with_json(body)


def test_the_nearest_address_is_asked_for_and_given(server: HTTPServer) -> None:
    answer(server, PDOK)
    assert ask() == "Proefstraat 12, 1234AB Voorbeeld"
    (request, _), *more = server.log
    asked = request.args.to_dict()
    assert (asked["lat"], asked["lon"], asked["type"], asked["rows"]) == ("52.1234", "5.4321", "adres", "1")
    assert not more


def test_where_there_is_no_address_there_is_none(server: HTTPServer) -> None:
    answer(server, PDOK_NOTHING)
    assert ask() is None


def test_the_nearest_dutch_address_of_a_place_abroad_is_not_its_address(server: HTTPServer) -> None:
    answer(server, {"response": {"docs": [{"weergavenaam": "Grensweg 1, 1234AB Voorbeeld", "afstand": 2800.5}]}})
    assert ask() is None


@pytest.mark.parametrize("status", [500, 503, 429, 400, 404])
def test_an_error_of_the_service_is_no_answer(server: HTTPServer, status: int) -> None:
    server.expect_request(PDOK_PATH).respond_with_data("no", status=status)
    with pytest.raises(Unanswered, match=f"status {status}"):
        ask()


@pytest.mark.parametrize(
    "body",
    [{}, [], None, {"response": None}, {"response": {"docs": [{}]}}, {"response": {"docs": [None]}}]
    + [{"response": {"docs": [{"weergavenaam": wrong}]}} for wrong in ("", "  ", 7, None)]
    + [{"response": {"docs": [{"weergavenaam": "Proefstraat 1", "afstand": "near"}]}}],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_answer(server: HTTPServer, body: Any) -> None:
    answer(server, body)
    with pytest.raises(Unanswered, match="understood"):
        ask()


def test_what_is_not_json_is_no_answer(server: HTTPServer) -> None:
    server.expect_request(PDOK_PATH).respond_with_data("<html>we are down</html>")
    with pytest.raises(Unanswered):
        ask()


def test_a_service_that_hangs_is_left_after_the_time_limit(
    silent_url: str, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(PDOK_URL=silent_url)
    with pytest.raises(Unanswered, match="Timeout"):
        ask(timeout_s=0.2)


def test_a_service_that_is_not_there_is_no_answer_and_its_error_holds_no_position(
    server: HTTPServer, set_by_operator: Callable[..., None]
) -> None:
    set_by_operator(PDOK_URL="http://127.0.0.1:9/nothing")
    with pytest.raises(Unanswered) as raised:
        ask()
    assert "52" not in str(raised.value)
    assert raised.value.__suppress_context__
