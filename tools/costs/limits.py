"""What Google and others publish about limits, as far as docs/scale.md compares with it: with address and date."""

from typing import NamedTuple

RULE_START, RULE_GROWTH, RULE_EVERY_MIN = 500, 1.5, 5  # operations a second; times so much; every so many minutes
INDEX_WRITES_A_S = 500  # to documents with a rising indexed field; a number before the field multiplies it
MOST_SHARDS = 30  # values that one query can ask for
CLOUD_RUN_FULL = 0.6  # of processor and concurrency, at which Cloud Run adds an instance
PUBLISHED_A_S = 50_000_000  # bytes, in a region that is not one of the three large ones
NOMINATIM_A_S = 1


class Published(NamedTuple):
    """A published figure in our words, the page, and the day on which it was seen there, or a stored copy of it was."""

    what: str
    source: str
    seen_on: str = "2026-11-24"


PUBLISHED = (
    Published(
        "Firestore, 500/50/5: a new collection begins with 500 operations a second, then 50 % more every 5 minutes",
        "https://c.doit.com/blog/firestore-scaling-the-500505-rule-and-how-to-test-it",
    ),
    Published(
        "Firestore: 500 writes a second where an indexed field only rises; a shard field times as many",
        "https://firebase.google.com/docs/firestore/solutions/shard-timestamp",
    ),
    Published(
        "Firestore: 30 values in one query by `in`",
        "https://github.com/firebase/flutterfire/commit/f5477b1ae83c37d727f12dd6ed5440cac0bc0bcd",
    ),
    Published(
        "Firestore: no sequential document ids, no fixed rate for one document",
        "https://cloud.google.com/firestore/docs/best-practices",
    ),
    Published(
        "Firestore: one write a second to one document (in copies of 2019 of the page; no longer)",
        "https://firebase.google.com/docs/firestore/quotas",
    ),
    Published(
        "Firestore: 10,000 writes a second a database, a limit that fell in 2022",
        "https://aster.cloud/2022/11/15/building-scalable-real-time-applications-with-firestore/",
    ),
    Published(
        "Firestore: a backup is restored into a new database, without policies of expiry; paid by size",
        "https://docs.cloud.google.com/firestore/docs/backups",
    ),
    Published(
        "Cloud Run: instances are added at 60 % of processor or concurrency",
        "https://docs.cloud.google.com/run/docs/about-instance-autoscaling",
    ),
    Published(
        "Cloud Run: the most instances depend on region, processor and memory, and can be raised; no figure",
        "https://cloud.google.com/run/quotas",
    ),
    Published(
        "Pub/Sub: 50 MB a second published in a small region, of which europe-west4 is one",
        "https://cloud.google.com/pubsub/quotas",
    ),
    Published(
        "Pub/Sub: the rate of pushes follows the rate of successes; no figure for its growth",
        "https://cloud.google.com/pubsub/docs/push",
    ),
    Published(
        "Cloud Scheduler: a call has 15 s to 30 min",
        "https://cloud.google.com/dotnet/docs/reference/Google.Cloud.Scheduler.V1/latest/Google.Cloud.Scheduler.V1.Job",
    ),
    Published(
        "Cloud Scheduler: no second call of a job while one is under way",
        "https://cloud.google.com/python/docs/reference/cloudscheduler/1.3.1/google.cloud.scheduler_v1.types.Job",
    ),
    Published(
        "Secret Manager: 90,000 accesses a minute",
        "https://cloud.google.com/secret-manager/quotas",
    ),
    Published(
        "Cloud Logging: kept 30 days where nothing else is set",
        "https://cloud.google.com/logging/docs/storage",
    ),
    Published(
        "Smartcar: an application has 120 requests, refilled by 2 a minute; 500 a car and month in a small plan",
        "https://smartcar.com/docs/help/api-limits",
    ),
    Published(
        "Nominatim: one request a second for a whole system",
        "https://operations.osmfoundation.org/policies/nominatim/",
        "not seen again, taken from README",
    ),
    Published(
        "CBS: 9.7 million trips from 16 to 18 on a working day of 2014, by all means",
        "https://www.blikopnieuws.nl/economie/246022/tussen-vier-en-zes-onderweg-voor-werk-of-boodschappen.html",
    ),
    Published(
        "CBS: 2.73 trips a person on a Monday of 2014",
        "https://www.cbs.nl/nl-nl/cijfers/detail/81123ned",
    ),
    Published(
        "16.8 million inhabitants in 2014",
        "http://www.compendiumvoordeleefomgeving.nl/indicatoren/nl0001-Bevolkingsomvang-en-huishoudens.html?i=15-12",
    ),
    Published(
        "CBS: 2.4 million cars in the morning's rush hours of 2011, 2.8 million in the evening's",
        "https://cbs.nl/en-gb/news/2012/50/2-4-million-motorists-during-morning-rush-hour",
    ),
)  # fmt: skip
