"""Measures what the product costs and how fast it is, on emulators: `python -m tools.measure [NAME …]`.

`--small` shows only that it runs. `--write` puts the tables into docs/costs.md and docs/performance.md.
"""

import argparse
import importlib
import logging
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from tools.local import emulators, processes
from tools.measure.table import Table, put_into

DOCS = Path(__file__).parents[2] / "docs"
SPEED = ("calls", "scheduler", "throughput", "cold_start")
PAGES = {"costs": DOCS / "costs.md", **dict.fromkeys(SPEED, DOCS / "performance.md")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints, and writes where that is asked for. 1 where there are no emulators."""
    options = _options(arguments)
    logging.getLogger("mileage").addHandler(logging.NullHandler())  # what the functions log is not asked for
    for name in options.names or PAGES:
        try:
            tables = measured(name, options.small)
        except emulators.Missing as missing:
            print(missing, file=sys.stderr)
            return 1
        print(*(table.text() for table in tables), sep="\n\n", end="\n\n", flush=True)
        if options.write:
            page, said = PAGES[name], f"{datetime.now(UTC).date()}, `python -m tools.measure {name}`."
            page.write_text(put_into(page.read_text(), tables, said))
    return 0


def measured(name: str, small: bool) -> list[Table]:
    """The tables of one measurement. Raises emulators.Missing where there are none."""
    module = importlib.import_module(f"tools.measure.{name}")
    java_options = emulators.LONG_WORK if name == "scheduler" else emulators.QUICK_START
    project = f"measure-{secrets.token_hex(6)}"
    with (
        TemporaryDirectory() as folder,
        Console(stderr=True).status(name) as status,
        emulators.both(Path(folder) / "logs", java_options=java_options) as (store, bus),
        processes.environment({"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus}),
        processes.environment({"GOOGLE_CLOUD_PROJECT": project}),
    ):
        tables: list[Table] = module.measure(small, lambda doing: status.update(f"{name}: {doing}"))
        return tables


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.measure", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(PAGES)}; all if none")
    parser.add_argument("--small", action="store_true", help="small sizes, for a first look")
    parser.add_argument("--write", action="store_true", help="put the tables into the pages")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in PAGES]:
        parser.error(f"no such measurement: {', '.join(unknown)}")
    if options.small and options.write:
        parser.error("--small is no measurement: it is not written")
    return options


if __name__ == "__main__":
    sys.exit(main())
