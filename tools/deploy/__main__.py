"""Deploys the mileage log to Google Cloud. See docs/deploy.md."""

import argparse
import sys
from pathlib import Path

from tools.deploy import destroying, report
from tools.deploy.foundation import checked
from tools.deploy.functions import BY_NAME, ROOT
from tools.deploy.gcloud import Failed
from tools.deploy.steps import all_steps, function_steps, walk
from tools.deploy.target import Target, settings_of, target


def main() -> int:
    """Does what the command line says."""
    options = _options()
    try:
        settings = settings_of(options.settings)
        given = {"PROJECT": options.project, "REGION": options.region}
        wanted = target(settings | {name: value for name, value in given.items() if value}, options.dry_run)
        wanted = wanted._replace(folder=options.folder)
        if options.destroy:
            return _destroy(wanted)
        if options.smoke:
            from tools.deploy.smoke import smoke

            return smoke(checked(wanted))
        return _deploy(wanted, options)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: what is done stays done.", file=sys.stderr)
        return 130


def _deploy(wanted: Target, options: argparse.Namespace) -> int:
    if options.only:
        wanted = wanted._replace(functions=(BY_NAME[options.only],))
    steps = function_steps(options.at_once) if options.only else all_steps(options.at_once)
    if wanted.gcloud.dry_run:
        print(f"# Dry run: what would be asked and done in an empty project {wanted.project}. Nothing is changed.")
    wanted = checked(wanted)
    walk(wanted, steps)
    if wanted.gcloud.dry_run:
        return 0
    report.write_environment(wanted)
    print(report.next_steps(wanted))
    return 0


def _destroy(wanted: Target) -> int:
    if not wanted.gcloud.dry_run:
        wanted = checked(wanted)
        print(f"This takes the mileage log out of {wanted.project}: no trip is recorded any more. {destroying.STAYS}")
        print(f"Type {wanted.project} to go on: ", end="", flush=True)
        if sys.stdin.readline().strip() != wanted.project:
            raise Failed("Nothing was changed.")
    walk(wanted, destroying.steps())
    print(f"\n# {destroying.STAYS}" if wanted.gcloud.dry_run else destroying.STAYS)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./deploy.sh", description=__doc__)
    parser.add_argument("--project", help="the project's id (also PROJECT in deploy.env)")
    parser.add_argument("--region", help="where the functions run (REGION, default europe-west4)")
    parser.add_argument("--only", choices=sorted(BY_NAME), metavar="NAME", help="one function, and what calls it")
    parser.add_argument("--dry-run", action="store_true", help="print every command; needs no login, changes nothing")
    parser.add_argument("--smoke", action="store_true", help="drive one trip through the deployed functions")
    parser.add_argument("--destroy", action="store_true", help="take everything away but the data")
    parser.add_argument("--at-once", type=int, default=4, help="functions deployed at the same time (default 4)")
    parser.add_argument("--settings", type=Path, default=ROOT / "deploy.env", help="default deploy.env")
    parser.add_argument("--folder", type=Path, default=Path(".deploy"), help="for bundles and env, default .deploy")
    options = parser.parse_args()
    if sum(map(bool, (options.only, options.smoke, options.destroy))) > 1:
        parser.error("--only, --smoke and --destroy do not go together")
    if options.smoke and options.dry_run:
        parser.error("--smoke makes calls to the deployed functions: there is nothing to print")
    return options


if __name__ == "__main__":
    sys.exit(main())
