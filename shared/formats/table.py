"""Owns the table of a log: its columns, and what each of them has of a row. CSV, workbook and document show this one.

The first twelve are those that people know of such logs; what stands behind them divides the kilometres, and says how
each odometer is known.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

from shared.domain.driver import Language
from shared.domain.log.trip import km
from shared.formats.labels import KINDS, KNOWN

Kind = Literal["date", "time", "text", "km"]
Cell = str | float | date | time | None


class Column(NamedTuple):
    """A column by the name that `labels` has for it, what is in its cells, and how many letters wide it is."""

    name: str
    kind: Kind
    width: int


COLUMNS = (
    Column("date", "date", 11),
    Column("departed", "time", 11),
    Column("arrived", "time", 11),
    Column("begins", "km", 12),
    Column("ends", "km", 12),
    Column("distance", "km", 9),
    Column("from", "text", 34),
    Column("to", "text", 34),
    Column("deviation", "text", 24),
    Column("kind", "text", 22),
    Column("detour", "km", 10),
    Column("purpose", "text", 34),
    Column("business", "km", 10),
    Column("private", "km", 10),
    Column("open", "km", 10),
    Column("excess", "km", 10),
    Column("begin_known", "text", 12),
    Column("end_known", "text", 12),
    Column("arrived_on", "date", 11),
    Column("notes", "text", 34),
    Column("driver", "text", 16),
    Column("id", "text", 26),
)
NAMES = tuple(column.name for column in COLUMNS)
# Whose sum a month and a year have: what is driven is business, private, or nobody said.
SUMMED = ("distance", "detour", "business", "private", "open", "excess")


class Line(NamedTuple):
    """What the table has of a row; kilometres and odometers in km, None where a cell is empty."""

    day: date | None
    departed: time | None
    arrived: time | None
    begins: float | None
    ends: float | None
    distance: float
    from_: str
    to: str
    deviation: str
    kind: str
    detour: float | None
    purpose: str
    business: float
    private: float
    open: float
    excess: float
    begin_known: str
    end_known: str
    arrived_on: date | None
    notes: str
    driver: str
    id: str


def line_of(view: Mapping[str, Any], language: Language) -> Line:
    """The line of a row, of what its reader sees of it; what is hidden from them is empty."""
    return _of_gap(view, language) if view["row"] == "gap" else _of_trip(view, language)


def place_text(end: Mapping[str, Any] | None) -> str:
    """Where an end of a trip was: the name of the place and the address, else the position."""
    if not end:
        return ""
    place, address = end.get("place") or "", end.get("address") or ""
    if place and address and not address.casefold().startswith(place.casefold()):
        return f"{place}, {address}"
    if text := address or place:
        return str(text)
    return "" if end.get("lat") is None else f"{end['lat']:.5f}, {end['lng']:.5f}"


def _of_trip(view: Mapping[str, Any], language: Language) -> Line:
    began, ended = _moment(view.get("started_at")), _moment(view.get("ended_at"))
    kind, distance_km = view["kind"], view["distance_km"]
    return Line(
        day=date.fromisoformat(view["date"]),
        departed=began.time() if began else None,
        arrived=ended.time() if ended else None,
        begins=view["start_odometer_km"],
        ends=view["end_odometer_km"],
        distance=distance_km,
        from_=place_text(view.get("from")),
        to=place_text(view.get("to")),
        deviation=view.get("deviation", ""),
        kind=KINDS[kind][language],
        detour=view["private_km"] if kind == "mixed" else None,
        purpose=view.get("purpose", ""),
        business=view["business_km"],
        private=view["private_km"],
        open=distance_km if kind == "unclassified" else 0.0,
        excess=view["excess_km"],
        begin_known=_known(view["start_odometer_known"], language),
        end_known=_known(view["end_odometer_known"], language),
        arrived_on=ended.date() if ended else None,
        notes=view.get("notes", ""),
        driver=view.get("driver", ""),
        id=view["id"],
    )


def _of_gap(view: Mapping[str, Any], language: Language) -> Line:
    since, until = _moment(view.get("since")), _moment(view.get("until"))
    told, missing_km = view["explained_as"], view["missing_km"]
    return Line(
        day=since.date() if since else date.fromisoformat(view["date"]),
        departed=since.time() if since else None,
        arrived=until.time() if until else None,
        begins=view["from_odometer_km"],
        ends=view["to_odometer_km"],
        distance=missing_km,
        from_="",
        to="",
        deviation="",
        kind=KINDS[f"gap_{told}" if told else "gap"][language],
        detour=None,
        purpose=view.get("reason", ""),
        business=view["business_km"] if told else 0.0,
        private=km(missing_km - view["business_km"]) if told else 0.0,
        open=0.0 if told else missing_km,
        excess=0.0,
        begin_known="",
        end_known="",
        arrived_on=until.date() if until else None,
        notes="",
        driver="",
        id=view["id"],
    )


def _known(known: str | None, language: Language) -> str:
    return KNOWN[known][language] if known else ""


def _moment(text: str | None) -> datetime | None:
    """By the clock where it was."""
    return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
