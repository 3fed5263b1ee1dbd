"""Measures how the work grows, against a floor that does the least possible: `python -m tools.bench [NAME …]`.

`--small` takes a minute at most and shows only that it runs. `--write` puts the tables into README.md.
"""

import argparse
import importlib
import logging
import sys
from pathlib import Path

from rich.console import Console

from tools.benchmarks import NAMES
from tools.benchmarks.table import Table, put_into
from tools.local import emulators

README = Path(__file__).parents[1] / "README.md"


def main() -> int:
    """Measures, prints, and writes where that is asked for. 1 where a goal is missed."""
    options = _options()
    logging.getLogger("mileage").addHandler(logging.NullHandler())  # what the functions log is not asked for
    console = Console(stderr=True)
    tables = []
    for name in options.names or NAMES:
        try:
            table = _measured(name, options.small, console)
        except emulators.Missing as missing:
            print(missing, file=sys.stderr)
            return 1
        print(table.text(), end="\n\n", flush=True)
        tables.append(table)
    if options.write:
        text = README.read_text()
        for table in tables:
            text = put_into(text, table)
        README.write_text(text)
    return 0 if all(table.reached for table in tables) else 1


def _measured(name: str, small: bool, console: Console) -> Table:
    module = importlib.import_module(f"tools.benchmarks.{name}")
    with console.status(name) as status:
        table: Table = module.measure(small, lambda doing: status.update(f"{name}: {doing}"))
        return table


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(NAMES)}; all if none")
    parser.add_argument("--small", action="store_true", help="small sizes, for a first look")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in NAMES]:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    if options.small and options.write:
        parser.error("--small is no measurement: it is not written")
    return options


if __name__ == "__main__":
    sys.exit(main())
