"""Owns what a deployment is told: project, regions and settings, from the command line and a file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from shared.geocoding.geocoder import GEOCODERS
from shared.settings import DEFAULTS_S, LONGEST_S, NUMBERS, TEXTS
from tools.deploy.functions import BUILD, CRON, FUNCTIONS, TRIGGER, Function
from tools.deploy.gcloud import Failed, Gcloud

REGION = "europe-west4"
PLACEHOLDER = "your-project"
PLACES = ("PROJECT", "REGION", "SCHEDULER_REGION", "FIRESTORE_LOCATION")


class Target(NamedTuple):
    """Where to deploy, and what the functions are told there.

    `number` is the project's, which Google gives it; `folder` is where bundles and the operator's environment go.
    """

    gcloud: Gcloud
    region: str
    scheduler_region: str
    firestore_location: str
    settings: Mapping[str, str]
    number: str = "PROJECT_NUMBER"
    functions: tuple[Function, ...] = FUNCTIONS
    folder: Path = Path(".deploy")

    @property
    def project(self) -> str:
        """The project's id."""
        return self.gcloud.project

    def bundle(self, function: str) -> Path:
        """Where the function's bundle is put together, from the project's root."""
        return self.folder / "bundles" / function

    @property
    def environment(self) -> Path:
        """The file to source before tools.admin, from the project's root."""
        return self.folder / "env"

    def accounts(self) -> dict[str, str]:
        """The service accounts by name, with what each is for: one for each function, and those of the plumbing."""
        own = {function.account: f"Mileage log: function {function.name}" for function in FUNCTIONS}
        return own | {
            CRON: "Mileage log: Cloud Scheduler",
            TRIGGER: "Mileage log: trigger of the poller",
            BUILD: "Mileage log: builds of functions",
        }

    def email(self, account: str) -> str:
        """The address of a service account of this project."""
        return f"{account}@{self.project}.iam.gserviceaccount.com"

    def member(self, account: str) -> str:
        """A service account of this project, as IAM names it."""
        return f"serviceAccount:{self.email(account)}"

    def url(self, function: str) -> str:
        """Where callers find a function."""
        return f"https://{self.region}-{self.project}.cloudfunctions.net/{function}"


def settings_of(file: Path) -> dict[str, str]:
    """The settings that the file holds; none if it is not there. Raises Failed for a bad line.

    The environment has no say: what happens to be set in a shell must not decide where to deploy.
    """
    found = {}
    for number, line in enumerate(file.read_text().splitlines() if file.exists() else [], 1):
        text = line.split("#")[0].strip().removeprefix("export ")
        name, given, value = text.partition("=")
        if text and name.strip() not in (*PLACES, *DEFAULTS_S, *NUMBERS, *TEXTS):
            raise Failed(f"{file.name}, line {number}: no setting is called {name.strip()!r}; see docs/deploy.md.")
        if text and not given:
            raise Failed(f"{file.name}, line {number}: {name} has no value; write {name}=value.")
        if text:
            found[name.strip()] = value.strip().strip("'\"")
    return found


def target(settings: Mapping[str, str], dry_run: bool) -> Target:
    """The target that the settings describe. Raises Failed where the project is missing or a value is no good."""
    project = settings.get("PROJECT") or (PLACEHOLDER if dry_run else "")
    if not re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", project):
        why = f"{project} is not the id of a project" if project else "No project is named"
        raise Failed(f"{why}: say --project ID, or PROJECT=ID in deploy.env; `gcloud projects list` shows yours.")
    for name in DEFAULTS_S:
        text = settings.get(name, "0")
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or float(text) > LONGEST_S:
            raise Failed(f"{name} must be a number of seconds from 0 to {LONGEST_S}, not {text!r}.")
    for name in NUMBERS:
        if name in settings and not re.fullmatch(r"[0-9]+", settings[name]):
            raise Failed(f"{name} must be a whole number from 0 on, not {settings[name]!r}.")
    # gcloud takes a comma for the end of a setting, and an = in a value for nothing good.
    texts = {name: settings[name].replace(",", " ") for name in TEXTS if name in settings}
    if wrong := [name for name, text in texts.items() if not re.fullmatch(r"[\w.+@:/ -]*", text)]:
        raise Failed(f"{wrong[0]} can have letters, digits, spaces and . + - @ : / only, not {settings[wrong[0]]!r}.")
    if unknown := set(texts.get("GEOCODERS", "").split()) - set(GEOCODERS):
        raise Failed(f"No geocoder is called {min(unknown)!r}: there are {', '.join(GEOCODERS)}.")
    region = settings.get("REGION") or REGION
    return Target(
        gcloud=Gcloud(project, dry_run),
        region=region,
        scheduler_region=settings.get("SCHEDULER_REGION") or region,
        firestore_location=settings.get("FIRESTORE_LOCATION") or region,
        settings={name: settings[name] for name in (*DEFAULTS_S, *NUMBERS) if name in settings} | texts,
    )
