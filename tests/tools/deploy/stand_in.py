"""Stands in for the program gcloud: keeps a project in a file, records each call, and knows no others than those here.

It answers as the real one does, as far as the deployment looks, and refuses what the real cloud would refuse: a role
for an account that is not there, a function whose API is not enabled. The program `gcloud` that a test puts on the
PATH only hands its call to the process of the test: a deployment makes over a hundred calls, and a fresh Python for
each took a sixth of all tests' time.
"""

import json
import shlex
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from socketserver import StreamRequestHandler, TCPServer
from threading import Thread
from typing import Any, NamedTuple

EMPTY: dict[str, Any] = {
    "login": True,
    "billing": True,
    "apis": [],
    "accounts": [],
    "databases": [],
    "backups": [],
    "indexes": [],
    "fields": [],
    "ttls": [],
    "topics": [],
    "subscriptions": {},
    "secrets": {},
    "functions": {},
    "services": {},
    "jobs": {},
    "exclusions": {},
    "policies": {},
}
NUMBER = "123456789012"


class Refused(Exception):
    """What the cloud says no to."""


class Left(NamedTuple):
    """What a program leaves."""

    code: int
    out: str = ""
    errors: str = ""


class Call:
    """The words and flags of a call, and what came by its standard input."""

    def __init__(self, arguments: Sequence[str], stdin: str) -> None:
        self.stdin = stdin
        self.words = [word for word in arguments if not word.startswith("--")]
        given = [word[2:].partition("=") for word in arguments if word.startswith("--")]
        self.flags: dict[str, list[str]] = {}
        for name, _, value in given:
            self.flags.setdefault(name, []).append(value)

    def flag(self, name: str) -> str:
        """The value of a flag that is given once."""
        (value,) = self.flags[name]
        return value


def need(holds: object, what: str) -> None:
    """Refuses a call where something it stands on is missing."""
    if not holds:
        raise Refused(f"NOT_FOUND: {what} does not exist")


def answer(cloud: dict[str, Any], call: Call) -> Any:  # noqa: PLR0912, PLR0915 - the index of all calls
    """What the call says, after it did to the project what it asks."""
    project = call.flag("project")
    match call.words:
        case ["auth", "list"]:
            return [{"account": "operator@example.com", "status": "ACTIVE"}] if cloud["login"] else []
        case ["projects", "describe", name]:
            need(cloud.get("project", True), name)
            return {"projectId": name, "projectNumber": NUMBER}
        case ["billing", "projects", "describe", name]:
            return {"billingEnabled": cloud["billing"], "projectId": name}
        case ["services", "list"]:
            return [{"config": {"name": api}, "state": "ENABLED"} for api in cloud["apis"]]
        case ["services", "enable", *apis]:
            cloud["apis"] += apis
        case ["iam", "service-accounts", "list" | "create" | "delete", *_]:
            return accounts(cloud, call.words[2:], project)
        case ["firestore", *rest]:
            need("firestore.googleapis.com" in cloud["apis"], "the API firestore.googleapis.com")
            return firestore(cloud, rest, call, project)
        case ["pubsub", "topics" | "subscriptions" as kind, "list"]:
            names = cloud[kind]
            rows = cloud["subscriptions"].values() if kind == "subscriptions" else [{"name": name} for name in names]
            return [{**row, "name": f"projects/{project}/{kind}/{row['name']}"} for row in rows]
        case ["pubsub", "topics", "create", name]:
            cloud["topics"].append(name)
        case ["pubsub", "topics", "delete", name]:
            cloud["topics"].remove(name)
        case ["pubsub", "subscriptions", "create", name]:
            need(call.flag("topic") in cloud["topics"], call.flag("topic"))
            cloud["subscriptions"][name] = {"name": name, "topic": call.flag("topic")}
            if "push-endpoint" in call.flags:
                cloud["subscriptions"][name] |= pushed(cloud, call)
        case ["pubsub", "subscriptions", "delete", name]:
            del cloud["subscriptions"][name]
        case ["pubsub", "subscriptions", "describe", name]:
            need(name in cloud["subscriptions"], name)
            return cloud["subscriptions"][name]
        case ["pubsub", "subscriptions", "update", name] if "push-endpoint" in call.flags:
            cloud["subscriptions"][name] |= pushed(cloud, call)
        case ["pubsub", "subscriptions", "update", name]:
            need(call.flag("dead-letter-topic") in cloud["topics"], call.flag("dead-letter-topic"))
            cloud["subscriptions"][name] |= delivery(call, project)
        case ["secrets", "list"]:
            return [{"name": f"projects/{NUMBER}/secrets/{name}"} for name in cloud["secrets"]]
        case ["secrets", "create", name]:
            cloud["secrets"][name] = []
        case ["secrets", "versions", "list", name]:
            need(name in cloud["secrets"], name)
            return [{"name": str(n), "state": "ENABLED"} for n, _ in enumerate(cloud["secrets"][name])]
        case ["secrets", "versions", "add", name]:
            cloud["secrets"][name].append(call.stdin)
        case ["secrets", "versions", "access", "latest"]:
            return cloud["secrets"][call.flag("secret")][-1]
        case ["functions", *rest]:
            return functions(cloud, rest, call, project)
        case ["eventarc", "triggers", "describe", name]:
            return {
                "name": name,
                "transport": {"pubsub": {"subscription": f"projects/{project}/subscriptions/s-{name}"}},
            }
        case ["run", "services", "list"]:
            return list(cloud["services"].values())
        case ["logging", "sinks", verb, "_Default"]:
            need("logging.googleapis.com" in cloud["apis"], "the API logging.googleapis.com")
            return sink(cloud, verb, call)
        case ["scheduler", "jobs", *rest]:
            return jobs(cloud, rest, call, project)
        case [*kind, "get-iam-policy", name]:
            return {"bindings": bindings(cloud, "/".join([*kind, name]))}
        case [*kind, "add-iam-policy-binding" | "remove-iam-policy-binding" as verb, name]:
            bind(cloud, "/".join([*kind, name]), verb, call)
        case _:
            raise SystemExit(f"the stand-in knows no gcloud {' '.join(call.words)}")
    return None


def accounts(cloud: dict[str, Any], words: list[str], project: str) -> Any:
    match words:
        case ["list"]:
            return [{"email": email} for email in cloud["accounts"]]
        case ["create", name]:
            if not 6 <= len(name) <= 30 or not name.replace("-", "").isalnum():
                raise Refused(f"INVALID_ARGUMENT: {name}")
            cloud["accounts"].append(f"{name}@{project}.iam.gserviceaccount.com")
        case ["delete", email]:
            cloud["accounts"].remove(email)
    return None


def firestore(cloud: dict[str, Any], words: list[str], call: Call, project: str) -> Any:  # noqa: PLR0912
    root = f"projects/{project}/databases/(default)"
    if words[:2] not in (["databases", "list"], ["databases", "create"]):
        need(cloud["databases"], "the database")
    match words:
        case ["databases", "list"]:
            return cloud["databases"]
        case ["databases", "create" | "update" as verb]:
            kept = {"name": root, "type": "FIRESTORE_NATIVE"} if verb == "create" else cloud["databases"][0]
            if "delete-protection" in call.flags:
                kept["deleteProtectionState"] = "DELETE_PROTECTION_ENABLED"
            if "enable-pitr" in call.flags:
                kept["pointInTimeRecoveryEnablement"] = "POINT_IN_TIME_RECOVERY_ENABLED"
            cloud["databases"] = [kept]
        case ["backups", "schedules", "list"]:
            return cloud["backups"]
        case ["backups", "schedules", "create" | "update" as verb]:
            days = int(call.flag("retention").rstrip("d"))
            cloud["backups"] = [
                {"name": f"{root}/backupSchedules/1", "dailyRecurrence": {}, "retention": f"{days * 86400}s"}
            ]
        case ["indexes", "composite", "list"]:
            rows = json.loads(json.dumps(cloud["indexes"]))
            for row in cloud["indexes"]:
                row["state"] = "READY"  # one look later
            return rows
        case ["indexes", "composite", "create"]:
            fields = [dict(part.split("=") for part in field.split(",")) for field in call.flags["field-config"]]
            cloud["indexes"].append(
                {
                    "name": f"{root}/collectionGroups/{call.flag('collection-group')}/indexes/{len(cloud['indexes'])}",
                    "queryScope": call.flag("query-scope").upper().replace("-", "_"),
                    "state": "CREATING",
                    "fields": [
                        *({"fieldPath": field["field-path"], "order": field["order"].upper()} for field in fields),
                        {"fieldPath": "__name__", "order": fields[-1]["order"].upper()},
                    ],
                }
            )
        case ["indexes", "fields", "list"]:
            default = {"name": f"{root}/collectionGroups/__default__/fields/*", "indexConfig": {"indexes": [{}]}}
            return [default, *cloud["fields"]]
        case ["indexes", "fields", "update", name]:
            path = f"{root}/collectionGroups/{call.flag('collection-group')}/fields/{name}"
            cloud["fields"].append({"name": path, "indexConfig": {}})
        case ["fields", "ttls", "list"]:
            return cloud["ttls"]
        case ["fields", "ttls", "update", name]:
            need("enable-ttl" in call.flags, "--enable-ttl")
            path = f"{root}/collectionGroups/{call.flag('collection-group')}/fields/{name}"
            cloud["ttls"].append({"name": path, "ttlConfig": {"state": "CREATING"}})
        case _:
            raise SystemExit(f"the stand-in knows no gcloud firestore {' '.join(words)}")
    return None


def pushed(cloud: dict[str, Any], call: Call) -> dict[str, Any]:
    need(call.flag("push-auth-service-account") in cloud["accounts"], call.flag("push-auth-service-account"))
    token = {
        "serviceAccountEmail": call.flag("push-auth-service-account"),
        "audience": call.flag("push-auth-token-audience"),
    }
    endpoint = {"pushEndpoint": call.flag("push-endpoint"), "oidcToken": token, "attributes": {"x-goog-version": "v1"}}
    return {**waits(call), "pushConfig": endpoint}


def waits(call: Call) -> dict[str, Any]:
    return {
        "ackDeadlineSeconds": int(call.flag("ack-deadline")),
        "messageRetentionDuration": call.flag("message-retention-duration"),
        "retryPolicy": {
            "minimumBackoff": call.flag("min-retry-delay"),
            "maximumBackoff": call.flag("max-retry-delay"),
        },
    }


def delivery(call: Call, project: str) -> dict[str, Any]:
    return {
        **waits(call),
        "deadLetterPolicy": {
            "deadLetterTopic": f"projects/{project}/topics/{call.flag('dead-letter-topic')}",
            "maxDeliveryAttempts": int(call.flag("max-delivery-attempts")),
        },
    }


def functions(cloud: dict[str, Any], words: list[str], call: Call, project: str) -> Any:
    match words:
        case ["list"]:
            return list(cloud["functions"].values())
        case ["delete", name]:
            del cloud["functions"][name]
            del cloud["services"][name.replace("_", "-")]
            cloud["subscriptions"].pop(f"s-{name}-1", None)
        case ["deploy", name]:
            for api in ("cloudfunctions", "run", "cloudbuild", "artifactregistry", "eventarc"):
                need(f"{api}.googleapis.com" in cloud["apis"], f"the API {api}")
            for account in ("service-account", "build-service-account"):
                need(call.flag(account).split("/")[-1] in cloud["accounts"], call.flag(account))
            need(Path(call.flag("source"), "main.py").exists(), f"{call.flag('source')}/main.py")
            for secret in ",".join(call.flags.get("set-secrets", [])).split(","):
                need(not secret or cloud["secrets"].get(secret.split("=")[0]), secret)
            deploy(cloud, name, call, project)
    return None


def deploy(cloud: dict[str, Any], name: str, call: Call, project: str) -> None:
    service, region = name.replace("_", "-"), call.flag("region")
    made = {
        "name": f"projects/{project}/locations/{region}/functions/{name}",
        "state": "ACTIVE",
        "url": f"https://{region}-{project}.cloudfunctions.net/{name}",
    }
    if "trigger-topic" in call.flags:
        need(call.flag("trigger-topic") in cloud["topics"], call.flag("trigger-topic"))
        made["eventTrigger"] = {"trigger": f"projects/{project}/locations/{region}/triggers/{name}-1"}  # type: ignore[assignment]
        cloud["subscriptions"].setdefault(f"s-{name}-1", {"name": f"s-{name}-1", "ackDeadlineSeconds": 10})
    if "allow-unauthenticated" in call.flags:
        cloud["policies"].setdefault(f"run/services/{service}", {}).setdefault("roles/run.invoker", ["allUsers"])
    cloud["functions"][name] = made
    variables = [
        dict(zip(("name", "value"), pair.split("="), strict=True)) for pair in call.flag("set-env-vars").split(",")
    ]
    cloud["services"][service] = {
        "metadata": {"name": service},
        "spec": {"template": {"spec": {"containers": [{"env": variables}]}}},
        "status": {"url": f"https://{service}-abc.a.run.app", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def sink(cloud: dict[str, Any], verb: str, call: Call) -> Any:
    if verb == "update":
        for flag in ("add-exclusion", "update-exclusion"):
            for told in call.flags.get(flag, []):
                made = dict(part.split("=", 1) for part in told.split(","))
                need((made["name"] in cloud["exclusions"]) == (flag == "update-exclusion"), made["name"])
                # As the real one answers: without what is false.
                cloud["exclusions"][made["name"]] = {name: made[name] for name in ("name", "description", "filter")}
        for name in call.flags.get("remove-exclusions", []):
            del cloud["exclusions"][name]
    return {"name": "_Default", "exclusions": list(cloud["exclusions"].values())}


def jobs(cloud: dict[str, Any], words: list[str], call: Call, project: str) -> Any:
    match words:
        case ["list"]:
            return list(cloud["jobs"].values())
        case ["delete", name]:
            del cloud["jobs"][name]
        case ["create" | "update", "http", name]:
            need(call.flag("oidc-service-account-email") in cloud["accounts"], "the account")
            cloud["jobs"][name] = {
                "name": f"projects/{project}/locations/{call.flag('location')}/jobs/{name}",
                "schedule": call.flag("schedule"),
                "timeZone": call.flag("time-zone"),
                "attemptDeadline": call.flag("attempt-deadline"),
                "httpTarget": {
                    "uri": call.flag("uri"),
                    "httpMethod": call.flag("http-method"),
                    "oidcToken": {
                        "serviceAccountEmail": call.flag("oidc-service-account-email"),
                        "audience": call.flag("oidc-token-audience"),
                    },
                    "headers": {"User-Agent": "Google-Cloud-Scheduler"},
                },
                "state": "ENABLED",
            }
    return None


def bindings(cloud: dict[str, Any], name: str) -> list[dict[str, Any]]:
    policy = cloud["policies"].get(name, {})
    return [{"role": role, "members": members} for role, members in sorted(policy.items()) if members]


def bind(cloud: dict[str, Any], name: str, verb: str, call: Call) -> None:
    member, known = call.flag("member"), cloud["accounts"]
    ours = member.startswith("serviceAccount:mileage-")
    need(not ours or member.removeprefix("serviceAccount:") in known, member)
    kind, thing = name.rsplit("/", 1)
    holders = {"pubsub/topics": "topics", "pubsub/subscriptions": "subscriptions", "run/services": "services"}
    holders["iam/service-accounts"] = "accounts"
    need(kind not in holders or thing in cloud[holders[kind]], thing)
    members = cloud["policies"].setdefault(name, {}).setdefault(call.flag("role"), [])
    if verb.startswith("add"):
        members += [member] * (member not in members)
    else:
        members.remove(member)


def take(folder: Path, arguments: Sequence[str], stdin: str) -> Left:
    """One call: recorded, perhaps made to fail as the test wants it, answered."""
    with (folder / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    failing = json.loads((folder / "failing").read_text())
    for fault in failing:
        if fault["times"] and fault["call"] in " ".join(arguments):
            fault["times"] -= 1
            (folder / "failing").write_text(json.dumps(failing))
            return Left(1, errors=f"ERROR: {fault['says']}\n")
    cloud = json.loads((folder / "project").read_text())
    try:
        told = answer(cloud, Call(arguments, stdin))
    except Refused as error:
        return Left(1, errors=f"ERROR: (gcloud) {error}\n")
    except Exception:  # noqa: BLE001 - whoever calls is in another process, and is told
        return Left(1, errors=traceback.format_exc())
    (folder / "project").write_text(json.dumps(cloud))
    return Left(0, (told if isinstance(told, str) else json.dumps(told) if told is not None else "") + "\n")


class Desk(StreamRequestHandler):
    """Takes a call as the program writes it: the folder, how many arguments, these, the input, each ended by a NUL."""

    def handle(self) -> None:
        """Answers it: the code and the errors, each ended by a NUL, and the output."""
        folder, count = self._word(), int(self._word())
        code, out, errors = take(Path(folder), [self._word() for _ in range(count)], self._word())
        self.wfile.write(f"{code}\0{errors}\0{out}".encode())

    def _word(self) -> str:
        read = bytearray()
        while (byte := self.rfile.read(1)) not in (b"\0", b""):
            read += byte
        return read.decode()


class Desks(TCPServer):
    """One call after the other, however many come at once."""

    request_queue_size = 64


@cache
def desk_port() -> int:
    """Where this process takes calls, from the first question on."""
    server = Desks(("127.0.0.1", 0), Desk)
    Thread(target=server.serve_forever, daemon=True).start()
    port: int = server.server_address[1]
    return port


def put_program(file: Path, folder: Path) -> None:
    """Writes the program that stands in for gcloud with a project that is in a folder."""
    file.write_text(f"""#!/bin/bash
exec 3<> /dev/tcp/127.0.0.1/{desk_port()}
IFS= read -r -d '' stdin
printf '%s\\0' {shlex.quote(str(folder))} "$#" "$@" "$stdin" >&3
IFS= read -r -d '' code <&3 && IFS= read -r -d '' errors <&3
printf '%s' "$errors" >&2
cat <&3
exit "$code"
""")
    file.chmod(0o755)
