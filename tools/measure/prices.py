"""Google Cloud's public price list, as far as it is used here: in US dollars, without tax, with page and day.

The region is europe-west4 (Netherlands). Firestore's figures are those of europe-west1 (Belgium), the nearest that were
found; that of point-in-time recovery was seen for nam5 only, where it is that of stored data. All of the internet is at
the price of the first TiB, Premium Tier, to Europe.
"""

from typing import NamedTuple

MONTH_DAYS = 365.25 / 12
KIB, GIB, TIB = 2**10, 2**30, 2**40
MILLION = 1_000_000
LEAST_MESSAGE_BYTES = 1000  # Pub/Sub bills each request as if it had so many, when it was published and when delivered
BILLING_STEP_MS = 100  # Cloud Run rounds the time of a request up to this


class Price(NamedTuple):
    """What `per` units cost after the `free` units of a month, and on which page that stood on which day."""

    service: str
    what: str
    usd: float
    per: float
    unit: str
    free: float
    page: str
    seen_on: str = "2026-09-30"

    def charge_usd(self, amount: float) -> float:
        """The charge in US dollars for an amount in a month, in the price's own unit."""
        return max(0.0, amount - self.free) * self.usd / self.per


REQUESTS = Price("Cloud Run", "requests", 0.40, MILLION, "request", 2 * MILLION, "run/pricing")
VCPU = Price("Cloud Run", "processor", 0.000024, 1, "vCPU-s", 180_000, "run/pricing")
MEMORY = Price("Cloud Run", "memory", 0.0000025, 1, "GiB-s", 360_000, "run/pricing")
READS = Price("Firestore", "reads", 0.033, 100_000, "document", 50_000 * MONTH_DAYS, "firestore/pricing")
WRITES = Price("Firestore", "writes", 0.099, 100_000, "document", 20_000 * MONTH_DAYS, "firestore/pricing")
DELETES = Price("Firestore", "deletes", 0.011, 100_000, "document", 20_000 * MONTH_DAYS, "firestore/pricing")
STORED = Price("Firestore", "stored data", 0.165, 1, "GiB", 1, "firestore/pricing")
RECOVERY = Price("Firestore", "point-in-time recovery", 0.165, 1, "GiB", 0, "firestore/pricing", "2026-11-24")
BACKUPS = Price("Firestore", "backups", 0.033, 1, "GiB", 0, "firestore/pricing")
MESSAGES = Price("Pub/Sub", "throughput", 40.0, TIB, "bytes", 10 * GIB, "pubsub/pricing")
EVENTS = Price("Eventarc", "events of Pub/Sub", 0.0, MILLION, "event", 0, "eventarc/pricing", "2026-11-24")
JOBS = Price("Cloud Scheduler", "jobs", 0.10, 1, "job", 3, "scheduler/pricing", "2026-11-24")
SECRET_VERSIONS = Price("Secret Manager", "versions", 0.06, 1, "version", 6, "secret-manager/pricing")
SECRET_READS = Price("Secret Manager", "accesses", 0.03, 10_000, "read", 10_000, "secret-manager/pricing")
IMAGES = Price("Artifact Registry", "images", 0.10, 1, "GiB", 0.5, "artifact-registry/pricing", "2026-09-03")
LOGS = Price("Cloud Logging", "logs", 0.50, GIB, "bytes", 50 * GIB, "stackdriver/pricing")
EGRESS = Price("Internet", "answers and calls of car clouds", 0.12, GIB, "bytes", 0, "vpc/network-pricing")
