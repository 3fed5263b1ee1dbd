"""Owns the sealing of car credentials: MultiFernet, with keys from CREDENTIALS_KEYS (newest first, by commas)."""

import json
import os
from typing import Any


def seal(values: dict[str, Any]) -> str:
    """The values encrypted and authenticated. Raises RuntimeError where no key is set."""
    return str(_box().encrypt(json.dumps(values).encode()), "ascii")


def unseal(sealed: str) -> dict[str, Any]:
    """The values that were sealed. Raises cryptography.fernet.InvalidToken where no key fits."""
    values: dict[str, Any] = json.loads(_box().decrypt(sealed.encode()))
    return values


def _box() -> Any:
    # Only polls and the operator need this, and it takes a while to import.
    from cryptography.fernet import Fernet, MultiFernet

    keys = [key for key in os.environ.get("CREDENTIALS_KEYS", "").split(",") if key]
    if not keys:
        raise RuntimeError("CREDENTIALS_KEYS is not set: car credentials cannot be read or stored")
    return MultiFernet([Fernet(key) for key in keys])
