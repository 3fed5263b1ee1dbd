"""What a phone is told is one sentence, in its driver's language and time, and says nobody where they are."""

import re
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.domain.driver import Account, Language
from shared.domain.place.places import Place
from shared.domain.tracking.events import Ended, Started, Status, WhyIgnored
from shared.domain.tracking.state import UNKNOWN_CAR
from shared.handlers import sentences
from tests.domain.world import HOME, World, fix

BORIS = Account("boris@example.com", timezone="Europe/Amsterdam")
ANNA = replace(BORIS, email="anna@example.com", language="en", timezone="Europe/London")
BEGAN, ENDED = datetime(2026, 1, 23, 7, 12, 59, tzinfo=UTC), datetime(2026, 1, 23, 7, 41, tzinfo=UTC)
LANGUAGES = get_args(Language)


def test_each_status_and_each_reason_has_a_sentence_in_each_language() -> None:
    statuses = {(status, "") for status in get_args(Status) if status not in ("ignored", "")}
    assert set(sentences.HEARD) == statuses | {("ignored", why) for why in get_args(WhyIgnored) if why}
    assert {tuple(sorted(words)) for words in sentences.HEARD.values()} == {tuple(sorted(LANGUAGES))}


@pytest.mark.parametrize(
    ("status", "reason", "dutch", "english"),
    [
        ("trip_started", "", "Rit begonnen om 08:12 (audi).", "Trip started at 07:12 (audi)."),
        ("ping_recorded", "", "Genoteerd bij de rit van 08:12.", "Noted with the trip of 07:12."),
        ("trip_resumed", "", "De rit van 08:12 gaat verder.", "The trip of 07:12 goes on."),
        (
            "ending",
            "",
            "Rit geëindigd om 08:41: straks staat hij in je registratie.",
            "Trip ended at 07:41: it will be in your log shortly.",
        ),
        ("paused", "", "Pauze: de rit van 08:12 loopt door.", "A break: the trip of 07:12 goes on."),
        (
            "end_noted",
            "",
            "Genoteerd: heeft de auto gereden tot 08:41, dan komt er een rit van.",
            "Noted: if the car drove until 07:41, a trip comes of it.",
        ),
        ("ignored", "no_active_trip", "Er is geen rit bezig.", "No trip is going on."),
    ],
)
def test_a_driver_reads_it_in_their_language_and_time_zone(
    status: Status, reason: WhyIgnored, dutch: str, english: str
) -> None:
    assert sentences.heard(BORIS, status, reason, "audi", BEGAN, ENDED) == dutch
    assert sentences.heard(ANNA, status, reason, "audi", BEGAN, ENDED) == english


def test_a_car_that_is_not_theirs_is_said_to_be_none_of_their_list() -> None:
    told = sentences.heard(BORIS, "trip_started", "", UNKNOWN_CAR, BEGAN)
    assert told == "Rit begonnen om 08:12, in een auto die niet in je lijst staat."
    told = sentences.heard(ANNA, "trip_started", "", UNKNOWN_CAR, BEGAN)
    assert told == "Trip started at 07:12, in a car that is not in your list."


@pytest.mark.parametrize("account", [BORIS, ANNA], ids=["nl", "en"])
def test_each_is_one_sentence_whatever_is_known(account: Account) -> None:
    for status, reason in sentences.HEARD:
        for car_id in (None, "audi", UNKNOWN_CAR):
            for began_at in (None, BEGAN):
                for ended_at in (None, ENDED):
                    told = sentences.heard(account, status, reason, car_id, began_at, ended_at)
                    assert re.fullmatch(r"[A-Z][^.{}]*[^ .{}]\.", told), told
                    assert "  " not in told


PLACES = (Place("p", "Halt", *HOME, 150, "pause"),)
words = st.tuples(st.booleans(), st.integers(0, 400), st.sampled_from([None, 0.0, 20.0]), st.sampled_from([None, "b"]))


@given(st.lists(words, max_size=12))
def test_whatever_a_phone_says_there_is_a_sentence_for_what_comes_of_it(
    said: list[tuple[bool, int, float | None, str | None]],
) -> None:
    world, now = World(places=PLACES), timedelta(0)
    for is_end, minute, km_north, car_id in said:
        now = max(now, timedelta(minutes=minute))
        heard = fix(minute, km_north, car_id)
        outcome = world.take(Ended(heard) if is_end else Started(heard, "car"), now / timedelta(minutes=1))
        assert (outcome.status, outcome.reason) in sentences.HEARD
