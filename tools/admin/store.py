"""Owns reaching the store: one look at it within a deadline before any command, else one sentence that mends it."""

import os
import threading
from collections.abc import Callable

from google.api_core.exceptions import DeadlineExceeded, GoogleAPIError, ServiceUnavailable
from google.auth.exceptions import GoogleAuthError

from shared import settings
from shared.domain.driver import LOG_VERSION, Account
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import OldLog, client

# A read takes milliseconds. The look as a whole has also to find the credentials, of which no part has a deadline.
READ_WITHIN_S, LOOK_WITHIN_S = 5.0, 7.0
# Where no credentials lie on the disk, Google's library asks the metadata server that its machines have, for 9 s.
QUICK_METADATA = {"GCE_METADATA_TIMEOUT": "1", "GCE_METADATA_DETECT_RETRIES": "1"}
# What a command says where the store goes away in its midst.
GONE = (GoogleAuthError, ServiceUnavailable, DeadlineExceeded)

SOURCE = "`source .local/env` (of ./run.sh; with --data DIR it is DIR/env) or `source .deploy/env` (of ./deploy.sh)"


class Wrong(Exception):
    """The call cannot be done; the text says why."""


class Unreachable(Wrong):
    """There is no store to work on; the text says what to do."""


def reach() -> None:
    """Looks at the store. Raises Unreachable where it does not answer within LOOK_WITHIN_S."""
    if settings.current.project_id is None:
        raise Unreachable(f"No store is named: first {SOURCE}.")
    for name, value in QUICK_METADATA.items():
        os.environ.setdefault(name, value)
    failed = _within(LOOK_WITHIN_S, _look)
    if failed:
        raise Unreachable(unreachable()) from failed


def unreachable() -> str:
    """That the store does not answer, and the command that mends it."""
    emulator = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if emulator:
        return f"The store at {emulator} does not answer: start ./run.sh, then `source .local/env` again (or DIR/env)."
    return (
        f"The store of project {settings.current.project_id} cannot be opened: "
        "`gcloud auth application-default login`, then `source .deploy/env` again; "
        "for the local stack `source .local/env`."
    )


def user(email: str) -> Account:
    """The user of that e-mail. Raises Wrong where there is none, OldLog where an earlier version kept their log."""
    account = AccountRepository(client()).find(email)
    if account is None:
        raise Wrong(f"{email} is not registered")
    if account.log_version != LOG_VERSION:
        raise OldLog(email)
    return account


def _look() -> None:
    client().document("settings/places").get(retry=None, timeout=READ_WITHIN_S)


def _within(deadline_s: float, work: Callable[[], None]) -> Exception | None:
    """Does the work; what it failed with, if it did. It goes on in a thread that nobody waits for after a deadline."""
    failed: list[Exception | None] = [TimeoutError()]

    def run() -> None:
        try:
            work()
            failed[0] = None
        except (GoogleAuthError, GoogleAPIError, OSError, ValueError) as error:
            failed[0] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline_s)
    return failed[0]
