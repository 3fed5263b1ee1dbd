"""What the operator's tool prints for a phone: two URLs that work, and a code that a camera reads."""

import os
import pty
import re
import subprocess
import sys
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
import zxingcpp

from tests.system.fixtures import Stack, ago
from tests.tools.admin.conftest import Operator
from tools.admin.phone import is_on_loopback, mail_link, qr_code, urls

# As `./run.sh --host 192.168.1.20` and a deployment have it.
REACHED = {
    "WEBHOOK_START_URL": "http://192.168.1.20:8080/webhook/start",
    "WEBHOOK_END_URL": "http://192.168.1.20:8080/webhook/end",
}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
COLOURED = "\x1b[38;5;231;48;5;16m"
# Which halves of a character's cell are drawn: the upper one, the lower one.
DRAWN = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}
PIXELS_PER_MODULE = 4


def painted(rows: list[str], ink: int, paper: int) -> zxingcpp.Barcode:
    """The one barcode that a decoder finds in a terminal with these two greys around the code as well."""
    margin = " " * 3
    lines = [margin + row + margin for row in ["", "", *rows, "", ""]]
    width = max(len(line) for line in lines)
    pixels = bytearray()
    for line in lines:
        for half in (0, 1):
            modules = (ink if DRAWN[cell][half] else paper for cell in line.ljust(width))
            pixels += b"".join(bytes([grey]) * PIXELS_PER_MODULE for grey in modules) * PIXELS_PER_MODULE
    image = memoryview(pixels).cast("B", (len(lines) * 2 * PIXELS_PER_MODULE, width * PIXELS_PER_MODULE))
    (found,) = zxingcpp.read_barcodes(image)
    return found


def code_rows(told: str) -> list[str]:
    return [line for line in told.splitlines() if line and set(ESCAPE.sub("", line)) <= set(DRAWN)]


def urls_told(told: str) -> tuple[str, str]:
    found = re.findall(r"^(?:start|end) URL: (\S+)$", told, re.MULTILINE)
    assert len(found) == 2, told
    return found[0], found[1]


def urls_of_draft(link: str) -> tuple[str, tuple[str, ...]]:
    """To whom the draft is, and the URLs in it, decoded as RFC 6068 says."""
    scheme, _, rest = link.partition(":")
    assert scheme == "mailto"
    to, _, fields = rest.partition("?")
    body = dict(field.split("=", 1) for field in fields.split("&"))["body"]
    lines = unquote(body).split("\r\n")
    return unquote(to), tuple(line for line in lines if line.startswith("http"))


BLACK_ON_WHITE, WHITE_ON_BLACK = (0, 255), (255, 0)


@pytest.mark.parametrize(("ink", "paper"), [BLACK_ON_WHITE, WHITE_ON_BLACK], ids=["light terminal", "dark terminal"])
def test_the_code_holds_a_draft_to_the_driver_with_exactly_the_urls_printed(
    operator: Operator, ink: int, paper: int
) -> None:
    email = f"code.{ink}+phone@example.com"
    told = operator.call("add-user", email, **REACHED)
    found = painted(code_rows(told), ink, paper)
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    assert urls_of_draft(found.text) == (email, urls_told(told))


def test_with_the_urls_printed_a_phone_starts_and_ends_a_trip_and_can_do_no_more(
    stack: Stack, operator: Operator
) -> None:
    told = operator.call("add-user", "url.driver+car@example.com")
    start, end = urls_told(told)
    assert start.startswith(f"{stack.url}/webhook/start?user=url.driver%2Bcar@example.com&key=")
    begun = ago(20)
    started = requests.post(start, json={"timestamp": begun.isoformat()}, timeout=30)
    assert (started.status_code, started.json()["status"]) == (200, "trip_started")
    ended = requests.post(end, timeout=30)
    assert (ended.status_code, ended.json()["status"]) == (200, "ending")
    phone_key = parse_qs(urlsplit(start).query)["key"]
    for path in ("/trips", "/stats", "/compare", "/trips/active"):
        assert requests.get(f"{stack.url}{path}", params={"key": phone_key}, timeout=30).status_code == 403
    full_key = re.findall(r"^key: (.*)$", told, re.MULTILINE)
    assert requests.get(f"{stack.url}/trips", params={"key": full_key}, timeout=30).status_code == 200


def test_the_full_key_is_the_last_thing_printed_and_stands_nowhere_else(operator: Operator) -> None:
    told = operator.call("add-user", "last.line@example.com")
    *before, key_id, key = told.splitlines()
    assert re.fullmatch(r"key id: [0-9a-f]{8}", key_id)
    assert re.fullmatch(r"key: [\w-]{43}", key)
    assert "key: " not in "\n".join(before)
    assert key.removeprefix("key: ") not in "\n".join(before)
    listed = operator.call("list-keys", "last.line@example.com").splitlines()
    assert sorted(line.split()[1] for line in listed) == ["full", "webhook"]
    assert any("webhook" in line and line.endswith("  phone") for line in listed)


def test_a_new_webhook_key_comes_with_urls_that_hold_it_and_a_full_one_without(operator: Operator) -> None:
    operator.call("add-user", "second.phone@example.com")
    told = operator.call(
        "add-key", "second.phone@example.com", "--scope", "webhook", "--label", "second phone", **REACHED
    )
    key = told.splitlines()[-1].removeprefix("key: ")
    assert all(parse_qs(urlsplit(url).query)["key"] == [key] for url in urls_told(told))
    assert urls_of_draft(painted(code_rows(told), *WHITE_ON_BLACK).text)[1] == urls_told(told)
    full = operator.call("add-key", "second.phone@example.com", "--scope", "full")
    assert [line.split(": ")[0] for line in full.splitlines()] == ["key id", "key"]


def test_where_no_phone_reaches_the_webhooks_a_line_says_what_to_do_and_there_is_no_code(
    stack: Stack, operator: Operator
) -> None:
    for call in (("add-user", "loopback@example.com"), ("add-key", "loopback@example.com", "--scope", "webhook")):
        told = operator.call(*call)
        (hint,) = [line for line in told.splitlines() if "No phone reaches 127.0.0.1" in line]
        assert "`./run.sh --host ADDRESS`" in hint
        assert code_rows(told) == []
        assert urls_told(told)[0].startswith(stack.url), "a terminal on this machine can still use them"


@pytest.mark.parametrize(
    ("url", "only_here"),
    [
        ("http://127.0.0.1:8080/webhook/start", True),
        ("http://127.1.2.3/webhook/start", True),
        ("http://localhost:8080/webhook/start", True),
        ("http://[::1]:8080/webhook/start", True),
        ("http://192.168.1.20:8080/webhook/start", False),
        ("https://webhook-start-a1b2c3d4e5-ew.a.run.app", False),
    ],
)
def test_an_address_of_loopback_is_known_in_each_of_its_forms(url: str, only_here: bool) -> None:
    assert is_on_loopback(url) is only_here


@pytest.mark.parametrize("missing", ["WEBHOOK_START_URL", "WEBHOOK_END_URL"])
def test_without_the_addresses_the_user_is_made_and_one_line_says_what_to_source(
    stack: Stack, operator: Operator, missing: str
) -> None:
    email = f"no.{missing.lower()}@example.com"
    told = operator.call("add-user", email, **{missing: ""})
    user, hint, _, key = told.splitlines()
    assert (user, "source .local/env" in hint) == (f"user: {email}", True)
    assert requests.get(f"{stack.url}/trips", params={"key": key.removeprefix("key: ")}, timeout=30).status_code == 200
    assert "webhook" not in operator.call("list-keys", email)


def test_in_a_terminal_the_code_brings_its_own_white_and_black(stack: Stack) -> None:
    told = in_a_terminal(stack, "add-user", "terminal@example.com")
    rows = code_rows(told)
    assert all(row.startswith(COLOURED) and row.endswith("\x1b[0m") for row in rows)
    # Whatever the theme is: what is drawn is white, what is not is black.
    bare = [ESCAPE.sub("", row) for row in rows]
    assert urls_of_draft(painted(bare, *WHITE_ON_BLACK).text) == ("terminal@example.com", urls_told(told))


def in_a_terminal(stack: Stack, *call: str) -> str:
    """What the operator's tool prints where its output is a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tools.admin", *call]
    running = subprocess.Popen(command, env={**stack.operator_env(), **REACHED}, stdout=theirs)
    os.close(theirs)
    told = bytearray()
    try:
        while some := os.read(ours, 65536):
            told += some
    except OSError:
        pass  # how Linux says that the other side of a terminal is closed
    finally:
        os.close(ours)
    assert running.wait(60) == 0
    return told.decode().replace("\r\n", "\n")


def test_a_terminal_that_cannot_show_the_code_still_shows_the_key(stack: Stack) -> None:
    env = {**stack.operator_env(), **REACHED, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "tools.admin", "add-user", "ascii@example.com"]
    told = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60).stdout
    key = told.splitlines()[-1].removeprefix("key: ")
    assert requests.get(f"{stack.url}/trips", params={"key": key}, timeout=30).status_code == 200


def test_the_code_has_its_quiet_zone_on_all_sides_and_fits_a_usual_window() -> None:
    settings = {
        "WEBHOOK_START_URL": "https://webhook-start-a1b2c3d4e5-ew.a.run.app",
        "WEBHOOK_END_URL": "https://webhook-end-a1b2c3d4e5-ew.a.run.app",
    }
    found = urls("boris@example.com", "k" * 43, settings)
    assert found
    assert found[0].startswith("https://webhook-start-a1b2c3d4e5-ew.a.run.app?user=boris@example.com&key=")
    rows = qr_code(mail_link("boris@example.com", *found), coloured=False)
    assert len(rows[0]) <= 80
    assert rows[:2] == ["█" * len(rows[0])] * 2
    assert all(row.startswith("████") and row.endswith("████") for row in rows[:-1])
    assert set(rows[-2]) == {"█"}
    assert set(rows[-1]) <= {"█", "▀"}
