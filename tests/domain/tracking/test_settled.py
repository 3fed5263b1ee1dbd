"""Which rows have a history: what phone and car cannot change any more, and what their driver said something of."""

from msgspec.structs import replace

from shared.domain.log.book import Start
from shared.domain.log.summary import Said, Summary
from shared.domain.tracking.settled import has_history
from shared.domain.tracking.state import DriverState, OpenLog
from tests.rows import at, gap, trip

OPEN = trip(12_000_000, 12_050_000, at(10))
SETTLED = trip(11_000_000, 11_050_000, at(0))
NOWHERE = replace(OPEN, car_id=None, from_m=None, to_m=None)
STATE = DriverState(open={"car": OpenLog(start=Start(at(5), 12_000_000))})


def test_a_row_that_is_open_has_none_until_its_driver_says_something() -> None:
    assert not has_history(STATE, OPEN, OPEN)
    assert has_history(STATE, OPEN, replace(OPEN, set_by_hand=("kind",)))
    touched = Summary(id="x", began_at=at(10), ended_at=at(11), said=Said(is_touched=True))
    assert has_history(STATE, replace(OPEN, summary=touched), None)
    assert has_history(STATE, None, replace(OPEN, source="manual"))


def test_a_settled_row_has_one_also_where_it_is_new_or_goes() -> None:
    nobodys = gap(11_050_000, 11_060_000, at(1), until=at(2))
    assert has_history(STATE, SETTLED, SETTLED)
    assert has_history(STATE, None, nobodys)
    assert has_history(STATE, nobodys, None)


def test_a_trip_in_no_car_has_none_as_long_as_its_drive_is_remembered_and_it_is_not_new() -> None:
    told = Summary(id="x", began_at=at(10), ended_at=at(11), trip_ids=(NOWHERE.id,))
    assert not has_history(STATE, None, NOWHERE)
    assert not has_history(replace(STATE, told=(told,)), NOWHERE, NOWHERE)
    assert has_history(STATE, NOWHERE, NOWHERE)


def test_a_gap_keeps_its_history_though_what_was_said_of_it_is_taken_back() -> None:
    nobodys = gap(12_050_000, 12_060_000, at(20), until=at(21))
    assert not has_history(STATE, nobodys, nobodys)
    assert has_history(STATE, replace(nobodys, is_touched=True), None)
