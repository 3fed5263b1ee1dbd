"""Sets up cars, and seals all credentials anew."""

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from shared.domain import fitting
from shared.domain.car.car import Car
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import client
from shared.repositories.user_store import UserStore
from shared.services import cars as service
from tools.admin.store import Wrong, user

USERS_AT_ONCE, TELL_EVERY = 16, 100


def set_car(options: argparse.Namespace) -> None:
    """Sets up a car of a user, or changes what is said of it; the first one becomes the default."""
    email, car_id = user(options.email).email, fitting.car_id(options.car_id)
    if car_id is None:
        raise Wrong("car_id: is needed")
    said = {field: value for field in Car.__struct_fields__ if (value := getattr(options, field, None)) is not None}
    credentials = _object(options.credentials)
    service.put(email, car_id, said, options.default, credentials)
    print(f"car: {car_id}")


def rotate_credentials(options: argparse.Namespace) -> None:
    """Seals the credentials and tokens of all users with the newest of CREDENTIALS_KEYS; it can be repeated."""
    emails = AccountRepository(client()).emails()
    anew, already, unreadable = 0, 0, 0
    with ThreadPoolExecutor(USERS_AT_ONCE) as pool:
        resealed = pool.map(lambda email: UserStore(client(), email).cars.reseal(options.dry_run), emails)
        for number, (email, found) in enumerate(zip(emails, resealed, strict=True), 1):
            anew, already = anew + found.anew, already + found.already
            unreadable += len(found.unreadable)
            for part in found.unreadable:
                print(f"unreadable: {email} {part}")
            if number % TELL_EVERY == 0 or number == len(emails):
                print(f"{number} of {len(emails)} users", flush=True)
    print(f"{'would be rotated' if options.dry_run else 'rotated'}: {anew}, already new: {already}")
    if unreadable:
        raise Wrong(f"{unreadable} cannot be opened by any of CREDENTIALS_KEYS and were left as they are")


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Wrong("--credentials must be JSON") from error
    if not isinstance(found, dict):
        raise Wrong("--credentials must be a JSON object")
    return found
