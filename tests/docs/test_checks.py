"""The page on the checks of a year has each of them, with its basis."""

import re

from shared.domain.checks.table import CHECKS
from tests.docs.pages import ROOT


def test_the_page_has_a_row_for_each_check_with_what_it_is_based_on() -> None:
    rows = [line.split("|") for line in (ROOT / "docs" / "checks.md").read_text().splitlines()]
    told = [
        (int(row[1]), re.split(r"\W", row[4].strip())[0]) for row in rows if len(row) > 4 and row[1].strip().isdigit()
    ]
    assert told == [(check.n, check.basis) for check in CHECKS]
