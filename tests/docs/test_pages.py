"""The pages lead where they say, and a stranger finds what they look for."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

from shared.domain.driver import Scope
from tests.docs.pages import ROOT, all_pages, anchors, boxes, headings, links, section, target

README = ROOT / "README.md"
# These are written anew with what they are about; until then their drivers are not yet "they".
OLDER = {"architecture.md", "cars.md", "deploy.md", "iphone.md", "migration.md"}
SERVICES = ("https://", "http://", "mailto:")


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


@pytest.mark.parametrize("page", all_pages(), ids=names(all_pages()))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in links(page):
        if link.startswith(SERVICES):
            continue
        file, anchor = target(page, link)
        assert file.exists(), link
        assert not anchor or anchor in anchors(file), link


def test_links_are_looked_for_in_text_tables_and_images_and_not_in_boxes_of_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    table, box = "| a |\n|---|\n| [t](t.md) |\n", "```sh\n[n](n.md)\n```\n"
    page.write_text(f"# A `b`, c\n[x](y.md#z) ![i](i.svg)\n\n{table}\n{box}# A `b`, c\n")
    assert links(page) == ["y.md#z", "i.svg", "t.md"]
    assert anchors(page) == {"a-b-c", "a-b-c-1"}


# --- the first page ----------------------------------------------------------------------------------------------


def test_the_first_page_has_at_most_120_lines() -> None:
    assert len(README.read_text().splitlines()) <= 120


def test_every_page_is_two_clicks_from_the_first_one_at_most() -> None:
    found = within(2)
    assert [name for name in names(all_pages()) if ROOT / name not in found] == []


@pytest.mark.parametrize("question", ["Where is a trip ended?", "How do I add a car?", "How do I run one test?"])
def test_who_has_never_been_here_finds_the_answer_in_two_clicks(question: str) -> None:
    pages = [page for page in within(2) if question in headings(page)]
    assert pages
    for page in pages:
        answer = section(page, question)
        paths = re.findall(r"(?:shared|functions|tests|docs)/[\w/]+\.\w+", answer)
        there = [path for path in paths if "NAME" not in path]
        assert there
        assert [path for path in there if not (ROOT / path).exists()] == []


def within(clicks: int) -> set[Path]:
    """The pages that can be reached by so many links."""
    found = edge = {README}
    for _ in range(clicks):
        reached = {target(page, link)[0] for page in edge for link in links(page) if not link.startswith(SERVICES)}
        edge = {page for page in reached if page.suffix == ".md" and page.exists()} - found
        found = found | edge
    return found


def test_the_functions_that_are_said_to_end_a_trip_are_in_the_file_that_is_named() -> None:
    answer = section(ROOT / ".github" / "CONTRIBUTING.md", "Where is a trip ended?")
    file = re.findall(r"`(shared/[\w/]+\.py)`", answer)[0]
    tree = ast.parse((ROOT / file).read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    named = re.findall(r"^- `(\w+)`", answer, re.MULTILINE)
    assert len(named) >= 3
    assert set(named) <= defined


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", [page for page in all_pages() if page.name not in OLDER and ".nl." not in page.name], ids=str
)
def test_drivers_are_they(page: Path) -> None:
    assert re.findall(r"\b(?:he|him|his|himself|she|hers)\b", page.read_text(), re.IGNORECASE) == []


def test_drivers_are_they_in_the_code_as_well() -> None:
    files = [file for folder in ("functions", "shared", "tools") for file in (ROOT / folder).rglob("*.py")]
    assert [file.name for file in files if re.search(r"\b(?:[Hh]e|[Hh]is|[Hh]im|[Hh]imself)\b", file.read_text())] == []


def test_the_page_on_calls_has_a_row_for_each_scope_of_a_key() -> None:
    rows = section(ROOT / "docs" / "api.md", "Keys")
    assert re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE) == list(get_args(Scope))


def test_what_the_first_page_shows_of_a_log_adds_up() -> None:
    shown = boxes(README)[0].text
    rows = [
        [float(number) for number in re.findall(r"\d+\.\d", line)]
        for line in shown.splitlines()
        if re.match(r"\d\d-\d\d ", line)
    ]
    missing = [float(number) for number in re.findall(r"\d+\.\d", shown.splitlines()[-1])]
    assert all(round(begin + km, 1) == end for begin, end, km in rows)
    assert missing == [round(rows[1][0] - rows[0][1], 1), rows[0][1], rows[1][0]]
