"""The picture of docs/scale.md: documents and messages a second over a working day, beside what the index takes."""

from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

from shared.repositories.due import SHARDS
from tools.costs import limits
from tools.costs.assumptions import HOUR_TRIPS, LOOK_HOUR, MANY_DRIVERS
from tools.costs.counts import Calls, Measured
from tools.costs.drawing import STYLE
from tools.costs.scale import a_second, load

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 56, 70
STEP_A_S = 2000
LIMIT, DASHED = "#b33", 'stroke-width="1.5" stroke-dasharray="6 4"'


class Kind(NamedTuple):
    """Something counted, by its name in the counts, with its colour."""

    name: str
    colour: str
    field: str


KINDS = (
    Kind("reads", "#4f7cac", "reads"),
    Kind("writes", "#c98524", "writes"),
    Kind("messages", "#7a9e7e", "messages"),
    Kind("writes of next_poll_at", "#9e6b9e", "states_written"),
)


def drawing(measured: Measured) -> str:
    """The SVG: the busiest minute of each hour, with pings."""
    hours = [load(measured, MANY_DRIVERS, True, hour).total for hour in range(len(HOUR_TRIPS))]
    index_a_s = SHARDS * limits.INDEX_WRITES_A_S
    most = max(index_a_s, *(a_second(getattr(calls, kind.field)) for calls in hours for kind in KINDS))
    top = (int(most / STEP_A_S) + 1) * STEP_A_S
    body = [f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10" fill="#fff" stroke="#d0d7de"/>']
    title = f"{MANY_DRIVERS:,} drivers with pings: a second in the busiest minute of each hour"
    body += [f'<text class="title" x="20" y="36">{title}</text>', *_grid(top)]
    limit_y = _y(index_a_s, top)
    body.append(f'<path d="M{LEFT} {limit_y:.1f}H{WIDTH - RIGHT}" stroke="{LIMIT}" {DASHED}/>')
    look_y = _y(a_second(hours[LOOK_HOUR].reads), top) - 8
    at = f'x="{_x(LOOK_HOUR + 0.5):.1f}" y="{look_y:.1f}"'
    body.append(f'<text class="quiet" {at} text-anchor="middle">daily look</text>')
    body += [_line(kind, hours, top) for kind in KINDS]
    body += _legend()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">'
    return "\n".join((head, f"<style>{STYLE}</style>", *body, "</svg>", ""))


def _x(hour: float) -> float:
    return LEFT + hour * (WIDTH - LEFT - RIGHT) / len(HOUR_TRIPS)


def _y(rate: float, top: int) -> float:
    return HEIGHT - BOTTOM - rate * (HEIGHT - TOP - BOTTOM) / top


def _grid(top: int) -> Iterator[str]:
    for rate in range(0, top + 1, 2 * STEP_A_S):
        y = _y(rate, top)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#eaeef2"/>'
        yield f'<text class="quiet" x="{LEFT - 10}" y="{y + 5:.1f}" text-anchor="end">{rate:,}</text>'
    for hour in range(0, len(HOUR_TRIPS) + 1, 3):
        yield f'<text class="quiet" x="{_x(hour):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{hour}</text>'


def _line(kind: Kind, hours: list[Calls], top: int) -> str:
    """A step for each hour."""
    steps = "".join(
        f"V{_y(a_second(getattr(calls, kind.field)), top):.1f}H{_x(n + 1):.1f}" for n, calls in enumerate(hours)
    )
    path = f"M{LEFT} {_y(0, top):.1f}{steps}"
    return f'<path d="{path}" fill="none" stroke="{kind.colour}" stroke-width="2.5" stroke-linejoin="round"/>'


def _legend() -> Iterator[str]:
    x, y = LEFT, HEIGHT - 20
    for kind in KINDS:
        yield f'<rect x="{x}" y="{y - 11}" width="13" height="13" rx="3" fill="{kind.colour}"/>'
        yield f'<text class="quiet" x="{x + 20}" y="{y}">{escape(kind.name)}</text>'
        x += 44 + round(6.9 * len(kind.name))
    yield f'<path d="M{x} {y - 5}h22" stroke="{LIMIT}" {DASHED}/>'
    yield f'<text class="quiet" x="{x + 28}" y="{y}">their limit, {SHARDS} shards</text>'
