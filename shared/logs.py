"""Owns the log: one JSON object a line on stdout, as Cloud Logging reads it. Never keys, tokens or coordinates."""

import json
import logging
import sys

STANDARD = set(vars(logging.makeLogRecord({})))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure() -> None:
    """Sends the project's log to stdout; without this the framework swallows everything below a warning.

    Each function does it once, as its module is imported.
    """
    log = logging.getLogger("mileage")
    if not log.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(_Json())
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False


def log() -> logging.Logger:
    """The project's logger; pass `extra={"user": …}` to say whose line it is."""
    return logging.getLogger("mileage")
