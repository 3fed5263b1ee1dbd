"""Deploys the mileage log to Google Cloud. See docs/deploy.md."""

import argparse
import sys

from tools.deploy import destroying, report
from tools.deploy.foundation import checked
from tools.deploy.functions import BY_NAME
from tools.deploy.gcloud import Failed
from tools.deploy.options import options
from tools.deploy.steps import all_steps, function_steps, walk
from tools.deploy.target import Target, settings_of, target


def main() -> int:
    """Does what the command line says."""
    parser = options()
    asked = parser.parse_args()
    if asked.smoke and asked.dry_run:
        parser.error("--smoke makes calls to the deployed functions: there is nothing to print")
    if asked.force and (asked.smoke or asked.destroy):
        parser.error("--force deploys: it goes with neither --smoke nor --destroy")
    try:
        return _run(asked)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: what is done stays done.", file=sys.stderr)
        return 130


def _run(asked: argparse.Namespace) -> int:
    given = {"PROJECT": asked.project, "REGION": asked.region}
    settings = settings_of(asked.settings) | {name: value for name, value in given.items() if value}
    wanted = target(settings, asked.dry_run)._replace(folder=asked.folder)
    if asked.destroy:
        return _destroy(wanted)
    if asked.smoke:
        from tools.deploy.smoke import smoke

        return smoke(checked(wanted))
    return _deploy(wanted, asked)


def _deploy(wanted: Target, asked: argparse.Namespace) -> int:
    if asked.only:
        wanted = wanted._replace(functions=(BY_NAME[asked.only],))
    steps = (function_steps if asked.only else all_steps)(asked.at_once, asked.force)
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


if __name__ == "__main__":
    sys.exit(main())
