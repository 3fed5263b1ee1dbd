"""Reminds drivers by e-mail: at most one a day, of all that there is to say, and of each thing once.

A mail is sent at least once: what is told is claimed by a lease before, and written after. Whoever dies between the
two leaves a mail that may be sent once more when the lease is over, with the id of the first one.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

from msgspec.structs import replace

from shared import logs, settings
from shared.domain.driver import LOG_VERSION, Account, ReminderKind
from shared.domain.log.sums import flat
from shared.domain.log.trip import local_date
from shared.domain.reminding.sentences import mail_of
from shared.domain.reminding.things import Facts, Thing, ended_unheard, kinds_at, last_sunday, things, years_at
from shared.domain.reminding.told import Told, after, news
from shared.mailing.smtp import NotSent, Refused, send
from shared.repositories.accounts import AccountRepository
from shared.repositories.documents import Stored, client
from shared.repositories.due import all_users
from shared.repositories.reminders import Overtaken, ReminderRepository
from shared.repositories.streaming import long_reader
from shared.repositories.threads import later
from shared.repositories.user_store import UserStore
from shared.services.closing import stamp_missing

LEASE = timedelta(minutes=3)  # longer than a mail can take, with all that is written beside it


class TryLater(Exception):
    """The mail cannot be sent now: somebody else may be at it, or the server does not take it."""


def remind_all() -> int:
    """Publishes one message a user and says for how many; none, where no server takes e-mails and none dates seals."""
    if settings.current.smtp is None:
        logs.log().info("nobody is reminded: SMTP_HOST is not set")
        if settings.current.tsa_url is None:
            return 0
    from shared.messaging.reminders import ask_for_reminders  # once a day; all other calls need no bus

    return ask_for_reminders(all_users(long_reader()))


def remind(email: str) -> bool:
    """Sends one user (e-mail in lower case) a mail if there is something to say, and says whether it did.

    Raises TryLater; what is not said now is still to be said the next day. Seals of theirs that are not dated yet are
    dated first.
    """
    stamp_missing(email)
    account = AccountRepository(client()).find(email) if settings.current.smtp else None
    if account is None or account.log_version != LOG_VERSION:
        return False
    now = datetime.now(UTC)
    today = local_date(now, account.timezone)
    kinds = kinds_at(account, today)
    return bool(kinds) and _remind(account, kinds, now, today)


def _remind(account: Account, kinds: Sequence[ReminderKind], now: datetime, today: date) -> bool:
    store, reminders = UserStore(client(), account.email), ReminderRepository(client(), account.email)
    read = reminders.read()
    if read.value.is_told(today):
        return False
    if read.value.is_being_sent(now):
        raise TryLater("somebody else is sending it")
    facts = _facts(store, kinds, now, today)
    found = things(kinds, facts)
    told, fresh = after(read.value, kinds, found), news(read.value, found)
    if not fresh:
        _keep(reminders, read, told)
        return False
    names = {car.id: car.name for car in facts.cars.values()}
    return _send(account, reminders, read, replace(told, on=today.isoformat()), names, fresh)


def _facts(store: UserStore, kinds: Sequence[ReminderKind], now: datetime, today: date) -> Facts:
    sums = [later(lambda year=year: store.sums(year)) for year in years_at(today)]  # type: ignore[misc]
    cars, state = later(store.cars.list_cars), store.state().value
    ends = store.trips.find_all(ended_unheard(state)) if "trip_without_end" in kinds else []
    by_month = {month: found for read in sums for month, found in flat(read()).items()}
    year, to_sort = last_sunday(today).year, 0
    if "weekly" in kinds and any(found.unclassified_m for (of, *_), found in by_month.items() if of == year):
        to_sort = store.trips.unclassified(year)
    endless = [trip.value for trip in ends if trip.value.has("end_unknown")]
    return Facts(now, today, state, cars(), by_month, endless, to_sort)


def _keep(reminders: ReminderRepository, read: Stored[Told], told: Told) -> None:
    """Notes what is not there any more, where it is."""
    if told != read.value:
        with suppress(Overtaken):  # then the next look notes it
            reminders.put(read, told)


def _send(
    account: Account,
    reminders: ReminderRepository,
    read: Stored[Told],
    told: Told,
    names: dict[str, str],
    fresh: Sequence[Thing],
) -> bool:
    mail, extra = mail_of(account, names, fresh), {"user": account.email, "kinds": [thing.kind for thing in fresh]}
    try:
        claimed = reminders.put(read, replace(read.value, leased_until=datetime.now(UTC) + LEASE))
    except Overtaken:
        raise TryLater("somebody else is sending it") from None
    try:
        send(mail.sender, account.email, mail.subject, mail.text, occasion=told.on)
    except (NotSent, Refused) as error:
        with suppress(Overtaken):
            reminders.put(claimed, replace(read.value, leased_until=None))
        if isinstance(error, NotSent):
            logs.log().warning(f"reminder not sent, it is tried again: {error}", extra=extra)
            raise TryLater(str(error)) from None
        logs.log().error(f"reminder not sent: {error}", extra=extra)
        return False
    with suppress(Overtaken):  # removed meanwhile
        reminders.put(claimed, replace(told, leased_until=None))
    logs.log().info("reminder sent", extra=extra)
    return True
