"""Takes a file of trips into a user's log, or says what would become of each of its rows."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from shared.domain.log.history import OPERATOR, Author
from shared.services.file_import import Outcome, import_file, preview_file
from shared.services.file_rows import Result, Told, Written
from tools.admin import store

A_PART_S = 10.0  # after which it is said how far it is


def import_trips(options: argparse.Namespace) -> None:
    """Says what would become of each row of a file of trips; with --apply it takes them into a user's log, once."""
    account = store.user(options.email)
    file = Path(options.file)
    written = Written(options.format or ("json" if file.suffix.lower() == ".json" else "csv"), _text(file), options.car)
    author = Author(OPERATOR, datetime.now(UTC))
    if not options.apply:
        _print(preview_file(account, written, author))
        print("Nothing was written. With --apply it is.")
        return
    found = import_file(account, written, author, A_PART_S)
    _print(found)
    while found.number_of("left"):
        found = import_file(account, written, author, A_PART_S)
        for row in found.rows:
            if row.result == "new":
                print(_line(row))
        print(_counts(found))


def _text(file: Path) -> str:
    """What is in a file: UTF-8, or as older Excels write it. Raises Wrong."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise store.Wrong(f"{file} cannot be read: {error.strerror}") from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise store.Wrong(f"{file} is no text")


def _print(found: Outcome) -> None:
    for row in found.rows:
        print(_line(row))
    for trip_id in found.changed:
        print(f"changes: {trip_id}")
    print(_counts(found))


def _line(row: Told) -> str:
    said = f"{row.where}: {row.result.replace('_', ' ')}"
    if row.trip:
        said += f", {row.trip.date}, {row.trip.distance_km:.1f} km, {row.trip.id}"
    return f"{said}. {row.why}" if row.why else said


def _counts(found: Outcome) -> str:
    told = ", ".join(f"{result.replace('_', ' ')}: {found.number_of(result)}" for result in get_args(Result))
    return f"{told}, readings: {found.new_readings}"
