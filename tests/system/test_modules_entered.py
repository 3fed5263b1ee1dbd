"""Through how many of our modules a call goes: what serves each start, and each ping, stays easy to follow."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from google.cloud.firestore_v1.types import firestore as wire

from tests.docs.pages import ROOT
from tests.system.test_budgets import Metered, metered, position  # noqa: F401
from tools.measure.metering import Meter

SHARED = str(ROOT / "shared") + "/"
# What a start goes through before anything is thought of it.
DOOR = {"handlers/http.py", "handlers/limiting.py", "handlers/webhooks.py", "domain/fitting.py"}
# What the door uses without calling it, or only where something else is asked of it.
NOT_ENTERED = {
    "settings.py", "logs.py", "repositories/accounts.py", "repositories/limits.py", "handlers/fields.py",
    "handlers/problems.py", "handlers/bodies.py", "domain/driver.py", "domain/thresholds.py",
}  # fmt: skip


@contextmanager
def entered_until_commit(meter: Meter, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The modules under shared/ of which a function is called by this thread, until a commit goes out."""
    found, answered = set[str](), meter.intercept_unary_unary

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(SHARED):
            found.add(frame.f_code.co_filename.removeprefix(SHARED))

    def commit(continuation: Any, details: Any, request: Any) -> Any:
        if isinstance(request, wire.CommitRequest | wire.CommitRequest.pb()):
            sys.setprofile(None)
        return answered(continuation, details, request)

    monkeypatch.setattr(meter, "intercept_unary_unary", commit)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(None)


def test_a_start_goes_through_few_of_our_modules_before_its_commit(
    metered: Metered,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metered.call("webhook_start", "POST")  # the instance is warm
    metered.driver = metered.stack.driver()
    metered.call("webhook_end", "POST")  # and knows the driver
    with entered_until_commit(metered.meter, monkeypatch) as entered:
        _, cost = metered.call("webhook_start", "POST", json={**position(0), "timestamp": "", "car_id": "car"})
    assert cost.changed == 1
    assert entered >= DOOR
    assert entered & NOT_ENTERED == set()
