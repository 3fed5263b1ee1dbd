"""The steps of what runs: the functions, who may call them, the poller's trigger, the schedules."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from tools.deploy.bundle import digest, stage
from tools.deploy.foundation import bind, secrets_there
from tools.deploy.functions import (
    BUILD,
    CRON,
    MAKE_TOKENS,
    PUBLISH,
    ROOT,
    TRIGGER,
    Function,
    Push,
    Schedule,
    dead_letters,
)
from tools.deploy.gcloud import Failed, short
from tools.deploy.target import Target

RUNTIME = "python313"
# As long as Pub/Sub allows: a poll that takes its time is not sent a second time meanwhile.
ACK_DEADLINE_S = 600
# The poller drops what asks for a daily look over six hours ago, and any other poll sooner: nothing older is kept.
RETENTION_S = 6 * 3600
DELIVERY_ATTEMPTS = 10
RETRY_DELAYS_S = (1, 60)
INVOKER = "roles/run.invoker"


def functions(target: Target, at_once: int, force: bool) -> None:
    """Deploys each function whose bundle or settings differ from those that run, a few at a time; forced, every one."""
    there, own = {} if force else _services(target), secrets_there(target)
    with ThreadPoolExecutor(1 if target.gcloud.dry_run else at_once) as pool:
        under_way = [pool.submit(_deploy, target, each, there.get(each.service), own) for each in target.functions]
        try:
            for deployed in under_way:
                deployed.result()
        except Failed:
            pool.shutdown(cancel_futures=True)
            raise


def _services(target: Target) -> dict[str, dict[str, Any]]:
    """What runs, by the names of the Cloud Run services that carry the functions."""
    rows = target.gcloud.rows("run", "services", "list", f"--region={target.region}")
    return {row["metadata"]["name"]: row for row in rows}


def _deploy(target: Target, function: Function, there: dict[str, Any] | None, own_secrets: set[str]) -> None:
    arguments = _arguments(target, function, own_secrets)
    # The next run compares it: what is built of the same files with the same settings need not be built again.
    environment = _environment(target, function)
    told = [digest(function.name), *arguments, *map(str, sorted(environment.items()))]
    version = sha256("\n".join(told).encode()).hexdigest()[:32]
    if there and _runs(there, version):
        return
    if not target.gcloud.dry_run:
        stage(function.name, ROOT / target.bundle(function.name))
    environment["VERSION"] = version
    variables = f"--set-env-vars={','.join(f'{name}={value}' for name, value in environment.items())}"
    place = (f"--region={target.region}", f"--source={target.bundle(function.name)}")
    target.gcloud.change("functions", "deploy", function.name, *place, *arguments, variables)
    if not target.gcloud.dry_run:
        print(f"{function.name} ", end="", flush=True)


def _runs(service: dict[str, Any], version: str) -> bool:
    """Whether the newest revision is of this version and serves."""
    variables = service["spec"]["template"]["spec"]["containers"][0].get("env", [])
    ready = [entry["status"] for entry in service["status"].get("conditions", []) if entry["type"] == "Ready"]
    return {"name": "VERSION", "value": version} in variables and ready == ["True"]


def _environment(target: Target, function: Function) -> dict[str, str]:
    # As many threads as requests that may come at once: else they would wait for each other in the instance.
    return {"GOOGLE_CLOUD_PROJECT": target.project, "THREADS": str(function.concurrency), **target.settings}


def _arguments(target: Target, function: Function, own_secrets: set[str]) -> list[str]:
    held = ",".join(f"{name}={name}:latest" for name in function.secrets_among(own_secrets))
    secrets = [f"--set-secrets={held}"] if held else ["--clear-secrets"]
    return [
        "--gen2",
        f"--runtime={RUNTIME}",
        f"--entry-point={function.name}",
        f"--memory={function.memory_mib}Mi",
        "--cpu=1",
        f"--concurrency={function.concurrency}",
        f"--min-instances={function.min_instances}",
        f"--max-instances={function.max_instances}",
        f"--timeout={function.timeout_s}s",
        f"--service-account={target.email(function.account)}",
        f"--build-service-account=projects/{target.project}/serviceAccounts/{target.email(BUILD)}",
        *secrets,
        *_trigger_arguments(target, function),
    ]


def _trigger_arguments(target: Target, function: Function) -> list[str]:
    if function.trigger == "topic":
        account = f"--trigger-service-account={target.email(TRIGGER)}"
        return [f"--trigger-topic={function.topic}", "--retry", account, "--ingress-settings=internal-only"]
    if not function.is_public:
        return ["--trigger-http", "--no-allow-unauthenticated", "--ingress-settings=internal-only"]
    return ["--trigger-http", "--allow-unauthenticated", "--ingress-settings=all"]


def callers(target: Target) -> None:
    """Public functions are open to all, who then need a key of ours; each other one to one service account alone."""
    callers_of = {"everybody": "allUsers", "scheduler": target.member(CRON), "pubsub": target.member(TRIGGER)}
    for function in target.functions:
        where = f"--region={target.region}"
        policy = target.gcloud.bindings("run", "services", "get-iam-policy", function.service, where)
        there = {pair for pair in policy if pair[0] == INVOKER}
        wanted = {(INVOKER, callers_of[function.callers])}
        bind(target, ("run", "services"), function.service, wanted, there, (where,))


def trigger(target: Target) -> None:
    """Sets how messages are delivered: the poller's with ack deadline, retries, and where those go that never succeed.

    Those that a function publishes for itself are posted to it, by the account that may call it.
    """
    if any(function.pushes for function in target.functions):
        _have_tokens_made(target)
    for function in target.functions:
        if function.topic:
            _deliver(target, _subscription(target, function), dead_letters(function.topic))
        if function.pushes:
            url = _url(function, _services(target))
            for push in function.pushes:
                _push(target, function, push, url)


def _url(function: Function, services: dict[str, dict[str, Any]]) -> str:
    """The address at which Cloud Scheduler and Pub/Sub get past the function's ingress; not the other one it has."""
    url: str = services[function.service]["status"]["url"] if services else f"https://URL_OF_{function.service}"
    return url


def _have_tokens_made(target: Target) -> None:
    """Pub/Sub makes the tokens by which a function knows the account. Projects made before April 2021 need it said."""
    account, agent = target.email(CRON), _agent(target)
    made = target.gcloud.bindings("iam", "service-accounts", "get-iam-policy", account) & {(MAKE_TOKENS, agent)}
    bind(target, ("iam", "service-accounts"), account, {(MAKE_TOKENS, agent)}, made)


def _push(target: Target, function: Function, push: Push, url: str) -> None:
    gcloud, (least_s, most_s) = target.gcloud, RETRY_DELAYS_S
    account = target.email(CRON)
    wanted = {
        "pushConfig": {
            "pushEndpoint": url + push.path,
            "oidcToken": {"serviceAccountEmail": account, "audience": url},
        },
        "ackDeadlineSeconds": function.timeout_s,
        "messageRetentionDuration": f"{push.kept_s}s",
        "retryPolicy": {"minimumBackoff": f"{least_s}s", "maximumBackoff": f"{most_s}s"},
    }
    rows = gcloud.rows("pubsub", "subscriptions", "list")
    found: dict[str, Any] = next((row for row in rows if short(row["name"]) == push.topic), {})
    held = {name: found.get("pushConfig", {}).get(name) for name in wanted["pushConfig"]}  # type: ignore[attr-defined]
    if {**{name: found.get(name) for name in wanted}, "pushConfig": held} == wanted:
        return
    gcloud.change(
        *("pubsub", "subscriptions", "update" if found else "create", push.topic),
        *([] if found else [f"--topic={push.topic}"]),
        f"--push-endpoint={url}{push.path}",
        f"--push-auth-service-account={account}",
        f"--push-auth-token-audience={url}",
        f"--ack-deadline={function.timeout_s}",
        f"--message-retention-duration={push.kept_s}s",
        f"--min-retry-delay={least_s}s",
        f"--max-retry-delay={most_s}s",
        "--expiration-period=never",
    )


def _subscription(target: Target, function: Function) -> str:
    """The subscription that Eventarc made for the function's trigger."""
    rows = target.gcloud.rows("functions", "list", f"--regions={target.region}", "--v2")
    names = [row["eventTrigger"]["trigger"] for row in rows if short(row["name"]) == function.name]
    name = short(names[0]) if names else f"TRIGGER_OF_{function.name}"
    found = target.gcloud.read("eventarc", "triggers", "describe", name, f"--location={target.region}")
    path: str = found["transport"]["pubsub"]["subscription"] if found else f"SUBSCRIPTION_OF_{function.name}"
    return short(path)


def _deliver(target: Target, subscription: str, dead: str) -> None:
    gcloud, dead_topic = target.gcloud, f"projects/{target.project}/topics/{dead}"
    least_s, most_s = RETRY_DELAYS_S
    wanted = {
        "ackDeadlineSeconds": ACK_DEADLINE_S,
        "messageRetentionDuration": f"{RETENTION_S}s",
        "retryPolicy": {"minimumBackoff": f"{least_s}s", "maximumBackoff": f"{most_s}s"},
        "deadLetterPolicy": {"deadLetterTopic": dead_topic, "maxDeliveryAttempts": DELIVERY_ATTEMPTS},
    }
    found = gcloud.read("pubsub", "subscriptions", "describe", subscription) or {}
    if any(found.get(name) != value for name, value in wanted.items()):
        gcloud.change(
            *("pubsub", "subscriptions", "update", subscription),
            f"--ack-deadline={ACK_DEADLINE_S}",
            f"--message-retention-duration={RETENTION_S}s",
            f"--min-retry-delay={least_s}s",
            f"--max-retry-delay={most_s}s",
            f"--dead-letter-topic={dead}",
            f"--max-delivery-attempts={DELIVERY_ATTEMPTS}",
        )
    # Pub/Sub itself moves a dead letter: it publishes it and takes it off the subscription.
    agent = _agent(target)
    for kind, name, role in (
        ("topics", dead, PUBLISH),
        ("subscriptions", subscription, "roles/pubsub.subscriber"),
    ):
        there = gcloud.bindings("pubsub", kind, "get-iam-policy", name) & {(role, agent)}
        bind(target, ("pubsub", kind), name, {(role, agent)}, there)


def _agent(target: Target) -> str:
    """The account by which Pub/Sub itself acts."""
    return f"serviceAccount:service-{target.number}@gcp-sa-pubsub.iam.gserviceaccount.com"


def schedules(target: Target) -> None:
    """Makes or mends the jobs of Cloud Scheduler; one that an operator has paused stays paused."""
    where = f"--location={target.scheduler_region}"
    there = {short(row["name"]): row for row in target.gcloud.rows("scheduler", "jobs", "list", where)}
    services = _services(target)
    for function in target.functions:
        for schedule in function.schedules:
            _schedule(target, function, schedule, _url(function, services), there.get(schedule.job))


def _schedule(target: Target, function: Function, schedule: Schedule, url: str, there: dict[str, Any] | None) -> None:
    account, deadline = target.email(CRON), f"{function.timeout_s}s"
    wanted = {
        "schedule": schedule.cron,
        "timeZone": "Etc/UTC",
        "attemptDeadline": deadline,
        "httpTarget": {
            "uri": url + schedule.path,
            "httpMethod": "POST",
            "oidcToken": {"serviceAccountEmail": account, "audience": url},
        },
    }
    if there:
        held = {name: there["httpTarget"].get(name) for name in wanted["httpTarget"]}
        if {**{name: there.get(name) for name in wanted}, "httpTarget": held} == wanted:
            return
    target.gcloud.change(
        *("scheduler", "jobs", "update" if there else "create", "http", schedule.job),
        f"--location={target.scheduler_region}",
        f"--schedule={schedule.cron}",
        "--time-zone=Etc/UTC",
        f"--uri={url}{schedule.path}",
        "--http-method=POST",
        f"--oidc-service-account-email={account}",
        f"--oidc-token-audience={url}",
        f"--attempt-deadline={deadline}",
    )
