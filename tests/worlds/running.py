"""Plays many seeds and counts what is wrong with their logs."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.worlds.checker import COUNTS, Finding, checked, counted
from tests.worlds.plan import Plan
from tests.worlds.planning import planned
from tests.worlds.playing import MakeKeeper, Run, play
from tests.worlds.presets import PRESETS, Preset
from tests.worlds.product import Product
from tests.worlds.truth import Truth

CHUNK = 5  # seeds that a process takes at a time


class Result(NamedTuple):
    """What came of a seed. `unplayed` are the driver's words that the keeper could not take."""

    seed: int
    counts: dict[str, int]
    unplayed: int
    crash: str = ""


class Line(NamedTuple):
    """What came of a preset's seeds; `first` is the first seed of each count."""

    preset: str
    seeds: int
    wrong: int
    counts: dict[str, int]
    unplayed: int
    first: dict[str, int]
    crash: str


def product(truth: Truth) -> Product:
    """The product's pure fold as the keeper of a world."""
    return Product(tuple(car.id for car in truth.plan.cars))


def result(preset: Preset, seed: int, make: MakeKeeper = product) -> Result:
    """Plays and checks one seed."""
    run = play(planned(preset, seed), make)
    return Result(seed, dict(counted(checked(run))), unplayed(run), run.crash)


def unplayed(run: Run) -> int:
    """How many words of the driver were not played."""
    return sum(one.played == "cannot" for one in run.spoken)


def findings(plan: Plan, make: MakeKeeper = product) -> list[Finding]:
    """What is wrong with the log of a plan."""
    return checked(play(plan, make))


def lines(presets: Sequence[Preset], seeds: Sequence[int], jobs: int) -> Iterable[Line]:
    """A line of the table for each preset, as they come; progress is told on stderr."""
    with ProcessPoolExecutor(jobs) as pool:
        played = {
            preset.name: pool.map(_named, [preset.name] * len(seeds), seeds, chunksize=CHUNK) for preset in presets
        }
        for name, results in played.items():
            line = summed(name, list(results))
            print(f"{name}: {line.wrong} of {line.seeds} wrong", file=sys.stderr, flush=True)
            yield line


def _named(name: str, seed: int) -> Result:
    return result(PRESETS[name], seed)


def summed(name: str, results: Sequence[Result]) -> Line:
    """The line of a preset."""
    total, first = Counter[str](), dict[str, int]()
    for one in results:
        total.update(one.counts)
        for count in one.counts:
            first.setdefault(count, one.seed)
    crash = next((one.crash for one in results if one.crash), "")
    wrong, missed = sum(bool(one.counts) for one in results), sum(one.unplayed for one in results)
    return Line(name, len(results), wrong, dict(total), missed, first, crash)


def table(made: Sequence[Line]) -> str:
    """All lines under a head; a dot is a zero."""
    head = ("preset", "seeds", "wrong", *COUNTS, "not played")
    rows = [head, *(_cells(line) for line in made)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    cells = (
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(line) for line in cells)


def _cells(line: Line) -> tuple[str, ...]:
    numbers = (line.seeds, line.wrong, *(line.counts.get(count, 0) for count in COUNTS), line.unplayed)
    return (line.preset, *(str(number) if number else "." for number in numbers))
