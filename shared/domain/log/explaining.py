"""Owns what a driver says of a gap in their log: what it was, why, and how much of it was business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from shared.domain.fitting import number, text, unfit
from shared.domain.log.gap_row import Explained, Explanation, GapRow, share_m
from shared.domain.log.outlines import GapOutline
from shared.domain.log.ratio import share_of_business_m
from shared.domain.log.shown import zulu
from shared.domain.log.sums import Sums

MOST_REASON = 500
UNSAID: Mapping[str, Any] = {"explained_as": None, "reason": "", "business_m": 0}
NEEDS_REASON: tuple[Explanation, ...] = ("correction", "other")


def explained(gap: GapRow, said: Mapping[str, Any], driven: Sums, now: datetime) -> GapRow:
    """The gap with what is said of it, by the names of the API's fields; what is not said stays. Raises Unfit.

    `driven` is what was driven since the last correction: one that is said to be a correction is divided in that ratio,
    and stays so until it is said anew. The gap as it is where nothing new is said.
    """
    kind = said.get("explained_as", gap.explained_as)
    changed = _taken_back(gap, said) if kind is None else _with_words(gap, kind, said, driven)
    return gap if changed == gap else replace(changed, is_touched=True, revision=gap.revision + 1, updated_at=now)


def told(gap: GapRow) -> dict[str, Any]:
    """What is said of a gap, by the names of the API's fields."""
    return {"explained_as": gap.explained_as, "reason": gap.reason, "business_km": gap.business_km}


def gap_facts(gap: GapRow) -> dict[str, Any]:
    """A gap as its history tells it, its times in UTC."""
    times = {"since": zulu(gap.since), "until": zulu(gap.until)}
    return {"car_id": gap.car_id, **interval(gap), **times, **told(gap)}


def interval(gap: GapRow) -> dict[str, Any]:
    """Of which interval of the odometer that is said, in km to the metre: the gap can be divided later."""
    return {"from_odometer_km": gap.from_m / 1000, "to_odometer_km": gap.to_m / 1000}


def words_with(words: Sequence[Explained], gap: GapRow) -> tuple[Explained, ...]:
    """All that was said of intervals of a car's odometer, by the odometer, once a gap is explained or not any more.

    What was said of more than this gap stays said of the rest.
    """
    kept = [part for word in words for part in _without(word, gap.series, gap.from_m, gap.to_m)]
    if word := word_of(gap):
        kept.append(word)
    return tuple(sorted(kept, key=lambda one: (one.series, one.from_m)))


def word_of(gap: GapRow) -> Explained | None:
    """What is said of a gap, as a word about its interval of the odometer; None where nothing is."""
    if gap.explained_as is None:
        return None
    return Explained(gap.from_m, gap.to_m, gap.explained_as, gap.reason, gap.business_m, gap.series)


def moved_along(words: Sequence[Explained], gaps: Sequence[tuple[GapOutline, GapOutline]]) -> tuple[Explained, ...]:
    """What is said of intervals of the odometer, where gaps lie elsewhere on it by now: what was said of them goes
    along. `gaps` are these as they were and as they are."""
    moved = [
        replace(part, from_m=part.from_m + gap.from_m - former.from_m, to_m=part.to_m + gap.from_m - former.from_m)
        for former, gap in gaps
        for word in words
        for part in _within(word, former)
    ]
    left = [*words]
    for former, _ in gaps:
        left = [part for word in left for part in _without(word, former.series, former.from_m, former.to_m)]
    return tuple(sorted([*left, *moved], key=lambda one: (one.series, one.from_m)))


def _without(word: Explained, series: int, from_m: int, to_m: int) -> list[Explained]:
    """What of a word is about other kilometres than those of an interval, in metres; each part with its share of the
    business."""
    if word.series != series or word.to_m <= from_m or to_m <= word.from_m:
        return [word]
    return _parts(word, (word.from_m, min(word.to_m, from_m)), (max(word.from_m, to_m), word.to_m))


def _within(word: Explained, gap: GapOutline) -> list[Explained]:
    interval = (max(word.from_m, gap.from_m), min(word.to_m, gap.to_m))
    return _parts(word, interval) if word.series == gap.series else []


def _parts(word: Explained, *intervals: tuple[int, int]) -> list[Explained]:
    return [
        replace(word, from_m=from_m, to_m=to_m, business_m=share_m(word, from_m, to_m))
        for from_m, to_m in intervals
        if from_m < to_m
    ]


def _taken_back(gap: GapRow, said: Mapping[str, Any]) -> GapRow:
    for field in ("reason", "business_km"):
        if said.get(field):
            raise unfit(field, "goes with explained_as alone")
    return replace(gap, **UNSAID)


def _with_words(gap: GapRow, kind: Explanation, said: Mapping[str, Any], driven: Sums) -> GapRow:
    reason = text(said["reason"], "reason", MOST_REASON) if "reason" in said else gap.reason
    if kind in NEEDS_REASON and not reason:
        raise unfit("reason", f"is needed for {kind}")
    return replace(gap, explained_as=kind, reason=reason, business_m=_business_m(gap, kind, said, driven))


def _business_m(gap: GapRow, kind: Explanation, said: Mapping[str, Any], driven: Sums) -> int:
    said_km = number(said.get("business_km"), "business_km", 0, gap.missing_km)
    if kind == "private" and said_km:
        raise unfit("business_km", "must be 0 where all of it was private")
    if kind == "correction":
        if said_km is not None:
            raise unfit("business_km", "follows from what was driven since the last correction")
        return share_of_business_m(gap, driven) if "explained_as" in said else gap.business_m
    if said_km is not None:
        return gap.missing_m if said_km == gap.missing_km else min(round(1000 * said_km), gap.missing_m)
    if kind == gap.explained_as:
        return gap.business_m
    return gap.missing_m if kind == "business" else 0
