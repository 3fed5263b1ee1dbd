"""Owns the tie of a child process to its parent: when the parent dies in whatever way, the child is killed.

Run as a script it ties itself and then becomes the command given to it: `tether.py PARENT_PID COMMAND…`. That way the
tie is made in a fresh process, and not between fork and exec of a program that has threads and gRPC running.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends. Only Linux knows how."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # the parent was gone before the tie was made
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"cannot run {sys.argv[2]}: {error}")
