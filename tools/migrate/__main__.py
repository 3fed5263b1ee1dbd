"""Moves the old system's data under its users: readable rows once, however often this runs. See docs/migration.md."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError

from shared.repositories.documents import OldLog, client
from shared.secrets import seal
from tools.migrate import deleting, report
from tools.migrate.moving import Mover
from tools.migrate.plan import planned
from tools.migrate.source import Source, Stop


def run(options: argparse.Namespace) -> int:
    """Reads everything, moves it, compares, and deletes where that is wanted; the exit code."""
    if not options.dry_run:
        _need_keys()
    source = Source(client(), options.default_user)
    with report.progress() as watched:
        plan = planned(source, watched)
        movers = {email: Mover(source.db, source.account(email), _named(watched, email)) for email in plan.shares}
        for email, mover in movers.items() if not options.dry_run else ():
            mover.move(plan.shares[email])
            plan.left += mover.left
        previews = {email: movers[email].preview(plan.shares[email]) for email in watched("looking at it", [*movers])}
        results = {email: movers[email].result(plan.shares[email], found) for email, found in previews.items()}
    report.tell_listings(plan, source.unregistered & set(plan.shares), options.dry_run)
    report.tell_table(plan, results, options.dry_run)
    if options.dry_run:
        report.tell_previews(previews)
        print(f"Nothing was written: this was a dry run. {len(plan.left)} rows would be left where they are.")
        return 0
    if not report.tell_results(plan, results):
        return 1
    return _delete(options) if options.delete_old else 0


def _need_keys() -> None:
    try:
        seal({})
    except (RuntimeError, ValueError) as error:
        raise Stop("CREDENTIALS_KEYS must hold the Fernet keys of the new system; nothing was written.") from error


def _named(watched: Any, email: str) -> Any:
    return lambda what, items: watched(f"{email}: {what}", items)


def _delete(options: argparse.Namespace) -> int:
    source = Source(client(), options.default_user)
    with report.progress() as watched:
        check = deleting.checked(source, watched)
        if not check.wrong:
            deleted = deleting.delete(source.db, check, watched)
    if check.wrong:
        report.tell_notes("The second check does not agree", check.wrong)
        print("Nothing was deleted.")
        return 1
    print(f"The second check agrees: {deleted} old documents were deleted.")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.migrate", description=__doc__)
    found.add_argument(
        "--default-user",
        required=True,
        metavar="EMAIL",
        type=lambda text: text.strip().lower(),
        help="a registered user, who gets the rows without an owner",
    )
    found.add_argument("--dry-run", action="store_true", help="only say what would be moved")
    found.add_argument("--delete-old", action="store_true", help="delete what was moved, after a second check")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool with the arguments given, else with those of the command line; the exit code."""
    options = parser().parse_args(arguments)
    if options.dry_run and options.delete_old:
        parser().error("--dry-run deletes nothing: leave --delete-old out")
    try:
        return run(options)
    except (Stop, OldLog) as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. What was moved stays; run this again to go on.", file=sys.stderr)
    except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
        print(f"The store cannot be used: {error}. What was moved stays; run this again.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
