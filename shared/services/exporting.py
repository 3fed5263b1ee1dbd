"""Makes a file of a car's log: for its driver, for an inspector, or for an employer."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from shared.domain.driver import Account, Language
from shared.domain.fitting import Unfit
from shared.domain.log.history import Entry
from shared.domain.log.trip import NO_CAR
from shared.formats.export import Export, Format, View, export_of
from shared.repositories.documents import client
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.checks import checked
from shared.services.closing import corrections_of, seal_of
from shared.services.year import year_of

MOST_BYTES = 32_000_000  # that one answer can have
ENTRIES_AT_ONCE = 1000
TITLES: Mapping[Language, str] = {"nl": "rittenregistratie", "en": "mileage-log"}
VIEWS: Mapping[tuple[Language, View], str] = {("nl", "employer"): "werkgever", ("en", "employer"): "employer"}
TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
}


class File(NamedTuple):
    """A file: its name, of letters that no system minds, its media type, and what is in it."""

    name: str
    content_type: str
    body: bytes


def exported(
    account: Account,
    car_id: str | None,
    year: int,
    month: int | None,
    format_: Format,
    language: Language,
    view: View,
    now: datetime,
) -> File:
    """The log of one car in a year or a month, the default car if none is named, as a file made `now` (aware UTC).

    Raises NotFound where there is no such car, and Unfit where the file would be larger than one answer can be.
    """
    export = _export(account, car_id, year, month, language, view, now)
    name = file_name(export)
    return File(f"{name}.{format_}", TYPES[format_], bounded(_made(export, format_, name), month))


def years_of_cars(email: str) -> list[tuple[int, str]]:
    """The years in which anything was ever counted of a driver's cars, each with the id of the car, by year and car."""
    years = UserStore(client(), email).sums(None)
    return sorted({(year, car) for year, of in years.items() for cars in of.values() for car in cars if car != NO_CAR})


def full_log(account: Account, car_id: str, year: int, now: datetime) -> bytes | None:
    """The JSON file of a car's year with all that there is, however large, all of one moment; None where it has no
    rows. Raises NotFound where there is no such car."""
    store = UserStore(client(), account.email)
    while True:
        _, changes = store.state_and_changes()
        export = _export(account, car_id, year, None, account.language, "full", now)
        if store.state_and_changes()[1] == changes:
            return _made(export, "json", "") if export.rows else None


def _export(
    account: Account,
    car_id: str | None,
    year: int,
    month: int | None,
    language: Language,
    view: View,
    now: datetime,
) -> Export:
    entries = later(lambda: [*_entries(account.email, year)])
    read = year_of(account, car_id, year)
    known_id = read.log.car.id
    found = checked(account, known_id, year, language, read)
    seal, corrections = seal_of(account, known_id, year), corrections_of(account, known_id, year)
    return export_of(account, read.log, month, found, entries(), seal, corrections, language, view, now)


def file_name(export: Export) -> str:
    """What a file is called, without its ending: by car and period, in ASCII letters, digits and hyphens."""
    period = f"{export.log.year}-{export.month:02}" if export.month else str(export.log.year)
    car = _plain(export.car.name) or _plain(export.car.id)
    view = VIEWS.get((export.language, export.view), "")
    return "-".join(filter(None, (TITLES[export.language], car, period, view)))


def bounded(body: bytes, month: int | None) -> bytes:
    """What is in a file, of a year or a month. Raises Unfit where one answer cannot carry it: that says what else can
    be asked for."""
    if len(body) <= MOST_BYTES:
        return body
    instead = "format=csv, which is the shortest" if month else "the months one by one, from month=1 to month=12"
    raise Unfit(f"The file has more than {MOST_BYTES // 1_000_000} MB. Ask for {instead}.", "month")


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[A-Za-z0-9]+", letters)).lower()[:60]


def _made(export: Export, format_: Format, name: str) -> bytes:
    """What is in the file. What makes it is loaded then: no other call needs it, and no cold start waits for it."""
    if format_ == "csv":
        from shared.formats.csv_file import csv_file

        return csv_file(export)
    if format_ == "xlsx":
        from shared.formats.workbook import workbook

        return workbook(export)
    if format_ == "pdf":
        from shared.formats.document import document

        return document(export, name)
    from shared.formats.json_file import json_file

    return json_file(export)


def _entries(email: str, year: int) -> Iterator[Entry]:
    """All changes of rows of a year, page by page."""
    history, last = UserStore(client(), email).history, 0
    while page := history.of_year(year, ENTRIES_AT_ONCE, last):
        yield from page
        last = page[-1].n
