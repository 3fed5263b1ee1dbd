"""What a driver is reminded of, when, how often, and in which words."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from shared.domain.car.car import Car
from shared.domain.driver import REMINDER_KINDS, Account, Language, ReminderKind, fitted
from shared.domain.log.summary import Said, Summary
from shared.domain.log.sums import Sums
from shared.domain.log.trip import NO_CAR
from shared.domain.reminding.sentences import TO_DO, WEEKLY, Mail, mail_of
from shared.domain.reminding.things import (
    MOST_ENDS,
    Facts,
    Thing,
    ended_unheard,
    kinds_at,
    last_sunday,
    things,
    years_at,
)
from shared.domain.reminding.told import Told, after, news
from shared.domain.thresholds import LONGEST_DRIVE
from shared.domain.tracking.state import DriverState, GoingOn
from tests.rows import trip

BORIS = Account("boris@example.com", "Boris", language="en")
MONDAY, THURSDAY, FIRST = date(2026, 3, 9), date(2026, 3, 12), date(2026, 4, 1)
NAMES = {"car": "Boris's car"}


def noon(today: date) -> datetime:
    return datetime(today.year, today.month, today.day, 12, tzinfo=UTC)


def facts(today: date = THURSDAY, sums: Mapping[Any, Sums] | None = None, **more: Any) -> Facts:
    """What is known on a day of one with a car and nothing else."""
    cars = {"car": Car("car", "simulated", name="Boris's car")}
    fields = {"now": noon(today), "today": today, "state": DriverState(), "cars": cars, "sums": sums or {}, **more}
    return Facts(**fields)


def looked(known: Facts, account: Account = BORIS) -> list[Thing]:
    return things(kinds_at(account, known.today), known)


def day(told: Told, known: Facts, account: Account = BORIS) -> tuple[list[ReminderKind], Told]:
    """The kinds that are said on a day, and what is remembered after it."""
    found = looked(known, account)
    return [thing.kind for thing in news(told, found)], after(told, kinds_at(account, known.today), found)


def mail(found: Sequence[Thing], language: Language = "en", **more: Any) -> Mail:
    return mail_of(replace(BORIS, language=language, **more), NAMES, found)


def gap_of(metres: int, month: int = 3) -> dict[Any, Sums]:
    return {(2026, month, "car"): Sums(gap_m=metres)}


# --- on which day


def test_a_day_has_its_kinds() -> None:
    always = {"trip_without_end", "login_refused", "gap"}
    assert set(kinds_at(BORIS, THURSDAY)) == always
    assert set(kinds_at(BORIS, MONDAY)) == {*always, "weekly"}
    assert set(kinds_at(BORIS, date(2026, 6, 1))) == set(REMINDER_KINDS), "a Monday the first"


@pytest.mark.parametrize(("today", "is_said"), [(1, True), (2, True), (3, True), (4, False), (31, False)])
def test_what_could_not_be_said_on_the_first_is_said_on_the_next_two_days(today: int, is_said: bool) -> None:
    assert ("not_closed" in kinds_at(BORIS, date(2026, 7, today))) is is_said


@pytest.mark.parametrize("kind", REMINDER_KINDS)
def test_a_kind_that_is_off_is_not_looked_at_and_all_others_are(kind: ReminderKind) -> None:
    account = fitted(BORIS, {"reminders": {kind: False}})
    first_and_monday = date(2026, 6, 1)
    assert set(kinds_at(account, first_and_monday)) == set(REMINDER_KINDS) - {kind}
    assert kinds_at(fitted(account, {"reminders": {kind: True}}), first_and_monday) == REMINDER_KINDS


def test_switching_one_kind_leaves_the_others_as_they_were() -> None:
    off = fitted(fitted(BORIS, {"reminders": {"gap": False}}), {"reminders": {"weekly": False}, "name": "B"})
    assert off.reminders_off == ("gap", "weekly")
    assert fitted(off, {"name": "C"}).reminders_off == ("gap", "weekly")


def test_in_january_the_year_before_is_looked_at_as_well() -> None:
    assert [years_at(date(2026, *on)) for on in ((1, 1), (1, 31), (2, 1), (12, 31))] == [
        (2025, 2026), (2025, 2026), (2026,), (2026,),
    ]  # fmt: skip


def test_the_last_week_ends_on_the_sunday_before() -> None:
    assert {last_sunday(MONDAY + timedelta(days=n)) for n in range(7)} == {date(2026, 3, 8)}


# --- what there is


def test_who_has_nothing_open_is_told_nothing_on_any_day() -> None:
    closed = {(2026, month, "car"): Sums(1, 10_000, business_m=10_000) for month in range(1, 13)}
    for n in range(365):
        found = looked(facts(date(2026, 1, 1) + timedelta(days=n), closed))
        assert {thing.kind for thing in found} <= {"weekly"}
    assert looked(facts(date(2026, 6, 1))) == [], "nor of a week without a trip"


def test_a_drive_that_goes_on_for_too_long_is_told_once_and_the_next_one_as_well() -> None:
    def at(began_at: datetime) -> Facts:
        return facts(state=DriverState(drive=GoingOn(started_at=began_at, car_id="car", heard_at=noon(THURSDAY))))

    long_ago = noon(THURSDAY) - LONGEST_DRIVE
    assert looked(at(long_ago + timedelta(seconds=1))) == []
    said, told = day(Told(), at(long_ago))
    assert said == ["trip_without_end"]
    said, told = day(told, at(long_ago - timedelta(minutes=5)))
    assert said == [], "a late word made it begin earlier"
    assert day(told, at(long_ago - timedelta(minutes=1)))[0] == ["trip_without_end"], "another drive"


def test_of_drives_that_are_over_those_without_an_end_are_looked_at_and_no_others() -> None:
    def drive(n: int, **more: Any) -> Summary:
        at = noon(THURSDAY) - timedelta(hours=n)
        return Summary(
            id=f"d{n}", began_at=at, ended_at=at, trip_ids=(f"first-{n}", f"t{n}"), **{"ended": False, **more}
        )

    ended, by_hand, moved = drive(2, ended=True), drive(3, is_by_hand=True), drive(4, moved=Said())
    said, deleted = drive(5, said=Said(ended_at=noon(THURSDAY))), drive(6, said=Said(is_deleted=True))
    state = DriverState(told=(drive(1), ended, by_hand, moved, said, deleted, drive(7)))
    assert ended_unheard(state) == ["t1", "t7"]
    assert len(ended_unheard(DriverState(told=tuple(drive(n) for n in range(40))))) == MOST_ENDS


def test_a_trip_without_an_end_is_told_once() -> None:
    endless = trip(0, 5000, noon(THURSDAY), flags=("end_unknown",))
    said, told = day(Told(), facts(endless=[endless]))
    assert said == ["trip_without_end"]
    assert day(told, facts(endless=[endless]))[0] == []


def test_a_refused_login_is_told_once_and_again_with_new_credentials() -> None:
    def refused(hours: int, refusals: int = 2) -> Facts:
        set_at = {"token": noon(THURSDAY) + timedelta(hours=hours)}
        return facts(cars={"car": Car("car", "simulated", login_refusals=refusals, credentials_set_at=set_at)})

    assert looked(refused(0, refusals=1)) == []
    said, told = day(Told(), refused(0))
    assert said == ["login_refused"]
    assert day(told, refused(0))[0] == []
    assert day(told, refused(1))[0] == ["login_refused"]
    assert day(Told(), facts(cars={"c": Car("c", "simulated", login_refusals=2)}))[0] == ["login_refused"]


def test_a_login_that_worked_meanwhile_is_told_again() -> None:
    refused = facts(cars={"car": Car("car", "simulated", login_refusals=2)})
    _, told = day(Told(), refused)
    _, told = day(told, facts())
    assert told == Told()
    assert day(told, refused)[0] == ["login_refused"]


def test_a_gap_is_told_once_and_again_as_far_as_it_grows() -> None:
    said, told = day(Told(), facts(sums=gap_of(12_300)))
    assert said == ["gap"]
    assert day(told, facts(sums=gap_of(12_300)))[0] == []
    assert day(told, facts(sums=gap_of(13_200)))[0] == [], "less than a kilometre more"
    found = looked(facts(sums=gap_of(15_300)))
    assert [thing.new for thing in news(told, found)] == [3000]


def test_less_than_a_kilometre_is_no_news_until_it_is_one() -> None:
    told = Told()
    for metres in (300, 600, 900):
        said, told = day(told, facts(sums=gap_of(metres)))
        assert said == []
    assert day(told, facts(sums=gap_of(1200)))[0] == ["gap"]


def test_after_a_gap_was_explained_another_one_of_that_month_is_told() -> None:
    _, told = day(Told(), facts(sums=gap_of(20_000)))
    explained = {(2026, 3, "car"): Sums(gap_m=20_000, explained_m=20_000)}
    said, told = day(told, facts(sums=explained))
    assert (said, told) == ([], Told())
    assert day(told, facts(sums={(2026, 3, "car"): Sums(gap_m=35_000, explained_m=20_000)}))[0] == ["gap"]


def test_a_gap_hides_none_of_another_month_or_car() -> None:
    _, told = day(Told(), facts(sums=gap_of(20_000)))
    assert day(told, facts(sums={**gap_of(20_000), **gap_of(2000, month=2)}))[0] == ["gap"]
    assert day(told, facts(sums={**gap_of(20_000), (2026, 3, "other"): Sums(gap_m=2000)}))[0] == ["gap"]


@pytest.mark.parametrize("open_", [{"gap_m": 100}, {"unclassified_m": 5000, "trip_count": 1}, {"pending": 1}])
def test_on_the_first_the_month_before_is_told_if_something_is_open(open_: dict[str, int]) -> None:
    known = facts(FIRST, {(2026, 3, "car"): Sums(**open_), (2026, 2, "car"): Sums(unclassified_m=1)})
    (thing,) = [thing for thing in looked(known) if thing.kind == "not_closed"]
    assert thing.key == "2026-03 car"
    said, told = day(Told(), known)
    assert "not_closed" in said
    assert day(told, known._replace(today=date(2026, 4, 2)))[0] == []


def test_in_january_it_is_the_year_that_is_told() -> None:
    year = {(2025, 4, "car"): Sums(unclassified_m=7000), (2025, 12, "car"): Sums(pending=1), (2026, 1, "car"): Sums()}
    (thing,) = [thing for thing in looked(facts(date(2026, 1, 1), year)) if thing.kind == "not_closed"]
    assert thing.key == "2025 car"
    assert "all of 2025: 7.0 km of trips neither business nor private yet, 1 trip waits" in mail([thing]).text


def test_what_was_told_of_seldom_kinds_outlives_the_days_between() -> None:
    known = facts(MONDAY, {(2026, 3, "car"): Sums(3, 30_000, business_m=30_000)})
    said, told = day(Told(), known)
    assert said == ["weekly"]
    for n in range(1, 7):
        said, told = day(told, known._replace(today=MONDAY + timedelta(days=n)))
        assert said == []
    assert day(told, known._replace(today=MONDAY + timedelta(days=7)))[0] == ["weekly"]


def test_what_is_remembered_stays_small_over_years() -> None:
    told = Told()
    for n in range(3 * 365):
        today = date(2025, 1, 1) + timedelta(days=n)
        sums = {(year, m, c): Sums(2, 9000, unclassified_m=9000, gap_m=5000 + n) for year in years_at(today)
                for m in range(1, 13) for c in ("a", "b")}  # fmt: skip
        _, told = day(told, facts(today, sums))
    assert sum(len(kind) for kind in told.things.values()) <= 2 * 24 + 4


def test_one_mail_a_day_and_one_sender_at_a_time() -> None:
    told = Told(on="2026-03-12", leased_until=noon(THURSDAY))
    assert told.is_told(THURSDAY)
    assert not told.is_told(THURSDAY + timedelta(days=1))
    assert told.is_being_sent(noon(THURSDAY) - timedelta(seconds=1))
    assert not told.is_being_sent(noon(THURSDAY))
    assert not Told().is_being_sent(noon(THURSDAY))


# --- in which words


def everything() -> list[Thing]:
    """News of every kind, on a Monday the first."""
    today = date(2026, 6, 1)
    sums = {
        (2026, 5, "car"): Sums(12, 812_400, 700_000, 100_000, 12_400, gap_m=1_234_500, pending=2),
        (2026, 2, "car"): Sums(4, 50_000, 0, 50_000, gap_m=20_000, explained_m=20_000, explained_business_m=5000),
        (2026, 5, NO_CAR): Sums(1, 3000, unclassified_m=3000),
    }
    state = DriverState(drive=GoingOn(started_at=noon(today) - timedelta(hours=30), car_id=None, heard_at=noon(today)))
    cars = {"car": Car("car", "simulated", name="Boris's car", login_refusals=2)}
    endless = [trip(0, 5000, noon(today) - timedelta(days=1), flags=("end_unknown",))]
    known = facts(today, sums, cars=cars, state=state, endless=endless, to_sort=3)
    return news(Told(), looked(known))


ENGLISH = """\
Hello Boris,

Trips without an end
- Nobody told the end of the trip of Sunday 31 May at 14:00 (Boris's car). Check when and where it ended.
- The trip of Sunday 31 May at 08:00 is still going on. If it is over, end it or drop it.

Cars that are not read any more
- Boris's car: the login was refused. Enter the credentials again, and the car is read again.

Kilometres without a trip
- Boris's car: the odometer shows 1,234.5 km that belong to no trip. Say what they were.

Not closed yet
- Without a car, May 2026: 3.0 km of trips neither business nor private yet.
- Boris's car, May 2026: 1,234.5 km without a trip or an explanation, 12.4 km of trips neither business nor private \
yet, 2 trips wait for the odometer.

Summary
- May 2026: 700.0 km business, 100.0 km private, 15.4 km not classified yet.
- Boris's car: 165.0 of the 500 private kilometres of 2026, or 1,411.9 if all is private that is not classified or \
explained yet.
- 3 trips of 2026 are still to be classified.

Open your log to settle this or to look into it.

Your mileage log sent you this e-mail. To stop such messages, switch off in your settings, below `reminders`: \
`trip_without_end`, `login_refused`, `gap`, `not_closed`, `weekly`.
"""
DUTCH = """\
Dag Boris,

Ritten zonder einde
- Van de rit van zondag 31 mei om 14:00 (Boris's car) is geen einde gemeld. Kijk na wanneer en waar hij eindigde.
- De rit van zondag 31 mei om 08:00 is nog steeds bezig. Is hij al voorbij, beëindig hem dan of verwijder hem.

Auto's die niet meer worden uitgelezen
- Boris's car: het inloggen is geweigerd. Vul de inloggegevens opnieuw in, dan wordt de auto weer uitgelezen.

Kilometers zonder rit
- Boris's car: op de kilometerteller staan 1.234,5 km die bij geen enkele rit horen. Geef aan wat het was.

Nog niet sluitend
- Zonder auto, mei 2026: 3,0 km aan ritten die nog niet zakelijk of privé zijn.
- Boris's car, mei 2026: 1.234,5 km zonder rit of uitleg, 12,4 km aan ritten die nog niet zakelijk of privé zijn, \
2 ritten wachten op de kilometerstand.

Overzicht
- Mei 2026: 700,0 km zakelijk, 100,0 km privé, 15,4 km nog niet ingedeeld.
- Boris's car: 165,0 van de 500 privékilometers van 2026, of 1.411,9 als alles privé is wat nog niet is ingedeeld of \
uitgelegd.
- Bij 3 ritten van 2026 moet je nog kiezen: zakelijk of privé.

Open je rittenregistratie om dit in orde te maken of na te kijken.

Je krijgt deze e-mail van je rittenregistratie. Wil je zulke berichten niet meer? Zet dan in je instellingen onder \
`reminders` uit: `trip_without_end`, `login_refused`, `gap`, `not_closed`, `weekly`.
"""


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("nl", DUTCH)])
def test_one_mail_says_all_in_the_drivers_language_and_time_zone(language: Language, text: str) -> None:
    told = mail(everything(), language)
    assert told.text == text
    assert told.subject == TO_DO[language]


def test_the_summary_alone_asks_for_nothing_in_its_subject() -> None:
    weekly = [thing for thing in everything() if thing.kind == "weekly"]
    assert [mail(weekly, language).subject for language in get_args(Language)] == [WEEKLY["nl"], WEEKLY["en"]]


def test_a_month_that_goes_on_is_told_until_sunday() -> None:
    (thing,) = looked(facts(MONDAY, {(2026, 3, "car"): Sums(1, 9000, business_m=9000)}))
    assert "March 2026 up to and including 8 March: 9.0 km business" in mail([thing]).text
    assert "Maart 2026 tot en met 8 maart: 9,0 km zakelijk" in mail([thing], "nl").text
    assert "0.0 of the 500 private kilometres of 2026.\n" in mail([thing]).text


@pytest.mark.parametrize("name", ["Boris\r\nBcc: tim@example.com", "Boris\n\nClick here\x00\x1b[2J", "\u2028\u202e"])
def test_a_name_is_a_part_of_its_line(name: str) -> None:
    found = [thing for thing in everything() if thing.kind == "login_refused"]
    told = mail_of(replace(BORIS, name=name), {"car": name}, found)
    for text in (told.subject, told.sender):
        assert text.isprintable()
    lines = told.text.splitlines()
    assert len(lines) == len(mail(found).text.splitlines())
    assert all(line.isprintable() for line in lines)


def test_no_name_leaves_no_hole() -> None:
    found = [thing for thing in everything() if thing.kind == "login_refused"]
    told = mail_of(replace(BORIS, name=" "), {}, found).text
    assert told.startswith("Hello,\n")
    assert "- car: the login was refused." in told
