"""Finds what of an export does not hold: between its rows, sums, history and seal. Nothing but the file is needed.

The seal is over the rows, and a time stamp over it is somebody else's word: who has both cannot alter a row. All else
is held against what it follows from, as far as the file has that.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import rfc8785

from shared.domain.log.sealing import seal_hash
from shared.domain.log.trip import km

Export = Mapping[str, Any]
Row = Mapping[str, Any]
# What a change says of a row that nothing but another change alters.
LAST_SAID = (
    "kind", "business_km", "private_km", "distance_km", "start_odometer_km", "end_odometer_km", "started_at",
    "ended_at", "purpose", "notes", "deviation", "missing_km", "explained_as", "reason",
)  # fmt: skip
OF_SEAL = ("car_id", "year", "rows", "hash", "prev", "closed_at", "by", "reasons")


def faults(export: Export) -> Iterator[str]:
    """What of an export does not hold, a sentence each."""
    rows: list[dict[str, Any]] = export["rows"]
    history: Sequence[Mapping[str, Any]] = export.get("history", ())
    yield from _in_period(export, rows)
    yield from _in_rows(rows)
    yield from _in_sums(rows, export["sums"])
    yield from _in_history(history)
    yield from _in_what_was_said(rows, history)
    if export.get("month") is None:
        yield from _in_closing(export, history)
        if seal := export.get("seal"):
            yield from _in_seal(export, rows, seal)


def _in_period(export: Export, rows: Sequence[Row]) -> Iterator[str]:
    """All rows are of the car, the year and the month that the export is said to be of."""
    year, month, car_id = export["year"], export.get("month"), export["car"]["id"]
    if not isinstance(year, int) or not (month is None or month in range(1, 13)):
        yield "it names no year, or no month, that there can be"
        return
    if export.get("rows_prove_seal", month is None) != (month is None):
        yield "it says of itself that its rows prove the seal, and they do not, or the other way round"
    period = f"{year}-" if month is None else f"{year}-{month:02}-"
    for row in rows:
        if not _began_at(row).startswith(period) or row.get("date", _began_at(row)[:10]) != _began_at(row)[:10]:
            yield f"row {row['id']} is not of the time that the export is of"
        if row["row"] == "trip" and row["car_id"] != car_id:
            yield f"row {row['id']} is of another car"


def _in_rows(rows: Sequence[Row]) -> Iterator[str]:
    """Each row goes on where the one before ends, is as long as it says, and is divided as its kind says."""
    placed = [row for row in rows if _begin_km(row) is not None and _end_km(row) is not None]
    for row in placed:
        due_km = km(_end_km(row) - _begin_km(row) + row.get("excess_km", 0.0))
        if km(_length_km(row)) != due_km or _end_km(row) < _begin_km(row):
            yield f"row {row['id']} shows {_length_km(row)} km, and its odometers {due_km} km"
    for before, row in pairwise(placed):
        if _begin_km(row) != km(_end_km(before) + row.get("set_on_km", 0.0)):
            yield f"row {row['id']} begins at {_begin_km(row)} km, and the one before ends at {_end_km(before)} km"
    for row in rows:
        if not _is_divided(row):
            yield f"row {row['id']} is not divided into business and private kilometres as its kind says"


def _is_divided(row: Row) -> bool:
    if row["row"] == "gap":
        return bool(0 <= row["business_km"] <= row["missing_km"])
    length_km, business_km, private_km = (km(row[name]) for name in ("distance_km", "business_km", "private_km"))
    due = {"business": (length_km, 0.0), "private": (0.0, length_km), "unclassified": (0.0, 0.0)}
    if row["kind"] == "mixed":
        return min(business_km, private_km) >= 0 and km(business_km + private_km) == length_km
    return due.get(row["kind"]) == (business_km, private_km)


def _in_sums(rows: Sequence[Row], sums: Mapping[str, Any]) -> Iterator[str]:
    trips, gaps = ([row for row in rows if row["row"] == kind] for kind in ("trip", "gap"))
    explained = [gap for gap in gaps if gap["explained_as"]]
    follows = {
        "trip_count": len(trips),
        "total_km": _sum(trips, "distance_km"),
        "business_km": _sum(trips, "business_km"),
        "private_km": _sum(trips, "private_km"),
        "unclassified_km": _sum([trip for trip in trips if trip["kind"] == "unclassified"], "distance_km"),
        "excess_km": _sum(trips, "excess_km"),
        "gap_km": _sum(gaps, "missing_km"),
        "explained_km": _sum(explained, "missing_km"),
        "explained_business_km": _sum(gaps, "business_km"),
        "pending": sum("odometer_pending" in trip["flags"] for trip in trips),
    }
    for name, value in follows.items():
        if km(sums[name]) != km(value):
            yield f"the sum {name} is {sums[name]}, and that of the rows {value}"


# --- what was changed


def _in_history(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each entry has the hash of what it says; of two that follow each other the second has that of the first."""
    for entry in entries:
        told = {name: value for name, value in entry.items() if name != "hash"}
        if hashlib.sha256(rfc8785.dumps(told)).hexdigest() != entry["hash"]:
            yield f"entry {entry['n']} of the history says something else than when it was written"
    for before, entry in pairwise(entries):
        if entry["n"] <= before["n"] or (entry["n"] == before["n"] + 1 and entry["prev"] != before["hash"]):
            yield f"entry {entry['n']} of the history does not follow entry {before['n']}"


def _in_what_was_said(rows: Sequence[Row], entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each row is what its last change made of it: else it was altered, or a change was left out."""
    last: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if entry["kind"] in ("trip", "gap"):
            said = last.setdefault(entry["row"], {})
            if not entry["after"] or "started_at" in entry["before"] or "since" in entry["before"]:
                # It went, and may come back as another one; or it may have been in another year for a while.
                said.clear()
            for name in LAST_SAID:
                if name in said and name in entry["before"] and said[name] != entry["before"][name]:
                    yield f"entry {entry['n']} of the history does not go on from the change of its row before it"
            said |= {name: entry["after"][name] for name in LAST_SAID if name in entry["after"]}
    for row in rows:
        said = last.get(row["id"], {})
        if other := [name for name in said if name in row and row[name] != said[name]]:
            yield f"row {row['id']} is not what its last change made of it: {', '.join(other)}"


def _in_closing(export: Export, entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The seal, the reasons in it and the corrections are as the history tells of them."""
    closed = [entry["after"] for entry in entries if entry["kind"] == "seal"]
    seal = export.get("seal") or {}
    if any(told.get(name) != seal.get(name) for told in closed for name in OF_SEAL):
        yield "the seal, or what stands beside it, is not as the history tells of the closing"
    told_of = {entry["row"]: entry["after"] for entry in entries if entry["kind"] == "correction"}
    listed = {one["id"]: one for one in export.get("corrections", ())}
    for id_ in sorted({*told_of, *listed}):
        if told_of.get(id_) != listed.get(id_):
            yield f"correction {id_} is not as the history tells of it, or is missing here or there"


def _in_seal(export: Export, rows: Sequence[Row], seal: Mapping[str, Any]) -> Iterator[str]:
    if (seal["car_id"], seal["year"]) != (export["car"]["id"], export["year"]):
        yield "the seal is that of another car or year"
    if seal["rows"] != len(rows):
        yield f"the seal is over {seal['rows']} rows, and the export has {len(rows)}"
    if seal_hash(seal["car_id"], seal["year"], seal["prev"], rows) != seal["hash"]:
        yield "the seal is not over these rows: one of them was changed, left out or put in since"


# --- rows


def _began_at(row: Row) -> str:
    """When a row began, by the clock where it did."""
    return str(row["since"] if row["row"] == "gap" else row["started_at"])


def _begin_km(row: Row) -> Any:
    return row["from_odometer_km"] if row["row"] == "gap" else row["start_odometer_km"]


def _end_km(row: Row) -> Any:
    return row["to_odometer_km"] if row["row"] == "gap" else row["end_odometer_km"]


def _length_km(row: Row) -> float:
    found: float = row["missing_km"] if row["row"] == "gap" else row["distance_km"]
    return found


def _sum(rows: Sequence[Row], name: str) -> float:
    return float(sum(round(1000 * row[name]) for row in rows) / 1000)
