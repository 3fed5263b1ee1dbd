"""Owns what stands before the table of a log: whose it is and of when, what its rows add up to, and its seal."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from shared.domain.driver import Language
from shared.domain.log.sums import Sums
from shared.domain.log.trip import km
from shared.formats import writing
from shared.formats.export import Export, added, period_of, stand_of
from shared.formats.labels import COLUMN, author, month_name, text


class Total(NamedTuple):
    """A sum by its name, in km or counted."""

    name: str
    value: float
    is_km: bool = True


class Divided(NamedTuple):
    """What some rows add up to, in km: `distance` is business, private and open, whether driven in trips or in gaps."""

    distance: float
    business: float
    private: float
    open: float


def title_of(export: Export) -> str:
    """What the whole is: the log of a year, or of a month."""
    month = f"{month_name(export.month, export.language)} " if export.month else ""
    return f"{text('title', export.language)} {month}{export.log.year}"


def car_name(export: Export) -> str:
    """How the car is called: by its name, else by make and type, else by its id."""
    car = export.car
    return car.name or " ".join(filter(None, (car.make or car.brand, car.type))) or car.id


def header_of(export: Export) -> Iterator[tuple[str, str]]:
    """Whose log it is, which car's, and of when: names and values."""
    car, language = export.car, export.language
    unknown = text("unknown", language)
    for name, value in (
        ("car", car_name(export)), ("make", car.make or car.brand), ("type", car.type), ("plate", car.plate),
        ("available", _available(export)), ("period", " - ".join(map(writing.day, period_of(export)))),
        ("of_driver", export.account.name or export.account.email),
        ("made_at", writing.moment(export.made_at, export.log.timezone)), ("view", text(export.view, language)),
    ):  # fmt: skip
        yield text(name, language), value or unknown


def totals_of(export: Export) -> Iterator[Total]:
    """What the rows add up to, and the odometer at both ends of them."""
    sums, language, stand = export.sums, export.language, stand_of(export.rows)
    if stand.first_km is not None and stand.last_km is not None:
        yield Total(text("first", language), stand.first_km)
        yield Total(text("last", language), stand.last_km)
        yield Total(text("driven", language), km(stand.last_km - stand.first_km))
    yield Total(text("trips", language), sums.trip_count, is_km=False)
    divided = divided_of(sums)
    for name, value in (("total", divided.distance), *_parts(divided)):
        yield Total(_km(name, language), value)


def parts_of(export: Export) -> Iterator[Total]:
    """What these kilometres are made of, where there is more than trips with an odometer."""
    sums, language = export.sums, export.language
    for name, metres in (
        ("of_trips", sums.total_m), ("of_gaps", sums.gap_m), ("unexplained", sums.open_m), ("beyond", sums.excess_m),
        ("unplaced", sums.unplaced_m), ("set_on", sums.set_on_m),
    ):  # fmt: skip
        if metres:
            yield Total(text(name, language), km(metres / 1000))
    if export.log.behind:
        yield Total(text("behind", language), km(added([export.log.behind]).gap_m / 1000))


def divided_of(sums: Sums) -> Divided:
    """How sums divide: of the gaps what is explained counts as its driver said, the rest as open."""
    explained_private_m = sums.explained_m - sums.explained_business_m
    return Divided(
        distance=km((sums.total_m + sums.gap_m) / 1000),
        business=km((sums.business_m + sums.explained_business_m) / 1000),
        private=km((sums.private_m + explained_private_m) / 1000),
        open=km((sums.unclassified_m + sums.open_m) / 1000),
    )


def private_of(export: Export) -> Iterator[Total]:
    """The private kilometres of the year as the checks count them."""
    found, language = export.checked.private_km, export.language
    for name, value in (
        ("private_so_far", found.so_far), ("worst_case", found.worst_case), ("forecast", found.forecast),
        ("limit", found.limit), ("vat", export.checked.private_km_vat),
    ):  # fmt: skip
        yield Total(text(name, language), value)


def seal_of(export: Export) -> Iterator[str]:
    """What seals the year, a sentence a line."""
    seal, language = export.seal, export.language
    if seal is None:
        yield text("not_closed", language)
        return
    at = writing.moment(seal.closed_at, export.log.timezone)
    closed = text("closed", language, at=at, by=author(seal.by, language), rows=str(seal.rows))
    yield f"{closed} {text('stamped', language)}" if seal.timestamp_token else closed
    yield f"SHA-256 {seal.hash}"
    if seal.prev:
        yield f"{text('prev', language)}: {seal.prev}"
    if not export.proves_seal:
        yield text("no_proof", language)
    for n, reason in seal.reasons.items() if export.is_full else ():
        yield f"{text('reason_for', language, n)}: {reason}"


def _available(export: Export) -> str:
    days = (("from", export.car.available_from), ("until", export.car.available_until))
    return " ".join(
        f"{text(name, export.language)} {writing.day(date.fromisoformat(one))}" for name, one in days if one
    )


def _parts(divided: Divided) -> tuple[tuple[str, float], ...]:
    return ("business", divided.business), ("private", divided.private), ("open", divided.open)


def _km(name: str, language: Language) -> str:
    return f"{text('total', language)} km" if name == "total" else COLUMN[name][language]
