"""The one format for what was measured: a table in Markdown under a few sentences, at its place on a page."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """`said` tells how it was measured and what came out; `name` is that of its markers on the page."""

    name: str
    said: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self, measured: str = "") -> str:
        """Markdown, after a sentence about the day and the command."""
        said = textwrap.fill(f"{measured} {self.said}".strip(), 120, break_long_words=False, break_on_hyphens=False)
        rule = ["--:" if cell[:1].isdigit() else "---" for cell in self.rows[0]]
        return "\n".join([said, "", *(f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows))])


def put_into(page: str, tables: Iterable[Table], measured: str) -> str:
    """The page with the tables in place of those it has. Raises ValueError where it has none of a name."""
    for table in tables:
        begin, end = f"<!-- measured: {table.name} -->", f"<!-- /measured: {table.name} -->"
        before, found, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"the page lacks the markers {begin} and {end}")
        page = f"{before}{begin}\n\n{table.text(measured)}\n\n{end}{after}"
    return page
