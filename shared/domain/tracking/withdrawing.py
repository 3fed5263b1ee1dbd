"""Takes a reading that its driver withdrew out of what is remembered of them."""

from collections.abc import Sequence

from msgspec.structs import replace

from shared.domain.car.odometer import Reading
from shared.domain.tracking.state import DriverState, with_log


def without(state: DriverState, car_id: str, reading: Reading, known: Sequence[Reading]) -> DriverState:
    """The state without a reading of a car, of which these others count: the car stands where the last of them says.

    The drive going on is measured by those that are left to it.
    """
    log, drive = state.of_car(car_id), state.drive
    if drive and drive.car_id == car_id and reading in drive.readings:
        left = tuple(other for other in drive.readings if other != reading)
        state = replace(state, drive=replace(drive, readings=left))
    if log.last != reading:
        return state
    stood = [other for other in known if other.at <= reading.at and not other.driving and other != reading]
    return with_log(state, car_id, replace(log, last=max(stood, key=lambda other: other.at, default=None)))
