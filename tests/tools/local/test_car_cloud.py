"""The simulated car cloud, over HTTP."""

from typing import Any

import pytest
import requests

from tests.system.fixtures import Stack


def control(stack: Stack, vin: str, **fields: Any) -> requests.Response:
    return requests.put(f"{stack.cloud_url}/control/cars/{vin}", json=fields, timeout=10)


def read(stack: Stack, vin: str, token: str = "t") -> requests.Response:
    return requests.get(f"{stack.cloud_url}/v1/cars/{vin}", headers={"Authorization": f"Bearer {token}"}, timeout=10)


def test_a_car_says_what_was_set_and_counts_how_often_it_is_asked(stack: Stack) -> None:
    control(stack, "A1", odometer_km=5.5, lat=1, lng=2, state="parked", token="t")
    told = read(stack, "A1").json()
    assert (told["odometer_km"], told["lat"], told["lng"], told["state"]) == (5.5, 1, 2, "parked")
    assert told["measured_at"]
    assert "token" not in told
    shown = requests.get(f"{stack.cloud_url}/control/cars/A1", timeout=10).json()
    assert shown["requests"] == 1


@pytest.mark.parametrize(
    ("fault", "status"), [("error", 502), ("unauthorized", 401), ("rate_limited", 429), ("garbage", 200)]
)
def test_each_fault_is_answered_as_a_real_cloud_does(stack: Stack, fault: str, status: int) -> None:
    vin = f"F{fault}"
    control(stack, vin, odometer_km=5, token="t", fault=fault)
    response = read(stack, vin)
    assert response.status_code == status
    if fault == "rate_limited":
        assert response.headers["Retry-After"] == "1"
    if fault == "garbage":
        with pytest.raises(ValueError, match="Expecting value"):
            response.json()
    control(stack, vin, fault=None)
    assert read(stack, vin).json()["odometer_km"] == 5


def test_a_car_that_hangs_gives_no_answer_until_it_is_mended(stack: Stack) -> None:
    control(stack, "H1", odometer_km=5, fault="hang")
    with pytest.raises(requests.Timeout):
        requests.get(f"{stack.cloud_url}/v1/cars/H1", headers={"Authorization": "Bearer t"}, timeout=0.5)
    control(stack, "H1", fault=None)
    assert read(stack, "H1").status_code == 200


def test_a_wrong_token_or_vin_is_refused(stack: Stack) -> None:
    control(stack, "T1", odometer_km=5, token="t")
    assert read(stack, "T1", "other").status_code == 401
    assert read(stack, "NONE").status_code == 404


@pytest.mark.parametrize("fields", [{"fault": "x"}, {"odometer_km": "5"}, {"measured_at": "x"}, {"surprise": 1}])
def test_bad_control_changes_nothing(stack: Stack, fields: dict[str, Any]) -> None:
    control(stack, "B1", odometer_km=5)
    assert control(stack, "B1", **fields).status_code == 400
    assert read(stack, "B1").json()["odometer_km"] == 5
