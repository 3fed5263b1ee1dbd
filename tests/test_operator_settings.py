"""What an operator sets is read and checked once, as an instance starts; a wrong value stops it with one sentence."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared import settings
from shared.settings import DEFAULTS_S, LONGEST_S, NUMBERS, WrongSetting
from tests.docs.pages import ROOT

Setting = Callable[..., None]


@pytest.mark.parametrize("name", DEFAULTS_S)
@pytest.mark.parametrize("value", ["-1", "soon", "nan", "inf", "1e10", "1,5"])
def test_seconds_that_are_none_are_refused_by_name(name: str, value: str, set_by_operator: Setting) -> None:
    with pytest.raises(WrongSetting) as raised:
        set_by_operator(**{name: value})
    assert str(raised.value) == f"{name} must be a number of seconds from 0 to {LONGEST_S}, not {value!r}."


@pytest.mark.parametrize(("name", "least"), [*((name, 0) for name in NUMBERS), ("SHARD_FROM", 1)])
@pytest.mark.parametrize("value", ["-1", "many", "1.5", "9" * 5000])
def test_a_number_that_is_none_is_refused_by_name(name: str, least: int, value: str, set_by_operator: Setting) -> None:
    with pytest.raises(WrongSetting) as raised:
        set_by_operator(**{name: value})
    assert str(raised.value) == f"{name} must be a whole number from {least} on, not {value!r}."


def test_a_setting_that_was_refused_leaves_what_held_before(set_by_operator: Setting) -> None:
    before = settings.current
    with pytest.raises(WrongSetting):
        set_by_operator(POLL_EVERY_S="soon", LIMIT_USER_CALLS="7")
    assert settings.current == before


def test_what_is_empty_has_its_default_and_zero_is_no_wait(set_by_operator: Setting) -> None:
    set_by_operator(POLL_EVERY_S="", LIMIT_USER_CALLS="", END_GRACE_S="0", GEOCODERS="pdok nominatim", SHARD_FROM="1")
    now = settings.current
    assert (now.rules.poll_every, now.limits["LIMIT_USER_CALLS"]) == (timedelta(minutes=5), 600)
    assert (now.rules.end_grace, now.geocoders, now.shard_from) == (timedelta(0), ("pdok", "nominatim"), 1)


def test_a_function_with_a_wrong_setting_does_not_start_and_says_why_in_one_line() -> None:
    command = [sys.executable, "-c", "import functions.stats.main"]
    env = {**os.environ, "USER_CACHE_S": "a minute"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    told = f"USER_CACHE_S must be a number of seconds from 0 to {LONGEST_S}, not 'a minute'.\n"
    assert (done.returncode, done.stderr) == (1, told)
