"""The steps that functions stand on: APIs, service accounts, roles, topics, the secret."""

from tools.deploy.functions import (
    BUILD,
    DEAD_LETTERS_KEPT,
    PROJECT_ROLES,
    PUBLISH,
    READ_SECRET,
    SECRET,
    TRIGGER,
    TRIGGER_TOPICS,
    Function,
    dead_letters,
)
from tools.deploy.gcloud import Failed, short
from tools.deploy.target import Target

APIS = (
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
)


def checked(target: Target) -> Target:
    """The target with its project's number, once login, project and billing are there. Raises Failed otherwise."""
    gcloud, project = target.gcloud, target.project
    logged_in = gcloud.rows("auth", "list", "--filter=status:ACTIVE")
    if not logged_in and not gcloud.dry_run:
        raise Failed("Nobody is logged in to gcloud: run `gcloud auth login`.")
    try:
        found = gcloud.read("projects", "describe", project)
    except Failed as error:
        mend = f"`gcloud projects create {project}`, or name another one with --project"
        raise Failed(f"There is no project {project} that you may see: {mend}.") from error
    billing = gcloud.read("billing", "projects", "describe", project)
    if gcloud.dry_run:
        return target
    if not billing.get("billingEnabled"):
        mend = f"`gcloud billing projects link {project} --billing-account=ID`"
        raise Failed(f"The project has no billing: {mend}; `gcloud billing accounts list` shows the ids.")
    return target._replace(number=found["projectNumber"])


def apis(target: Target) -> None:
    """Enables the APIs that are not enabled yet."""
    enabled = {row["config"]["name"] for row in target.gcloud.rows("services", "list", "--enabled")}
    if missing := [api for api in APIS if api not in enabled]:
        try:
            target.gcloud.change("services", "enable", *missing)
        except Failed as error:
            mend = f"gcloud services enable {' '.join(missing)} --project={target.project}"
            raise Failed(f"An API cannot be enabled; `{mend}` says why.\n{error}") from error


def accounts(target: Target) -> None:
    """Makes the service accounts: one for each function, and one each for the cron, the trigger and the builds."""
    there = {row["email"] for row in target.gcloud.rows("iam", "service-accounts", "list")}
    for account, purpose in target.accounts().items():
        if target.email(account) not in there:
            target.gcloud.change("iam", "service-accounts", "create", account, f"--display-name={purpose}")


def roles(target: Target) -> None:
    """Gives our accounts the roles in the project that the table names, and takes all others from them."""
    ours = {target.member(account) for account in target.accounts()}
    wanted: set[tuple[str, str]] = {
        (role, target.member(function.account))
        for function in target.functions
        for role in function.roles
        if role in PROJECT_ROLES
    }
    wanted |= {("roles/eventarc.eventReceiver", target.member(TRIGGER))}
    wanted |= {("roles/cloudbuild.builds.builder", target.member(BUILD))}
    there = target.gcloud.bindings("projects", "get-iam-policy", target.project)
    bind(target, ("projects",), target.project, wanted, {pair for pair in there if pair[1] in ours})


def topics(target: Target) -> None:
    """Makes the topics of polls and shards and that of dead letters, which are kept, and says who may publish."""
    there = {short(row["name"]) for row in target.gcloud.rows("pubsub", "topics", "list")}
    publishers = _publishers(target)
    dead = [dead_letters(topic) for topic in TRIGGER_TOPICS]
    for topic in (*publishers, *dead):
        if topic not in there:
            # The messages name users: they stay where the rest of the data is.
            place = f"--message-storage-policy-allowed-regions={target.region}"
            target.gcloud.change("pubsub", "topics", "create", topic, place)
    kept = {short(row["name"]) for row in target.gcloud.rows("pubsub", "subscriptions", "list")}
    for topic in (topic for topic in dead if topic not in kept):
        keep = (f"--message-retention-duration={DEAD_LETTERS_KEPT}", "--expiration-period=never")
        target.gcloud.change("pubsub", "subscriptions", "create", topic, f"--topic={topic}", *keep)
    for topic, functions in publishers.items():
        wanted = {(PUBLISH, target.member(function.account)) for function in functions}
        there_now = target.gcloud.bindings("pubsub", "topics", "get-iam-policy", topic)
        bind(target, ("pubsub", "topics"), topic, wanted, there_now)


def _publishers(target: Target) -> dict[str, list[Function]]:
    """Who may publish on each topic."""
    own = {push.topic: [function] for function in target.functions for push in function.pushes}
    all_ = [function for function in target.functions if PUBLISH in function.roles]
    return dict.fromkeys(TRIGGER_TOPICS, all_) | own


def secret(target: Target) -> None:
    """Makes the key that seals car credentials, once, and lets only those read it and the operator's own who must."""
    there = secrets_there(target)
    if SECRET not in there:
        place = ("--replication-policy=user-managed", f"--locations={target.region}")
        target.gcloud.change("secrets", "create", SECRET, *place)
    if not target.gcloud.rows("secrets", "versions", "list", SECRET, "--filter=state=ENABLED"):
        target.gcloud.change("secrets", "versions", "add", SECRET, "--data-file=-", stdin=_new_key)
    readers: dict[str, set[tuple[str, str]]] = {}
    for function in target.functions:
        for name in function.secrets_among(there):
            readers.setdefault(name, set()).add((READ_SECRET, target.member(function.account)))
    for name, wanted in readers.items():
        bind(target, ("secrets",), name, wanted, target.gcloud.bindings("secrets", "get-iam-policy", name))


def secrets_there(target: Target) -> set[str]:
    """The names of the project's secrets."""
    return {short(row["name"]) for row in target.gcloud.rows("secrets", "list")}


def bind(
    target: Target,
    kind: tuple[str, ...],
    name: str,
    wanted: set[tuple[str, str]],
    there: set[tuple[str, str]],
    where: tuple[str, ...] = (),
) -> None:
    """Adds the bindings of role and member that are wanted and not there, and removes those that are the other way."""
    for verb, pairs in (("add", wanted - there), ("remove", there - wanted)):
        for role, member in sorted(pairs):
            # A project's policy may hold conditions, and then gcloud asks which one is meant.
            unconditional = ("--condition=None",) if kind == ("projects",) else ()
            call = (*kind, f"{verb}-iam-policy-binding", name, *where, f"--member={member}", f"--role={role}")
            target.gcloud.change(*call, *unconditional)


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()
