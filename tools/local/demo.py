"""The demo: two colleagues drive at once, their cars' clouds are late and fail once, both logs come out right."""

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tools.admin.phone import START_URL, is_on_loopback
from tools.local.driver import DayFull, Driver
from tools.local.drives import EINDHOVEN, UTRECHT

ROOT = Path(__file__).parents[2]
TRIPS_SHOWN = 5


def play_demo(env: Mapping[str, str], data: Path, serving: bool) -> bool:
    """Plays both drives at once and prints what came of them. True if each added exactly one right trip.

    `env` is what the stack tells those who use it, `data` its folder. Where it goes on serving, three things to do
    next are printed as well.
    """
    console = Console()
    drivers = [Driver("Boris", UTRECHT, 20_000.0, env), Driver("Tim", EINDHOVEN, 48_350.0, env)]
    played = _play(console, drivers)
    for driver in drivers:
        _show(console, driver)
    right = played and all(driver.is_right() and _holds(console, driver, env) for driver in drivers)
    console.print("[green]One right trip each." if right else "[red]This is not one right trip each.")
    for driver in drivers if right else ():
        print(f"{driver.name}'s log, as it is handed over: {_told(driver.document(data))}")
    for driver in drivers:
        print(f"{driver.name}: {driver.email}, key: {driver.key}")
    if serving:
        print(*_next_steps(drivers[0], env, data), sep="\n")
    return right


def _holds(console: Console, driver: Driver, env: Mapping[str, str]) -> bool:
    """Whether the log is what its facts make, as the operator's tool says it."""
    verify = [sys.executable, "-m", "tools.admin", "verify", driver.email]
    done = subprocess.run(verify, env={**os.environ, **env}, cwd=ROOT, capture_output=True, text=True, check=False)
    console.print(f"{driver.name}: {(done.stdout + done.stderr).strip()}")
    return done.returncode == 0


def _play(console: Console, drivers: list[Driver]) -> bool:
    """Both drive; false where there is no room for a drive."""
    try:
        for driver in drivers:
            driver.set_up()
            driver.plan()
    except DayFull as error:
        console.print(f"[red]{error} `./run.sh --fresh` begins anew.")
        return False
    columns = (TextColumn("{task.description:8}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    pool = ThreadPoolExecutor(len(drivers))
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            bars = [progress.add_task(driver.name, total=len(driver.samples)) for driver in drivers]
            drives = [
                pool.submit(driver.drive, lambda bar=bar: progress.advance(bar))
                for driver, bar in zip(drivers, bars, strict=True)
            ]
            for done in drives:
                done.result()
    finally:
        # After Ctrl-C nobody waits for the drives: the stack goes, and what they call next fails.
        pool.shutdown(wait=False, cancel_futures=True)
    return True


def _next_steps(driver: Driver, env: Mapping[str, str], data: Path) -> list[str]:
    """Three commands that work as they are printed, from the project's root."""
    told = _told(data)
    source = f"source {shlex.quote(str(told / 'env'))} && .venv/bin/python -m tools.admin"
    run = "./run.sh" if told == Path(".local") else f"./run.sh --data {shlex.quote(str(told))}"
    trips = f"{env['FUNCTIONS_URL']}/trips?limit=1"
    steps = [
        "",
        "What to do next, in another terminal:",
        f"1. {driver.name}'s last trip, as their own programs see it:",
        f"   curl -s -w '\\n' -H 'Authorization: Bearer {driver.key}' '{trips}'",
        "2. Who is registered, and what is wrong, as the operator sees it:",
        f"   {source} list-users",
    ]
    add_key = f"   {source} add-key {driver.email} --scope webhook"
    if is_on_loopback(env[START_URL]):
        return [
            *steps,
            "3. A phone in your network: Ctrl-C here, then with this machine's address in that network",
            f"   {run} --host ADDRESS",
            "   and for a QR code with what the phone needs:",
            add_key,
            "",
        ]
    return [*steps, "3. A phone in your network gets what it needs by a QR code:", add_key, ""]


def _told(path: Path) -> Path:
    """A path as somebody at the project's root writes it."""
    found = path.resolve()
    return found.relative_to(ROOT) if found.is_relative_to(ROOT) else found


def _show(console: Console, driver: Driver) -> None:
    table = Table(title=f"{driver.name}: trips")
    for column in ("date", "from", "to", "begin km", "end km", "km", "by", "gap"):
        table.add_column(column, no_wrap=True)
    for trip in driver.get(f"/trips?limit={TRIPS_SHOWN}")["trips"]:
        begin, end = trip["started_at"][11:16], trip["ended_at"][11:16]
        table.add_row(
            trip["date"][5:],
            f"{begin} {trip['from']['place']}",
            f"{end} {trip['to']['place']}",
            *(f"{trip[name]}" for name in ("start_odometer_km", "end_odometer_km", "distance_km")),
            trip["distance_source"],
            f"{trip['gap_before_km']}",
        )
    console.print(table)
    stats, compare = driver.get("/stats"), driver.get("/compare")
    sums = Table(title=f"{driver.name}: stats and odometer comparison")
    for column in ("trips", "total km", "odometer", "calculated", "difference", "status", "closed"):
        sums.add_column(column)
    held = compare["comparison"]
    sums.add_row(
        f"{stats['trip_count']}",
        f"{stats['total_km']}",
        f"{held['actual_odometer_km']}",
        f"{held['calculated_km']}",
        f"{held['difference_km']}",
        held["status"],
        "yes" if compare["closed"] else "no",
    )
    console.print(sums)
