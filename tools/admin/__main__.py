"""The operator's tool: one command, on the local stack or in the cloud."""

import io
import os
import sys
from collections.abc import Sequence

from shared.domain.fitting import Unfit
from shared.repositories.documents import OldLog
from shared.secrets import NoKeys
from tools.admin import store
from tools.admin.commandline import parser


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command, that of the command line if none is given: 0 if it is done, 1 with one sentence if not."""
    options = parser().parse_args(words)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show the code must still show the key.
        sys.stdout.reconfigure(errors="replace")
    try:
        store.reach()
        options.run(options)
    except store.Unreachable as error:
        _leave_at_once(str(error))
    except store.GONE:
        _leave_at_once(store.unreachable())
    except (store.Wrong, Unfit, NoKeys, OldLog) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _leave_at_once(said: str) -> None:
    """Says it and ends, whatever still waits for an answer: Python would wait for the threads of Google's libraries."""
    sys.stdout.flush()
    print(said, file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
