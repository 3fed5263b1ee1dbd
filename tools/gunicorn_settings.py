"""Owns how gunicorn runs the local functions server: `gunicorn -c python:tools.gunicorn_settings …`.

One worker with many threads, as a Cloud Functions instance has. The master restarts a worker that was killed.
"""

import os
from typing import Any

from tools.tether import die_with_parent

workers = 1
worker_class = "gthread"
threads = 128
backlog = 2048
timeout = 0  # no request is cut off: how long a car may take is for the function to say
graceful_timeout = 3
control_socket_disable = True  # its default path is shared by every gunicorn of this user


def post_fork(server: Any, worker: Any) -> None:
    """A worker must not outlive a master that was killed, nor hold its port."""
    die_with_parent(os.getppid())
