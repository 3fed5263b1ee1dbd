"""How child processes are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# What a library does at a fork is done in the process that forks; gRPC stands still there now and then.
STARTS_ONE = """
import os, sys
from pathlib import Path
from tools.local import processes

os.register_at_fork(before=lambda: print("forked", flush=True))
if sys.argv[2] == "fork":
    if os.fork() == 0:
        os._exit(0)
child = processes.start(["echo", "the command"], Path(sys.argv[1]))
print("ended with", child.wait(30))
"""


@pytest.mark.parametrize(("how", "said"), [("start", "ended with 0\n"), ("fork", "forked\nended with 0\n")])
def test_a_child_is_started_without_the_handlers_of_a_fork(how: str, said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTS_ONE, str(tmp_path / "log"), how]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == said
    assert (tmp_path / "log").read_text() == "the command\n"
