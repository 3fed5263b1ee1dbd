"""Makes facts of trips of another system: each is as it was there, and no news changes it."""

from shared.domain.log.summary import Mark, Said, Summary, trail_of
from shared.domain.log.trip import Trip
from shared.domain.log.words import metres


def moved(trip: Trip) -> Summary:
    """What the book has to know of a trip that is moved: its kilometres, and the odometers that somebody read.

    Of its way nothing counts but where it began and ended.
    """
    is_begin_read, is_end_read = (not trip.has(flag) for flag in ("start_odometer_estimated", "end_odometer_estimated"))
    said = Said(
        has_car=True,
        car_id=trip.car_id,
        from_m=metres(trip.start_odometer_km) if is_begin_read else None,
        to_m=metres(trip.end_odometer_km) if is_end_read else None,
        distance_m=metres(trip.distance_km),
    )
    begin, end = trip.from_, trip.to
    marks = (Mark(trip.started_at, lat=begin.lat, lng=begin.lng), Mark(trip.ended_at, lat=end.lat, lng=end.lng))
    return Summary(
        id=trip.id,
        began_at=trip.started_at,
        ended_at=trip.ended_at,
        car_id=trip.car_id,
        trail=trail_of(marks),
        default_car_id=trip.car_id,
        driver=trip.driver,
        is_by_hand=True,
        moved=said,
        said=said,
        trip_ids=(trip.id,),
    )
