"""The table of what is deployed: each function with its trigger, size, roles and schedules. It stands nowhere else."""

from pathlib import Path
from typing import Literal, NamedTuple

ROOT = Path(__file__).parents[2]

# What a function may do, in the words of IAM. Roles of a topic or a secret hold for that one alone.
STORE = "roles/datastore.user"
READ_STORE = "roles/datastore.viewer"
PUBLISH = "roles/pubsub.publisher"
READ_SECRET = "roles/secretmanager.secretAccessor"

MAKE_TOKENS = "roles/iam.serviceAccountTokenCreator"

PROJECT_ROLES = (STORE, READ_STORE)

# Accounts besides the functions' own: who calls the scheduler, who hands messages to the poller, who builds.
CRON, TRIGGER, BUILD = "mileage-cron", "mileage-trigger", "mileage-build"

TOPIC = "poll-car"
DEAD_LETTERS = "poll-car-dead-letters"
DEAD_LETTERS_KEPT = "7d"
SECRET = "CREDENTIALS_KEYS"
# What the operator may put into Secret Manager himself; the functions that open credentials get what is there.
OPTIONAL_SECRETS = ("SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "GOOGLE_GEOCODING_KEY")


class Schedule(NamedTuple):
    """A job of Cloud Scheduler: its name, its cron expression in UTC, and the path that it posts to."""

    job: str
    cron: str
    path: str


class Push(NamedTuple):
    """A topic on which the function publishes work for itself, and the path to which Pub/Sub posts its messages.

    The subscription has the topic's name.
    """

    topic: str
    path: str


class Function(NamedTuple):
    """One function. Phones and browsers call those that are public; IAM guards the others.

    `concurrency` requests share an instance, each with a thread of its own; memory in MiB, `timeout_s` for one call.
    A new project has quota for ten instances of a service.
    """

    name: str
    trigger: Literal["public", "scheduler", "topic"]
    roles: tuple[str, ...]
    memory_mib: int = 512
    concurrency: int = 40
    min_instances: int = 0
    max_instances: int = 10
    timeout_s: int = 60
    schedules: tuple[Schedule, ...] = ()
    pushes: tuple[Push, ...] = ()

    @property
    def account(self) -> str:
        """The name of the service account that the function runs as: one for each, so that its roles are its own."""
        return f"mileage-{self.service}"

    @property
    def service(self) -> str:
        """The Cloud Run service that carries the function."""
        return self.name.replace("_", "-")


FUNCTIONS = (
    Function("webhook_start", "public", (STORE, PUBLISH)),
    Function("webhook_end", "public", (STORE, PUBLISH)),
    Function("trips", "public", (STORE,)),
    Function("stats", "public", (STORE,)),
    Function("compare", "public", (STORE,)),
    Function("cars", "public", (STORE, READ_SECRET), concurrency=16, timeout_s=120),
    Function("locations", "public", (STORE,), timeout_s=120),
    Function("settings", "public", (STORE,)),
    Function(
        "scheduler",
        "scheduler",
        (READ_STORE, PUBLISH),
        # Shards are work for a processor: they get instances beside each other before they share one.
        concurrency=2,
        timeout_s=300,
        schedules=(
            Schedule("poll-all", "* * * * *", "/poll-all"),
            Schedule("read-odometers", "30 2 * * *", "/read-odometers"),
        ),
        pushes=(Push("poll-shard", "/poll-shard"),),
    ),
    Function("poller", "topic", (STORE, READ_SECRET), concurrency=16, timeout_s=120),
)
BY_NAME = {function.name: function for function in FUNCTIONS}
