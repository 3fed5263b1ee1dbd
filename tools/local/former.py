"""Owns whether a store is of this version: a stack on that of an earlier one would refuse every call."""

from shared.domain.driver import LOG_VERSION, Account
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import OldLog, client
from shared.repositories.user_store import UserStore


def is_of_an_earlier_version() -> bool:
    """Whether an earlier version kept the log of anybody in the store that the settings name."""
    return any(_is_old(account) for page in AccountRepository(client()).pages() for account in page)


def _is_old(account: Account) -> bool:
    try:
        UserStore(client(), account.email).state()
    except OldLog:
        return True
    return account.log_version != LOG_VERSION
