"""Makes rows of gaps: cut at New Year, and where what a driver explained begins or ends."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from shared.domain.log.gap_row import Explained, GapRow, share_m
from shared.domain.log.outlines import GapOutline
from shared.domain.log.trip import local_date

# What was read within a day before midnight: what was driven since then counts for the new year.
READ_BEFORE_MIDNIGHT = timedelta(days=1)


def gap_rows(
    user: str, timezone: str, car_id: str, gaps: Iterable[GapOutline], explained: Sequence[Explained], now: datetime
) -> list[GapRow]:
    """The rows of a car's gaps, by the odometer; New Year is that of the time zone (IANA name)."""
    pieces = [piece for gap in gaps for year in _by_year(gap, timezone) for piece in _by_words(year, explained)]
    rows = [(row_of(user, car_id, gap, timezone, now), _word(gap, explained)) for gap in pieces]
    return [explained_by(row, word) if word else row for row, word in rows]


def gap_id(car_id: str, from_m: int, series: int = 0) -> str:
    """The id of the gap of a car that begins at so many metres."""
    return f"gap-{car_id}-{series}-{from_m}"


def _by_year(gap: GapOutline, timezone: str) -> list[GapOutline]:
    """A gap over midnight of New Year, in two: by the last reading of the old year, else by time."""
    found, left = list[GapOutline](), gap
    while (year := local_date(left.since, timezone).year) < local_date(left.until, timezone).year:
        midnight = datetime(year + 1, 1, 1, tzinfo=ZoneInfo(timezone))
        midnight = midnight.astimezone(left.since.tzinfo)
        if left.until <= midnight:
            break
        share = (midnight - left.since) / (left.until - left.since)
        is_read = midnight - left.since <= READ_BEFORE_MIDNIGHT and left is gap
        cut_m = left.from_m if is_read else left.from_m + round(share * (left.to_m - left.from_m))
        found.append(left._replace(to_m=cut_m, until=midnight))
        left = left._replace(from_m=cut_m, since=midnight)
    return [one for one in (*found, left) if one.to_m > one.from_m]


def _by_words(gap: GapOutline, explained: Sequence[Explained]) -> list[GapOutline]:
    cuts = {m for word in explained if word.series == gap.series for m in (word.from_m, word.to_m)}
    edges = [gap.from_m, *sorted(m for m in cuts if gap.from_m < m < gap.to_m), gap.to_m]
    return [gap._replace(from_m=a, to_m=b) for a, b in pairwise(edges)]


def _word(gap: GapOutline, explained: Sequence[Explained]) -> Explained | None:
    """What was said last of a stretch."""
    return next(
        (
            word
            for word in reversed(explained)
            if word.series == gap.series and word.from_m <= gap.from_m and gap.to_m <= word.to_m
        ),
        None,
    )


def row_of(user: str, car_id: str, gap: GapOutline, timezone: str, now: datetime) -> GapRow:
    """The row of a gap of which nothing was said, dated in the user's time zone."""
    day = local_date(gap.since, timezone)
    return GapRow(
        id=gap_id(car_id, gap.from_m, gap.series),
        user=user,
        car_id=car_id,
        timezone=timezone,
        date=day.isoformat(),
        year=day.year,
        month=day.month,
        from_m=gap.from_m,
        to_m=gap.to_m,
        since=gap.since,
        until=gap.until,
        series=gap.series,
        created_at=now,
        updated_at=now,
    )


def explained_by(row: GapRow, word: Explained) -> GapRow:
    """A gap with what its driver said of it; of a part of what they explained it has its share."""
    business_m = share_m(word, row.from_m, row.to_m)
    return replace(row, explained_as=word.explained_as, reason=word.reason, business_m=business_m, is_touched=True)
