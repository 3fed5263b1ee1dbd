"""The pages of this repository as a test reads them: their links, headings and boxes, and how answers are compared."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
# What differs from run to run: moments, days, months, times of day, and the ids and keys that the product makes.
VARYING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"
    r"|\d{8}T\d{6}Z-[0-9a-f]{6}|\d{4}-\d\d(?:-\d\d)?"
    r"|\b\d\d:\d\d\b"
    r"|\b[\w-]{43}(?![\w-])|\b[0-9a-f]{12}\b|\b[0-9a-f]{8}\b"
)
COUNTED = {"age_s"}


class Box(NamedTuple):
    """A box of code: its language, and its text."""

    language: str
    text: str


def all_pages() -> list[Path]:
    """Every page that git has or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(page for name in listed.stdout.splitlines() if (page := ROOT / name).exists())


@cache
def _tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


def boxes(page: Path) -> list[Box]:
    """The boxes of code of a page, in their order."""
    return [Box(token.info, token.content) for token in _tokens(page) if token.type == "fence"]


def links(page: Path) -> list[str]:
    """Where the links and images of a page lead."""
    inside = [child for token in _tokens(page) for child in token.children or ()]
    found = [child.attrGet("href") or child.attrGet("src") for child in inside if child.type in {"link_open", "image"}]
    return [str(link) for link in found]


def headings(page: Path) -> list[str]:
    """The headings of a page, as they are typed."""
    tokens = _tokens(page)
    return [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]


def section(page: Path, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    text = page.read_text().split(f"# {heading}\n", 1)[1]
    return re.split(r"^#+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings of a page."""
    slugs: list[str] = []
    for heading in headings(page):
        slug = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        slugs.append(f"{slug}-{seen}" if (seen := slugs.count(slug)) else slug)
    return set(slugs)


def target(page: Path, link: str) -> tuple[Path, str]:
    """The file to which a relative link of a page leads, and the anchor in it."""
    name, _, anchor = link.partition("#")
    return ((page.parent / name).resolve() if name else page), anchor


def masked(text: str) -> str:
    """A text with what differs from run to run made equal."""
    return VARYING.sub("…", text)


def in_order(shown: str, printed: str) -> bool:
    """Whether all lines shown were printed, in this order, but for numbers and what differs from run to run."""
    lines = iter([_without_numbers(line) for line in printed.splitlines()])
    return all(_without_numbers(line) in lines for line in shown.splitlines())


def _without_numbers(line: str) -> str:
    return re.sub(r"\d+", "N", masked(line)).rstrip()


def documents(text: str) -> list[Any]:
    """The JSON documents of a text, one after the other. Raises ValueError where something else stands in it."""
    decoder, found = json.JSONDecoder(), list[Any]()
    while text := text.strip():
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:]
    return found


def alike(told: Any, shown: Any) -> bool:
    """Whether two answers have the same keys, and the same values but for what differs from run to run."""
    if isinstance(told, dict) and isinstance(shown, dict):
        return told.keys() == shown.keys() and all(
            isinstance(told[key], int) if key in COUNTED else alike(told[key], shown[key]) for key in told
        )
    if isinstance(told, list) and isinstance(shown, list):
        return len(told) == len(shown) and all(map(alike, told, shown))
    if isinstance(told, str) and isinstance(shown, str):
        return masked(told) == masked(shown)
    return type(told) is type(shown) and bool(told == shown)
