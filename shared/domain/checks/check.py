"""Owns what a check is, what comes of it, and how that is said in each language."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from shared.domain.checks.examined import Examined
from shared.domain.checks.finding import Basis, Finding, Result
from shared.domain.driver import Language


class Text(NamedTuple):
    """A text in each language of drivers; names in braces stand for numbers."""

    nl: str
    en: str

    def filled(self, language: Language, numbers: Mapping[str, float]) -> str:
        """The text in a language, with numbers as they are written there: kilometres to 0.1, counts whole."""
        text = self.nl if language == "nl" else self.en
        return text.format(**{name: _written(one, language) for name, one in numbers.items()})


class Outcome(NamedTuple):
    """What came of a check: the ids of the rows or readings concerned, and what the driver can do, with its numbers."""

    result: Result
    rows: tuple[str, ...] = ()
    advice: Text = Text("", "")
    numbers: Mapping[str, float] = {}


HOLDS, NOT_APPLICABLE = Outcome("holds"), Outcome("not_applicable")


class Check(NamedTuple):
    """The n-th check: what holds if it does, whether law or we demand it, and how it is found out. Where a year has no
    rows, one that `is_of_rows` has nothing to look at."""

    n: int
    basis: Basis
    name: Text
    outcome: Callable[[Examined], Outcome]
    is_of_rows: bool = True


def unless(rows: Iterable[str], result: Result, advice: Text, **numbers: float) -> Outcome:
    """The result where there are such rows, by their ids, else that it holds."""
    found = tuple(dict.fromkeys(rows))
    return Outcome(result, found, advice, {"count": len(found), **numbers}) if found else HOLDS


def finding(check: Check, examined: Examined, language: Language) -> Finding:
    """What a check found in a year, in a language."""
    is_empty = check.is_of_rows and not examined.log.rows and not examined.log.behind
    found = NOT_APPLICABLE if is_empty else check.outcome(examined)
    name, advice = check.name.filled(language, {}), found.advice.filled(language, found.numbers)
    return Finding(check.n, name, found.result, check.basis, found.rows, advice)


def _written(number: float, language: Language) -> str:
    text = f"{number:,.1f}" if isinstance(number, float) else f"{number:,}"
    return text.translate(str.maketrans(",.", ".,")) if language == "nl" else text
