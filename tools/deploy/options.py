"""What ./deploy.sh can be told. Needs the standard library alone: `./deploy.sh --help` installs nothing."""

import argparse
from pathlib import Path

from tools.deploy.bundle import ROOT

# The list of functions itself needs more than the standard library.
NAMES = sorted(file.parent.name for file in (ROOT / "functions").glob("*/function.toml"))


def options() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="./deploy.sh", description="Deploys the mileage log to Google Cloud. See docs/deploy.md."
    )
    parser.add_argument("--project", help="the project's id (also PROJECT in deploy.env)")
    parser.add_argument("--region", help="where the functions run (REGION, default europe-west4)")
    parser.add_argument("--dry-run", action="store_true", help="print every command; needs no login, changes nothing")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--only", choices=NAMES, metavar="NAME", help="one function, and what calls it")
    what.add_argument("--smoke", action="store_true", help="drive one trip through the deployed functions")
    what.add_argument("--destroy", action="store_true", help="take everything away but the data")
    parser.add_argument("--force", action="store_true", help="deploy functions that are right already, too")
    parser.add_argument("--at-once", type=int, default=4, help="functions deployed at the same time (default 4)")
    parser.add_argument("--settings", type=Path, default=ROOT / "deploy.env", help="default deploy.env")
    parser.add_argument("--folder", type=Path, default=Path(".deploy"), help="for bundles and env, default .deploy")
    return parser


if __name__ == "__main__":
    options().parse_args()
