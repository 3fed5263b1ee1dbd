"""What a benchmark found, as a table for people: printed, and put into the README between markers of its name."""

from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """The rows of one benchmark. `summary` says in words what came out and which goals were `reached`."""

    name: str
    summary: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    reached: bool = True

    def text(self) -> str:
        """The table in Markdown, with the command that makes it again."""
        rule = ["---", *["--:"] * (len(self.head) - 1)]
        lines = [f"| {' | '.join(row)} |" for row in (self.head, rule, *self.rows)]
        return "\n".join([f"`python -m tools.bench {self.name}`: {self.summary}", "", *lines])


def put_into(readme: str, table: Table) -> str:
    """The README with the table in place of the one it has. Raises ValueError where it has none of that name."""
    begin, end = f"<!-- bench: {table.name} -->", f"<!-- /bench: {table.name} -->"
    before, found, rest = readme.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"README.md lacks the markers {begin} and {end}")
    return f"{before}{begin}\n\n{table.text()}\n\n{end}{after}"
