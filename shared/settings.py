"""Owns what an operator sets by environment variable, and the defaults."""

import os
from datetime import timedelta

from shared.domain.thresholds import Rules

DEFAULTS_S = {
    "POLL_EVERY_S": 300.0,
    "POLL_AFTER_END_S": 60.0,
    "END_GRACE_S": 900.0,
    "RESUME_WITHIN_S": 300.0,
    "STALE_AFTER_S": 7200.0,
    "CAR_TIMEOUT_S": 30.0,
    "LOST_LOGIN_COUNTS_S": 21600.0,
    "GEOCODER_TIMEOUT_S": 4.0,
    "USER_CACHE_S": 60.0,
}

# How many requests a minute: of a user's phone, of all else that they call, and of an address without a valid key.
LIMITS = {"LIMIT_USER_WEBHOOKS": 1500, "LIMIT_USER_CALLS": 600, "LIMIT_ADDRESS_FAILURES": 300}
NUMBERS = {**LIMITS, "PROXIES_IN_FRONT": 0}

# A call of the scheduler that asks for so many polls takes a few seconds and leaves the others to its shards.
SHARD_FROM = 5000

GEOCODERS = "pdok,nominatim"
# Settings that are words; the deployment hands them on as it does the seconds.
TEXTS = ("GEOCODERS", "GEOCODER_CONTACT")


def seconds(name: str) -> float:
    """A setting in seconds. Raises ValueError where it is not a number from 0 on."""
    value = float(os.environ.get(name) or DEFAULTS_S[name])
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} must be a number of seconds from 0 on, not {value}")
    return value


def whole_number(name: str) -> int:
    """A setting that counts something. Raises ValueError where it is not a whole number from 0 on."""
    value = int(os.environ.get(name) or NUMBERS[name])
    if value < 0:
        raise ValueError(f"{name} must be a whole number from 0 on, not {value}")
    return value


def rules() -> Rules:
    """The waits of the trip machine."""
    names = ("POLL_EVERY_S", "POLL_AFTER_END_S", "END_GRACE_S", "RESUME_WITHIN_S", "STALE_AFTER_S")
    return Rules(*(timedelta(seconds=seconds(name)) for name in names))


def geocoders() -> tuple[str, ...]:
    """The geocoders that find addresses, in the order in which they are asked; none where GEOCODERS is empty."""
    # Also by spaces: gcloud takes a comma for the end of a setting.
    return tuple(os.environ.get("GEOCODERS", GEOCODERS).replace(",", " ").split())


def shard_from() -> int:
    """So many polls the scheduler asks for by itself. Raises ValueError where it is not a number from 1 on."""
    value = int(os.environ.get("SHARD_FROM") or SHARD_FROM)
    if value < 1:
        raise ValueError(f"SHARD_FROM must be a number from 1 on, not {value}")
    return value


def project_id() -> str | None:
    """The Google Cloud project, or None where the client libraries find it by themselves."""
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or None
