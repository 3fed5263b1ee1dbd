"""Owns the words of an e-mail that reminds a driver, in their language. None of them says where anybody was."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.domain.driver import Account, Language, ReminderKind
from shared.domain.log.trip import NO_CAR
from shared.domain.reminding.things import Endless, Private, Thing, Unclosed, Week
from shared.domain.thresholds import MOST_PRIVATE_KM

Sentence = Mapping[Language, str]

SENDER: Sentence = {"nl": "Rittenregistratie", "en": "Mileage log"}
TO_DO: Sentence = {"nl": "Je rittenregistratie: er is iets te doen", "en": "Your mileage log: something needs you"}
WEEKLY: Sentence = {"nl": "Je rittenregistratie: het overzicht", "en": "Your mileage log: the summary"}
GREETING: Sentence = {"nl": "Dag{name},", "en": "Hello{name},"}
CLOSING: Sentence = {
    "nl": "Open je rittenregistratie om dit in orde te maken of na te kijken.",
    "en": "Open your log to settle this or to look into it.",
}
WHY_SENT: Sentence = {
    "nl": "Je krijgt deze e-mail van je rittenregistratie. Wil je zulke berichten niet meer? Zet dan in je instellingen"
    " onder `reminders` uit: {kinds}.",
    "en": "Your mileage log sent you this e-mail. To stop such messages, switch off in your settings, below"
    " `reminders`: {kinds}.",
}
HEADINGS: Mapping[ReminderKind, Sentence] = {
    "trip_without_end": {"nl": "Ritten zonder einde", "en": "Trips without an end"},
    "login_refused": {"nl": "Auto's die niet meer worden uitgelezen", "en": "Cars that are not read any more"},
    "gap": {"nl": "Kilometers zonder rit", "en": "Kilometres without a trip"},
    "not_closed": {"nl": "Nog niet sluitend", "en": "Not closed yet"},
    "weekly": {"nl": "Overzicht", "en": "Summary"},
}
GOING_ON: Sentence = {
    "nl": "De rit van {at}{car} is nog steeds bezig. Is hij al voorbij, beëindig hem dan of verwijder hem.",
    "en": "The trip of {at}{car} is still going on. If it is over, end it or drop it.",
}
NO_END: Sentence = {
    "nl": "Van de rit van {at}{car} is geen einde gemeld. Kijk na wanneer en waar hij eindigde.",
    "en": "Nobody told the end of the trip of {at}{car}. Check when and where it ended.",
}
REFUSED: Sentence = {
    "nl": "{car}: het inloggen is geweigerd. Vul de inloggegevens opnieuw in, dan wordt de auto weer uitgelezen.",
    "en": "{car}: the login was refused. Enter the credentials again, and the car is read again.",
}
GAP: Sentence = {
    "nl": "{car}: op de kilometerteller staan {km} km die bij geen enkele rit horen. Geef aan wat het was.",
    "en": "{car}: the odometer shows {km} km that belong to no trip. Say what they were.",
}
UNCLOSED: Sentence = {"nl": "{car}, {period}: {parts}.", "en": "{car}, {period}: {parts}."}
OPEN: Sentence = {"nl": "{km} km zonder rit of uitleg", "en": "{km} km without a trip or an explanation"}
UNCLASSIFIED: Sentence = {
    "nl": "{km} km aan ritten die nog niet zakelijk of privé zijn",
    "en": "{km} km of trips neither business nor private yet",
}
PENDING: Mapping[bool, Sentence] = {
    True: {"nl": "1 rit wacht op de kilometerstand", "en": "1 trip waits for the odometer"},
    False: {"nl": "{n} ritten wachten op de kilometerstand", "en": "{n} trips wait for the odometer"},
}
MONTH: Sentence = {
    "nl": "{month}{so_far}: {business} km zakelijk, {private} km privé, {unclassified} km nog niet ingedeeld.",
    "en": "{month}{so_far}: {business} km business, {private} km private, {unclassified} km not classified yet.",
}
SO_FAR: Sentence = {"nl": " tot en met {day}", "en": " up to and including {day}"}
PRIVATE: Sentence = {
    "nl": "{car}: {km} van de {limit} privékilometers van {year}{worst}.",
    "en": "{car}: {km} of the {limit} private kilometres of {year}{worst}.",
}
WORST: Sentence = {
    "nl": ", of {km} als alles privé is wat nog niet is ingedeeld of uitgelegd",
    "en": ", or {km} if all is private that is not classified or explained yet",
}
TO_SORT: Mapping[bool, Sentence] = {
    True: {
        "nl": "Bij 1 rit van {year} moet je nog kiezen: zakelijk of privé.",
        "en": "1 trip of {year} is still to be classified.",
    },
    False: {
        "nl": "Bij {n} ritten van {year} moet je nog kiezen: zakelijk of privé.",
        "en": "{n} trips of {year} are still to be classified.",
    },
}
AT: Sentence = {"nl": "{day} om {time}", "en": "{day} at {time}"}
WITHOUT_CAR: Sentence = {"nl": "Zonder auto", "en": "Without a car"}
ALL_YEAR: Sentence = {"nl": "heel {year}", "en": "all of {year}"}
MONTHS: Mapping[Language, str] = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "en": "January February March April May June July August September October November December",
}
DAYS: Mapping[Language, str] = {
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}


class Mail(NamedTuple):
    """One e-mail to a driver: the sender's name, the subject and the text, all in their language."""

    sender: str
    subject: str
    text: str


def mail_of(account: Account, names: Mapping[str, str], found: Sequence[Thing]) -> Mail:
    """The e-mail that tells a driver of some things, at least one. `names` are those that they gave their cars, by id.

    It holds what it is told of and their own name; of trips only when they began.
    """
    words = _Words(account, names)
    kinds = list(dict.fromkeys(thing.kind for thing in found))
    parts = [GREETING[account.language].format(name=_of_line(account.name, " "))]
    for kind in kinds:
        lines = [f"- {line}" for thing in found if thing.kind == kind for line in words.lines(thing)]
        parts.append("\n".join([HEADINGS[kind][account.language], *lines]))
    parts.append(CLOSING[account.language])
    parts.append(WHY_SENT[account.language].format(kinds=", ".join(f"`{kind}`" for kind in kinds)))
    subject = WEEKLY if kinds == ["weekly"] else TO_DO
    return Mail(SENDER[account.language], subject[account.language], "\n\n".join(parts) + "\n")


class _Words:
    """The lines about each thing, for one driver."""

    def __init__(self, account: Account, names: Mapping[str, str]) -> None:
        self._language, self._timezone, self._names = account.language, account.timezone, names

    def lines(self, thing: Thing) -> Iterator[str]:
        about = thing.about
        if isinstance(about, Endless):
            sentence = NO_END if about.is_over else GOING_ON
            car = f" ({self._car(thing.car_id)})" if thing.car_id else ""
            yield sentence[self._language].format(at=self._moment(about.began_at), car=car)
        elif isinstance(about, Unclosed):
            yield self._unclosed(thing.car_id, about)
        elif isinstance(about, Week):
            yield from self._week(about)
        elif thing.kind == "gap":
            yield GAP[self._language].format(car=self._car(thing.car_id), km=self._km(thing.new))
        else:
            yield REFUSED[self._language].format(car=self._car(thing.car_id))

    def _unclosed(self, car_id: str | None, about: Unclosed) -> str:
        sums, parts = about.sums, list[str]()
        for sentence, metres in ((OPEN, sums.open_m), (UNCLASSIFIED, sums.unclassified_m)):
            if metres:
                parts.append(sentence[self._language].format(km=self._km(metres)))
        if sums.pending:
            parts.append(PENDING[sums.pending == 1][self._language].format(n=sums.pending))
        year = ALL_YEAR[self._language].format(year=about.year)
        period = self._month(about.year, about.month) if about.month else year
        return UNCLOSED[self._language].format(car=self._car(car_id), period=period, parts=", ".join(parts))

    def _week(self, week: Week) -> Iterator[str]:
        language, until = self._language, week.until
        is_whole = (until + timedelta(days=1)).month != until.month
        month = self._month(until.year, until.month)
        yield MONTH[language].format(
            month=month[0].upper() + month[1:],
            so_far="" if is_whole else SO_FAR[language].format(day=self._day(until)),
            business=self._km(week.month.business_m),
            private=self._km(week.month.private_m),
            unclassified=self._km(week.month.unclassified_m),
        )
        for car_id, private in week.private.items():
            yield self._private(car_id, private, until.year)
        if week.to_sort:
            yield TO_SORT[week.to_sort == 1][language].format(n=week.to_sort, year=until.year)

    def _private(self, car_id: str, private: Private, year: int) -> str:
        is_more = private.worst_m > private.so_far_m
        worst = WORST[self._language].format(km=self._km(private.worst_m)) if is_more else ""
        return PRIVATE[self._language].format(
            car=self._car(car_id), km=self._km(private.so_far_m), limit=f"{MOST_PRIVATE_KM:g}", year=year, worst=worst
        )

    def _car(self, car_id: str | None) -> str:
        if car_id in (None, NO_CAR):
            return WITHOUT_CAR[self._language]
        return _of_line(self._names.get(str(car_id), "")) or str(car_id)

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(ZoneInfo(self._timezone))
        day = f"{DAYS[self._language].split()[local.weekday()]} {self._day(local.date())}"
        return AT[self._language].format(day=day, time=f"{local:%H:%M}")

    def _day(self, day: date) -> str:
        return f"{day.day} {MONTHS[self._language].split()[day.month - 1]}"

    def _month(self, year: int, month: int) -> str:
        return f"{MONTHS[self._language].split()[month - 1]} {year}"

    def _km(self, metres: int) -> str:
        """Kilometres to 0.1, with a decimal comma where the language has one."""
        text = f"{metres / 1000:,.1f}"
        return text.translate(str.maketrans(",.", ".,")) if self._language == "nl" else text


def _of_line(text: str, before: str = "") -> str:
    """What a driver typed, as a part of one line, with something before it; nothing where nothing is left of it."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return before + line if line else ""
