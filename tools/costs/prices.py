"""Google Cloud's public price list, as far as it is used here: in US dollars, without tax, with source and date."""

from typing import NamedTuple

REGION = "europe-west4"
NEAREST = "europe-west1"  # Belgium
EVERYWHERE = "all"
MONTH_DAYS = 365.25 / 12
KIB, GIB, TIB = 2**10, 2**30, 2**40
MILLION = 1_000_000

RUN = "https://cloud.google.com/run/pricing"
FIRESTORE = "https://cloud.google.com/firestore/pricing"
PUBSUB = "https://cloud.google.com/pubsub/pricing"
EVENTARC = "https://cloud.google.com/eventarc/pricing"
SCHEDULER = "https://cloud.google.com/scheduler/pricing"
SECRETS = "https://cloud.google.com/secret-manager/pricing"
ARTIFACTS = "https://cloud.google.com/artifact-registry/pricing"
LOGGING = "https://cloud.google.com/stackdriver/pricing"
NETWORK = "https://cloud.google.com/vpc/network-pricing"


class Price(NamedTuple):
    """What `per` units cost after the `free_a_month` units, and on which page that stood on which day.

    `region` is the one that the figure was given for; `remark` says where it does not quite fit.
    """

    service: str
    what: str
    usd: float
    per: float
    unit: str
    free_a_month: float
    source: str
    seen_on: str
    region: str = REGION
    remark: str = ""

    def charge_usd(self, amount: float) -> float:
        """The charge in US dollars for an amount in a month, in the price's own unit."""
        return max(0.0, amount - self.free_a_month) * self.usd / self.per


REQUESTS = Price("Cloud Run", "requests", 0.40, MILLION, "request", 2 * MILLION, RUN, "2026-09-30")
VCPU = Price("Cloud Run", "processor", 0.000024, 1, "vCPU-s", 180_000, RUN, "2026-09-30")
MEMORY = Price("Cloud Run", "memory", 0.0000025, 1, "GiB-s", 360_000, RUN, "2026-09-30")

READS = Price("Firestore", "reads", 0.033, 100_000, "document", 50_000 * MONTH_DAYS, FIRESTORE, "2026-09-30", NEAREST)
WRITES = Price("Firestore", "writes", 0.099, 100_000, "document", 20_000 * MONTH_DAYS, FIRESTORE, "2026-09-30", NEAREST)
DELETES = Price(
    "Firestore", "deletes", 0.011, 100_000, "document", 20_000 * MONTH_DAYS, FIRESTORE, "2026-09-30", NEAREST
)
STORED = Price("Firestore", "stored data", 0.165, 1, "GiB", 1, FIRESTORE, "2026-09-30", NEAREST)
RECOVERY = Price(
    "Firestore", "point-in-time recovery", 0.165, 1, "GiB", 0, FIRESTORE, "2026-11-24", NEAREST,
    remark="seen for nam5 only, where it is that of stored data; taken to be so here",
)  # fmt: skip
BACKUPS = Price("Firestore", "backups", 0.033, 1, "GiB", 0, FIRESTORE, "2026-09-30", NEAREST)

MESSAGES = Price("Pub/Sub", "throughput", 40.0, TIB, "bytes", 10 * GIB, PUBSUB, "2026-09-30", EVERYWHERE)
EVENTS = Price("Eventarc", "events of Pub/Sub", 0.0, MILLION, "event", 0, EVENTARC, "2026-11-24", EVERYWHERE)
JOBS = Price("Cloud Scheduler", "jobs", 0.10, 1, "job", 3, SCHEDULER, "2026-11-24", EVERYWHERE)
SECRET_VERSIONS = Price("Secret Manager", "versions", 0.06, 1, "version", 6, SECRETS, "2026-09-30", EVERYWHERE)
SECRET_READS = Price("Secret Manager", "accesses", 0.03, 10_000, "read", 10_000, SECRETS, "2026-09-30", EVERYWHERE)
IMAGES = Price("Artifact Registry", "images", 0.10, 1, "GiB", 0.5, ARTIFACTS, "2026-09-03", EVERYWHERE)
LOGS = Price("Cloud Logging", "logs", 0.50, GIB, "bytes", 50 * GIB, LOGGING, "2026-09-30", EVERYWHERE)
EGRESS = Price(
    "Internet", "answers and calls of car clouds", 0.12, GIB, "bytes", 0, NETWORK, "2026-09-30",
    region="Premium Tier, to Europe", remark="the price of the first TiB, for all",
)  # fmt: skip

PRICES = (
    REQUESTS, VCPU, MEMORY, READS, WRITES, DELETES, STORED, RECOVERY, BACKUPS, MESSAGES, EVENTS, JOBS,
    SECRET_VERSIONS, SECRET_READS, IMAGES, LOGS, EGRESS,
)  # fmt: skip
LEAST_MESSAGE_BYTES = 1000  # Pub/Sub bills each request as if it had so many, when it was published and when delivered
BILLING_STEP_MS = 100  # Cloud Run rounds the time of a request up to this
