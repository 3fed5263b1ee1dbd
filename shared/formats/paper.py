"""Puts tables and headings on the pages of a document: A4 on its side, PDF/A-3u, with a font of our own.

What it draws is one cell after the other: the library's own tables take ten times as long.
"""

import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fpdf import FPDF
from fpdf.fonts import TTFFont

FONT, FONTS = "DejaVu", Path(__file__).with_name("fonts")
FILES = {"": "DejaVuSansCondensed.ttf", "B": "DejaVuSansCondensed-Bold.ttf"}
MARGIN_MM, TOP_MM, BOTTOM_MM = 12.0, 12.0, 14.0
SIZE_PT, SMALL_PT, LINE_MM = 8.0, 7.0, 3.9
PADDING_MM, BESIDE_MM = 0.75, 1.2  # above and below the texts of a row, and beside them
INK, GREY, RULE, SHADE = 20, 105, 200, 242
# Stands for the number of pages until all are there. No text has it: what is in no font is drawn as a box.
ALL_PAGES = 3 * "\ue000"
BOX = "\u25a1"
Align = Literal["L", "R", "C"]
Style = Literal["", "B"]


class Column(NamedTuple):
    """A column of a table: what stands above it, its width in mm, and on which side its texts stand."""

    title: str
    width_mm: float
    align: Align = "L"


class Paper:
    """A document that is filled from its top to its end. Each page says what it belongs to, and which of how many."""

    def __init__(self, title: str, subject: str, language: str, made_at: datetime, running: str) -> None:
        pdf = FPDF("L", "mm", "A4", enforce_compliance="PDF/A-3U")
        for style, file in FILES.items():
            pdf.add_font(FONT, style, FONTS / file)
        pdf.set_margin(MARGIN_MM)
        pdf.set_auto_page_break(False)
        pdf.c_margin = BESIDE_MM
        pdf.alias_nb_pages(ALL_PAGES)
        pdf.set_title(title)
        pdf.set_subject(subject)
        pdf.set_lang(language)
        pdf.set_creator("mileage-log")
        pdf.set_creation_date(made_at)
        pdf.set_line_width(0.15)
        self._pdf, self._running = pdf, running
        self._columns: Sequence[Column] = ()
        fonts = [pdf.fonts[FONT.lower() + style] for style in FILES]
        self._widths = {style: _Widths(font) for style, font in zip(FILES, fonts, strict=True)}
        self._known = frozenset.intersection(*(frozenset(font.cmap) for font in fonts if isinstance(font, TTFFont)))
        self.new_page()

    @property
    def width_mm(self) -> float:
        """How wide everything together can be."""
        return float(self._pdf.epw)

    @property
    def y_mm(self) -> float:
        """How far down the page is filled."""
        return float(self._pdf.y)

    def back_to(self, y_mm: float) -> None:
        """Goes on at another height of this page, for what stands side by side."""
        self._pdf.set_y(y_mm)

    def attach(self, name: str, data: bytes, mime_type: str, what: str, made_at: datetime) -> None:
        """Puts a file into the document, which has the same as its pages."""
        self._pdf.embed_file(
            bytes=data, basename=name, mime_type=mime_type, desc=what, modification_date=made_at, compress=True,
            associated_file_relationship="Alternative",
        )  # fmt: skip

    def output(self) -> bytes:
        """The whole document. Nothing can be added after that."""
        return bytes(self._pdf.output())

    # --- text

    def new_page(self) -> None:
        """Begins a page; a table that goes on has its head on it again."""
        pdf = self._pdf
        pdf.add_page()
        self._font(SMALL_PT, GREY)
        bottom = pdf.h - BOTTOM_MM + 4
        pdf.set_draw_color(RULE)
        pdf.line(MARGIN_MM, bottom - 1, pdf.w - MARGIN_MM, bottom - 1)
        pdf.set_xy(MARGIN_MM, bottom)
        pdf.cell(self.width_mm - 15, LINE_MM, self._drawable(self._running))
        pdf.cell(15, LINE_MM, f"{pdf.page} / {ALL_PAGES}")
        pdf.set_xy(MARGIN_MM, TOP_MM)
        if self._columns:
            self._head()

    def title(self, text: str, beside: str = "") -> None:
        """What the document is, with a line below it."""
        self._font(17, INK, "B")
        self._pdf.cell(self.width_mm, 9, self._drawable(text), new_x="LMARGIN", new_y="NEXT")
        if beside:
            self._font(10, GREY)
            self._pdf.cell(self.width_mm, 5, self._drawable(beside), new_x="LMARGIN", new_y="NEXT")
        self._pdf.ln(3)

    def heading(self, text: str, needs_mm: float = 25) -> None:
        """What comes next, on a page that has room for some of it."""
        if self._room() < needs_mm:
            self._without_columns(self.new_page)
        else:
            self._pdf.ln(2)
        self._font(10.5, INK, "B")
        self._pdf.cell(self.width_mm, 6, self._drawable(text), new_x="LMARGIN", new_y="NEXT")

    def space(self) -> None:
        """Leaves a little room before what comes."""
        self._pdf.ln(LINE_MM / 2)

    def paragraph(self, text: str, left_mm: float = 0, width_mm: float = 0) -> None:
        """Some lines of text."""
        for line in self.wrapped(text, (width_mm or self.width_mm) - 2 * BESIDE_MM):
            if self._room() < LINE_MM:
                self.new_page()
            self._font(SIZE_PT, INK)
            self._pdf.set_x(MARGIN_MM + left_mm)
            self._pdf.cell(width_mm or self.width_mm, LINE_MM, line, new_x="LMARGIN", new_y="NEXT")

    def pairs(
        self, pairs: Sequence[tuple[str, str]], left_mm: float, widths_mm: tuple[float, float], align: Align
    ) -> None:
        """Names with their values beside them, in a part of the page."""
        for name, value in pairs:
            lines = self.wrapped(value, widths_mm[1] - 2 * BESIDE_MM)
            for n, line in enumerate(lines):
                self._pdf.set_x(MARGIN_MM + left_mm)
                self._font(SIZE_PT, GREY)
                self._pdf.cell(widths_mm[0], LINE_MM + 0.4, "" if n else self._drawable(name))
                self._font(SIZE_PT, INK)
                self._pdf.cell(widths_mm[1], LINE_MM + 0.4, line, align=align, new_x="LMARGIN", new_y="NEXT")

    # --- tables

    def begin_table(self, columns: Sequence[Column]) -> None:
        """Begins a table; what comes until its end are its rows."""
        self._columns = columns
        if self._room() < 5 * LINE_MM:
            self.new_page()
        else:
            self._head()

    def end_table(self) -> None:
        """Ends the table."""
        self._columns = ()
        self._pdf.ln(2)

    def row(self, cells: Sequence[str], style: Style = "", is_shaded: bool = False, has_rule: bool = True) -> None:
        """A row of the table, with a hairline below it. One that fits on no page goes on on the next one."""
        wrapped = [
            self.wrapped(cell, column.width_mm - 2 * BESIDE_MM, style) if cell else []
            for cell, column in zip(cells, self._columns, strict=True)
        ]
        count = max(1, *map(len, wrapped))
        needed = count * LINE_MM + 2 * PADDING_MM
        if needed > self._room() and needed <= self._pdf.h - TOP_MM - BOTTOM_MM - 3 * LINE_MM:
            self.new_page()
        begun = 0
        while begun < count:
            if self._room() < LINE_MM + 2 * PADDING_MM:
                self.new_page()
            fits = int((self._room() - 2 * PADDING_MM) / LINE_MM)
            self._lines([one[begun : begun + fits] for one in wrapped], min(fits, count - begun), style, is_shaded)
            if has_rule:
                self._rule(RULE)
            begun += fits

    def wrapped(self, text: str, width_mm: float, style: Style = "") -> list[str]:
        """A text in lines of a width, broken between words where it can be."""
        widths, lines = self._widths[style], list[str]()
        for part in text.splitlines() or [""]:
            line = ""
            for word in self._drawable(part).split(" "):
                longer = f"{line} {word}" if line else word
                if widths.of(longer) <= width_mm:
                    line = longer
                    continue
                if line:
                    lines.append(line)
                *whole, line = widths.cut(word, width_mm)
                lines += whole
            lines.append(line)
        return lines

    def _head(self) -> None:
        titles = [self.wrapped(one.title, one.width_mm - 2 * BESIDE_MM, "B") for one in self._columns]
        self._lines(titles, max(map(len, titles)), "B", is_shaded=False, ink=GREY)
        self._rule(INK)

    def _lines(self, cells: Sequence[Sequence[str]], count: int, style: Style, is_shaded: bool, ink: int = INK) -> None:
        """Some lines of a row."""
        pdf, top = self._pdf, self._pdf.y
        width, height = sum(one.width_mm for one in self._columns), count * LINE_MM + 2 * PADDING_MM
        if is_shaded:
            pdf.set_fill_color(SHADE)
            pdf.rect(MARGIN_MM, top, width, height, style="F")
        self._font(SIZE_PT, ink, style)
        left = MARGIN_MM
        for column, lines in zip(self._columns, cells, strict=True):
            for n, line in enumerate(lines):
                if line:
                    pdf.set_xy(left, top + PADDING_MM + n * LINE_MM)
                    pdf.cell(column.width_mm, LINE_MM, line, align=column.align)
            left += column.width_mm
        pdf.set_xy(MARGIN_MM, top + height)

    def _rule(self, ink: int) -> None:
        """A line as wide as the table, where it has come to."""
        self._pdf.set_draw_color(ink)
        self._pdf.line(MARGIN_MM, self._pdf.y, MARGIN_MM + sum(one.width_mm for one in self._columns), self._pdf.y)

    # --- what all of that stands on

    def _room(self) -> float:
        return float(self._pdf.h - BOTTOM_MM - self._pdf.y)

    def _font(self, size_pt: float, ink: int, style: Style = "") -> None:
        self._pdf.set_font(FONT, style, size_pt)
        self._pdf.set_text_color(ink)

    def _without_columns(self, drawn: Any) -> None:
        columns, self._columns = self._columns, ()
        drawn()
        self._columns = columns

    def _drawable(self, text: str) -> str:
        """A text without what cannot be seen, and with a box for each letter that the font has not."""
        if text.isascii() and text.isprintable():
            return text
        return "".join(self._drawn(letter) for letter in text)

    def _drawn(self, letter: str) -> str:
        if letter.isspace():
            return letter if letter == "\u00a0" else " "
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs"):
            return ""
        return letter if ord(letter) in self._known and unicodedata.category(letter) != "Co" else BOX


class _Widths:
    """How wide texts of the usual size are in a font, in mm."""

    def __init__(self, font: Any) -> None:
        self._of_letter: Callable[[str], float] = cache(
            lambda letter: float(font.get_text_width(letter, SIZE_PT, None)[1]) / 72 * 25.4
        )

    def of(self, text: str) -> float:
        """How wide a text is."""
        return sum(map(self._of_letter, text))

    def cut(self, word: str, width_mm: float) -> list[str]:
        """A word in pieces that are not wider; all but one that is too long is one piece."""
        pieces, width = [""], 0.0
        for letter in word:
            own = self._of_letter(letter)
            if pieces[-1] and width + own > width_mm:
                pieces.append("")
                width = 0.0
            pieces[-1] += letter
            width += own
        return pieces
