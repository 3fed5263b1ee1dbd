"""Makes the JSON file of a log: all that there is to know of it, by the names that the API has."""

from collections.abc import Iterator
from typing import Any

import msgspec

from shared.domain.car.car import car_view
from shared.domain.car.odometer import KeptReading, reading_view
from shared.domain.log.employer import employer_entry
from shared.domain.log.history import entry_view
from shared.domain.log.shown import log_sums_view, zulu
from shared.domain.log.trip import local_date
from shared.formats.export import Export

FORMAT, VERSION = "mileage-log", 1


def json_file(export: Export) -> bytes:
    """The file. Rows are encoded one by one: as one tree they would take several times their size.

    What an employer gets has no positions, ids and times of what is private, and `rows_prove_seal` is false.
    """
    rows = [msgspec.Raw(msgspec.json.encode(view)) for view in export.views(export.rows)]
    behind = next(export.views([export.log.behind] if export.log.behind else []), None)
    told = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": zulu(export.made_at),
        "user": export.account.email,
        "timezone": export.log.timezone,
        "view": export.view,
        "car": car_view(export.car, export.car.id == export.account.default_car_id),
        "year": export.log.year,
        "month": export.month,
        "rows": rows,
        "behind": behind,
        "sums": log_sums_view(export.sums),
        "checks": export.findings(),
        "private_km": export.checked.private_km,
        "private_km_vat": export.checked.private_km_vat,
        "readings": [_reading(export, kept) for kept in export.readings()],
        "history": [*_history(export)],
        "corrections": [*_corrections(export)],
        "seal": _seal(export),
        "rows_prove_seal": export.proves_seal,
    }
    return msgspec.json.encode(told)


def _reading(export: Export, kept: KeptReading) -> dict[str, Any]:
    view = reading_view(export.car.id, kept.reading, kept.standing)
    if export.is_full:
        return {"id": kept.id, **view, "fetched_at": zulu(kept.fetched_at), "why": kept.why}
    shown = {name: view[name] for name in ("car_id", "odometer_km", "source", "resolution_km", "standing")}
    return {**shown, "date": local_date(kept.reading.at, export.log.timezone).isoformat()}


def _history(export: Export) -> Iterator[msgspec.Raw]:
    hidden = export.hidden()
    for entry in export.entries:
        view = entry_view(entry) if export.is_full else employer_entry(entry, hidden, export.log.timezone)
        yield msgspec.Raw(msgspec.json.encode(view))


def _corrections(export: Export) -> Iterator[dict[str, Any]]:
    hidden = export.hidden()
    for one in export.corrections:
        if export.is_full:
            yield {**msgspec.to_builtins(one), "at": zulu(one.at)}
        else:
            on, by = local_date(one.at, export.log.timezone).isoformat(), "" if hidden.is_hidden(one.row) else one.by
            yield {"car_id": one.car_id, "year": one.year, "on": on, "by": by, "row": hidden.name(one.row)}


def _seal(export: Export) -> dict[str, Any] | None:
    """What closed the year; the reasons are the driver's own words, of which an employer gets none."""
    if export.seal is None:
        return None
    view = {**msgspec.to_builtins(export.seal), "closed_at": zulu(export.seal.closed_at)}
    return view if export.is_full else {**view, "reasons": {}}
