"""The book of a car: folds its drives and its readings into rows that tile the odometer. Pure.

Whatever order the facts came in, the same facts give the same rows. From the first believed reading on, trips and gaps
follow each other without hole or overlap; what a trip shows beyond its stretch is its excess.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from shared.domain.car.belief import Belief, believed, sort_key
from shared.domain.car.odometer import Disbelief, Reading, ReadingSource
from shared.domain.log.chain import Node, nodes_of, stood_at
from shared.domain.log.elsewhere import Sorted, sorted_out
from shared.domain.log.gathering import as_one, gathered
from shared.domain.log.outlines import GapOutline, OpenOutline, Start, TripOutline
from shared.domain.log.outlining import Sheet, gaps_of, open_of, outlined_alone, trips_of
from shared.domain.log.sharing import firm, placed
from shared.domain.log.summary import Drive
from shared.domain.log.tiles import tiled

LONG_BEFORE = datetime(1900, 1, 1, tzinfo=UTC)  # what a driver says of the begin of a log is of no moment


class Anchor(NamedTuple):
    """A stand of which the odometer is known: the book may be cut there.

    The drives from `following` on, and the readings later than `start.at`, give the same rows from there on.
    """

    start: Start
    following: Drive | None


class Book(NamedTuple):
    """The rows of a car by time, what is open behind them, and what is thought of its readings.

    `elsewhere` are drives that were in another car. `doubted` are the readings that are not believed, `old` those that
    are old news under a new time; all of them are in `standings` with why, and None for those that are believed. The
    car got another odometer `series` times: `breaks` are the readings before and after. `anchors` by time.
    """

    trips: tuple[TripOutline, ...]
    gaps: tuple[GapOutline, ...]
    open: OpenOutline | None
    elsewhere: tuple[Drive, ...] = ()
    doubted: tuple[Reading, ...] = ()
    old: tuple[Reading, ...] = ()
    series: int = 0
    breaks: tuple[tuple[Reading, Reading], ...] = ()
    standings: tuple[tuple[Reading, Disbelief | None], ...] = ()
    anchors: tuple[Anchor, ...] = ()


def folded(
    car_id: str,
    drives: Sequence[Drive],
    readings: Sequence[Reading],
    start: Start | None = None,
    most_m: int | None = None,
) -> Book:
    """The book of a car. `drives` are its own by begin; readings in any order, believed or not.

    With a `start` it begins there: what was read by then is not looked at. Where it is known what the odometer showed
    at the end, `most_m`, nothing is typed beyond that.
    """
    told = [reading for reading in readings if start is None or reading.at > start.at]
    typed = [reading for drive in drives for reading in _typed(drive) if _is_within(reading, start, most_m)]
    belief = believed([*_opening(start), *told, *typed])
    belief = _without_replaced(belief, drives)
    pages = list(_pages(car_id, drives, belief))
    old = tuple(reading for page in pages for reading in page.found.old if reading in set(told))
    doubted = tuple(reading for reading in belief.doubted if reading in set(told))
    return Book(
        trips=tuple(trip for page in pages for trip in as_one(trips_of(page.sheet))),
        gaps=tuple(gap for page in pages for gap in gaps_of(page.sheet)),
        open=open_of(pages[-1].sheet),
        elsewhere=tuple(drive for page in pages for drive in page.found.elsewhere),
        doubted=doubted,
        old=old,
        series=len(pages) - 1,
        breaks=belief.breaks,
        standings=tuple(_standings(told, belief, old)),
        anchors=tuple(_anchors(pages[-1], belief.doubted)),
    )


# --- facts


def _opening(start: Start | None) -> list[Reading]:
    """A start as readings that are never left out."""
    if start is None:
        return []
    lat, lng = start.position or (None, None)
    opening = Reading(
        start.at,
        start.m / 1000,
        lat=lat,
        lng=lng,
        resolution_km=0.001,
        source="car" if start.known == "read" else "typed",
        is_confirmed=True,
    )
    since = LONG_BEFORE if start.is_said else start.since
    return [replace(opening, at=since), opening] if since and since < start.at else [opening]


def _is_within(typed: Reading, start: Start | None, most_m: int | None) -> bool:
    if most_m is None:
        return True
    return (start.m if start else 0) <= round(1000 * typed.km) <= most_m


def _typed(drive: Drive) -> list[Reading]:
    """The odometers that a driver typed for a trip. Of one that they deleted they count where nothing else is known."""
    said = drive.summary.said
    ends = ((said.from_m, drive.began_at), (said.to_m, drive.ended_at))
    source: ReadingSource = "struck" if said.is_deleted else "typed"
    return [Reading(at, m / 1000, source=source) for m, at in ends if m is not None]


def _without_replaced(belief: Belief, drives: Sequence[Drive]) -> Belief:
    """Without an odometer that its driver said to be wrong before anything was driven: it never was in the car."""
    series, doubted = [*belief.series], [*belief.doubted]
    while len(series) > 1 and _is_replaced(series[0], series[1][0], drives):
        doubted += series.pop(0)
    return Belief(tuple(series), tuple(doubted))


def _is_replaced(series: Sequence[Reading], following: Reading, drives: Sequence[Drive]) -> bool:
    is_word = following.is_confirmed and not following.begins_series
    is_opening = any(reading.is_confirmed for reading in series)
    return is_word and not is_opening and all(drive.began_at > following.at for drive in drives)


# --- pages: one for each odometer that the car had


class _Page(NamedTuple):
    """The rows of one odometer, and what does not belong to them."""

    sheet: Sheet
    found: Sorted


def _pages(car_id: str, drives: Sequence[Drive], belief: Belief) -> Iterator[_Page]:
    rest, since = [*drives], None
    for n, (series, following) in enumerate(pairwise([*(belief.series or ((),)), None])):
        assert series is not None
        own = [drive for drive in rest if following is None or (drive.whole or drive).began_at < following[0].at]
        rest = [drive for drive in rest if drive not in own] if following else []
        yield _page(car_id, own, [one for one in series if since is None or one.at >= since], n, following is None)
        since = own[-1].ended_at if own else since


def _page(car_id: str, drives: Sequence[Drive], readings: Sequence[Reading], series: int, is_last: bool) -> _Page:
    found = sorted_out(drives, readings)
    tiles = gathered(tiled(found.drives, found.chain), found.drives)
    return _Page(Sheet(car_id, found.drives, found.chain, tiles, series, is_last), found)


# --- what is thought of the readings


def _standings(
    told: Sequence[Reading], belief: Belief, old: Sequence[Reading]
) -> Iterator[tuple[Reading, Disbelief | None]]:
    doubted, aged = set(belief.doubted), set(old)
    for reading in sorted(set(told), key=sort_key):
        if reading in doubted:
            yield reading, belief.why_doubted(reading)
        else:
            yield reading, "old news" if reading in aged else None


def _anchors(page: _Page, doubted: Sequence[Reading]) -> Iterator[Anchor]:
    """The stands of the newest odometer at which nothing reaches from one side to the other."""
    sheet, behind = page.sheet, open_of(page.sheet)
    nodes, at_m = nodes_of(sheet.chain), placed(sheet.chain)
    for n, (node, m, is_firm) in enumerate(zip(nodes, at_m, firm(sheet.chain, at_m), strict=True)):
        is_new = n == 0 or nodes[n - 1].low_m != node.low_m
        last = _last_between(page, node)
        if is_firm and last and is_new and not last.driving and (behind is None or m <= behind.from_m):
            position = stood_at(sheet.drives, sheet.chain, node)
            start = Start(last.at, m, _since(node, doubted), node.known, position)
            yield Anchor(start, next(iter(sheet.drives[node.n :]), None))


def _since(node: Node, doubted: Sequence[Reading]) -> datetime:
    """Since when a car showed the same without a reading between that is not believed."""
    within = [reading.at for reading in doubted if node.first_at <= reading.at <= node.last_at]
    return min(reading.at for reading in node.readings if reading.at >= max(within, default=node.first_at))


def _last_between(page: _Page, node: Node) -> Reading | None:
    """The last reading of a stand when no drive was going on, and those of the car were over or had not begun."""
    own, elsewhere = page.sheet.drives, page.found.elsewhere
    before, after = own[: node.n][-1:], own[node.n : node.n + 1]
    if before and after and before[0].whole and before[0].whole is after[0].whole:
        return None
    between = (
        reading
        for reading in reversed(node.readings if node.is_stand else ())
        if all(drive.ended_at <= reading.at for drive in before)
        and all(drive.began_at > reading.at for drive in after)
        and all(drive.ended_at <= reading.at or drive.began_at > reading.at for drive in elsewhere)
    )
    return next(between, None)


__all__ = [
    "Anchor",
    "Book",
    "GapOutline",
    "OpenOutline",
    "Start",
    "TripOutline",
    "folded",
    "outlined_alone",
]
