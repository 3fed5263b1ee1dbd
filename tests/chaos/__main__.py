"""Plays drives under faults: `python -m tests.chaos [SEED …]`. A seed always makes the same drives and faults."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet
from rich.console import Console

from tests.chaos.plan import EXTRAS
from tests.chaos.running import run
from tests.chaos.test_chaos import PLAYED, SEEDS
from tools.local import emulators


def main() -> int:
    """Plays each seed and prints what came of it; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, metavar="SEED", help=f"default {' '.join(map(str, SEEDS))}")
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--drives", type=int, default=10, help="of each user")
    extra = f"play this too, of {', '.join(EXTRAS)}; may be said again"
    parser.add_argument("--extra", action="append", choices=EXTRAS, dest="extras", metavar="EXTRA", help=extra)
    parser.add_argument("--logs", type=Path, help="keep logs and the journal of all that happened here")
    options = parser.parse_args()
    os.environ.setdefault("CREDENTIALS_KEYS", Fernet.generate_key().decode())
    wrong = False
    with tempfile.TemporaryDirectory() as scratch, Console(stderr=True).status("Starting the emulators …") as status:
        logs = options.logs or Path(scratch)
        with emulators.both(logs / "emulators") as (store, bus):
            os.environ |= {"FIRESTORE_EMULATOR_HOST": store, "PUBSUB_EMULATOR_HOST": bus}
            for seed in options.seeds or SEEDS:
                report = run(
                    seed, logs / str(seed), options.users, options.drives, status.update, options.extras or PLAYED
                )
                print(report.text(), flush=True)
                wrong = wrong or bool(report.findings)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
