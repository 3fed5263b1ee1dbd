"""What a driver may say of a trip, whose its fields are then, and what the fold must know of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from shared.domain.fitting import Unfit
from shared.domain.log.correcting import corrected, entered
from shared.domain.log.kinds import Habits
from shared.domain.log.summary import Mark, Said, Summary, trail_of
from shared.domain.log.trip import Endpoint, Trip, dated
from shared.domain.log.words import deleted, identified, summary_of
from shared.domain.place.places import Place

USER, ZONE = "boris@example.com", "Europe/Amsterdam"
START, END = datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
NOW = datetime(2026, 3, 3, 9, tzinfo=UTC)
HOUSE, OFFICE = Place("1", "Home", 52.0, 5.0), Place("2", "Office", 52.2, 5.2, kind="business", address="Voorweg 1")
DRIVEN = Summary(
    id="20260302T080000Z-000000000000", began_at=START, ended_at=END, car_id="a", trip_ids=("20260302T080000Z-0a1b2c",),
    trail=trail_of((Mark(START, lat=52.0, lng=5.0), Mark(END, 26_000, lat=52.2, lng=5.2))),
)  # fmt: skip
TRIP = dated(Trip(
    id="20260302T080000Z-0a1b2c", user=USER, car_id="a", started_at=START, ended_at=END, timezone=ZONE, date="", year=0,
    month=0, from_=Endpoint(52.0, 5.0, "Home"), to=Endpoint(52.2, 5.2, address="Voorweg 1"), start_odometer_km=1000.0,
    end_odometer_km=1027.0, distance_km=27.0, distance_source="odometer", gps_km=26.0, start_odometer_known="read",
    end_odometer_known="read", summary=DRIVEN, created_at=NOW, updated_at=NOW,
))  # fmt: skip
MANUAL = {"started_at": START.isoformat(), "ended_at": END.isoformat(), "from_": Endpoint(place="A"), "to": Endpoint()}


def say(trip: Trip, **said: Any) -> Trip:
    return corrected(trip, said, ZONE, NOW, (HOUSE, OFFICE), Habits())


def enter(now: datetime = NOW, **said: Any) -> Trip:
    return identified(entered(USER, "a", ZONE, {**MANUAL, "distance_km": 20.0, **said}, now), "id")


def word(trip: Trip) -> Said:
    assert trip.summary
    return trip.summary.said


def refused(saying: Callable[[], Trip]) -> str | None:
    with pytest.raises(Unfit) as error:
        saying()
    return error.value.field


# --- whose a field is ----------------------------------------------------------------------------------------------


def test_what_is_said_is_theirs_by_the_names_of_the_api() -> None:
    trip = say(TRIP, purpose="x", from_=Endpoint(place="Elsewhere"), kind="private")
    assert (trip.set_by_hand, trip.revision) == (("from", "kind", "purpose"), 2)
    assert say(trip, deviation="road works").set_by_hand == ("deviation", "from", "kind", "purpose")


def test_what_is_said_again_is_nothing_new() -> None:
    trip = say(TRIP, purpose="x", from_=Endpoint(52, 5), kind="mixed", business_km=7)
    assert say(trip, purpose="x", from_=Endpoint(52.0, 5.0), kind="mixed", business_km=7.0) is trip
    assert say(trip) is trip


def test_to_say_what_the_automation_had_makes_it_theirs() -> None:
    trip = say(TRIP, distance_km=27, kind="unclassified")
    assert (trip.set_by_hand, word(trip).distance_m) == (("distance_km", "kind"), 27_000)


def test_what_was_never_theirs_is_not_changed_by_giving_it_back() -> None:
    fields = ("started_at", "ended_at", "from_", "to", "start_odometer_km", "end_odometer_km", "distance_km")
    assert say(TRIP, car_id="", **dict.fromkeys(fields)) is TRIP


def test_times_and_ends_that_are_given_back_are_those_of_the_drive() -> None:
    said = {"started_at": "2026-03-02T07:00Z", "ended_at": "2026-03-02T12:00Z", "from_": Endpoint(), "to": Endpoint()}
    trip = say(TRIP, **said)
    assert (word(trip).began_at, word(trip).ended_at) == (
        START - timedelta(hours=1),
        datetime(2026, 3, 2, 12, tzinfo=UTC),
    )
    back = say(trip, **dict.fromkeys(said))
    assert (back.started_at, back.ended_at, back.set_by_hand) == (START, END, ())
    assert (back.from_, back.to) == (Endpoint(52.0, 5.0, "Home"), Endpoint(52.2, 5.2, "Office", "Voorweg 1"))
    assert word(back) == Said(is_touched=True)


def test_an_end_that_the_drive_does_not_know_is_given_back_as_unknown() -> None:
    nowhere = replace(TRIP, summary=replace(DRIVEN, trail=trail_of((Mark(START), Mark(END)))))
    assert say(say(nowhere, to=Endpoint(place="x")), to=None).to == Endpoint()


def test_a_kind_that_is_given_back_is_proposed_anew() -> None:
    trip = say(TRIP, kind="private")
    assert (trip.private_km, say(trip, kind=None).business_km) == (27.0, 27.0)
    assert say(trip, kind=None).set_by_hand == ()
    older = replace(TRIP, kind="private")
    assert say(older, kind=None).kind == "business", "set when nobody noted whose it is"


def test_texts_that_are_given_back_are_empty() -> None:
    trip = say(TRIP, purpose="x", notes="y", deviation="z")
    back = say(trip, purpose=None, notes=None, deviation=None)
    assert (back.purpose, back.notes, back.deviation, back.set_by_hand) == ("", "", "", ())


def test_a_business_part_makes_the_kind_theirs_and_goes_with_it() -> None:
    trip = say(TRIP, business_km=7)
    assert (trip.kind, trip.set_by_hand) == ("mixed", ("business_km", "kind"))
    assert say(trip, kind="private").set_by_hand == ("kind",)
    assert say(trip, kind=None).set_by_hand == ()
    back = say(trip, business_km=None)
    assert (back.kind, back.business_km, back.private_km, back.set_by_hand) == ("mixed", 0.0, 27.0, ("kind",))


def test_a_car_of_null_is_none_and_an_empty_one_is_the_automations() -> None:
    trip = say(replace(TRIP, flags=("car_unsure",)), car_id=None)
    assert (trip.car_id, trip.set_by_hand, trip.flags) == (None, ("car_id",), ())
    assert (word(trip).has_car, word(trip).car_id) == (True, None)
    assert (word(say(trip, car_id="b")).has_car, word(say(trip, car_id="b")).car_id) == (True, "b")
    back = say(trip, car_id=" ")
    assert (back.car_id, back.set_by_hand, word(back)) == ("a", (), Said(is_touched=True))


@given(some.lists(some.sampled_from([
    {"kind": "business"}, {"kind": None}, {"business_km": 2.0}, {"business_km": None}, {"purpose": "x"},
    {"purpose": None}, {"started_at": "2026-03-02T07:00Z"}, {"started_at": None}, {"car_id": None}, {"car_id": ""},
    {"start_odometer_km": 1001.0}, {"start_odometer_km": None}, {"end_odometer_km": 1020.0}, {"end_odometer_km": None},
    {"distance_km": 9.0}, {"distance_km": None}, {"from_": Endpoint(place="x")}, {"from_": None},
]), max_size=12))  # fmt: skip
def test_whatever_is_said_in_turn_the_fold_knows_exactly_the_words_that_stand(words: list[dict[str, Any]]) -> None:
    trip = TRIP
    for said in words:
        trip = say(trip, **said)
        known, theirs = word(trip), {*trip.set_by_hand}
        assert (known.began_at is not None) == ("started_at" in theirs)
        assert known.has_car == ("car_id" in theirs)
        assert (known.from_m is not None) == ("start_odometer_km" in theirs)
        assert (known.to_m is not None) == ("end_odometer_km" in theirs)
        assert (known.distance_m is not None) == ("distance_km" in theirs)
        assert known.is_touched or not theirs
        assert not theirs >= {"start_odometer_km", "end_odometer_km", "distance_km"}
        assert ("business_km" in theirs) <= (trip.kind == "mixed")
        assert say(trip, **said) is trip


def test_what_they_once_touched_stays_touched() -> None:
    assert not DRIVEN.said.is_touched
    back = say(say(TRIP, notes="x"), notes=None)
    assert (back.set_by_hand, word(back).is_touched) == ((), True)


# --- kilometres ----------------------------------------------------------------------------------------------------


def test_two_odometers_give_the_distance() -> None:
    trip = say(TRIP, end_odometer_km=1030.04)
    assert (trip.distance_km, trip.distance_source, trip.end_odometer_known) == (30.0, "odometer", "typed")
    assert (trip.set_by_hand, word(trip).to_m, word(trip).distance_m) == (("end_odometer_km",), 1_030_000, None)


def test_an_odometer_at_the_end_below_that_at_the_start_is_refused() -> None:
    assert refused(lambda: say(TRIP, end_odometer_km=999)) == "end_odometer_km"
    assert refused(lambda: say(TRIP, start_odometer_km=1027.1)) == "end_odometer_km"
    assert refused(lambda: say(say(TRIP, distance_km=5), end_odometer_km=999)) == "end_odometer_km"


def test_a_new_end_is_held_against_the_start_that_was_typed_whatever_the_row_shows_by_now() -> None:
    typed = say(TRIP, start_odometer_km=1010.0)
    shown = replace(typed, start_odometer_km=1000.0, start_odometer_known="read")
    assert refused(lambda: say(shown, end_odometer_km=1005.0)) == "end_odometer_km"
    assert say(shown, end_odometer_km=1015.0).distance_km == 5.0


def test_a_distance_beside_two_odometers_must_be_their_difference() -> None:
    odometers = {"start_odometer_km": 10, "end_odometer_km": 30}
    assert refused(lambda: enter(**odometers, distance_km=20.1)) == "distance_km"
    trip = enter(**odometers, distance_km=20.04)
    assert (trip.distance_km, word(trip).from_m, word(trip).to_m, word(trip).distance_m) == (
        20.0,
        10_000,
        30_000,
        20_000,
    )


def test_a_distance_that_they_set_stays_whatever_one_odometer_they_type_after_it() -> None:
    trip = say(say(TRIP, distance_km=24), end_odometer_km=1030)
    assert (trip.distance_km, trip.distance_source, trip.set_by_hand) == (
        24.0,
        "manual",
        ("distance_km", "end_odometer_km"),
    )


def test_of_words_that_exclude_each_other_the_newest_count() -> None:
    by_odometers = say(say(TRIP, distance_km=24), start_odometer_km=1000, end_odometer_km=1030)
    assert (by_odometers.distance_km, by_odometers.set_by_hand) == (30.0, ("end_odometer_km", "start_odometer_km"))
    by_distance = say(by_odometers, distance_km=25)
    assert (by_distance.distance_km, by_distance.end_odometer_km) == (25.0, 1025.0)
    assert by_distance.set_by_hand == ("distance_km", "start_odometer_km")
    assert (word(by_distance).to_m, by_distance.end_odometer_known) == (None, "estimated")


def test_a_typed_odometer_stays_known_where_the_cars_own_moved_the_boundary() -> None:
    typed = say(TRIP, start_odometer_km=1002, notes="x")
    moved = replace(typed, start_odometer_km=1000.0, start_odometer_known="read")
    assert word(say(moved, notes="y")).from_m == 1_002_000
    assert word(say(moved, start_odometer_km=None)).from_m is None


def test_kilometres_that_are_given_back_are_those_that_are_known_without_them() -> None:
    assert say(say(TRIP, distance_km=24), distance_km=None).distance_km == 24.0, (
        "the end was moved; the fold moves it back"
    )
    back = say(say(TRIP, end_odometer_km=1030), end_odometer_km=None)
    assert (back.end_odometer_km, back.end_odometer_known, back.distance_km, back.distance_source) == (
        None,
        None,
        26.0,
        "gps",
    )
    unknown = say(say(replace(TRIP, gps_km=None), end_odometer_km=1030), end_odometer_km=None)
    assert (unknown.distance_km, unknown.flags) == (0.0, ("distance_unknown",))


# --- a trip by hand ------------------------------------------------------------------------------------------------


def test_of_a_trip_by_hand_all_that_was_given_is_theirs() -> None:
    trip = enter(kind="business", notes=None, end_odometer_km=1027)
    assert trip.set_by_hand == ("distance_km", "end_odometer_km", "ended_at", "from", "kind", "started_at", "to")
    assert (trip.source, trip.car_id, trip.revision) == ("manual", "a", 1)
    assert word(trip) == Said(began_at=START, ended_at=END, to_m=1_027_000, distance_m=20_000, is_touched=True)
    assert trip.summary == Summary(
        id="id", began_at=START, ended_at=END, car_id="a", default_car_id="a", trail=trail_of((Mark(START), Mark(END))),
        is_by_hand=True, said=word(trip), trip_ids=("id",),
    )  # fmt: skip


def test_a_trip_by_hand_in_no_car_is_in_none() -> None:
    trip = enter(car_id=None)
    assert (trip.car_id, word(trip).has_car, word(trip).car_id) == (None, True, None)
    assert say(trip, car_id="").car_id == "a"
    assert "car_id" not in enter(car_id="").set_by_hand


@pytest.mark.parametrize("name", ["started_at", "ended_at", "from_", "to", "distance_km"])
def test_what_a_trip_by_hand_needs_cannot_be_missing_nor_be_given_back(name: str) -> None:
    assert refused(lambda: enter(**{name: None})) == name.strip("_")
    assert refused(lambda: say(enter(), **{name: None})) == name.strip("_")


def test_a_trip_by_hand_keeps_a_distance_or_both_odometers() -> None:
    trip = enter(start_odometer_km=10, end_odometer_km=30)
    back = say(trip, distance_km=None)
    assert (back.distance_km, "distance_km" in back.set_by_hand) == (20.0, False)
    assert refused(lambda: say(back, end_odometer_km=None)) == "distance_km"
    assert say(back, end_odometer_km=None, distance_km=5).distance_km == 5.0


def test_the_summary_of_a_trip_by_hand_follows_what_is_said_of_it() -> None:
    trip = say(enter(), from_=Endpoint(52.0, 5.0), started_at="2026-03-02T07:00Z", car_id="b")
    assert trip.summary
    assert (trip.summary.began_at, trip.summary.car_id) == (START - timedelta(hours=1), "b")
    assert trip.summary.marks[0] == Mark(START - timedelta(hours=1), lat=52.0, lng=5.0)


@pytest.mark.parametrize(("days", "late"), [(0, False), (7, False), (7.01, True)])
def test_what_is_entered_more_than_a_week_after_its_end_is_late(days: float, late: bool) -> None:
    trip = enter(END + timedelta(days=days))
    assert trip.late == late
    assert say(trip, notes="a month later").late == late


def test_a_drive_that_is_classified_late_is_not_late() -> None:
    assert not corrected(TRIP, {"kind": "private"}, ZONE, END + timedelta(days=90)).late


# --- summaries -----------------------------------------------------------------------------------------------------


def test_an_older_trip_without_a_summary_gets_one_before_their_word_changes_it() -> None:
    trip = say(replace(TRIP, summary=None), started_at="2026-03-02T07:00Z", distance_km=24)
    assert trip.summary == Summary(
        id=TRIP.id, began_at=START, ended_at=END, car_id="a", trip_ids=(TRIP.id,), trail=DRIVEN.trail,
        said=Said(began_at=START - timedelta(hours=1), distance_m=24_000, is_touched=True),
    )  # fmt: skip


def test_a_deletion_is_a_word_about_the_drive() -> None:
    assert deleted(TRIP) == replace(DRIVEN, said=Said(is_deleted=True, is_touched=True))
    assert summary_of(TRIP) is DRIVEN
