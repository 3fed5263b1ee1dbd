"""Takes the trips of a file into a driver's log, or says row by row what would come of it."""

from typing import Any

from flask import Request
from msgspec import Struct

from shared.domain.driver import Caller
from shared.domain.log.shown import log_sums_view, trip_view
from shared.domain.log.sums import Sums
from shared.domain.log.trip import NO_CAR
from shared.formats.incoming.found import Format
from shared.handlers.authors import author_of
from shared.handlers.bodies import decoded
from shared.services.file_import import Outcome, import_file, preview_file
from shared.services.file_rows import Told, Written

WITHIN_S = 25.0  # one more commit, and what is read after it, fit into the minute that a call has


class ImportBody(Struct, forbid_unknown_fields=True):
    """A file and its format, of which car if not as it says itself, whether nothing is to be written, and why."""

    format: Format
    data: str
    dry_run: bool = True
    car_id: str | None = None
    why: str | None = None


def take_in(request: Request, caller: Caller) -> tuple[dict[str, Any], int]:
    """What became of each row of a file, or would become of it."""
    body = decoded(request, ImportBody)
    author, written = author_of(caller, body.why), Written(body.format, body.data, body.car_id)
    if body.dry_run:
        found = preview_file(caller.account, written, author)
    else:
        found = import_file(caller.account, written, author, WITHIN_S)
    return {"dry_run": body.dry_run, **outcome_view(found)}, 200


def outcome_view(found: Outcome) -> dict[str, Any]:
    """What an import did, as callers see it."""
    return {
        "rows": [_row(row) for row in found.rows],
        **{result: found.number_of(result) for result in ("new", "there_already", "refused", "left")},
        "new_readings": found.new_readings,
        "changed_trips": [*found.changed],
        "sums": [
            {"year": year, "car_id": None if car_id == NO_CAR else car_id, **_sums(found, (year, car_id))}
            for year, car_id in sorted({*found.before, *found.after})
            if found.before.get((year, car_id), Sums()) != found.after.get((year, car_id), Sums())
        ],
    }


def _row(row: Told) -> dict[str, Any]:
    # Ways on the map are long, and nobody looks at ten thousand of them.
    trip = {name: value for name, value in trip_view(row.trip).items() if name != "route"} if row.trip else None
    return {"row": row.where, "result": row.result, "why": row.why, "trip": trip}


def _sums(found: Outcome, key: tuple[int, str]) -> dict[str, Any]:
    both = {"before": found.before, "after": found.after}
    return {name: log_sums_view(sums.get(key, Sums())) for name, sums in both.items()}
