"""Holds what the system made of a plan against the truth, and counts. It shares no code with the system."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Any, NamedTuple

from tests.chaos.plan import CAR_KM, MINUTE, REGION_DEGREES, Drive, Position, Show
from tests.chaos.player import Player

EARTH_KM = 6371.0
ROUNDED_KM = 0.11  # both ends of a distance are kept to 0.1 km
# What GPS alone may say of a drive whose end odometer nobody could read before the next one.
GPS_SHARE, GPS_KM = 0.4, 1.0

KINDS = (
    "trips lost",
    "trips doubled",
    "times wrong",
    "kilometres wrong",
    "gaps that are not there",
    "in the wrong log",
    "sums that differ",
    "readings wrong",
    "left undone",
)

# By kind of row the names of its two ends.
ENDS = {"trip": ("start_odometer_km", "end_odometer_km"), "gap": ("from_odometer_km", "to_odometer_km")}

Trip = dict[str, Any]


class Finding(NamedTuple):
    """One thing that is not as it should be."""

    kind: str
    text: str


class Checker:
    """Checks the log of one user."""

    def __init__(self, player: Player, stored_readings: Sequence[dict[str, Any]]) -> None:
        self._player, self._user, self._readings = player, player.user, stored_readings
        self._trips = player.all_trips()
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        """All that is wrong with it."""
        matched = self._match()
        for car_id in self._user.car_ids:
            self._check_car([(drive, matched[n]) for n, drive in self._told(car_id) if n in matched])
        if not self._user.car_ids:
            for n, drive in self._told(None):
                if n in matched:
                    self._check_by_gps(drive, matched[n])
        self._check_whose()
        self._check_sums()
        self._check_readings()
        self._check_edits()
        if active := self._player.active():
            self._found("left undone", f"a trip goes on: {active}")
        return self._findings

    def _found(self, kind: str, text: str) -> None:
        self._findings.append(Finding(kind, f"user {self._user.number}: {text}"))

    def _told(self, car_id: str | None) -> Iterator[tuple[int, Drive]]:
        """The drives of a car that anybody told the system of."""
        for n, drive in enumerate(self._user.drives):
            if drive.seen_at and drive.car_id == car_id:
                yield n, drive

    def _match(self) -> dict[int, Trip]:
        """The trip of each drive by number."""
        matched: dict[int, Trip] = {}
        for trip in self._trips:
            begun_at = datetime.fromisoformat(trip["started_at"])
            fits = [n for n, drive in enumerate(self._user.drives) if self._fits(drive, trip, begun_at)]
            if not fits or fits[0] in matched:
                self._found("trips doubled", _line(trip))
            else:
                matched[fits[0]] = trip
        for n, drive in enumerate(self._user.drives):
            if drive.seen_at and n not in matched:
                self._found("trips lost", f"drive {n}, {drive.begins_at}, {drive.distance_km} km")
            elif drive.seen_at:
                self._check_times(n, drive, matched[n])
        return matched

    def _fits(self, drive: Drive, trip: Trip, begun_at: datetime) -> bool:
        return bool(drive.seen_at) and drive.car_id == trip["car_id"] and drive.begins_at <= begun_at <= drive.ends_at

    def _check_times(self, n: int, drive: Drive, trip: Trip) -> None:
        begun_at, ended_at = (datetime.fromisoformat(trip[name]) for name in ("started_at", "ended_at"))
        late = timedelta(0) if drive.end_was_told else 2 * MINUTE
        if begun_at != drive.seen_at or not (drive.last_sign_at or drive.ends_at) <= ended_at <= drive.ends_at + late:
            self._found("times wrong", f"drive {n}, {drive.seen_at} to {drive.ends_at}, became {_line(trip)}")

    # --- kilometres

    def _check_car(self, pairs: Sequence[tuple[Drive, Trip]]) -> None:
        """Drives up to one whose end odometer was read are held together: what one lacks the next one must have."""
        group: list[tuple[Drive, Trip]] = []
        before: Drive | None = None
        for drive, trip in pairs:
            group.append((drive, trip))
            if drive.settles:
                self._check_group(group, before)
                before, group = drive, []
        if group:
            self._check_group(group, before)

    def _check_group(self, group: Sequence[tuple[Drive, Trip]], before: Drive | None) -> None:
        first, last = group[0][0], group[-1][0]
        untold_km = first.start_km - before.end_km if before else 0.0
        logged_km = sum(trip["distance_km"] + trip["gap_before_km"] for _, trip in group)
        driven_km = last.end_km - first.start_km + untold_km
        if abs(logged_km - driven_km) > ROUNDED_KM * len(group):
            lines = "; ".join(_line(trip) for _, trip in group)
            self._found(
                "kilometres wrong", f"{driven_km:.1f} km were driven, {logged_km:.1f} are accounted for: {lines}"
            )
        for n, (drive, trip) in enumerate(group):
            exact = len(group) == 1
            self._check_distance(drive, trip, exact)
            self._check_gap(drive, trip, untold_km if n == 0 else 0.0, group[n - 1][0] if n else None)
            if drive.settles and "odometer_pending" in trip["flags"]:
                self._found("left undone", f"the end odometer is missing: {_line(trip)}")

    def _check_distance(self, drive: Drive, trip: Trip, exact: bool) -> None:
        # What was driven before the phone's first word is a gap or part of the trip: nobody can tell.
        least_km = drive.distance_km - drive.seen_km - (0 if not drive.seen_km else GPS_SHARE * drive.distance_km)
        most_km = drive.distance_km
        if not exact:
            slack_km = GPS_SHARE * drive.distance_km + GPS_KM
            least_km, most_km = least_km - slack_km, most_km + slack_km
        if not least_km - ROUNDED_KM <= trip["distance_km"] <= most_km + ROUNDED_KM:
            self._found("kilometres wrong", f"{drive.distance_km} km became {_line(trip)}")

    def _check_gap(self, drive: Drive, trip: Trip, untold_km: float, unread: Drive | None) -> None:
        slack_km = ROUNDED_KM
        if unread:
            slack_km += GPS_SHARE * unread.distance_km + GPS_KM
        most_km = untold_km + slack_km + (drive.seen_km + GPS_SHARE * drive.distance_km if drive.seen_km else 0.0)
        if not untold_km - slack_km <= trip["gap_before_km"] <= most_km:
            self._found("gaps that are not there", f"{untold_km:.1f} km are missing, not as in {_line(trip)}")

    def _check_by_gps(self, drive: Drive, trip: Trip) -> None:
        expected_km = _by_gps_km(drive.fixes)
        if abs(trip["distance_km"] - expected_km) > ROUNDED_KM + 0.01 * expected_km:
            self._found("kilometres wrong", f"the trail says {expected_km:.1f} km, not as in {_line(trip)}")

    # --- whose, how much, and what was said

    def _check_whose(self) -> None:
        for trip in self._trips:
            places = [trip[end] for end in ("from", "to") if trip[end]["lat"] is not None]
            near = all(self._is_near((place["lat"], place["lng"])) for place in places)
            odometers = [trip[name] for name in ("start_odometer_km", "end_odometer_km") if trip[name] is not None]
            own = all(self._is_own(trip["car_id"], odometer_km) for odometer_km in odometers)
            if not (near and own and trip["user"] == self._player.email):
                self._found("in the wrong log", f"{_line(trip)}, {trip['from']}, {trip['to']}")
        for reading in self._readings:
            if _is_believed(reading) and not self._is_own(reading["car_id"], reading["km"]):
                self._found("in the wrong log", f"a reading: {reading}")

    def _is_near(self, position: Position) -> bool:
        return abs(position[0] - self._user.home[0]) < REGION_DEGREES / 2

    def _is_own(self, car_id: str | None, odometer_km: float) -> bool:
        if car_id not in self._user.car_ids:
            return False
        lowest_km = CAR_KM * (2 * self._user.number + self._user.car_ids.index(car_id) + 1)
        return lowest_km <= odometer_km < lowest_km + CAR_KM

    def _check_sums(self) -> None:
        stats = self._player.call("GET", "/stats").json()
        names = ("total_km", "business_km", "private_km", "unclassified_km")
        wanted: Counter[str] = Counter()
        for trip in self._trips:
            unclassified_km = trip["distance_km"] if trip["kind"] == "unclassified" else 0
            parts = (trip["distance_km"], trip["business_km"], trip["private_km"], unclassified_km)
            wanted.update({name: round(1000 * part) for name, part in zip(names, parts, strict=True)})
        told = {name: round(1000 * stats[name]) for name in names}
        if stats["trip_count"] != len(self._trips) or any(told[name] != wanted[name] for name in names):
            self._found("sums that differ", f"{stats} of {len(self._trips)} trips with {dict(wanted)} m")
        for car_id in self._user.car_ids:
            self._check_comparison(car_id)

    def _check_comparison(self, car_id: str) -> None:
        told = self._player.call("GET", f"/compare?car_id={car_id}").json()
        trips = [trip for trip in self._trips if trip["car_id"] == car_id]
        rows = self._player.rows(car_id)
        shown = [(gap["from_odometer_km"], gap["to_odometer_km"]) for gap in told["gaps"]]
        gaps = [(row["from_odometer_km"], row["to_odometer_km"]) for row in rows if _is_gap(row)]
        if sorted(shown) != sorted(gaps):
            self._found("sums that differ", f"the gaps of {car_id} are {shown}, in its logbook {gaps}")
        self._check_rows(car_id, trips, rows)
        timeline_km = sum(month["distance_km"] for month in told["timeline"])
        if abs(timeline_km - sum(trip["distance_km"] for trip in trips)) > ROUNDED_KM:
            self._found("sums that differ", f"{timeline_km} km in the timeline of {car_id}")

    def _check_rows(self, car_id: str, trips: Sequence[Trip], rows: Sequence[dict[str, Any]]) -> None:
        """The rows tile the odometer, and a trip tells of the gaps just before it."""
        if sorted(trip["id"] for trip in trips) != sorted(row["id"] for row in rows if row["row"] == "trip"):
            self._found("sums that differ", f"the logbook of {car_id} has other trips than the list")
        reached_km: float | None = None
        gap_km = 0.0
        for row in rows:
            from_km, to_km = (row[name] for name in ENDS[row["row"]])
            if from_km is not None and reached_km not in (None, from_km):
                self._found("sums that differ", f"a row of {car_id} begins at {from_km}, not at {reached_km}")
            reached_km = reached_km if to_km is None else to_km
            if row["row"] == "trip" and abs(row["gap_before_km"] - gap_km) > ROUNDED_KM:
                self._found("sums that differ", f"a gap of {gap_km:.1f} km is before {_line(row)}")
            gap_km = gap_km + row["missing_km"] if row["row"] == "gap" else 0.0

    def _check_readings(self) -> None:
        """All that is kept was shown by the car's cloud; what is true of it is held for true, and nothing else."""
        shown: dict[tuple[str, datetime, float], bool] = {}
        for drive in self._user.drives:
            for step in drive.steps:
                if isinstance(step, Show) and step.odometer_km is not None:
                    shown[step.car_id, step.at, step.odometer_km] = self._is_true(step, step.odometer_km)
        for reading in self._readings:
            is_true = shown.get((reading["car_id"], reading["at"], reading["km"]))
            if is_true is None or (_is_judged(reading) and _is_believed(reading) != is_true):
                self._found("readings wrong", str(reading))

    def _is_true(self, show: Show, odometer_km: float) -> bool:
        """Whether the car had gone so far in its last drive that began by then, or as it was read before it left."""
        began = [drive for drive in self._user.drives if drive.car_id == show.car_id]
        last = [drive for drive in began if drive.begins_at - MINUTE <= show.at][-1]
        return last.start_km <= odometer_km <= last.end_km

    def _check_edits(self) -> None:
        kinds = {trip["id"]: trip["kind"] for trip in self._trips}
        for trip_id, kind in self._player.kinds.items():
            if kinds.get(trip_id) != kind:
                self._found("left undone", f"trip {trip_id} is {kinds.get(trip_id)}, the driver said {kind}")


def _is_gap(row: dict[str, Any]) -> bool:
    """Whether it is a gap between two rows, and not what lies behind the last one."""
    return row["row"] == "gap" and not row["id"].startswith("open-")


def _is_believed(reading: dict[str, Any]) -> bool:
    return reading.get("standing") == "believed"


def _is_judged(reading: dict[str, Any]) -> bool:
    return reading.get("standing") in ("believed", "not_believed")


def _line(trip: Trip) -> str:
    odometer = f"{trip['start_odometer_km']} to {trip['end_odometer_km']}"
    parts = (trip["car_id"], trip["started_at"], trip["ended_at"], f"{trip['distance_km']} km", odometer)
    return f"[{', '.join(map(str, parts))}, gap {trip['gap_before_km']}, {trip['distance_source']} {trip['flags']}]"


def _by_gps_km(fixes: Sequence[tuple[datetime, Position]]) -> float:
    """What the docs promise of a trail: its own length and a fiftieth where fixes are at most 150 s apart.

    Between others the larger of 1.25 times the straight line and 12 km/h.
    """
    dense_km = straight_km = hours = 0.0
    for (since, a), (until, b) in pairwise(sorted(fixes)):
        if until - since <= 2.5 * MINUTE:
            dense_km += _straight_km(a, b)
        else:
            straight_km += _straight_km(a, b)
            hours += (until - since) / (60 * MINUTE)
    return 1.02 * dense_km + max(1.25 * straight_km, 12 * hours)


def _straight_km(a: Position, b: Position) -> float:
    """The haversine formula on a sphere (R. W. Sinnott, Sky & Telescope, 1984)."""
    (lat1, lng1), (lat2, lng2) = ((radians(lat), radians(lng)) for lat, lng in (a, b))
    h = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lng2 - lng1) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(h))


def count(findings: Sequence[Finding]) -> dict[str, int]:
    """How many there are of each kind: all must be 0."""
    counted = Counter(finding.kind for finding in findings)
    return {kind: counted[kind] for kind in KINDS}
