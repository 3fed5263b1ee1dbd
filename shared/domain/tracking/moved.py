"""Owns which part of a log that was moved from another system is settled: no news comes of it but with what is moved
next, and of that little reaches back."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate

from shared.domain.log.book import Book, Start, TripOutline
from shared.domain.log.summary import Summary
from shared.domain.thresholds import NEWS_REACHES
from shared.domain.tracking.books import Books

LEFT_OPEN = 8  # trips: what comes next may still change these


def free_of_news(book: Book, start: Start | None, now: datetime) -> Iterator[Start]:
    """Where the book of a car may begin from now on, the newest first: behind trips that were all moved, at the end of
    one of which somebody said the odometer. `start` is where it begins by now."""
    trips = sorted(book.trips, key=lambda trip: (trip.drive.ended_at, trip.drive.began_at))
    moved = [n for n, is_moved in enumerate(accumulate(map(_is_moved, trips), min)) if is_moved]
    begun_at = [*accumulate((trip.drive.began_at for trip in trips), max)]
    since = book.breaks[-1][1].at if book.breaks else None
    for n in reversed([n for n in moved if n < len(trips) - LEFT_OPEN]):
        at, m, known = trips[n].drive.ended_at, trips[n].to_m, trips[n].to_known
        is_over = at <= now - NEWS_REACHES and (since is None or since <= at) and (start is None or at > start.at)
        if is_over and _is_apart(at, begun_at[n], trips[n + 1 :]) and m is not None and known in ("read", "typed"):
            yield Start(at, m, known=known, position=trips[n].end)


def beside_odometers(told: Sequence[Summary], books: Books, now: datetime) -> set[str]:
    """The ids of moved drives in cars of which no odometer is known, but for the newest: nothing that comes is held
    against them."""
    gone = set[str]()
    for book in books.of.values():
        unread = [trip for trip in book.trips if trip.from_m is None and _is_moved(trip)]
        if len(unread) == len(book.trips):
            gone |= {trip.drive.summary.id for trip in unread[:-LEFT_OPEN] if trip.drive.ended_at <= now - NEWS_REACHES}
    return gone & {one.id for one in told}


def _is_moved(trip: TripOutline) -> bool:
    return trip.drive.summary.moved is not None


def _is_apart(at: datetime, begun_at: datetime, later: Sequence[TripOutline]) -> bool:
    """Whether no trip lies on both sides of a moment, at which the trips until then had begun since `begun_at`."""
    return all(begun_at < trip.drive.began_at >= at for trip in later)
