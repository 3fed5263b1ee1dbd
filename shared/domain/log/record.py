"""Owns how what the phone said of a drive is kept, as small as it can be told without loss.

Sixty pings take less than 2 KB, so that they can be kept as long as the log is. All of one kind is one text, and what
changes from event to event is told as the difference, which is short.
"""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import polyline
from msgspec.structs import replace

from shared.domain.log.drive import Heard, Record
from shared.domain.thresholds import MOST_DRIVERS, POSITION_DECIMALS

MILLISECOND = timedelta(milliseconds=1)
# Whether an event is a start or ping, an end, or an end at a place of kind pause; in capitals if it has no position.
LETTERS = {(False, False): "s", (True, False): "e", (True, True): "p"}
MEANINGS = {letter: meaning for meaning, letter in LETTERS.items()}
STRAY = "?"  # before the name of a car that the driver did not have; no car's id has it
ALL = "*"  # after a value that holds for all events


def recorded(record_id: str, events: Iterable[Heard], is_dropped: bool = False) -> Record:
    """What is kept of events, of which there is one at least: each once, however often it came."""
    kept = _once(events)
    cars = _numbered(map(_name, kept))
    drivers = dict(list(_numbered(heard.by for heard in kept).items())[:MOST_DRIVERS])
    offsets_ms = [round((heard.at - kept[0].at) / MILLISECOND) for heard in kept]
    positions = [heard.position for heard in kept if heard.position]
    return Record(
        id=record_id,
        began_at=kept[0].at,
        kinds="".join(_letter(heard) for heard in kept),
        seconds=_text([_short((later - earlier) / 1000) for earlier, later in pairwise([0, *offsets_ms])]),
        delays_s=_text([_short(heard.delay_s) for heard in kept]),
        positions=polyline.encode(positions, POSITION_DECIMALS) if positions else "",
        accuracies_m=_text(["" if heard.accuracy_m is None else _number(heard.accuracy_m) for heard in kept]),
        cars=tuple(cars),
        named=_text([str(cars.get(_name(heard), "")) for heard in kept]),
        drivers=tuple(drivers),
        said_by=_text([str(drivers.get(heard.by, "")) for heard in kept]),
        is_dropped=is_dropped,
    )


def events_of(record: Record) -> list[Heard]:
    """The events of a record, as they were heard."""
    count = len(record.kinds)
    texts = (record.seconds, record.delays_s, record.accuracies_m, record.named, record.said_by)
    columns = (_entries(text, count) for text in texts)
    positions = iter(polyline.decode(record.positions, POSITION_DECIMALS) if record.positions else ())
    events, at = list[Heard](), record.began_at
    for letter, seconds, delay_s, accuracy_m, named, said_by in zip(record.kinds, *columns, strict=True):
        at += round(float(seconds or 0) * 1000) * MILLISECOND
        is_end, is_pause = MEANINGS[letter.lower()]
        lat, lng = next(positions) if letter.islower() else (None, None)
        name = record.cars[int(named)] if named else ""
        fix = (at, lat, lng, float(accuracy_m) if accuracy_m else None, name.removeprefix(STRAY) or None)
        by = record.drivers[int(said_by)] if said_by else ""
        events.append(Heard(*fix, float(delay_s or 0), is_end, is_pause, name.startswith(STRAY), by))
    return events


def _once(events: Iterable[Heard]) -> list[Heard]:
    """By time, each event once: as it came first."""
    found: dict[Heard, Heard] = {}
    for heard in sorted(map(_as_kept, events), key=lambda heard: heard.delay_s):
        found.setdefault(heard.word, heard)
    return sorted(found.values(), key=lambda heard: (heard.at, heard.is_end, _name(heard), heard.position or (0, 0)))


def _numbered(names: Iterable[str]) -> dict[str, int]:
    """Each name once, with its place in the order of their first use."""
    return {name: n for n, name in enumerate(dict.fromkeys(filter(None, names)))}


def _as_kept(heard: Heard) -> Heard:
    if heard.lat is None or heard.lng is None:
        return heard
    return replace(heard, lat=round(heard.lat, POSITION_DECIMALS), lng=round(heard.lng, POSITION_DECIMALS))


def _letter(heard: Heard) -> str:
    letter = LETTERS[heard.is_end, heard.is_pause]
    return letter if heard.position else letter.upper()


def _name(heard: Heard) -> str:
    return f"{STRAY if heard.is_stray else ''}{heard.car_id}" if heard.car_id else ""


def _number(value: float) -> str:
    """To three decimals and no more than are needed."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _short(value: float) -> str:
    """The same, and nothing for zero."""
    text = _number(value)
    return "" if text in ("0", "-0") else text


def _text(values: list[str]) -> str:
    if len(values) > 1 and len(set(values)) == 1:
        return values[0] + ALL if values[0] else ""
    return ",".join(values) if any(values) else ""


def _entries(text: str, count: int) -> list[str]:
    if not text or text.endswith(ALL):
        return [text.removesuffix(ALL)] * count
    return text.split(",")
