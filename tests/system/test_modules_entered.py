"""Through how many of our modules a call goes: what serves each start, and each ping, stays easy to follow."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from google.cloud.firestore_v1.types import firestore as wire

from tests.docs.pages import ROOT
from tests.system.fixtures import ago
from tests.system.test_budgets import Metered, metered, position  # noqa: F401
from tools.measure.metering import Meter

SHARED = str(ROOT / "shared") + "/"
ENTERED = {
    "handlers/http.py", "handlers/limiting.py", "handlers/webhooks.py", "domain/fitting.py", "services/tracking.py",
    "domain/tracking/machine.py", "domain/tracking/state.py", "repositories/user_store.py",
}  # fmt: skip
# Where the phone names a car that is not the one it is taken for and of which nothing is known.
ANOTHER_CAR = {"repositories/cars.py", "repositories/documents.py"}


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


@pytest.fixture
def entered(metered: Metered, monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[str]]:  # noqa: F811
    """Sends a start of a driver whom a warm instance knows; the modules it goes through before its commit."""
    metered.call("webhook_start", "POST")
    metered.driver = metered.stack.driver()
    metered.driver.add_car("second", f"V2{metered.driver.vin}")
    metered.call("webhook_end", "POST", json={**position(0), "timestamp": ago(60).isoformat()})

    def start(**body: Any) -> set[str]:
        with entered_until_commit(metered.meter, monkeypatch) as found:
            _, cost = metered.call("webhook_start", "POST", json=body)
        assert cost.changed == 1
        return found

    return start


@pytest.mark.parametrize("body", [{}, {"timestamp": "", "car_id": "car"}])
def test_starts_and_pings_go_through_eight_of_our_modules_before_their_commit(
    entered: Callable[..., set[str]], body: dict[str, Any]
) -> None:
    assert len(ENTERED) <= 8
    for n in range(3):
        assert entered(**position(n), **body) == ENTERED


def test_a_start_in_another_car_goes_through_two_more_and_its_pings_do_not(entered: Callable[..., set[str]]) -> None:
    assert entered(**position(0), car_id="second") == ENTERED | ANOTHER_CAR
    assert entered(**position(1), car_id="second") == ENTERED
