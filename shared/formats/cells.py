"""Keeps a text a text: a spreadsheet takes one that begins like a formula for a formula, whoever wrote it.

`guarded` puts an apostrophe before such a text and `unguarded` takes it off again, whatever the text was.
"""

import re

# Also full-width forms, which some spreadsheets take alike, and behind spaces and marks that nobody sees. A text that
# would look guarded is guarded too, or it would lose an apostrophe of its own.
_BLANK = r"[\s\ufeff\u200b-\u200f\u2060]*"
_FORMULA = re.compile(rf"'*(?:[\t\r\n]|{_BLANK}[=+\-@＝＋－＠])")


def guarded(text: str) -> str:
    """A text as a cell of a spreadsheet can have it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """What a text was before it was guarded; one that was not stays."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
