"""Owns what an operator sets by environment variable, and the defaults.

All of it is read and checked once, when an instance starts: using a setting calls nothing, and a wrong one stops the
instance before it serves anybody.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, cast, get_args

import msgspec

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
# About thirty years: added to a moment of today it is still a moment.
LONGEST_S = 1_000_000_000

# How many requests a minute: of a user's phone, of all else that they call, and of an address without a valid key.
LIMITS = {"LIMIT_USER_WEBHOOKS": 1500, "LIMIT_USER_CALLS": 600, "LIMIT_ADDRESS_FAILURES": 300}
NUMBERS = {**LIMITS, "PROXIES_IN_FRONT": 0, "SMTP_PORT": 0}

# A call of the scheduler that asks for so many polls takes a few seconds and leaves the others to its shards.
SHARD_FROM = 5000

GEOCODERS = "pdok,nominatim"
# Settings that are words; the deployment hands them on as it does the seconds.
TEXTS = ("GEOCODERS", "GEOCODER_CONTACT", "TSA_URL", "SMTP_HOST", "SMTP_SECURITY", "SMTP_USER", "SMTP_FROM")

Security = Literal["starttls", "tls", "none"]
SMTP_PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
LOOPBACK = ("127.0.0.1", "::1", "localhost")
HIGHEST_PORT = 65535
ADDRESS = re.compile(r"[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+")


class WrongSetting(SystemExit):
    """A setting holds what it cannot: nothing can be served, and the process ends with the sentence that says so."""


class Smtp(msgspec.Struct, frozen=True):
    """The server that takes e-mails, how it is spoken to, the login there if it wants one, and the sender's address."""

    host: str
    port: int
    security: Security
    user: str
    sender: str

    @property
    def domain(self) -> str:
        """What is behind the @ of the sender."""
        return self.sender.rpartition("@")[2]


class Settings(msgspec.Struct, frozen=True):
    """What holds in this instance.

    `limits` are requests a minute by the name of their setting, 0 for no limit; `geocoders` are asked in their order;
    at `tsa_url` a closed year is stamped with the time (None: nowhere). Without a `project_id` the client libraries
    find the Google Cloud project by themselves, and without `smtp` nobody is sent an e-mail.
    """

    rules: Rules
    car_timeout_s: float
    lost_login_counts_for: timedelta
    geocoder_timeout_s: float
    user_cache_s: float
    limits: Mapping[str, int]
    proxies_in_front: int
    shard_from: int
    geocoders: tuple[str, ...]
    tsa_url: str | None
    project_id: str | None
    smtp: Smtp | None


def read_anew() -> None:
    """Reads and checks all settings, for who has changed the environment of this process. Raises WrongSetting."""
    global current  # noqa: PLW0603 - one reading for the whole instance
    current = _read()


def _read() -> Settings:
    waits = ("POLL_EVERY_S", "POLL_AFTER_END_S", "END_GRACE_S", "RESUME_WITHIN_S", "STALE_AFTER_S")
    return Settings(
        rules=Rules(*(timedelta(seconds=_seconds(name)) for name in waits)),
        car_timeout_s=_seconds("CAR_TIMEOUT_S"),
        lost_login_counts_for=timedelta(seconds=_seconds("LOST_LOGIN_COUNTS_S")),
        geocoder_timeout_s=_seconds("GEOCODER_TIMEOUT_S"),
        user_cache_s=_seconds("USER_CACHE_S"),
        limits={name: _whole_number(name, default) for name, default in LIMITS.items()},
        proxies_in_front=_whole_number("PROXIES_IN_FRONT", NUMBERS["PROXIES_IN_FRONT"]),
        shard_from=_whole_number("SHARD_FROM", SHARD_FROM, least=1),
        # Also by spaces: gcloud takes a comma for the end of a setting.
        geocoders=tuple(os.environ.get("GEOCODERS", GEOCODERS).replace(",", " ").split()),
        tsa_url=_address("TSA_URL"),
        project_id=os.environ.get("GOOGLE_CLOUD_PROJECT") or None,
        smtp=_smtp(),
    )


def _smtp() -> Smtp | None:
    host, user = os.environ.get("SMTP_HOST") or "", os.environ.get("SMTP_USER") or ""
    security = _security(host)
    port = _whole_number("SMTP_PORT", NUMBERS["SMTP_PORT"]) or SMTP_PORTS[security]
    if port > HIGHEST_PORT:
        raise WrongSetting(f"SMTP_PORT must be a port up to {HIGHEST_PORT}, not {port}.")
    if not host:
        return None
    sender = os.environ.get("SMTP_FROM") or user
    if not ADDRESS.fullmatch(sender):
        raise WrongSetting(f"SMTP_FROM must be the e-mail address that mails come from, not {sender!r}.")
    return Smtp(host, port, security, user, sender)


def _security(host: str) -> Security:
    """How the server is spoken to. Who is not on this machine is told nothing that others could read on the way."""
    security = os.environ.get("SMTP_SECURITY") or "starttls"
    if security not in get_args(Security):
        raise WrongSetting(f"SMTP_SECURITY must be starttls, tls or none, not {security!r}.")
    if security == "none" and host and host not in LOOPBACK:
        raise WrongSetting(f"SMTP_SECURITY can be none for a server on this machine only, not for {host!r}.")
    return cast(Security, security)


def _seconds(name: str) -> float:
    text = os.environ.get(name) or DEFAULTS_S[name]
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST_S:
        raise WrongSetting(f"{name} must be a number of seconds from 0 to {LONGEST_S}, not {text!r}.")
    return value


def _address(name: str) -> str | None:
    text = os.environ.get(name) or None
    if text and not text.startswith(("https://", "http://")):
        raise WrongSetting(f"{name} must be an address that begins with https:// or http://, not {text!r}.")
    return text


def _whole_number(name: str, default: int, least: int = 0) -> int:
    text = os.environ.get(name) or default
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise WrongSetting(f"{name} must be a whole number from {least} on, not {text!r}.")
    return value


current = _read()
