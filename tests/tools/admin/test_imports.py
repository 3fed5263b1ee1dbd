"""The operator takes a file of trips into a log: said first, then done."""

from pathlib import Path

from tests.system.fixtures import Driver
from tests.system.test_import import LINES, everything, table
from tests.tools.admin.conftest import Operator


def test_it_says_what_would_be_done_and_does_it_when_told_to(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    file, before = tmp_path / "trips.csv", everything(driver)
    without_date = LINES[0].replace(LINES[0].split(";")[0], "x")
    file.write_bytes(table(*LINES, without_date).replace("Dorpsstraat", "Cafékade").encode("cp1252"))
    told = operator.call("import", driver.email, str(file))
    assert told.splitlines()[0].startswith("line 2: new, 2024-01-05, 22.4 km, 20240105T071200Z-")
    assert "line 5: refused. started_at: 'x' is no date" in told
    assert "new: 3, there already: 0, refused: 1, left: 0" in told
    assert everything(driver) == before
    done = operator.call("import", driver.email, str(file), "--format", "dutch", "--car", "car", "--apply")
    assert done.splitlines()[:4] == told.splitlines()[:4]
    assert {trip["from"]["address"] for trip in driver.trips()} == {"Cafékade 1"}
    assert {entry["by"] for entry in driver.kept("history").values()} == {"operator"}
    assert "new: 0, there already: 3" in operator.call("import", driver.email, str(file), "--apply")


def test_what_cannot_be_taken_in_is_said_in_the_words_of_http(
    driver: Driver, operator: Operator, tmp_path: Path
) -> None:
    file = tmp_path / "trips.csv"
    assert "cannot be read" in operator.refused("import", driver.email, str(file))
    file.write_text("x")
    body = {"format": "csv", "data": "x"}
    detail = driver.call("POST", "/trips/import", json=body).json()["detail"]
    assert operator.refused("import", driver.email, str(file)) == detail
    assert "none of your cars" in operator.refused("import", driver.email, str(file), "--car", "zoe")
