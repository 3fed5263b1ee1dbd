"""The two guides to the phone, held to the product: what they name exists, and what they say to send is sent."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
import requests

from shared.domain.tracking.events import Status, WhyIgnored
from shared.handlers.http import MOST_BYTES
from shared.repositories.accounts import new_key
from shared.settings import DEFAULTS_S
from tests.docs.pages import alike
from tests.system.fixtures import Driver, Stack

ROOT = Path(__file__).parents[2]
GUIDES = {name: (ROOT / "docs" / name).read_text() for name in ("iphone.md", "iphone.nl.md")}
ENGLISH, DUTCH = GUIDES.values()
STATUSES = set(get_args(Status)) - {""}
REASONS = set(get_args(WhyIgnored)) - {""}
ERRORS = {"400", "401", "403", "404", "405", "413", "429", "500", "503"}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d")
# What Android's apps put into a body for these.
PLACES = {
    "%gl_latitude": "52.0907",
    "%gl_longitude": "5.1214",
    "{last_loc_lat}": "52.0907",
    "{last_loc_long}": "5.1214",
}

each_guide = pytest.mark.parametrize("guide", GUIDES.values(), ids=list(GUIDES))


def blocks(guide: str, language: str) -> list[str]:
    """The code blocks of a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", guide, re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in text.splitlines()) for indent, text in found]


def named_in_tables(guide: str) -> set[str]:
    """The first cells of all tables."""
    return {cell.strip("`") for cell in re.findall(r"^\s*\| ([^|]+) \|", guide, re.MULTILINE)}


def sent(text: str, driver: Driver) -> str:
    """An example with all that stands for something else replaced by it."""
    now = datetime.now(ZoneInfo("Europe/Amsterdam"))
    text = TIMESTAMP.sub(now.isoformat(timespec="seconds"), text)
    # Where Java's pattern ends in Z, the offset has no colon.
    text = text.replace("%when", now.strftime("%Y-%m-%dT%H:%M:%S%z"))
    for name, value in PLACES.items():
        text = text.replace(name, value)
    text = text.replace("https://HOST", driver.stack.url).replace("EMAIL", driver.email)
    return re.sub(r"\bKEY\b", driver.webhook_key, text)


def url_of(driver: Driver, event: str) -> str:
    """Way A: all in the address."""
    return f"{driver.stack.url}/webhook/{event}?user={driver.email}&key={driver.webhook_key}"


# --- what both must name -----------------------------------------------------------------------------------------


@each_guide
def test_a_guide_explains_every_status_every_reason_and_every_error(guide: str) -> None:
    assert len(REASONS) >= 2
    assert named_in_tables(guide) >= STATUSES | REASONS | ERRORS


@each_guide
def test_a_guide_names_both_paths_and_both_ways_to_prove_who_calls(guide: str) -> None:
    for path in ("/webhook/start", "/webhook/end"):
        assert f"https://HOST{path}" in guide
    assert "/webhook/start?user=EMAIL&key=KEY" in guide
    assert "| `Authorization` | `Bearer KEY`" in guide
    assert "| `X-User-Email` | `EMAIL`" in guide


@each_guide
def test_the_numbers_in_a_guide_are_those_of_the_product(guide: str) -> None:
    assert len(new_key()) == 43
    assert re.search(r"\b43 (characters|tekens)\b", guide)
    assert (DEFAULTS_S["RESUME_WITHIN_S"], DEFAULTS_S["END_GRACE_S"], DEFAULTS_S["STALE_AFTER_S"]) == (300, 900, 7200)
    assert re.search(r"\b5 minu(tes|ten)\b.*\b(unless|tenzij)\b", guide)
    assert re.search(r"(a quarter of an hour at most|hooguit na een kwartier)", guide)
    assert re.search(r"(nothing is heard for two hours|twee uur niets is gehoord)", guide)
    assert f"{MOST_BYTES // 1024} KiB" in guide


# --- neither may fall behind the other ---------------------------------------------------------------------------


def test_the_guides_have_the_same_headings_steps_and_tables() -> None:
    def skeleton(guide: str) -> list[str]:
        prose = re.sub(r"^ *```.*?^ *```$", "```", guide, flags=re.MULTILINE | re.DOTALL)
        return re.findall(r"^(?:#+(?= )| *\d+\.(?= )| *-(?= )| *\|(?= )|```)", prose, re.MULTILINE)

    assert "##" in skeleton(ENGLISH)
    assert skeleton(ENGLISH) == skeleton(DUTCH)


def test_the_guides_show_the_same_code_and_explain_the_same_words_of_the_service() -> None:
    for language in ("sh", "json", "text"):
        assert blocks(ENGLISH, language) == blocks(DUTCH, language) != []

    def code(guide: str) -> set[str]:
        return set(re.findall(r"`([^`\n]+)`", guide))

    assert code(ENGLISH) == code(DUTCH)


@each_guide
def test_the_links_of_a_guide_lead_somewhere(guide: str) -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", guide, re.M)
    }
    links = re.findall(r"\]\(([^)]+)\)", guide)
    assert links
    for link in links:
        assert link[1:] in anchors if link.startswith("#") else (ROOT / "docs" / link).exists()


@pytest.mark.parametrize("name", GUIDES)
def test_readme_links_to_both_guides(name: str) -> None:
    assert f"(docs/{name})" in (ROOT / "README.md").read_text()


# --- what they say to send ---------------------------------------------------------------------------------------


@each_guide
def test_the_calls_from_a_computer_get_the_answers_shown_below_them(guide: str, driver: Driver) -> None:
    calls = blocks(guide, "sh")
    assert len(calls) == 2
    for call in calls:
        command, _, shown = call.partition("\n# ")
        done = subprocess.run(["bash", "-c", sent(command, driver)], capture_output=True, text=True, check=True)
        told, expected = json.loads(done.stdout), json.loads(sent(shown, driver))
        assert alike(told, expected), told


@each_guide
def test_every_body_of_a_guide_is_taken_with_the_headers_that_it_tells_tasker_to_send(
    guide: str, driver: Driver
) -> None:
    (lines,) = (text for text in blocks(guide, "text") if text.startswith("Authorization:"))
    headers = dict(line.split(":", 1) for line in sent(lines, driver).splitlines())
    bodies = blocks(guide, "json")
    assert len(bodies) == 3
    assert headers.keys() == {"Authorization", "X-User-Email", "Content-Type"}
    for body in bodies:
        answer = requests.post(
            f"{driver.stack.url}/webhook/start", data=sent(body, driver).encode(), headers=headers, timeout=30
        )
        assert answer.status_code == 200, answer.text
    assert driver.active()["points"] >= 1


@each_guide
def test_the_walk_of_the_chapter_on_trying_it_goes_as_described(guide: str, driver: Driver) -> None:
    named = re.findall(r'^\d\..*`(?:"status":)?"(\w+)"`', guide.replace("\n   ", " "), re.MULTILINE)
    walk = [requests.post(url_of(driver, event), timeout=30).json()["status"] for event in ("start", "start", "end")]
    assert named == walk == ["trip_started", "ping_recorded", "ending"]


def test_when_both_ways_are_filled_in_the_header_has_the_key_and_the_address_the_user(driver: Driver) -> None:
    url = url_of(driver, "start")
    assert requests.post(url, headers={"Authorization": "Bearer wrong"}, timeout=30).status_code == 401
    assert requests.post(url, headers={"X-User-Email": "nobody@example.com"}, timeout=30).status_code == 200


def test_a_date_without_its_time_is_refused_and_begins_no_trip(stack: Stack) -> None:
    # In UTC, where no day has 25 hours.
    driver, today = stack.driver(timezone="UTC"), datetime.now(UTC).date().isoformat()
    told = requests.post(url_of(driver, "start"), json={"timestamp": today}, timeout=30)
    assert (told.status_code, told.json()["field"]) == (400, "timestamp")
    assert driver.active() == {}


def test_a_form_is_taken_without_a_timestamp_or_with_its_plus_written_out_and_refused_with_a_bare_plus(
    driver: Driver,
) -> None:
    def form(body: str) -> int:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return requests.post(url_of(driver, "start"), data=body, headers=headers, timeout=30).status_code

    now = datetime.now(ZoneInfo("Europe/Amsterdam")).isoformat(timespec="seconds")
    assert form("lat=52,0907&lng=5,1214") == 200
    assert form(f"lat=52,0907&lng=5,1214&timestamp={now.replace('+', '%2B')}") == 200
    assert form(f"lat=52,0907&lng=5,1214&timestamp={now}") == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"lat": "Kerkstraat 1, Utrecht", "lng": "5,1214"}', "lat"),
        ('{"lat": "%gl_latitude", "lng": "%gl_longitude"}', "lat"),
        ('{"timestamp": "2026-01-23T8:12:00"}', "timestamp"),
        ('{"lat": 52,0907, "lng": 5,1214}', None),
    ],
    ids=["the whole location", "no place found", "an hour of one digit", "numbers with a comma that are not text"],
)
def test_what_the_guides_warn_of_is_refused_and_named(driver: Driver, body: str, field: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(url_of(driver, "start"), data=body, headers=headers, timeout=30)
    assert (answer.status_code, answer.json().get("field")) == (400, field)
    assert field or "not JSON" in answer.json()["detail"]
    assert driver.active() == {}


def test_the_errors_of_the_guides_come_for_the_reasons_given(driver: Driver) -> None:
    url, query = url_of(driver, "start"), url_of(driver, "start").partition("?")[2]
    assert requests.post(url[:-1], timeout=30).status_code == 401
    assert requests.get(f"{driver.stack.url}/trips?{query}", timeout=30).status_code == 403
    assert requests.post(f"{driver.stack.url}/webhook/begin?{query}", timeout=30).status_code == 404
    assert requests.get(url, timeout=30).status_code == 405
    assert requests.post(url, data=b"x" * (MOST_BYTES + 1), timeout=30).status_code == 413


def test_a_ping_from_before_the_end_that_comes_after_it_does_not_take_the_trip_up_again(driver: Driver) -> None:
    """Why the pings of the guides carry a timestamp, and why they have to stop."""
    requests.post(url_of(driver, "start"), timeout=30)
    before = datetime.now(ZoneInfo("Europe/Amsterdam")).isoformat()
    requests.post(url_of(driver, "end"), timeout=30)
    late = requests.post(url_of(driver, "start"), json={"timestamp": before}, timeout=30).json()
    assert late["status"] == "ping_recorded"
    assert driver.active()["phase"] == "ending"
    assert requests.post(url_of(driver, "start"), timeout=30).json()["status"] == "trip_resumed"
