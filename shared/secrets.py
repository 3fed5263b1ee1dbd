"""Owns the sealing of car credentials: MultiFernet, with keys from CREDENTIALS_KEYS (newest first, by commas)."""

import json
import os
from typing import Any


class NoKeys(RuntimeError):
    """There is no key to seal or open with."""


class Unreadable(Exception):
    """None of the keys opens a seal."""


def seal(values: dict[str, Any]) -> str:
    """The values encrypted and authenticated. Raises NoKeys where no key is set."""
    return str(_box(_keys()).encrypt(json.dumps(values).encode()), "ascii")


def unseal(sealed: str) -> dict[str, Any]:
    """The values that were sealed. Raises Unreadable where no key fits."""
    values: dict[str, Any] = json.loads(_opened(sealed, _keys()))
    return values


def reseal(sealed: str) -> str | None:
    """The same values sealed with the newest key, or None where they are already. Raises Unreadable."""
    keys = _keys()
    try:
        _opened(sealed, keys[:1])
    except Unreadable:
        _opened(sealed, keys)
        return str(_box(keys).rotate(sealed.encode()), "ascii")
    return None


def _opened(sealed: str, keys: list[str]) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        opened: bytes = _box(keys).decrypt(sealed.encode())
    except InvalidToken:
        raise Unreadable("none of CREDENTIALS_KEYS opens it") from None
    return opened


def _keys() -> list[str]:
    keys = [key for key in os.environ.get("CREDENTIALS_KEYS", "").split(",") if key]
    if not keys:
        raise NoKeys("CREDENTIALS_KEYS is not set: car credentials cannot be read or stored")
    return keys


def _box(keys: list[str]) -> Any:
    # Only polls and the operator need this, and it takes a while to import.
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise NoKeys("CREDENTIALS_KEYS holds what is no key: each is 32 random bytes in base64") from error
