"""Tokens of a real time stamping authority: they are over a hash and no other, and prove when it was known."""

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from shared.timestamping.authority import NotStamped, asked, read
from tests.timestamping.local import Authority

HASH, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def authority(tmp_path: Path, httpserver: HTTPServer) -> Authority:
    return Authority(tmp_path, httpserver)


def test_a_token_says_when_the_hash_was_known_and_a_trusted_certificate_proves_it(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory, httpserver: HTTPServer
) -> None:
    token = asked(authority.url, HASH)
    stamp = read(token, HASH, [authority.root])
    assert abs(datetime.now(UTC) - stamp.at) < timedelta(minutes=1)
    assert stamp.is_proven
    assert not read(token, HASH).is_proven
    httpserver.clear()
    stranger = Authority(tmp_path_factory.mktemp("stranger"), httpserver)
    assert not read(token, HASH, [stranger.root]).is_proven


def test_a_token_over_another_hash_or_no_token_is_none(authority: Authority) -> None:
    token = asked(authority.url, HASH)
    for given, over in ((token, OTHER), (b64encode(b"nothing").decode(), HASH), ("", HASH), ("not base64!", HASH)):
        with pytest.raises(NotStamped):
            read(given, over)
    altered = bytearray(b64decode(token))
    altered[-1] ^= 1
    assert not read(b64encode(bytes(altered)).decode(), HASH, [authority.root]).is_proven


def test_an_authority_that_is_down_or_answers_something_else_stamps_nothing(
    authority: Authority, httpserver: HTTPServer
) -> None:
    authority.is_down = True
    with pytest.raises(NotStamped):
        asked(authority.url, HASH)
    with pytest.raises(NotStamped):
        asked("http://127.0.0.1:9/tsa", HASH)
    httpserver.expect_request("/page").respond_with_data("<html>")
    with pytest.raises(NotStamped):
        asked(httpserver.url_for("/page"), HASH)
