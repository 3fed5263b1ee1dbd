"""Owns the topic remind, where a message asks for one look at what one driver is to be reminded of."""

from collections.abc import Iterable

from shared.messaging.publishing import publish_all

REMIND_TOPIC = "remind"


def ask_for_reminders(users: Iterable[str]) -> int:
    """Asks for a look at each user and says for how many. Raises GoogleAPICallError or RetryError where the bus does
    not take some."""
    return publish_all(REMIND_TOPIC, ({"user": user} for user in users))
