"""Verifies an export of a log without any server: `python -m tools.verify_export FILE [--tsa-root PEM]`.

FILE is a JSON export, a PDF that has one inside, or what `admin export-user` wrote, with all logs of a user. It adds up
the rows, holds the seal and its time stamp against them and the entries of the history against each other, says what it
found and what nothing proves, and exits with 1 if anything does not hold.
"""

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

from shared.domain.driver import Language
from shared.formats.csv_file import BOM, table_of
from shared.formats.json_file import FORMAT, VERSION
from shared.formats.user_file import is_as_written
from shared.timestamping.authority import NotStamped, Stamp, read
from tools.export_faults import Export, faults

UNDATED = (
    "consistent, undated: nobody who has nothing to do with the log says when it was sealed, and whoever has the rows"
    " can seal them anew"
)
CLOCKS, SOON = timedelta(minutes=10), timedelta(days=7)


class Unreadable(Exception):
    """A file that is no export; the text says why."""


def main(arguments: Sequence[str]) -> int:
    """Prints what it found; 0 if all of it holds, 1 if something does not, 2 where the file is no export."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify_export", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tsa-root", type=Path, help="the certificate to trust for time stamps, instead of the usual")
    asked = parser.parse_args(arguments)
    try:
        files = opened(content := asked.file.read_bytes())
        roots = [asked.tsa_root.read_bytes()] if asked.tsa_root else usual_roots()
    except (Unreadable, OSError) as error:
        print(f"{asked.file}: {error}", file=sys.stderr)
        return 2
    codes = [_verified(asked.file, file, roots) for file in files]
    if files and files[0].name and not is_as_written(content):
        print("DOES NOT HOLD: the file as a whole is not as it was written")
        codes.append(1)
    return max(codes, default=0)


def _verified(path: Path, file: "File", roots: Sequence[bytes]) -> int:
    """Prints what it found of one log, under its name if it has one; the exit code."""
    if file.name:
        print(_printable(f"{file.name}:"))
    try:
        found = [*faults(file.export), *_in_table(file)]
        print(_printable(said(file, roots) if not found else "\n".join(f"DOES NOT HOLD: {one}" for one in found)))
    except NotStamped as error:
        found = [str(error)]
        print(f"DOES NOT HOLD: the time stamp: {error}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        print(f"{path}: something in it is not as in an export: {error!r}", file=sys.stderr)
        return 2
    return 1 if found else 0


class File(NamedTuple):
    """An export that was opened, whether inside a PDF, with which table beside it; its name, if it is one of many."""

    export: Export
    is_pdf: bool = False
    table: bytes | None = None
    name: str = ""


def opened(content: bytes) -> list[File]:
    """The JSON export that a file is or has inside; of all that is a user's each log, by car and year. Raises
    Unreadable."""
    is_pdf = content.startswith(b"%PDF-")
    inside = _inside(content) if is_pdf else {".json": content}
    try:
        found = json.loads(inside.get(".json", b""), object_pairs_hook=_named_once)
    except (ValueError, RecursionError) as error:
        raise Unreadable("this is neither a JSON export nor a PDF with one inside") from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise Unreadable("this is no export of a mileage log that is known here")
    if isinstance(logs := found.get("logs"), list):
        files = [File(log, name=_name(log)) for log in logs]
    else:
        files = [File(found, is_pdf, inside.get(".csv"))]
    if any(file.export.get("view") != "full" for file in files):
        raise Unreadable("this is an employer's view, from which rows are left out: only a full export can be verified")
    return files


def _name(log: Export) -> str:
    try:
        return f"car {log['car']['id']}, {log['year']}"
    except (KeyError, TypeError) as error:
        raise Unreadable("there is something in it that is no log") from error


def _named_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: of two that are alike one program takes the first, another the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _inside(pdf: bytes) -> dict[str, bytes]:
    """The JSON and the table that are attached to a PDF, by their endings."""
    import pikepdf

    found: dict[str, bytes] = {}
    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            for name, file in document.attachments.items():
                ending = Path(name).suffix.casefold()
                if ending in found:
                    raise Unreadable(f"this PDF has two files that end with {ending}: nobody knows which one is meant")
                found[ending] = file.get_file().read_bytes()
    except pikepdf.PdfError as error:
        raise Unreadable(f"this PDF cannot be read: {error}") from error
    return found


def _in_table(file: File) -> Iterator[str]:
    """The table beside the JSON has the same rows."""
    if file.table is None:
        return
    text = file.table.decode("utf-8", "replace").removeprefix(BOM)
    lines = [*csv.reader(io.StringIO(text, newline=""), delimiter=";")]
    table = lines[lines.index([]) + 1 :] if [] in lines else lines
    languages: tuple[Language, ...] = get_args(Language)
    if not any(table == [*table_of(file.export["rows"], language)] for language in languages):
        yield "the table in the PDF has other rows than the JSON beside it"


def usual_roots() -> list[bytes]:
    """The certificates that browsers trust."""
    import certifi

    return [Path(certifi.where()).read_bytes()]


# --- what does


def said(file: File, roots: Sequence[bytes]) -> str:
    """What can be said of an export in which everything holds. Raises NotStamped where a time stamp does not."""
    return "\n".join([*_held(file.export), *_sealed(file.export, roots), *_beside(file)])


def _held(export: Export) -> Iterator[str]:
    rows, history = export["rows"], export.get("history", ())
    yield f"{len(rows)} rows follow each other and add up; {len(history)} changes are as written."
    for row in rows:
        if set_on_km := row.get("set_on_km"):
            yield f"Before row {row['id']} the odometer was set on by {set_on_km} km: another one, says the log."


def _sealed(export: Export, roots: Sequence[bytes]) -> Iterator[str]:
    seal = export.get("seal")
    if seal is None:
        yield f"The log of {export['year']} is not closed: it has no seal yet. Nothing proves that its rows are old."
    elif export.get("month") is not None:
        yield "This is one month: the seal is over the whole year, whose export proves it. Nothing proves these rows."
    else:
        stamp = read(seal["timestamp_token"], seal["hash"], roots) if seal.get("timestamp_token") else None
        yield f"The seal {seal['hash']} is over exactly these rows."
        yield _dated(stamp)
        yield from _closed(datetime.fromisoformat(seal["closed_at"]), stamp)


def _closed(closed_at: datetime, stamp: Stamp | None) -> Iterator[str]:
    """What the day of the closing, which nobody but the file tells, is worth."""
    if stamp and stamp.at < closed_at - CLOCKS:
        raise NotStamped("it is older than the closing that the file tells of")
    if stamp and stamp.at > closed_at + SOON:
        days = (stamp.at - closed_at).days
        yield f"That was {days} days after the closing that the file tells of: until then rows may have been changed."


def _beside(file: File) -> Iterator[str]:
    """What nothing proves, for whoever believes the file."""
    export, car = file.export, file.export["car"]
    named = " ".join(str(car.get(name) or "") for name in ("make", "type", "plate")).split()
    yield (
        f"It is said to be the log of {export['year']} of the car {car['id']} ({' '.join(named) or 'no plate'}). No"
        " seal is over make, type and plate, the checks, the reasons for closing, readings, corrections, or how many"
        " changes there were."
    )
    if file.is_pdf:
        yield "All of that is of the file inside the PDF. Nothing proves what is drawn on its pages: compare that."
        yield from _sums_by_month(export)


def _sums_by_month(export: Export) -> Iterator[str]:
    for month in range(1, 13):
        trips = [row for row in export["rows"] if row["row"] == "trip" and row["date"][5:7] == f"{month:02}"]
        if trips:
            kinds = ("distance_km", "business_km", "private_km")
            whole, business, private = (sum(row[name] for row in trips) for name in kinds)
            yield f"  {month:2}: {len(trips)} trips, {whole:.1f} km: {business:.1f} business, {private:.1f} private"


def _printable(text: str) -> str:
    """A text that says nothing to a terminal but its letters."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def _dated(stamp: Stamp | None) -> str:
    if stamp is None:
        return UNDATED
    sure = "its certificate is trusted" if stamp.is_proven else "its certificate is NOT one that is trusted here"
    return f"consistent, and sealed before {stamp.at:%Y-%m-%d %H:%M:%S} UTC: so says a time stamp, and {sure}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
