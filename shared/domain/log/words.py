"""Owns which fields of a trip are its driver's, and what the fold of the kilometres must know of their words."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from shared.domain.log.summary import Mark, Said, Summary, trail_of
from shared.domain.log.trip import Trip
from shared.domain.thresholds import LATE_AFTER

ODOMETERS = ("start_odometer_km", "end_odometer_km")
# Given back, these are what they are without a driver's word, whoever set them and whenever that was.
ALWAYS_TAKEN_BACK = ("kind", "business_km", "purpose", "notes", "deviation")
# Who says one of these of a trip says where on the odometer it lies, whatever it had of that before.
OF_LENGTH = (*ODOMETERS, "distance_km", "car_id")
NOTHING_SAID = Said()


def is_given_back(name: str, value: Any) -> bool:
    """Whether this value of a field gives it back to the automation: null, and for the car, where null is none, ""."""
    return isinstance(value, str) and not value.strip() if name == "car_id" else value is None


def heard(trip: Trip, said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a trip without what changes nothing: to give back what the automation has."""
    return {
        name: value
        for name, value in said.items()
        if not is_given_back(name, value) or name in ALWAYS_TAKEN_BACK or api_name(name) in trip.set_by_hand
    }


def by_hand(trip: Trip, said: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that are the driver's once this is said. Of words that exclude each other the newest count."""
    given = {api_name(name) for name, value in said.items() if not is_given_back(name, value)}
    theirs = {*trip.set_by_hand} - {api_name(name) for name in said} | given
    if {*ODOMETERS} <= theirs and "distance_km" not in given and given & {*ODOMETERS}:
        theirs.discard("distance_km")
    if {*ODOMETERS} <= theirs and "distance_km" in given and not given & {*ODOMETERS}:
        theirs.discard("end_odometer_km")
    if "business_km" in given:
        theirs.add("kind")
    elif said.get("kind", trip.kind) != "mixed":
        theirs.discard("business_km")
    return tuple(sorted(theirs))


def api_name(name: str) -> str:
    """The name that the API has for a field."""
    return name.rstrip("_")


def worded(former: Trip, trip: Trip, said: Mapping[str, Any]) -> Trip:
    """A trip whose summary has what was said of it, and what was said before of what is still the driver's.

    `former` is the trip before that. What a driver ever touched stays touched.
    """
    summary = summary_of(former)
    if trip.source == "manual":
        summary = _retold(summary, trip)
    word, unsaid = summary.said, _unsaid(summary, trip)
    for name, values in _words(trip).items():
        if name not in trip.set_by_hand:
            word = replace(word, **{field: getattr(unsaid, field) for field in values})
        elif name in said:
            word = replace(word, **values)
    if any(name in said for name in OF_LENGTH):
        word = replace(word, kept_m=None)
    if "car_id" in said and "car_id" not in trip.set_by_hand:
        word = replace(word, has_seen_car=False, seen_car_id=None, is_seen_unsure=False)
    if "distance_km" in said:
        summary = replace(summary, pieces=tuple(replace(one, distance_m=None) for one in summary.pieces))
    if trip.set_by_hand:
        word = _touched(word, summary, former)
    late = trip.source == "manual" and trip.created_at - trip.ended_at > LATE_AFTER
    return replace(trip, late=late, summary=replace(summary, said=word))


def identified(trip: Trip, trip_id: str) -> Trip:
    """A trip by hand under its id, which is that of its summary as well."""
    return replace(trip, id=trip_id, summary=replace(summary_of(trip), id=trip_id, trip_ids=(trip_id,)))


def summary_of(trip: Trip) -> Summary:
    """What the book knows of the drive of a trip; where nobody wrote that down, what the row itself tells."""
    return trip.summary or _retold(Summary(id=trip.id, began_at=trip.started_at, ended_at=trip.ended_at), trip)


def deleted(trip: Trip) -> Summary:
    """The summary of a trip that its driver deleted: that is a word as well, and no fold brings the trip back."""
    summary = summary_of(trip)
    return replace(summary, said=replace(_touched(summary.said, summary, trip), is_deleted=True))


def _touched(said: Said, summary: Summary, seen: Trip) -> Said:
    """What is said of a trip that its driver touched: from then on it is when and in which car they saw it."""
    if said.is_touched or summary.is_by_hand:
        return replace(said, is_touched=True)
    since = seen.started_at if seen.started_at != summary.began_at else None
    until = seen.ended_at if seen.ended_at != summary.ended_at else None
    said = replace(said, is_touched=True, seen_since=since, seen_until=until)
    return said if summary.has_car else in_its_car(said, seen)


def in_its_car(said: Said, seen: Trip) -> Said:
    """What is said of a trip that its driver saw in a car, or in none: it stays there, whatever is told later."""
    return replace(said, has_seen_car=True, seen_car_id=seen.car_id, is_seen_unsure=seen.has("car_unsure"))


def _unsaid(summary: Summary, trip: Trip) -> Said:
    """What counts where a trip's driver says nothing: of one that was moved what was said there, as far as it can still
    be true beside what they say now. Their odometers say the distance, and their distance where it ended."""
    if summary.moved is None:
        return NOTHING_SAID
    theirs = {*ODOMETERS} & {*trip.set_by_hand}
    if theirs and trip.start_odometer_km is not None and trip.end_odometer_km is not None:
        return replace(summary.moved, distance_m=None)
    return replace(summary.moved, to_m=None) if "distance_km" in trip.set_by_hand and not theirs else summary.moved


def _retold(summary: Summary, trip: Trip) -> Summary:
    """The summary as the row tells it: of a trail that nobody kept, only how far it went."""
    begin = Mark(trip.started_at, lat=trip.from_.lat, lng=trip.from_.lng)
    end = Mark(trip.ended_at, round(1000 * (trip.gps_km or 0)), lat=trip.to.lat, lng=trip.to.lng)
    return replace(
        summary,
        began_at=trip.started_at,
        ended_at=trip.ended_at,
        car_id=trip.car_id,
        trail=trail_of((begin, end)),
        driver=trip.driver,
        is_by_hand=trip.source == "manual",
        trip_ids=(trip.id,),
    )


def _words(trip: Trip) -> dict[str, dict[str, Any]]:
    """By field what the fold must know of it. A typed odometer stays there, wherever the row's boundary comes to be."""
    return {
        "started_at": {"began_at": trip.started_at},
        "ended_at": {"ended_at": trip.ended_at},
        "car_id": {"has_car": True, "car_id": trip.car_id},
        "start_odometer_km": {"from_m": metres(trip.start_odometer_km)},
        "end_odometer_km": {"to_m": metres(trip.end_odometer_km)},
        "distance_km": {"distance_m": metres(trip.distance_km)},
    }


def metres(value_km: float | None) -> int | None:
    """Kilometres in whole metres; None where there are none."""
    return None if value_km is None else round(1000 * value_km)
