"""Opens a file of a log, whichever way it is written."""

from collections.abc import Callable
from typing import NamedTuple

from shared.domain.log.filed import Into
from shared.formats.incoming import exported, tables
from shared.formats.incoming.found import Format, Found


class File(NamedTuple):
    """A file that was opened: the id of the car that it names, "" if it names none, and what it has for a log."""

    car_id: str
    found: Callable[[Into], Found]


def opened(format_: Format, text: str) -> File:
    """The file that a text is. Raises Unfit where it is none, at once or when it is asked for what it has."""
    if format_ == "json":
        file = exported.opened(text)
        return File(file.car_id, lambda into: exported.found_in(file, into))
    return File("", lambda into: tables.found_in(text, into, is_ours=format_ == "csv"))
