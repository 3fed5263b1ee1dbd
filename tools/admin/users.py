"""Registers users, lists them, and shows of each what an operator looks for first."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from shared.domain import fitting
from shared.domain.driver import EMAIL, LOG_VERSION, PHONE, Account
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import OldLog, client
from shared.repositories.user_store import UserStore
from shared.services import keys as keys_service
from tools.admin import phone, store
from tools.admin.standing import Standing, standing

USERS_AT_ONCE = 16


def add_user(options: argparse.Namespace) -> None:
    """Registers a user; prints the URLs for the phone, with a key that can do no more, and the full key, once."""
    if not EMAIL.fullmatch(options.email):
        raise store.Wrong(f"{options.email} is not an e-mail address")
    account = Account(
        email=options.email,
        name=fitting.text(options.name, "name"),
        timezone=fitting.timezone(options.timezone),
    )
    now = datetime.now(UTC)
    of_phone, first = keys_service.make("webhook", PHONE, now), keys_service.make("full", "first key", now)
    told = phone.told(options.email, of_phone.key)
    # A key that nobody was told would only stand in the list.
    if told:
        account = keys_service.added(account, of_phone)
    if not AccountRepository(client()).add(keys_service.added(account, first)):
        raise store.Wrong(f"{options.email} is registered already")
    phone.tell([f"user: {options.email}", *(told or [phone.NO_URLS])], first)


def list_users(options: argparse.Namespace) -> None:
    """Lists all users: when each phone was last heard and each car last read, and what is wrong."""
    count, old = 0, list[OldLog]()
    with ThreadPoolExecutor(USERS_AT_ONCE) as pool:
        for page in AccountRepository(client()).pages():
            for account, found in zip(page, pool.map(_standing_or_why, page), strict=True):
                count += 1
                old += [found] if isinstance(found, OldLog) else []
                print(_line(account, found), flush=True)
    print("1 user" if count == 1 else f"{count} users")
    if old:
        raise old[0]


def show_user(options: argparse.Namespace) -> None:
    """Shows a user: phone, trip going on, cars, and what is wrong. Times are in the user's time zone."""
    account = store.user(options.email)
    found = _standing(account)
    print("user:", ", ".join(filter(None, (account.email, account.name, account.timezone))))
    print(f"phone: last heard {found.heard or 'never'}")
    print(f"trip: {found.trip or 'none is going on'}")
    for car in found.cars:
        default = " (default)" if car.id == account.default_car_id else ""
        print(f"car {car.id}{default}:", ", ".join(filter(None, (car.provider, car.name, car.read_in_words))))
    print(*(f"wrong: {what}" for what in found.wrong or ["nothing"]), sep="\n")


def _standing(account: Account) -> Standing:
    if account.log_version != LOG_VERSION:
        raise OldLog(account.email)
    return standing(account, UserStore(client(), account.email), datetime.now(UTC))


def _standing_or_why(account: Account) -> Standing | OldLog:
    """How a user stands, or why nobody can tell: one old log must not hide all other users."""
    try:
        return _standing(account)
    except OldLog as error:
        return error


def _line(account: Account, found: Standing | OldLog) -> str:
    if isinstance(found, OldLog):
        return f"{account.email}  wrong: {found}"
    cars = ", ".join(f"{car.id} {car.read or 'never read'}" for car in found.cars) or "no car"
    return f"{found.email}  phone: {found.heard or 'never'}  cars: {cars}  wrong: {'; '.join(found.wrong) or 'nothing'}"
