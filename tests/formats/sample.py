"""Logs to make files of: a car's year with all that can be in one, and long ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.car.odometer import KeptReading, Reading
from shared.domain.checks.finding import Checked, Finding, PrivateKm
from shared.domain.driver import Account, Language
from shared.domain.log.history import Author, Entry, Head, chained, entry_of_change
from shared.domain.log.sealing import Correction, Seal, seal_hash
from shared.domain.log.shown import row_view, trip_facts
from shared.domain.log.tiling import Row
from shared.domain.log.trip import Endpoint, Trip
from shared.domain.log.year import YearLog
from shared.formats.export import Export, View, export_of
from tests.rows import CAR, EMAIL, ZONE, at, gap, trip

MADE_AT = datetime(2027, 1, 5, 10, 30, tzinfo=UTC)
HOSTILE = '=HYPERLINK("http://example.com";"x")'
LONG = "Overleg over de inrichting van het magazijn, de vluchtwegen en het brandalarm. " * 6
AUDI = Car(
    CAR, "simulated", "Audi A3", "WAUZZZ8V5KA000000", "audi", "XX-123-X", "Audi", "A3 Sportback", "", "2026-01-01",
)  # fmt: skip
HOME = Endpoint(52.0907, 5.1214, "Thuis", "Dorpsstraat 1, 3511 AB Utrecht")
WORK = Endpoint(51.5719, 4.7683, "Kantoor", "Havenweg 2, 4811 CD Breda")
CLIENT = Endpoint(51.9225, 4.4792, "", "Sint-Jacobstraat 106, 3011 DE Rotterdam")


def rows_of_a_year() -> list[Row]:
    """A small log: each kind of trip and gap, texts of every sort, a night, an empty month, a trip without odometer."""
    hours = 24.0
    known: dict[str, Any] = {"start_odometer_known": "read", "end_odometer_known": "read"}
    found: list[Row] = [
        trip(12_345_000, 12_410_300, at(0), from_=HOME, to=WORK, kind="business", purpose="Naar kantoor", **known),
        trip(12_410_300, 12_470_000, at(8), from_=WORK, to=CLIENT, kind="business", purpose=HOSTILE,
             deviation="Via de A27, de A16 was dicht", start_odometer_known="read", end_odometer_known="estimated"),
        gap(12_470_000, 12_482_700, at(9)),
        trip(12_482_700, 12_540_000, at(10), from_=CLIENT, to=HOME, kind="mixed", business_km=50.0,
             purpose="Naar huis", deviation="Langs de school", notes="Kind opgehaald", route="abc",
             start_odometer_known="typed", end_odometer_known="read"),
        trip(12_540_000, 12_561_000, at(4 * hours), from_=HOME, to=HOME, kind="private", purpose="Sportclub",
             notes="Wedstrijd", route="geheim", **known),
        gap(12_561_000, 12_569_000, at(4 * hours + 2), explained_as="private", reason="Naar de bakker"),
        trip(12_569_000, 12_634_300, at(14 * hours), from_=HOME, to=WORK, purpose=LONG, driver="Tim", **known),
        gap(12_634_300, 12_635_300, at(14 * hours + 2), explained_as="correction", reason="Afronding", business_m=600),
        # March is empty.
        trip(12_635_300, 12_700_900, at(80 * hours + 14), 2.5, ended_at=at(80 * hours + 16.5), from_=WORK,
             to=Endpoint(-33.8568, 151.2153), kind="business", purpose="Хабаровск → 東京 \u202e{nb} 🚗", **known),
    ]  # fmt: skip
    lost = trip(0, 0, at(81 * hours), from_=HOME)
    return [*found, replace(lost, from_m=None, to_m=None, start_odometer_km=None, end_odometer_km=None,
                            distance_km=18.4, kind="business", business_km=18.4, distance_source="gps",
                            flags=("odometer_pending",))]  # fmt: skip


def rows_of(count: int) -> list[Row]:
    """So many trips over a year, with routes as real ones have them, and a gap after every tenth."""
    found, begins_m = list[Row](), 10_000_000
    every = timedelta(days=360) / count
    for n in range(count):
        began_at = datetime(2026, 1, 2, 6, tzinfo=UTC) + n * every
        length_m = 1000 + 1300 * (n % 37)
        kind: Any = ("business", "business", "private", "mixed")[n % 4]
        found.append(
            trip(begins_m, begins_m + length_m, began_at, ended_at=began_at + every / 2, kind=kind, business_km=0.5,
                 from_=replace(HOME, address=f"Dorpsstraat {n}, 3511 AB Utrecht"), to=WORK, purpose=f"Bezoek {n}",
                 route="_p~iF~ps|U_ulLnnqC_mqNvxq`@" * 12, start_odometer_known="read", end_odometer_known="read")
        )  # fmt: skip
        begins_m += length_m
        if n % 10 == 9:
            found.append(gap(begins_m, begins_m + 700, began_at + every * 0.6))
            begins_m += 700
    return found


def entries_of(rows: Sequence[Row]) -> list[Entry]:
    """What was changed: a kind and a purpose of each fifth trip, and one trip that there is not any more."""
    told = list[Entry]()
    for n, row in enumerate(rows):
        if isinstance(row, Trip) and n % 5 == 1:
            after = trip_facts(row)
            before = {**after, "kind": "private", "purpose": "Geheim bezoek", "start_odometer_km": 1.0}
            author = Author("laptop", row.ended_at + timedelta(days=1), "Verkeerd ingedeeld")
            told += filter(None, [entry_of_change(author, "trip", row.id, before, after, [row.year], is_word=True)])
    gone = trip(0, 5000, at(30), kind="private", purpose="Geheim adres")
    elsewhere = trip(0, 5000, at(31), car_id="bus", purpose="Andere auto")
    for one in (gone, elsewhere):
        told += filter(None, [entry_of_change(Author("laptop", MADE_AT), "trip", one.id, trip_facts(one), {}, [2026])])
    return chained(told, Head())


def readings_of(rows: Sequence[Row]) -> list[KeptReading]:
    """The car's odometer at the end of each trip that has one."""
    ends = [(row.ended_at, row.to_m) for row in rows if isinstance(row, Trip) and row.to_m is not None]
    readings = [Reading(moment, to_m / 1000, lat=52.0907, lng=5.1214) for moment, to_m in ends]
    return [KeptReading(f"{one.at:%Y%m%dT%H%M%S.%fZ}.{CAR}.car.{round(1000 * one.km)}", one, "believed", "", one.at)
            for one in readings]  # fmt: skip


def export(
    rows: Sequence[Row] | None = None,
    month: int | None = None,
    language: Language = "nl",
    view: View = "full",
    car: Car = AUDI,
    is_closed: bool = True,
) -> Export:
    """An export of such a log, with checks, history, readings, and a seal unless told otherwise."""
    rows = rows_of_a_year() if rows is None else rows
    begins_m = max([row.to_m or 0 for row in rows], default=0)
    behind = gap(begins_m, begins_m + 12_000, at(24 * 330), id=f"open-{CAR}") if rows else None
    log = YearLog(car, 2026, ZONE, rows, None, behind, readings_of(rows))
    ids = tuple(row.id for row in rows[:9])
    findings = (
        Finding(1, "Merk, type, kenteken en periode zijn bekend", "holds", "law"),
        Finding(2, "De eindstand van een rit is de beginstand van de volgende", "warns", "ours", ids[:2],
                "Kijk of de auto in hele kilometers meldt."),
        Finding(7, "Elke rit is ingedeeld", "fails", "ours", ids, "Deel deze ritten in, bijvoorbeeld Thuis - Kantoor."),
        Finding(17, "Standen van anderen passen", "not_applicable", "law"),
    )  # fmt: skip
    seal = Seal(
        car_id=CAR, year=2026, rows=len(rows), hash=seal_hash(CAR, 2026, "", [*map(row_view, rows)]),
        closed_at=MADE_AT, by="laptop", reasons={"7": "Bezoek aan het ziekenhuis"}, timestamp_token="AAAA",
    )  # fmt: skip
    corrections = [
        Correction(id="c1", car_id=CAR, year=2026, at=MADE_AT, by="car", why="De auto meldde later een andere stand.",
                   row=rows[0].id, before={"end_odometer_km": 12410.3}, after={"end_odometer_km": 12411.3})
    ] if rows and is_closed else []  # fmt: skip
    return export_of(
        Account(EMAIL, "Boris", ZONE, default_car_id=CAR), log, month,
        Checked(findings, PrivateKm(123.4, 234.5, 345.6), 456.7), entries_of(rows), seal if is_closed else None,
        corrections, language, view, MADE_AT,
    )  # fmt: skip
