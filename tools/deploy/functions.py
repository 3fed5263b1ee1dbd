"""Reads the list of functions: what each functions/NAME/function.toml says of path, trigger, callers, size and cost.

The stack, the deployment, the costs and the tests read it here. Nothing else lists functions; what is deployed does not
read it.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ROOT = Path(__file__).parents[2]

# What a function may do, in the words of IAM. Roles of a topic or a secret hold for that one alone.
Role = Literal[
    "roles/datastore.user", "roles/datastore.viewer", "roles/pubsub.publisher", "roles/secretmanager.secretAccessor"
]
STORE, READ_STORE = "roles/datastore.user", "roles/datastore.viewer"
PUBLISH, READ_SECRET = "roles/pubsub.publisher", "roles/secretmanager.secretAccessor"

MAKE_TOKENS = "roles/iam.serviceAccountTokenCreator"

PROJECT_ROLES = (STORE, READ_STORE)

# Accounts besides the functions' own: who calls the scheduler, who hands messages to the poller, who builds.
CRON, TRIGGER, BUILD = "mileage-cron", "mileage-trigger", "mileage-build"

DEAD_LETTERS_KEPT = "7d"
SECRET = "CREDENTIALS_KEYS"
# What the operator may put into Secret Manager; the functions that open credentials get what is there.
OPTIONAL_SECRETS = ("SMARTCAR_CLIENT_ID", "SMARTCAR_CLIENT_SECRET", "GOOGLE_GEOCODING_KEY")

Route = Annotated[str, Meta(pattern=r"\A(/[a-z0-9_-]+)+\Z")]
Secret = Annotated[str, Meta(pattern=r"\A[A-Z][A-Z0-9_]{0,62}\Z")]
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,62}\Z")]
Cron = Annotated[str, Meta(pattern=r"\A[0-9*/,-]+( [0-9*/,-]+){4}\Z")]
Milliseconds = Annotated[float, Meta(ge=0, le=3_600_000)]
Count = Annotated[int, Meta(ge=1)]
# The least that Pub/Sub keeps a message, and the most.
LEAST_KEPT_S, MOST_KEPT_S = 600, 7 * 24 * 3600


class Unfit(ValueError):
    """A function.toml that cannot be used; the text names the file and says why."""


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A job of Cloud Scheduler: its name, its cron expression in UTC, and the path that it posts to."""

    job: Name
    cron: Cron
    path: Route


class Push(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A topic on which the function publishes work for itself, and the path to which Pub/Sub posts its messages.

    The subscription has the topic's name. A message that is not taken is tried again for `kept_s`.
    """

    topic: Name
    path: Route
    kept_s: Annotated[int, Meta(ge=LEAST_KEPT_S, le=MOST_KEPT_S)] = LEAST_KEPT_S


class Function(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One function, by the name of its folder; all else is in its function.toml.

    `paths` are where callers find it behind one address, as in the local stack. A function of trigger `topic` gets each
    message of its `topic`. `callers` says whom IAM lets pass: `everybody`, who then need a key of ours for each call
    whose route has a scope; `scheduler`, the clock, which also posts the function's `pushes`; `pubsub`, the trigger.
    `concurrency` requests share an instance, each with a thread of its own; memory in MiB, `timeout_s` for one call.
    A new project has quota for ten instances of a service. What a call and each message that it publishes are expected
    to take, in ms, decides nothing but the costs that are foreseen. `secrets` are those that the operator may make for
    this function alone.
    """

    name: str
    paths: tuple[Route, ...]
    trigger: Literal["http", "topic"]
    callers: Literal["everybody", "scheduler", "pubsub"]
    roles: tuple[Role, ...]
    memory_mib: Annotated[int, Meta(ge=128, le=32_768)]
    concurrency: Annotated[int, Meta(ge=1, le=1000)]
    min_instances: Annotated[int, Meta(ge=0)]
    max_instances: Count
    timeout_s: Annotated[int, Meta(ge=1, le=3600)]
    expected_call_ms: Milliseconds
    expected_message_ms: Milliseconds = 0.0
    topic: Name | None = None
    secrets: tuple[Secret, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    pushes: tuple[Push, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where two fields contradict each other."""
        if not self.paths:
            raise ValueError("`paths` must hold one path at least")
        if not self.roles or len({*self.roles}) < len(self.roles):
            raise ValueError("`roles` must hold one role at least, and each once")
        if self.min_instances > self.max_instances:
            raise ValueError("`min_instances` must not be over `max_instances`")
        if len({self.trigger == "topic", self.topic is not None, self.callers == "pubsub"}) > 1:
            raise ValueError('trigger = "topic", a `topic` and callers = "pubsub" go together')
        if (self.schedules or self.pushes) and self.callers != "scheduler":
            raise ValueError('schedules and pushes need callers = "scheduler"')

    @property
    def account(self) -> str:
        """The name of the service account that the function runs as: one for each, so that its roles are its own."""
        return f"mileage-{self.service}"

    @property
    def service(self) -> str:
        """The Cloud Run service that carries the function."""
        return self.name.replace("_", "-")

    def secrets_among(self, there: Iterable[str]) -> list[str]:
        """Which secrets it is handed: the key of credentials, where its role says so, and of what the operator may make
        those that are there."""
        held = (SECRET, *OPTIONAL_SECRETS) if READ_SECRET in self.roles else ()
        return [name for name in (*held, *self.secrets) if name == SECRET or name in there]

    @property
    def signature(self) -> Literal["http", "cloudevent"]:
        """What the framework calls the way in which the function is called."""
        return "cloudevent" if self.trigger == "topic" else "http"

    @property
    def is_public(self) -> bool:
        """Whether phones and browsers call it."""
        return self.callers == "everybody"


def functions_in(folder: Path) -> tuple[Function, ...]:
    """The functions of a folder by name, one for each folder in it that holds a main.py or a function.toml.

    Raises Unfit where a function.toml is missing, has a field too many or too few, or takes what another one has.
    """
    names = sorted({file.parent.name for kind in ("main.py", "function.toml") for file in folder.glob(f"*/{kind}")})
    found = tuple(_read(folder / name / "function.toml") for name in names)
    for what, taken in (
        ("path", [path for each in found for path in each.paths]),
        ("service", [each.service for each in found]),
        ("job", [schedule.job for each in found for schedule in each.schedules]),
        (
            "topic",
            [*filter(None, (each.topic for each in found)), *(push.topic for each in found for push in each.pushes)],
        ),
    ):
        if twice := [name for name, times in Counter(taken).items() if times > 1]:
            raise Unfit(f"{folder}: two functions have the {what} {twice[0]}")
    return found


def _read(file: Path) -> Function:
    if not file.with_name("main.py").exists():
        raise Unfit(f"{file}: there is no main.py beside it")
    try:
        said = tomllib.loads(file.read_text())
        if "name" in said:
            raise ValueError("Object contains unknown field `name`: the folder is the name")
        return msgspec.convert({**said, "name": file.parent.name}, Function)
    except FileNotFoundError:
        raise Unfit(f"{file} is missing: it says what the function {file.parent.name} is") from None
    except ValueError as error:
        raise Unfit(f"{file}: {error}") from None


def dead_letters(topic: str) -> str:
    """The topic of the messages that a function did not take, however often."""
    return f"{topic}-dead-letters"


FUNCTIONS = functions_in(ROOT / "functions")
BY_NAME = {function.name: function for function in FUNCTIONS}
TRIGGER_TOPICS = tuple(function.topic for function in FUNCTIONS if function.topic)
