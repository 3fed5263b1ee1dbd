"""Owns the sentences that drivers read, in each of their languages. What is refused is told in English: `problems`."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.domain.driver import Account, Language
from shared.domain.tracking.events import Status, WhyIgnored
from shared.domain.tracking.state import UNKNOWN_CAR

Sentence = Mapping[Language, str]

# What came of a word of the phone. `{at}` and `{of}` are when its trip began, `{ended}` and `{until}` when that or the
# driving ended; they and `{car}` are nothing where it is not known. None says where anybody is: whoever sees the phone
# reads its notifications.
HEARD: Mapping[tuple[Status, WhyIgnored], Sentence] = {
    ("trip_started", ""): {"nl": "Rit begonnen{at}{car}.", "en": "Trip started{at}{car}."},
    ("ping_recorded", ""): {"nl": "Genoteerd bij de rit{of}.", "en": "Noted with the trip{of}."},
    ("trip_resumed", ""): {"nl": "De rit{of} gaat verder.", "en": "The trip{of} goes on."},
    ("ending", ""): {
        "nl": "Rit geëindigd{ended}: straks staat hij in je registratie.",
        "en": "Trip ended{ended}: it will be in your log shortly.",
    },
    ("paused", ""): {"nl": "Pauze: de rit{of} loopt door.", "en": "A break: the trip{of} goes on."},
    ("end_noted", ""): {
        "nl": "Genoteerd: heeft de auto gereden{until}, dan komt er een rit van.",
        "en": "Noted: if the car drove{until}, a trip comes of it.",
    },
    ("ignored", "no_active_trip"): {"nl": "Er is geen rit bezig.", "en": "No trip is going on."},
    ("ignored", "trip_went_on"): {
        "nl": "Dit einde kwam laat: de rit ging daarna verder.",
        "en": "This end came late: the trip went on after it.",
    },
}
AT: Sentence = {"nl": " om {}", "en": " at {}"}
OF: Sentence = {"nl": " van {}", "en": " of {}"}
UNTIL: Sentence = {"nl": " tot {}", "en": " until {}"}
NOT_THEIRS: Sentence = {
    "nl": ", in een auto die niet in je lijst staat",
    "en": ", in a car that is not in your list",
}


def heard(
    account: Account,
    status: Status,
    reason: WhyIgnored = "",
    car_id: str | None = None,
    began_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> str:
    """What came of a word of the phone, in the driver's language and time zone; moments are aware UTC.

    It is about the trip that began then, in that car, and ended then, as far as each is known.
    """
    language = account.language
    moments = {"at": (AT, began_at), "of": (OF, began_at), "ended": (AT, ended_at), "until": (UNTIL, ended_at)}
    parts = {name: _moment(words[language], moment, account) for name, (words, moment) in moments.items()}
    car = NOT_THEIRS[language] if car_id == UNKNOWN_CAR else f" ({car_id})" if car_id else ""
    return HEARD[status, reason][language].format(car=car, **parts)


def _moment(words: str, moment: datetime | None, account: Account) -> str:
    return words.format(f"{moment.astimezone(ZoneInfo(account.timezone)):%H:%M}") if moment else ""
