"""The steps of the database: Firestore in native mode, recovery, backups, indexes. Nothing here ever deletes data."""

from typing import Any

from tools.deploy.gcloud import Failed, short
from tools.deploy.indexes import EXPIRING, INDEXES, NOT_INDEXED, Index
from tools.deploy.target import Target

DATABASE = "--database=(default)"
BACKUPS_KEPT_DAYS = 14
DAY_S = 24 * 3600
INDEX_LOOKS = 200


def database(target: Target) -> None:
    """Makes the database, or mends what protects it: deletion protection and point-in-time recovery."""
    there = [row for row in target.gcloud.rows("firestore", "databases", "list") if row["name"].endswith("/(default)")]
    protection = ("--delete-protection", "--enable-pitr")
    if not there:
        place = (f"--location={target.firestore_location}", "--type=firestore-native")
        target.gcloud.change("firestore", "databases", "create", DATABASE, *place, *protection)
        return
    if there[0]["type"] != "FIRESTORE_NATIVE":
        mend = "`gcloud firestore databases update --type=firestore-native` while it is empty, or another --project"
        raise Failed(f"The database of {target.project} is in Datastore mode: {mend}.")
    right = {
        "deleteProtectionState": "DELETE_PROTECTION_ENABLED",
        "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    }
    if any(there[0].get(name) != value for name, value in right.items()):
        target.gcloud.change("firestore", "databases", "update", DATABASE, *protection)


def backups(target: Target) -> None:
    """A backup each day, kept for a fortnight."""
    rows = target.gcloud.rows("firestore", "backups", "schedules", "list", DATABASE)
    daily = [row for row in rows if "dailyRecurrence" in row]
    keep = f"--retention={BACKUPS_KEPT_DAYS}d"
    if not daily:
        target.gcloud.change("firestore", "backups", "schedules", "create", DATABASE, "--recurrence=daily", keep)
    elif float(daily[0]["retention"].rstrip("s")) < BACKUPS_KEPT_DAYS * DAY_S:
        schedule = f"--backup-schedule={short(daily[0]['name'])}"
        target.gcloud.change("firestore", "backups", "schedules", "update", DATABASE, schedule, keep)


def indexes(target: Target) -> None:
    """Makes the composite indexes that are missing. They are built while the other steps go on."""
    there = {_index_of(row) for row in target.gcloud.rows("firestore", "indexes", "composite", "list", DATABASE)}
    for index in INDEXES:
        if index not in there:
            scope = "collection-group" if index.group else "collection"
            fields = [f"--field-config=field-path={name},order={order}" for name, order in index.fields]
            call = ("firestore", "indexes", "composite", "create", DATABASE, f"--collection-group={index.collection}")
            target.gcloud.change(*call, f"--query-scope={scope}", *fields, "--async")


def exemptions(target: Target) -> None:
    """Takes the automatic indexes from the fields that need none."""
    rows = target.gcloud.rows("firestore", "indexes", "fields", "list", DATABASE)
    there = {_field_of(row) for row in rows if not row.get("indexConfig", {}).get("indexes")}
    for collection, fields in NOT_INDEXED.items():
        for field in fields:
            if (collection, field) not in there:
                call = ("firestore", "indexes", "fields", "update", field, f"--collection-group={collection}", DATABASE)
                target.gcloud.change(*call, "--disable-indexes", "--async")


def expiry(target: Target) -> None:
    """Has Firestore delete the documents whose time is over, so that they do not grow for ever."""
    rows = target.gcloud.rows("firestore", "fields", "ttls", "list", DATABASE)
    there = {_field_of(row) for row in rows if row.get("ttlConfig")}
    for collection, field in EXPIRING.items():
        if (collection, field) not in there:
            call = ("firestore", "fields", "ttls", "update", field, f"--collection-group={collection}", DATABASE)
            target.gcloud.change(*call, "--enable-ttl", "--async")


def indexes_ready(target: Target) -> None:
    """Waits until the indexes are built: before that, the queries that need them fail."""

    def ready() -> bool:
        rows = target.gcloud.rows("firestore", "indexes", "composite", "list", DATABASE)
        return {_index_of(row) for row in rows if row["state"] == "READY"} >= set(INDEXES)

    if not target.gcloud.wait(ready, INDEX_LOOKS):
        raise Failed("The indexes are still being built: run the same command again in a while.")


def _field_of(row: dict[str, Any]) -> tuple[str, ...]:
    """The collection and the name of a field that was set apart."""
    return tuple(row["name"].split("/collectionGroups/")[1].split("/fields/"))


def _index_of(row: dict[str, Any]) -> Index:
    fields = [
        (field["fieldPath"], field["order"].lower())
        for field in row["fields"]
        if field["fieldPath"] != "__name__" and "order" in field
    ]
    collection = row["name"].split("/collectionGroups/")[1].split("/")[0]
    return Index(collection, tuple(fields), row["queryScope"] == "COLLECTION_GROUP")
