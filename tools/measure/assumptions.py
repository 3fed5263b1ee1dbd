"""What the counts cannot tell: how people drive, and what the cloud does around the functions. All of it is a guess."""

from datetime import UTC, datetime, timedelta

from tools.deploy.functions import FUNCTIONS
from tools.local.serve import routes_of

DRIVERS, MANY_DRIVERS = (1, 100, 100_000), 1_000_000

# The ordinary trip.
DRIVE = timedelta(minutes=25)
PING_EVERY = timedelta(minutes=1)
CAR_LATE = timedelta(minutes=1)  # so long after the end the car's cloud first shows the parked car

# What one driver does in a month; every view opens each of the pages.
TRIPS, VIEWS = 60, 30
KEY_DAYS = 30  # on which they use both of their keys, the phone's and their own, first at these:
KEYS_FIRST_AT = ("webhook_start", "trips")
LOG_MONTHS = 12  # age of their log
ASKED = {"stats": f"/?year={datetime.now(UTC).year}"}  # where a page is asked for with more than its address
# Files of a log, which somebody wants some times a year, are no pages: in a bill they are nothing.
FILES = ("export",)
# A view opens what each function shows of itself. How long a call takes stands in its function.toml.
PAGES = {
    function.name: ASKED.get(function.name, "/")
    for function in FUNCTIONS
    if function.is_public
    and function.name not in FILES
    and any(rule.rule == "/" and "GET" in (rule.methods or ()) for rule in routes_of(function))
}

PROCESSOR_MS = 20.0  # of a call; docs/performance.md has what an instance was measured to do
VCPUS = 1.0  # the least for an instance that takes more than one request at a time
FULL = 0.6  # of processor and concurrency, at which Cloud Run adds an instance

# An instance that nobody calls is gone after a while: then the next call pays for a start.
COLD_START_MS, IDLE_MINUTES = 4000, 15

ANSWER_OVERHEAD_BYTES = 1000  # headers and TLS of an answer
CAR_CALL_BYTES = 3000  # a poll's TLS handshake and request to the car's cloud
LOG_BYTES = 2000  # Cloud Run's line about a request, and ours
IMAGE_GIB = 0.2  # of one function

# How a working day goes. CBS has 9.7 million of all trips from 16 to 18 (2014), of 2.73 a person times 16.8 million.
WORKING_DAY = 1.15  # its trips by those of an average day; weekends are quieter
BUSIEST_HOUR = 0.110  # of a working day's trips, from 17 to 18
BUSIEST_MINUTE = 1.5  # by the average minute of its hour: people leave on the quarter
