"""Reads kilometres, where nobody says whether a dot or a comma parts thousands or tenths.

"12.345" is 12345 km or 12.345 km. What tells is the other numbers: begin, end and distance of a row fit in one way
only, or the rest of the file parts its tenths by the other sign. Where neither tells, nothing is guessed.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from shared.domain.fitting import unfit

WHOLE = re.compile(r"[0-9]{1,9}")
BOTH = re.compile(r"[0-9]{1,3}(?:(?P<thousands>[.,])[0-9]{3})+(?!(?P=thousands))(?P<tenths>[.,])[0-9]+")
THOUSANDS = re.compile(r"[0-9]{1,3}(?P<thousands>[.,])[0-9]{3}(?:(?P=thousands)[0-9]{3})*")
TENTHS = re.compile(r"[0-9]{0,9}(?P<tenths>[.,])[0-9]{1,9}")
OTHER = {".": ",", ",": "."}
SAME_KM = 0.15  # two odometers and a distance, each to 0.1 km
ROUNDED_KM = 1.05  # an odometer by whole kilometres beside a distance that was measured

Tenths = str | None  # the sign that parts tenths; None: either may


class Way(NamedTuple):
    """One way to read a number, and by which sign it parts tenths then."""

    km: float
    tenths: Tenths = None


def ways_of(text: str) -> Sequence[Way]:
    """The ways in which a text can be kilometres: none where it is no number, two where that is open."""
    text = re.sub(r"\s*km$", "", text.strip().casefold())
    text = re.sub(r"(?<=[0-9])[\s\u00a0\u202f'](?=[0-9]{3})", "", text)
    if WHOLE.fullmatch(text):
        return [Way(float(text))]
    if both := BOTH.fullmatch(text):
        return [Way(_value(text, both["tenths"]), both["tenths"])]
    found = list[Way]()
    if (parted := THOUSANDS.fullmatch(text)) and not text.startswith("0"):
        tenths = OTHER[parted["thousands"]]
        found.append(Way(_value(text, tenths), tenths))
    if one := TENTHS.fullmatch(text):
        found.append(Way(_value(text, one["tenths"]), one["tenths"]))
    return found


def _value(text: str, tenths: str) -> float:
    return float(text.replace(OTHER[tenths], "").replace(tenths, "."))


def tenths_of(texts: Iterable[str]) -> Tenths:
    """The sign by which a file parts tenths, as far as its numbers tell; None where they do not, or contradict."""
    told = {ways[0].tenths for text in texts if len(ways := ways_of(text)) == 1} - {None}
    return told.pop() if len(told) == 1 else None


class Measured(NamedTuple):
    """What a row says of kilometres; None: nothing."""

    start_km: float | None
    end_km: float | None
    distance_km: float | None

    @property
    def off_km(self) -> float:
        """How far begin, end and distance are from fitting each other; 0 where one of them is not said."""
        if self.start_km is None or self.end_km is None or self.distance_km is None:
            return 0.0
        return abs(self.end_km - self.start_km - self.distance_km)


NAMES = ("start_odometer_km", "end_odometer_km", "distance_km")


def measured(cells: Sequence[str], tenths: Tenths, *, is_sure: bool) -> Measured:
    """The begin, the end and the distance of a row by its cells. The file parts `tenths` by a sign, as far as is known.

    That `is_sure` where its format says so. Raises Unfit where a cell cannot be read, or in more than one way.
    """
    ways = [_ways(name, text, tenths if is_sure else None) for name, text in zip(NAMES, cells, strict=True)]
    all_ = [*product(*ways)]
    usual = [one for one in all_ if all(way.tenths in (None, tenths) for way in one if way)]
    if all(text.strip() for text in cells):
        for most_km in (SAME_KM, ROUNDED_KM):
            for some in (all_, usual) if tenths else (all_,):
                fit = {one for one in map(_measured, some) if one.off_km <= most_km + 1e-6}
                if len(fit) == 1:
                    return fit.pop()
    likely = {_measured(one) for one in (usual if tenths else all_)}
    if len(likely) != 1:
        raise unfit(
            NAMES[2], f"{' and '.join(filter(None, cells))} can be read in more than one way, thousands or tenths"
        )
    return likely.pop()


def _ways(name: str, text: str, tenths: Tenths) -> Sequence[Way | None]:
    if not text.strip():
        return [None]
    found = [way for way in ways_of(text) if tenths is None or way.tenths in (None, tenths)]
    if not found:
        raise unfit(name, f"{text[:40]!r} is no number of kilometres")
    return found


def _measured(ways: Sequence[Way | None]) -> Measured:
    return Measured(*(way.km if way else None for way in ways))
