"""Plays worlds against the product: `python -m tests.worlds [--preset P] [--seeds N] [--first-seed S] [--stack]`."""

import argparse
import os
import sys
from collections.abc import Iterable

from tests.worlds import __doc__ as about
from tests.worlds.checker import COUNTS, checked
from tests.worlds.planning import planned
from tests.worlds.presets import PRESETS
from tests.worlds.running import Line, lines, table
from tests.worlds.shrinking import shrunk
from tests.worlds.telling import told


def main() -> int:
    """Prints the table, and shrunk examples where they are wanted; 1 where any count is not 0."""
    options = _options()
    presets = [PRESETS[options.preset]] if options.preset else list(PRESETS.values())
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    made = list(_stack_lines(seeds) if options.stack else lines(presets, seeds, options.jobs))
    print(table(made))
    for crash in [line.crash for line in made if line.crash][:1]:
        print(crash, file=sys.stderr)
    if (options.preset or options.examples) and not options.stack:
        for line in made:
            _show_examples(line)
    return int(any(line.counts for line in made))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.worlds", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", choices=PRESETS, metavar="P", help=f"one of {', '.join(PRESETS)}; default all")
    parser.add_argument("--seeds", type=int, metavar="N", help="of each preset, default 30, or 2 against the stack")
    parser.add_argument("--first-seed", type=int, default=0, metavar="S", help="default 0")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="J", help="processes")
    parser.add_argument("--examples", action="store_true", help="shrink the first seed of each count, of all presets")
    parser.add_argument("--stack", action="store_true", help="play three of the presets against a running stack")
    options = parser.parse_args()
    options.seeds = options.seeds or (2 if options.stack else 30)
    return options


def _stack_lines(seeds: Iterable[int]) -> Iterable[Line]:
    from tests.worlds.stack import stack_lines  # it needs the emulators' clients, which take their time

    return stack_lines(list(seeds))


def _show_examples(line: Line) -> None:
    """The first seed of each count, shrunk to what it needs; or which example of the same seed shows it already."""
    shown: dict[tuple[int, str], str] = {}
    for count in (count for count in COUNTS if count in line.first):
        seed = line.first[count]
        if (seed, count) in shown:
            print(f"\n--- {count}: see {shown[seed, count]}")
            continue
        run = shrunk(planned(PRESETS[line.preset], seed), count)
        print(f"\n--- {count}, shrunk\n{told(run)}", flush=True)
        shown = {(seed, finding.kind): count for finding in checked(run)} | shown


if __name__ == "__main__":
    sys.exit(main())
