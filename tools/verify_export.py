"""Verifies an export of a log without any server: `python -m tools.verify_export FILE [--tsa-root PEM]`.

FILE is a JSON export, a PDF that has one inside, or what `admin export-user` wrote, with all logs of a user. It adds up
the rows, holds the seal and its time stamp against them and the entries of the history against each other, says what it
found, and exits with 1 if anything does not hold.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import rfc8785

from shared.domain.log.sealing import seal_hash
from shared.domain.log.trip import km
from shared.formats.user_file import is_as_written
from shared.timestamping.authority import NotStamped, Stamp, read

Export = Mapping[str, Any]
FORMAT, VERSION = "mileage-log", 1
UNDATED = "consistent, undated: nobody who has nothing to do with the log says when it was sealed"


class Unreadable(Exception):
    """A file that is no export; the text says why."""


def main(arguments: Sequence[str]) -> int:
    """Prints what it found; 0 if all of it holds, 1 if something does not, 2 where the file is no export."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify_export", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--tsa-root", type=Path, help="the certificate to trust for time stamps, instead of the usual")
    asked = parser.parse_args(arguments)
    try:
        exports = exports_of(content := asked.file.read_bytes())
        roots = [asked.tsa_root.read_bytes()] if asked.tsa_root else usual_roots()
    except (Unreadable, OSError) as error:
        print(f"{asked.file}: {error}", file=sys.stderr)
        return 2
    codes = [_verified(asked.file, name, export, roots) for name, export in exports]
    if [name for name, _ in exports] != [""] and not is_as_written(content):
        print("DOES NOT HOLD: the file as a whole is not as it was written")
        codes.append(1)
    return max(codes, default=0)


def _verified(file: Path, name: str, export: Export, roots: Sequence[bytes]) -> int:
    """Prints what it found of one log, under its name if it has one; the exit code."""
    if name:
        print(f"{name}:")
    try:
        found = [*faults(export)]
        print(said(export, roots) if not found else "\n".join(f"DOES NOT HOLD: {fault}" for fault in found))
    except NotStamped as error:
        found = [str(error)]
        print(f"DOES NOT HOLD: the time stamp: {error}")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        print(f"{file}: something in it is not as in an export: {error!r}", file=sys.stderr)
        return 2
    return 1 if found else 0


def exports_of(content: bytes) -> list[tuple[str, Export]]:
    """The JSON export that a file is or has inside, without a name; of all that is a user's each log, by car and year.
    Raises Unreadable."""
    try:
        found = json.loads(_inside(content) if content.startswith(b"%PDF-") else content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("this is neither a JSON export nor a PDF with one inside") from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise Unreadable("this is no export of a mileage log that is known here")
    logs: list[tuple[str, Export]]
    logs = [(_name(log), log) for log in found["logs"]] if isinstance(found.get("logs"), list) else [("", found)]
    if any(log.get("view") != "full" for _, log in logs):
        raise Unreadable("this is an employer's view, from which rows are left out: only a full export can be verified")
    return logs


def _name(log: Export) -> str:
    try:
        return f"car {log['car']['id']}, {log['year']}"
    except (KeyError, TypeError) as error:
        raise Unreadable("there is something in it that is no log") from error


def _inside(pdf: bytes) -> bytes:
    """The JSON that is attached to a PDF."""
    import io

    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(pdf)) as document:
            names = [name for name in document.attachments if name.endswith(".json")]
            return document.attachments[names[0]].get_file().read_bytes() if names else b""
    except pikepdf.PdfError as error:
        raise Unreadable(f"this PDF cannot be read: {error}") from error


def usual_roots() -> list[bytes]:
    """The certificates that browsers trust."""
    import certifi

    return [Path(certifi.where()).read_bytes()]


# --- what does not hold


def faults(export: Export) -> Iterator[str]:
    """What of an export does not hold, a sentence each."""
    rows: list[dict[str, Any]] = export["rows"]
    yield from _in_rows(rows)
    yield from _in_sums(rows, export["sums"])
    yield from _in_history(export.get("history", ()))
    if (seal := export.get("seal")) and export.get("month") is None:
        yield from _in_seal(export, rows, seal)


def _in_rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each row goes on where the one before ends, and is as long as it says."""
    placed = [row for row in rows if _begin_km(row) is not None and _end_km(row) is not None]
    for row in placed:
        due_km = km(_end_km(row) - _begin_km(row) + row.get("excess_km", 0.0))
        if km(_length_km(row)) != due_km:
            yield f"row {row['id']} shows {_length_km(row)} km, and its odometers {due_km} km"
    for before, row in pairwise(placed):
        if _begin_km(row) != km(_end_km(before) + row.get("set_on_km", 0.0)):
            yield f"row {row['id']} begins at {_begin_km(row)} km, and the one before ends at {_end_km(before)} km"


def _in_sums(rows: Sequence[Mapping[str, Any]], sums: Mapping[str, Any]) -> Iterator[str]:
    trips, gaps = ([row for row in rows if row["row"] == kind] for kind in ("trip", "gap"))
    explained = [gap for gap in gaps if gap["explained_as"]]
    follows = {
        "trip_count": len(trips),
        "total_km": _sum(trips, "distance_km"),
        "business_km": _sum(trips, "business_km"),
        "private_km": _sum(trips, "private_km"),
        "gap_km": _sum(gaps, "missing_km"),
        "explained_km": _sum(explained, "missing_km"),
        "explained_business_km": _sum(gaps, "business_km"),
    }
    for name, value in follows.items():
        if km(sums[name]) != value:
            yield f"the sum {name} is {sums[name]}, and that of the rows {value}"


def _in_history(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each entry has the hash of what it says; of two that follow each other the second has that of the first."""
    for entry in entries:
        told = {name: value for name, value in entry.items() if name != "hash"}
        if hashlib.sha256(rfc8785.dumps(told)).hexdigest() != entry["hash"]:
            yield f"entry {entry['n']} of the history says something else than when it was written"
    for before, entry in pairwise(entries):
        if entry["n"] <= before["n"] or (entry["n"] == before["n"] + 1 and entry["prev"] != before["hash"]):
            yield f"entry {entry['n']} of the history does not follow entry {before['n']}"


def _in_seal(export: Export, rows: Sequence[Mapping[str, Any]], seal: Mapping[str, Any]) -> Iterator[str]:
    if (seal["car_id"], seal["year"]) != (export["car"]["id"], export["year"]):
        yield "the seal is that of another car or year"
    if seal["rows"] != len(rows):
        yield f"the seal is over {seal['rows']} rows, and the export has {len(rows)}"
    if seal_hash(seal["car_id"], seal["year"], seal["prev"], rows) != seal["hash"]:
        yield "the seal is not over these rows: one of them was changed, left out or put in since"


# --- what does


def said(export: Export, roots: Sequence[bytes]) -> str:
    """What can be said of an export in which everything holds. Raises NotStamped where a time stamp does not."""
    rows, seal = export["rows"], export.get("seal")
    told = [f"{len(rows)} rows follow each other and add up; {len(export.get('history', ()))} changes are as written."]
    if seal is None:
        return "\n".join([*told, f"The log of {export['year']} is not closed: it has no seal yet."])
    if export.get("month") is not None:
        return "\n".join([*told, "This is one month: the seal is over the whole year, whose export proves it."])
    stamp = read(seal["timestamp_token"], seal["hash"], roots) if seal.get("timestamp_token") else None
    return "\n".join([*told, f"The seal {seal['hash']} is over exactly these rows.", _dated(stamp)])


def _dated(stamp: Stamp | None) -> str:
    if stamp is None:
        return UNDATED
    sure = "its certificate is trusted" if stamp.is_proven else "its certificate is NOT one that is trusted here"
    return f"consistent, and sealed before {stamp.at:%Y-%m-%d %H:%M:%S} UTC: so says a time stamp, and {sure}"


# --- rows


def _begin_km(row: Mapping[str, Any]) -> Any:
    return row["from_odometer_km"] if row["row"] == "gap" else row["start_odometer_km"]


def _end_km(row: Mapping[str, Any]) -> Any:
    return row["to_odometer_km"] if row["row"] == "gap" else row["end_odometer_km"]


def _length_km(row: Mapping[str, Any]) -> float:
    found: float = row["missing_km"] if row["row"] == "gap" else row["distance_km"]
    return found


def _sum(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    return float(sum(round(1000 * row[name]) for row in rows) / 1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
