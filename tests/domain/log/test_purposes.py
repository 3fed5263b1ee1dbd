"""Which purposes are offered for a trip between two places."""

from typing import Any

from shared.domain.log.purposes import MOST_OFFERED, Ends, Purpose, Use, named, offered
from shared.domain.log.trip import Endpoint
from tests.rows import at

HOME, OFFICE = Endpoint(52.0, 5.0, "Home"), Endpoint(52.0, 5.5, "Office", "Havenweg 2, Breda")
STREET = Endpoint(51.0, 5.0, address="Dorpsstraat 1, Utrecht")
BETWEEN = Ends(HOME, OFFICE)


def use(days_ago: int, purpose: str, from_: Endpoint = HOME, to: Endpoint = OFFICE, **more: Any) -> Use:
    return Use(f"trip-{days_ago}", at(-24 * days_ago), f"2026-01-{23 - days_ago}", from_, to, purpose, **more)


def found(ends: Ends, *uses: Use) -> list[str]:
    return [purpose.purpose for purpose in offered(uses, ends)]


def test_purposes_come_newest_first_and_once_with_their_last_kind_and_how_often_they_were_used() -> None:
    uses = [use(1, "Visit", kind="business"), use(2, ""), use(3, "Stock"), use(4, "  VISIT "), use(5, "Stock")]
    assert offered(uses, BETWEEN) == [
        Purpose("Visit", "business", "2026-01-22", 2),
        Purpose("Stock", "unclassified", "2026-01-20", 2),
    ]


def test_it_is_all_the_same_which_way_a_trip_went_but_not_where() -> None:
    assert found(BETWEEN, use(1, "There"), use(2, "Back", OFFICE, HOME), use(3, "Elsewhere", HOME, STREET)) == [
        "There",
        "Back",
    ]
    assert found(BETWEEN, use(1, "A round", HOME, HOME)) == []


def test_of_one_end_that_is_not_known_any_will_do_and_of_none_all_are_offered() -> None:
    uses = [use(1, "There"), use(2, "Back", OFFICE, HOME), use(3, "Else", STREET, HOME)]
    assert found(Ends(OFFICE, Endpoint()), *uses) == ["There", "Back"]
    assert found(Ends(), *uses) == ["There", "Back", "Else"]


def test_an_end_without_a_place_is_known_by_its_position_else_by_its_address() -> None:
    near, far = Endpoint(52.001, 5.0), Endpoint(52.01, 5.0)
    assert found(Ends(near, OFFICE), use(1, "Near")) == ["Near"]
    assert found(Ends(far, OFFICE), use(1, "Far")) == []
    assert found(Ends(Endpoint(address="dorpsstraat 1, utrecht"), OFFICE), use(1, "Street", STREET)) == ["Street"]
    neighbour = Endpoint(52.0, 5.0, "Neighbour")
    assert found(Ends(neighbour, OFFICE), use(1, "At home")) == [], "two places beside each other are two"
    assert found(Ends(Endpoint(51.0, 5.0), OFFICE), use(1, "Nowhere", Endpoint())) == []


def test_places_are_named_in_any_case_of_letters_and_addresses_where_there_is_no_place() -> None:
    uses = [use(1, "Visit"), use(2, "Street", STREET)]
    assert found(named("home", "OFFICE"), *uses) == ["Visit"]
    assert found(named("", "dorpsstraat 1, utrecht"), *uses) == ["Street"]
    assert found(named("", "office"), *uses) == ["Visit", "Street"]
    assert found(named("Nowhere", ""), *uses) == []


def test_no_more_are_offered_than_somebody_reads() -> None:
    assert found(BETWEEN, *(use(n, f"No. {n}") for n in range(20))) == [f"No. {n}" for n in range(MOST_OFFERED)]
