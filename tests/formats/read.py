"""Files of a log as other programs read them: what each says of rows, sums and odometer."""

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import Any
from zipfile import ZipFile

import openpyxl
import pikepdf
import pypdfium2

from shared.formats.csv_file import BOM


def dutch(text: str) -> float:
    """A number as Dutch people write it; nothing is 0."""
    return float(text.replace(".", "").replace(",", ".")) if text else 0.0


def of_csv(data: bytes) -> tuple[dict[str, str], list[dict[str, str]]]:
    """What stands before the table, and its lines by the names of the columns."""
    text = data.decode("utf-8")
    assert text.startswith(BOM)
    assert "\n" not in text.replace("\r\n", "")
    lines = [*csv.reader(StringIO(text.removeprefix(BOM), newline=""), delimiter=";")]
    cut = lines.index([])
    head = {line[0]: line[1] for line in lines[:cut]}
    return head, [dict(zip(lines[cut + 1], line, strict=True)) for line in lines[cut + 2 :]]


def of_workbook(data: bytes, *, values: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """The sheets by name, each row by row: values as they are stored, or the formulas."""
    book = openpyxl.load_workbook(BytesIO(data), data_only=values)
    return {sheet.title: [*sheet.iter_rows(values_only=True)] for sheet in book.worksheets}


def pages_of(data: bytes) -> list[str]:
    """The text of each page of a document."""
    document = pypdfium2.PdfDocument(data)
    return [page.get_textpage().get_text_bounded().replace("\r\n", "\n") for page in document]


def attached(data: bytes) -> dict[str, bytes]:
    """The files in a document by name."""
    with pikepdf.open(BytesIO(data)) as document:
        return {name: spec.get_file().read_bytes() for name, spec in document.attachments.items()}


def texts_of(data: bytes, format_: str) -> str:
    """All that anybody can read in a file, also in the files inside it."""
    if format_ == "xlsx":
        return repr(of_workbook(data))
    if format_ == "pdf":
        return "\n".join([*pages_of(data), *(one.decode("utf-8") for one in attached(data).values())])
    return data.decode("utf-8")


def parts_of(data: bytes, format_: str) -> list[bytes]:
    """All bytes of a file, packed and unpacked: the parts of an archive, the streams and texts of a document."""
    found = [data]
    if format_ == "xlsx":
        with ZipFile(BytesIO(data)) as archive:
            found += [one.filename.encode() + archive.read(one) for one in archive.infolist()]
    if format_ == "pdf":
        with pikepdf.open(BytesIO(data)) as document:
            for one in document.objects:
                found.append(repr(one).encode())
                if isinstance(one, pikepdf.Stream):
                    found.append(one.read_bytes())
        found.append("\n".join(pages_of(data)).encode())
    return found


def numbers(lines: Sequence[dict[str, str]], name: str) -> float:
    """The sum of a column."""
    return round(sum(dutch(line[name]) for line in lines), 1)
