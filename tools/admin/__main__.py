"""The operator's tool: users, keys, cars and places, the same here and in the cloud."""

import argparse
import io
import json
import os
import re
import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from shared.domain.places import Place
from shared.repositories.accounts import EMAIL, Account, AccountRepository, Key, Scope, hash_key, new_key
from shared.repositories.cars import Car
from shared.repositories.documents import client
from shared.repositories.places import SharedPlaceRepository
from shared.repositories.setup import Setup, set_up
from shared.repositories.user_store import UserStore
from tools.admin import phone

USERS_AT_ONCE, TELL_EVERY = 16, 100
CAR_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
NO_URLS = "no URLs for the phone: source .local/env (or the deployment's env file) first, then add-key --scope webhook"


class Wrong(Exception):
    """The call cannot be done; the text says why."""


def add_user(options: argparse.Namespace) -> None:
    """Registers a user; prints the URLs for the phone, with a key that can do no more, and the full key, once."""
    users = AccountRepository(client())
    if not EMAIL.fullmatch(options.email):
        raise Wrong(f"{options.email} is not an e-mail address")
    try:
        ZoneInfo(options.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Wrong(f"{options.timezone} is not a time zone such as Europe/Amsterdam") from error
    keys, phone_key, _ = _with_key({}, "webhook", "phone")
    told = _for_phone(options.email, phone_key)
    # A key that nobody was told would only stand in the list.
    keys, key, key_id = _with_key(keys if told else {}, "full", "first key")
    account = Account(email=options.email, name=options.name, timezone=options.timezone, keys=keys)
    if not users.add(account):
        raise Wrong(f"{options.email} is registered already")
    _tell([f"user: {options.email}", *(told or [NO_URLS])], key, key_id)


def add_key(options: argparse.Namespace) -> None:
    """Gives a user one more key and prints it, once; of a webhook key also the URLs for the phone."""
    users = AccountRepository(client())
    _user(users, options.email)
    one, key, key_id = _with_key({}, options.scope, options.label)
    told = (_for_phone(options.email, key) or [NO_URLS]) if options.scope == "webhook" else []
    users.change(options.email, lambda account: replace(account, keys={**account.keys, **one}))
    _tell(told, key, key_id)


def revoke_key(options: argparse.Namespace) -> None:
    """Takes a key from a user; instances in the cloud may still know it for a minute."""
    users = AccountRepository(client())

    def without(account: Account) -> Account:
        if options.key_id not in account.keys:
            raise Wrong(f"{options.email} has no key {options.key_id}")
        return replace(account, keys={key_id: key for key_id, key in account.keys.items() if key_id != options.key_id})

    _user(users, options.email)
    users.change(options.email, without)
    print(f"revoked: {options.key_id}")


def list_keys(options: argparse.Namespace) -> None:
    """Lists a user's keys, never the keys themselves."""
    for key_id, key in sorted(_user(AccountRepository(client()), options.email).keys.items()):
        used = f"last used on {key.last_used_on}" if key.last_used_on else "never used"
        print(f"{key_id}  {key.scope:8}  {used}  {key.label}")


def set_car(options: argparse.Namespace) -> None:
    """Sets a car of a user; the first one becomes the default."""
    account, car_id = _user(AccountRepository(client()), options.email), options.car_id.lower()
    if not CAR_ID.fullmatch(car_id):
        raise Wrong("a car's id has letters, digits, - and _, 32 at most")
    try:
        credentials = json.loads(options.credentials) if options.credentials else None
    except ValueError as error:
        raise Wrong("--credentials must be JSON") from error
    if credentials is not None and not isinstance(credentials, dict):
        raise Wrong("--credentials must be a JSON object")
    car = Car(id=car_id, provider=options.provider, name=options.name or car_id, vin=options.vin)

    def attempt(setup: Setup) -> None:
        stored = setup.cars.get(car_id)
        setup.put_car(replace(car, credentials_set_at=stored.credentials_set_at) if stored else car)
        if credentials is not None:
            setup.put_credentials(car_id, credentials, datetime.now(UTC))
        if options.default:
            setup.put_account(replace(setup.account, default_car_id=car_id))

    set_up(client(), account.email, attempt)
    print(f"car: {car_id}")


def add_place(options: argparse.Namespace) -> None:
    """Adds a place of a user."""
    account, place = _user(AccountRepository(client()), options.email), _place(options)
    UserStore(client(), account.email).save_place(place)
    print(f"place: {place.id}")


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


def add_shared_place(options: argparse.Namespace) -> None:
    """Adds a place of all users, who cannot change it."""
    place = _place(options)
    SharedPlaceRepository(client()).save(place)
    print(f"place: {place.id}")


def _place(options: argparse.Namespace) -> Place:
    if not (-90 <= options.lat <= 90 and -180 <= options.lng <= 180 and 0 < options.radius_m <= 10_000):
        raise Wrong("latitude, longitude or radius is out of range")
    return Place(secrets.token_hex(6), options.name, options.lat, options.lng, options.radius_m, options.kind)


def _user(users: AccountRepository, email: str) -> Account:
    account = users.find(email)
    if account is None:
        raise Wrong(f"{email} is not registered")
    return account


def _with_key(keys: dict[str, Key], scope: Scope, label: str) -> tuple[dict[str, Key], str, str]:
    """What is kept of these keys and one more, that key and its id."""
    key, key_id = new_key(), secrets.token_hex(4)
    kept = Key(sha256=hash_key(key), scope=scope, label=label, created_at=datetime.now(UTC))
    return {**keys, key_id: kept}, key, key_id


def _for_phone(email: str, key: str) -> list[str]:
    urls = phone.urls(email, key, os.environ)
    return list(phone.lines(email, *urls, coloured=sys.stdout.isatty())) if urls else []


def _tell(told: list[str], key: str, key_id: str) -> None:
    # A key is shown once. So all that could fail is done before it is stored, and the key comes last: after a code
    # that fills the window it is still to be seen.
    print(*told, f"key id: {key_id}", f"key: {key}", sep="\n")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="python -m tools.admin", description=__doc__)
    commands = found.add_subparsers(required=True)

    def command(name: str, run: object, of_user: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=(run.__doc__ or "").strip())
        if of_user:
            made.add_argument("email", type=lambda text: text.strip().lower())
        made.set_defaults(run=run)
        return made

    user = command("add-user", add_user)
    user.add_argument("--name", default="")
    user.add_argument("--timezone", default="Europe/Amsterdam")
    key = command("add-key", add_key)
    key.add_argument("--scope", choices=("webhook", "full"), required=True)
    key.add_argument("--label", default="")
    command("revoke-key", revoke_key).add_argument("key_id")
    command("list-keys", list_keys)
    car = command("set-car", set_car)
    car.add_argument("car_id")
    car.add_argument("--provider", required=True)
    car.add_argument("--name", default="")
    car.add_argument("--vin", default="")
    car.add_argument("--credentials", help='JSON, for example {"token": "…"}')
    car.add_argument("--default", action="store_true")
    for place in (command("add-place", add_place), command("add-shared-place", add_shared_place, of_user=False)):
        place.add_argument("name")
        place.add_argument("lat", type=float)
        place.add_argument("lng", type=float)
        place.add_argument("--radius-m", type=float, default=150.0)
        place.add_argument("--kind", choices=("business", "private", "pause"), default="private")
    rotate = commands.add_parser("rotate-credentials", help=(rotate_credentials.__doc__ or "").strip())
    rotate.add_argument("--dry-run", action="store_true", help="only say what would be done")
    rotate.set_defaults(run=rotate_credentials)
    return found


def main() -> int:
    """Runs one command."""
    options = parser().parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show the code must still show the key.
        sys.stdout.reconfigure(errors="replace")
    try:
        options.run(options)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
