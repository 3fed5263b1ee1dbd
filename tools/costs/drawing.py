"""The picture of the costs: a driver's share of the bill, without and with pings, in one SVG without dependencies."""

from collections.abc import Iterator
from typing import NamedTuple
from xml.sax.saxutils import escape

from tools.costs.assumptions import DRIVERS
from tools.costs.bill import Line, bill, total_usd
from tools.costs.counts import Measured

WIDTH, HEIGHT = 760, 236
LEFT, BAR_WIDTH, BAR_HEIGHT, FIRST_BAR_Y, NEXT_BAR = 120, 550, 44, 62, 64
ROUNDING = 6
LEAST_LABELLED = 40  # pixels


class Part(NamedTuple):
    """A part of the bill that is worth a colour: a service, or some of its lines."""

    name: str
    colour: str
    services: tuple[str, ...]
    lines: tuple[str, ...] = ()

    def usd(self, lines: list[Line]) -> float:
        """US dollars a month."""
        return sum(
            line.usd
            for line in lines
            if line.price.service in self.services and (not self.lines or line.price.what in self.lines)
        )


PARTS = (
    Part("Functions", "#4f7cac", ("Cloud Run",)),
    Part("Store: reads and writes", "#c98524", ("Firestore",), ("reads", "writes", "deletes")),
    Part(
        "Store: data and copies", "#9e6b9e", ("Firestore",), ("stored data", "point-in-time recovery", "backups")
    ),
    Part(
        "Logs, network, rest", "#7a9e7e",
        ("Pub/Sub", "Eventarc", "Cloud Scheduler", "Secret Manager", "Artifact Registry", "Cloud Logging", "Internet"),
    ),
)  # fmt: skip

STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 16px }
  .quiet { fill: #57606a }
  .inside { fill: #fff; font-weight: 600; text-anchor: middle }
"""


def drawing(measured: Measured) -> str:
    """The SVG."""
    drivers = DRIVERS[-1]
    bills = [("no pings", bill(measured, drivers, False)), ("minute pings", bill(measured, drivers, True))]
    most_usd = max(total_usd(lines) for _, lines in bills)
    # A ground of its own: the picture looks the same on a dark page.
    body = [f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10" fill="#fff" stroke="#d0d7de"/>']
    body += [f'<text class="title" x="20" y="36">What one driver costs a month, at {drivers:,} drivers</text>']
    for n, (name, lines) in enumerate(bills):
        body += _bar(n, name, lines, drivers, BAR_WIDTH / most_usd)
    body += _legend()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img">'
    return "\n".join((head, f"<style>{STYLE}</style>", *body, "</svg>", ""))


def _bar(n: int, name: str, lines: list[Line], drivers: int, pixels_a_usd: float) -> Iterator[str]:
    y, x = FIRST_BAR_Y + n * NEXT_BAR, float(LEFT)
    width = total_usd(lines) * pixels_a_usd
    middle = y + BAR_HEIGHT / 2 + 5
    yield f'<text class="quiet" x="{LEFT - 12}" y="{middle:g}" text-anchor="end">{escape(name)}</text>'
    whole = f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="{ROUNDING}"/>'
    yield f'<clipPath id="bar{n}">{whole}</clipPath>'
    for part in PARTS:
        usd = part.usd(lines)
        wide = usd * pixels_a_usd
        shape = f'x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR_HEIGHT}"'
        yield f'<rect {shape} fill="{part.colour}" clip-path="url(#bar{n})"/>'
        if wide >= LEAST_LABELLED:
            yield f'<text class="inside" x="{x + wide / 2:.1f}" y="{middle:g}">{100 * usd / drivers:.1f}</text>'
        x += wide
    cents = f"{100 * total_usd(lines) / drivers:.1f} ¢"
    yield f'<text class="title" x="{x + 12:.1f}" y="{middle:g}">{cents}</text>'


def _legend() -> Iterator[str]:
    x, y = 20, HEIGHT - 28
    for part in PARTS:
        yield f'<rect x="{x}" y="{y - 11}" width="13" height="13" rx="3" fill="{part.colour}"/>'
        yield f'<text class="quiet" x="{x + 20}" y="{y}">{escape(part.name)}</text>'
        x += 56 + round(6.9 * len(part.name))
