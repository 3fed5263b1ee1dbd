"""The notation of scripted days, played to a keeper that only writes down what it is told."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.domain.log.cases.script import MORNING, Script, is_near, place
from tests.worlds.log import CarAnswer, Correction, Log, PhoneEvent, Played

EMPTY = Log((), (), {})


class Clerk:
    """Polls car "a" at given minutes, and keeps all that it hears with the minute of its arrival."""

    def __init__(self, *polls: float) -> None:
        self.heard: list[tuple[float, PhoneEvent]] = []
        self.told: list[tuple[float, CarAnswer | None]] = []
        self.looked: list[float] = []
        self.said: list[Correction] = []
        self.polls, self.is_waiting = sorted(polls), False

    def hear(self, event: PhoneEvent, now: datetime) -> None:
        self.heard.append((_minute(now), event))

    def due_at(self) -> datetime | None:
        return MORNING + timedelta(minutes=self.polls[0]) if self.polls else None

    def poll(self, now: datetime, ask: Callable[[str], CarAnswer | None]) -> None:
        self.polls.pop(0)
        self.told.append((_minute(now), ask("a")))

    def look(self, now: datetime) -> None:
        self.looked.append(_minute(now))

    def correct(self, correction: Correction, now: datetime) -> Played:
        self.said.append(correction)
        return "played"

    def waits(self) -> bool:
        return self.is_waiting

    def log(self) -> Log:
        return EMPTY


def _minute(at: datetime) -> float:
    return round((at - MORNING) / timedelta(minutes=1), 3)


def play(text: str, *polls: float) -> tuple[Script, Clerk]:
    clerk = Clerk(*polls)
    return Script(("a", "b"), keeper=clerk).play(text), clerk


def test_a_cloud_says_what_it_said_last() -> None:
    script, clerk = play("10000@-5 parked H\n 10027@31 driving O", 1, 31, 40)
    script.until(60)
    before, at, after = (answer for _, answer in clerk.told)
    assert before == CarAnswer(10000.0, MORNING - timedelta(minutes=5), "parked", *place("H"))
    assert at == after == CarAnswer(10027.0, MORNING + timedelta(minutes=31), "driving", *place("O"))


def test_what_is_live_is_measured_when_it_is_asked_for() -> None:
    script, clerk = play("10000@-5.. parked", 3, 9)
    script.until(10)
    assert [_minute(answer.measured_at) for _, answer in clerk.told if answer] == [3, 9]


def test_what_is_told_late_keeps_the_time_at_which_it_was_measured() -> None:
    script, clerk = play("10000@-5\n 10027@29.3 from 40", 30, 40)
    script.until(60)
    assert [(answer.odometer_km, _minute(answer.measured_at)) for _, answer in clerk.told if answer] == [
        (10000.0, -5.0),
        (10027.0, 29.3),
    ]


def test_a_cloud_fails_where_it_is_down_and_while_it_said_nothing_yet() -> None:
    script, clerk = play("a: 10000@5\n b: down 0 100\n a: down 10 20", 1, 6, 10, 19, 20)
    script.until(60)
    assert [minute for minute, answer in clerk.told if answer] == [6, 20]


def test_messages_arrive_in_their_order_with_the_time_at_which_they_were_seen() -> None:
    _, clerk = play("end 30 O+4n in b arrives 200\n start 0 H\n ping 2 arrives 0")
    assert [(minute, event.kind, _minute(event.at), event.car) for minute, event in clerk.heard] == [
        (0, "start", 0, None),
        (0, "ping", 2, None),
        (200, "end", 30, "b"),
    ]
    end = clerk.heard[-1][1]
    assert is_near((end.lat or 0, end.lng or 0), "O+4n", within_km=0.001)
    assert not is_near((end.lat or 0, end.lng or 0), "O", within_km=3.9)


def test_it_is_polled_with_the_next_minute_and_at_once_where_something_happened() -> None:
    script, clerk = play("start 5.5", 2.2, 5.4, 7)
    script.until(10)
    assert [minute for minute, _ in clerk.told] == [3, pytest.approx(5.533, abs=0.001), 7]


def test_cars_are_looked_at_when_it_says_so_and_each_night() -> None:
    script, clerk = play("look 100")
    script.until(3 * 24 * 60)
    assert clerk.looked == [100, 19 * 60, 43 * 60, 67 * 60]


def test_who_waits_without_a_poll_is_found() -> None:
    clerk = Clerk()
    script = Script(("a",), keeper=clerk)
    clerk.is_waiting = True
    script.play("start 0")
    assert script.stuck == [MORNING]


@pytest.mark.parametrize("line", ["begin 0", "10000 parked", "start", "start 0 X", "10000@5 sleeping"])
def test_a_line_that_means_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=line.split(maxsplit=1)[0]):
        play(line)
