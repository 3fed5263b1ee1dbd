"""Runs the local stack: `python -m tools.local`, which is what ./run.sh does."""

import signal
import sys

if __name__ == "__main__":
    # Until something runs that has to be stopped, Ctrl-C ends it at once: Python would print where it stood.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tools.local.stack import main

    sys.exit(main())
