"""Prints what the service costs a month: `python -m tools.costs`; `--write` puts it into README.md and docs.

Into docs/scale.md it writes what very many drivers would ask of the cloud, of the same counts.
"""

import argparse
import logging
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from tools.costs import scale_drawing, scale_report
from tools.costs.counts import Measured
from tools.costs.drawing import drawing
from tools.costs.measuring import measure
from tools.costs.report import PICTURE, put_into, section
from tools.local import emulators

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def main() -> int:
    """Measures and prints, or writes."""
    parser = argparse.ArgumentParser(prog="python -m tools.costs", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="put the section into README.md, the tables into docs/scale.md, and draw"
    )
    options = parser.parse_args()
    try:
        measured = _measured()
    except emulators.Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    if options.write:
        README.write_text(put_into(README.read_text(), section(measured)))
        (ROOT / PICTURE).write_text(drawing(measured))
        page = ROOT / scale_report.PAGE
        page.write_text(scale_report.page(page.read_text(), measured))
        (ROOT / scale_report.PICTURE).write_text(scale_drawing.drawing(measured))
    else:
        print(section(measured))
    return 0


def _measured() -> Measured:
    """The counts, on the emulators that the environment names, or on those that are started here."""
    logging.getLogger("mileage").addHandler(logging.NullHandler())  # what the functions log is not asked for
    with (
        tempfile.TemporaryDirectory() as logs,
        Console(stderr=True).status("Starting the emulators …") as status,
        emulators.both(Path(logs)) as (store, bus),
    ):
        os.environ |= {"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus}
        status.update("Driving …")
        return measure()


if __name__ == "__main__":
    sys.exit(main())
