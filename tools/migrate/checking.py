"""Holds old rows against what became of them. Reads both sides by itself: nothing of the conversion is used here,
so that a mistake in the conversion cannot hide."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from shared.domain.log.trip import Trip

TENTH = Decimal("0.1")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Tally(msgspec.Struct, frozen=True):
    """A count of trips and their kilometres, in tenths: whole numbers add up without rounding."""

    trips: int = 0
    total: int = 0
    business: int = 0
    private: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(a + b for a, b in self._with(other)))

    def minus(self, other: "Tally") -> "Tally":
        """These without the other ones."""
        return Tally(*(a - b for a, b in self._with(other)))

    def _with(self, other: "Tally") -> Iterable[tuple[int, int]]:
        return zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)


def raw_tally(old: Mapping[str, Any]) -> Tally:
    """What an old row adds to the sums, from its raw fields."""
    total = _tenths(old.get("distance_km"))
    if total is None:
        total = (_tenths(old.get("end_odo")) or 0) - (_tenths(old.get("start_odo")) or 0)
    business, private = _tenths(old.get("business_km")), _tenths(old.get("private_km"))
    kind = str(old.get("trip_type") or "").strip().upper()
    if kind == "M":
        part = business if business is not None else total - (private or 0)
        part = min(max(part, 0), total)
        return Tally(1, total, part, total - part)
    return Tally(1, total, total if kind == "B" else 0, total if kind == "P" else 0)


def stored_tally(trip: Trip) -> Tally:
    """What a trip of the new store adds to the sums."""
    return Tally(1, *(round(part * 10) for part in (trip.distance_km, trip.business_km, trip.private_km)))


def _tenths(value: Any) -> int | None:
    """Kilometres in tenths, rounded as the new system rounds."""
    if value in (None, ""):
        return None
    exact = Decimal(float(value.strip().replace(",", ".") if isinstance(value, str) else value))
    return int(exact.quantize(TENTH, ROUND_HALF_EVEN) * 10)


def trip_differences(old: Mapping[str, Any], new: Mapping[str, Any], owner: str) -> list[str]:
    """In what a stored trip does not say the same as the old row; one that was corrected since needs only its owner."""
    wrong = [] if new["user"] == owner else ["owner"]
    if new["revision"] > 1:
        return wrong
    tally = raw_tally(old)
    for name, tenths in (("distance_km", tally.total), ("business_km", tally.business), ("private_km", tally.private)):
        if round(new[name] * 10) != tenths:
            wrong.append(name)
    zone = ZoneInfo(new["timezone"])
    if not _shows(new["started_at"], f"{old['date']} {old['start_time']}", zone):
        wrong.append("start")
    if not _ends(old, new, zone):
        wrong.append("end")
    return wrong


def _ends(old: Mapping[str, Any], new: Mapping[str, Any], zone: ZoneInfo) -> bool:
    """The end noted, that day or the next, and the first one after the start."""
    if not timedelta(0) <= new["ended_at"] - new["started_at"] <= DAY + HOUR:
        return False
    day = _wall(f"{old['date']} {old['end_time']}")
    return any(_shows(new["ended_at"], wall.strftime("%d-%m-%Y %H:%M:%S"), zone) for wall in (day, day + DAY))


def _shows(moment: datetime, noted: str, zone: ZoneInfo) -> bool:
    """Whether a clock on the wall shows at a moment what was noted, or skips it that night."""
    wall, shown = _wall(noted), moment.astimezone(zone).replace(tzinfo=None)
    skipped = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != wall
    return shown.replace(fold=0) == wall or (skipped and abs(shown - wall) == HOUR)


def _wall(noted: str) -> datetime:
    form = "%d-%m-%Y %H:%M:%S" if noted.count(":") == 2 else "%d-%m-%Y %H:%M"
    return datetime.strptime(noted.strip(), form)  # noqa: DTZ007 (what a clock on the wall shows has no zone)


def reading_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """In what a stored reading does not say the same as the old row."""
    wrong = [] if round(new["km"] * 10) == _tenths(old["odometer_km"]) else ["odometer_km"]
    moments = [_moment(old.get(name)) for name in ("fetched_at", "created_at")]
    return wrong if new["at"] in moments else [*wrong, "moment"]


def _moment(value: Any) -> datetime | None:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value / (1000 if value > 1e11 else 1), UTC)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def place_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """In what a stored place does not say the same as the old location."""
    lng = old["lng"] if old.get("lng") not in (None, "") else old.get("lon")
    pairs = (("lat", old["lat"]), ("lng", lng))
    return [name for name, value in pairs if new[name] != float(str(value).replace(",", "."))]
