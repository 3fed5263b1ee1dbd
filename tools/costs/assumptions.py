"""What the counts cannot tell: how people drive, and what the cloud does around the functions. All of it is a guess."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from tools.costs.prices import MONTH_DAYS
from tools.deploy.database import BACKUPS_KEPT_DAYS
from tools.deploy.functions import FUNCTIONS

DRIVERS = (1, 100, 100_000)

# The ordinary trip.
DRIVE = timedelta(minutes=25)
DRIVE_KM = 12.3
PING_EVERY = timedelta(minutes=1)
CAR_LATE = timedelta(minutes=1)  # so long after the end the car's cloud first shows the parked car


class Habits(NamedTuple):
    """What one driver does in a month. Every view opens a page of trips, the sums of the year, the comparison, and
    what he set up: cars, places, settings.
    """

    trips: int = 60
    views: int = 30
    key_days: int = 30  # days on which he uses both of his keys, the phone's and his own
    log_months: int = 12  # age of his log


class Duration(NamedTuple):
    """Time of one call in ms, and what each message that it publishes adds."""

    call_ms: float
    message_ms: float = 0.0


DURATIONS: Mapping[str, Duration] = {
    function.name: Duration(function.expected_call_ms, function.expected_message_ms) for function in FUNCTIONS
}
VCPUS = 1.0  # the least for an instance that takes more than one request at a time

# An instance that nobody calls is gone after a while: then the next call pays for a start.
COLD_START_MS = 4000
IDLE_MINUTES = 15
WINDOWS = MONTH_DAYS * 24 * 60 / IDLE_MINUTES  # so many starts a month at most for a function that is called seldom

ANSWER_OVERHEAD_BYTES = 1000  # headers and TLS of an answer
CAR_CALL_BYTES = 3000  # a poll's TLS handshake and request to the car's cloud
LOG_BYTES = 2000  # Cloud Run's line about a request, and ours
IMAGE_GIB = 0.2  # of one function
SECRET_VERSIONS_KEPT = 1
BACKUPS_KEPT = (
    BACKUPS_KEPT_DAYS  # one a day, each as large as the data with its indexes; so are the versions for recovery
)

# For docs/scale.md: how a working day goes, and what one processor does.
MANY_DRIVERS = 1_000_000
WORKING_DAY = 1.15  # its trips by those of an average day; weekends are quieter
# Of 1,000 trips of a working day those that begin in each hour, local time. CBS has 9.7 million of all trips from 16 to
# 18 (2014), of 2.73 a person times 16.8 million: 106 of 1,000 an hour; and 2.4 million cars in the morning's rush
# hours beside 2.8 in the evening's (2011). The hours between are a guess.
HOUR_TRIPS = (3, 2, 1, 1, 4, 14, 42, 84, 92, 50, 52, 58, 58, 56, 60, 73, 96, 110, 60, 30, 22, 16, 10, 6)
BUSIEST_MINUTE = 1.5  # by the average minute of its hour: people leave on the quarter
PROCESSOR_MS = 20  # of one call, whoever makes it; README, How it grows, has what an instance was measured to do
LOOK_HOUR = 3  # 2:30 UTC in winter
