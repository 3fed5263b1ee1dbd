"""Gives keys to users, takes them away and lists them."""

import argparse
from datetime import UTC, datetime

from shared.services import keys as service
from tools.admin import phone, store


def add_key(options: argparse.Namespace) -> None:
    """Gives a user one more key and prints it, once; of a webhook key also the URLs for the phone."""
    store.user(options.email)
    made = service.make(options.scope, options.label, datetime.now(UTC))
    told = (phone.told(options.email, made.key) or [phone.NO_URLS]) if options.scope == "webhook" else []
    service.keep(options.email, made)
    phone.tell(told, made)


def revoke_key(options: argparse.Namespace) -> None:
    """Takes a key from a user; instances in the cloud may still know it for a minute."""
    store.user(options.email)
    service.revoke(options.email, options.key_id)
    print(f"revoked: {options.key_id}")


def list_keys(options: argparse.Namespace) -> None:
    """Lists a user's keys, never the keys themselves."""
    for key_id, key in sorted(store.user(options.email).keys.items()):
        used = f"last used on {key.last_used_on}" if key.last_used_on else "never used"
        print(f"{key_id}  {key.scope:8}  {used}  {key.label}")
