"""Fetching big files, from a local server that also breaks off, sends rubbish, or is not there."""

import hashlib
import io
import multiprocessing
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tools.local import processes
from tools.local.download import CHUNK_BYTES, Download, Missing, cache, fetched, kept

CONTENT = bytes(range(256)) * 4000
HALF_BYTES = 8 * CHUNK_BYTES


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mileage-log"


class Shop:
    """A server with one file, which may break off after so many bytes, or take no notice of a range."""

    def __init__(self, server: HTTPServer, content: bytes = CONTENT, name: str = "emulator.jar") -> None:
        self._server, self._content, self._name = server, content, name
        self.breaks_after = list[int]()
        self.knows_ranges = True
        self.ranges = list[str | None]()
        self.sent_bytes = list[int]()
        server.expect_request(f"/{name}").respond_with_handler(self._answer)

    def wanted(self, content: bytes | None = None) -> Download:
        what = self._content if content is None else content
        sha256 = hashlib.sha256(what).hexdigest()
        return Download("an emulator", self._server.url_for(f"/{self._name}"), len(what), sha256)

    def _answer(self, request: Request) -> Response:
        self.ranges.append(request.headers.get("Range"))
        told = request.headers.get("Range", "bytes=0-") if self.knows_ranges else "bytes=0-"
        begin = int(told.removeprefix("bytes=").removesuffix("-"))
        if begin and begin >= len(self._content):
            return Response(status=416)
        rest = self._content[begin:]
        sent = rest[: self.breaks_after.pop(0)] if self.breaks_after else rest
        self.sent_bytes.append(len(sent))
        answer = Response(iter([sent]), status=206 if begin else 200)
        answer.headers["Content-Length"] = str(len(rest))
        return answer


@pytest.fixture
def shop(httpserver: HTTPServer) -> Shop:
    return Shop(httpserver)


def refusal(wanted: Download) -> str:
    """What is said instead, which must be one sentence."""
    with pytest.raises(Missing) as told:
        fetched(wanted)
    assert str(told.value).count("\n") == 0
    assert str(told.value).endswith(".")
    return str(told.value)


def test_a_file_is_fetched_once_and_how_far_it_is_is_told(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert fetched(shop.wanted()).read_bytes() == CONTENT
    assert shop.ranges == [None]
    told = capsys.readouterr().err
    assert "Fetching an emulator from http://" in told
    assert "an emulator: 100 % is here" in told


def test_a_file_with_another_sum_is_removed_and_nothing_is_kept(shop: Shop, home: Path) -> None:
    rubbish = shop.wanted(CONTENT[::-1])
    assert "SHA-256" in refusal(rubbish)
    assert [file.name for file in home.iterdir()] == ["emulator.jar.lock"]
    refusal(rubbish)
    assert shop.ranges == [None, None]


def test_after_a_break_only_what_is_not_here_yet_is_sent(shop: Shop) -> None:
    shop.breaks_after = [HALF_BYTES]
    assert fetched(shop.wanted()).read_bytes() == CONTENT
    assert shop.ranges == [None, f"bytes={HALF_BYTES}-"]
    assert shop.sent_bytes == [HALF_BYTES, len(CONTENT) - HALF_BYTES]


def test_a_later_run_goes_on_where_the_network_went_away(shop: Shop, home: Path) -> None:
    shop.breaks_after = [HALF_BYTES, 0]
    assert "run the same command again, and it goes on from there" in refusal(shop.wanted())
    assert (home / "emulator.jar.part").stat().st_size == HALF_BYTES
    assert fetched(shop.wanted()).read_bytes() == CONTENT
    assert shop.ranges == [None, f"bytes={HALF_BYTES}-", f"bytes={HALF_BYTES}-"]
    assert shop.sent_bytes == [HALF_BYTES, 0, len(CONTENT) - HALF_BYTES]
    assert not (home / "emulator.jar.part").exists()


def test_a_page_of_somebody_on_the_way_takes_the_place_of_nothing(httpserver: HTTPServer, home: Path) -> None:
    shop = Shop(httpserver)
    shop.breaks_after = [HALF_BYTES, 0]
    refusal(shop.wanted())
    httpserver.clear()
    httpserver.expect_request("/emulator.jar").respond_with_data("<html>Log in to the network</html>")
    assert "somebody on the way answers for it" in refusal(shop.wanted())
    assert (home / "emulator.jar.part").stat().st_size == HALF_BYTES


def test_what_is_refused_for_good_is_not_said_to_go_on(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/emulator.jar").respond_with_data("", status=404)
    wanted = Download("an emulator", httpserver.url_for("/emulator.jar"), 5, "0")
    told = refusal(wanted)
    assert "it answers 404" in told
    assert "goes on from there" not in told


def test_an_answer_without_an_end_is_given_up(httpserver: HTTPServer) -> None:
    def endless(request: Request) -> Response:
        return Response((b"x" * CHUNK_BYTES for _ in range(10_000)), status=200)

    httpserver.expect_request("/emulator.jar").respond_with_handler(endless)
    wanted = Download("an emulator", httpserver.url_for("/emulator.jar"), 3 * CHUNK_BYTES, "0")
    assert "SHA-256" in refusal(wanted)


def test_after_ctrl_c_the_next_run_goes_on(httpserver: HTTPServer, home: Path) -> None:
    gone = threading.Event()

    def half(request: Request) -> Response:
        def parts() -> Iterator[bytes]:
            yield CONTENT[:HALF_BYTES]
            gone.wait(60)

        return Response(parts(), headers={"Content-Length": str(len(CONTENT))})

    httpserver.expect_oneshot_request("/emulator.jar").respond_with_handler(half)
    shop = Shop(httpserver)
    run = f"from tools.local.download import *; fetched({shop.wanted()!r})"
    running = subprocess.Popen([sys.executable, "-c", run], stderr=subprocess.PIPE)
    part = home / "emulator.jar.part"
    processes.wait_until(lambda: part.exists() and part.stat().st_size > CHUNK_BYTES, "a part of it")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    gone.set()
    here_bytes = part.stat().st_size
    assert CHUNK_BYTES < here_bytes <= HALF_BYTES
    assert fetched(shop.wanted()).read_bytes() == CONTENT
    assert shop.ranges == [f"bytes={here_bytes}-"]


def test_a_server_that_knows_no_ranges_begins_anew(shop: Shop) -> None:
    shop.breaks_after, shop.knows_ranges = [HALF_BYTES], False
    assert fetched(shop.wanted()).read_bytes() == CONTENT
    assert shop.sent_bytes == [HALF_BYTES, len(CONTENT)]


def test_a_server_that_breaks_off_each_time_is_not_asked_for_ever(shop: Shop) -> None:
    shop.breaks_after, shop.knows_ranges = [HALF_BYTES] * 9, False
    refusal(shop.wanted())
    assert len(shop.ranges) == 2


def test_a_file_that_is_shorter_than_it_should_be_is_not_taken(shop: Shop, home: Path) -> None:
    said = f"answers with {len(CONTENT)} bytes instead of {len(CONTENT) + 4}"
    assert said in refusal(shop.wanted(CONTENT + b"more"))
    assert not (home / "emulator.jar.part").exists()


def test_without_a_network_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    said = refusal(Download("the emulator", "https://storage.googleapis.com/x.jar", 1, ""))
    assert said.startswith("the emulator cannot be fetched from https://storage.googleapis.com/x.jar (no connection)")


def test_a_file_that_is_no_longer_there_is_one_sentence(httpserver: HTTPServer) -> None:
    assert "it answers 500" in refusal(Download("an emulator", httpserver.url_for("/other"), 1, ""))


def test_a_cache_that_cannot_be_written_is_one_sentence(home: Path, shop: Shop) -> None:
    home.parent.write_text("a file")
    assert "name another with XDG_CACHE_HOME" in refusal(shop.wanted())


def zipped(**files: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "../").replace("_", "/"), text)
    return out.getvalue()


def test_a_zip_is_unpacked_below_its_own_folder_and_nowhere_else(httpserver: HTTPServer, home: Path) -> None:
    content = zipped(lib_a="one", ____outside="two")
    place = fetched(Shop(httpserver, content, "emulator.zip").wanted())
    assert (place, (place / "lib" / "a").read_text()) == (home / "emulator", "one")
    assert [path.name for path in home.parent.rglob("outside") if not path.is_relative_to(place)] == []
    assert sorted(file.name for file in home.iterdir()) == ["emulator", "emulator.lock"]


def test_an_interrupted_unpacking_is_begun_anew(httpserver: HTTPServer, home: Path) -> None:
    (home / "emulator.new" / "lib").mkdir(parents=True)
    (home / "emulator.new" / "lib" / "half").touch()
    place = fetched(Shop(httpserver, zipped(lib_a="one"), "emulator.zip").wanted())
    assert [path.name for path in (place / "lib").iterdir()] == ["a"]


def _fetch(wanted: Download) -> None:
    assert fetched(wanted).read_bytes() == CONTENT


def test_two_at_once_do_not_spoil_each_others_file(shop: Shop) -> None:
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_fetch, args=(shop.wanted(),)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert [one.exitcode for one in both] == [0, 0]
    assert shop.sent_bytes == [len(CONTENT)]


def test_what_one_run_makes_another_waits_for(home: Path) -> None:
    waits = "import sys; from tools.local.download import kept; print(kept('x', lambda place: None).read_text())"
    others = list[subprocess.Popen[str]]()

    def make(place: Path) -> None:
        others.append(subprocess.Popen([sys.executable, "-c", waits], stderr=-1, stdout=-1, text=True))
        assert others[0].stderr
        assert "Another run is fetching x: waiting for it" in others[0].stderr.readline()
        place.write_text("made")

    kept("x", make)
    assert others[0].communicate(timeout=60)[0] == "made\n"


@pytest.mark.parametrize(("named", "there"), [("/tmp/c", "/tmp/c"), ("", "/h/.cache"), ("relative", "/h/.cache")])
def test_the_cache_is_where_the_user_has_it(named: str, there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", "/h")
    assert cache() == Path(there) / "mileage-log"
