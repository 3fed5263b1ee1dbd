"""The document is PDF/A-3u, says what it must on each of its pages, and shows whatever its driver wrote."""

import re
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from msgspec.structs import replace

from shared.domain.log.gap_row import GapRow
from shared.domain.log.history import Author, entry_of_change
from shared.domain.log.shown import gap_view
from shared.formats.document import document
from shared.formats.paper import FILES
from tests.formats.read import pages_of
from tests.formats.sample import HOSTILE, LONG, export, rows_of, rows_of_a_year
from tests.rows import at, gap, trip
from tools.deploy.bundle import stage


def opened(**how: object) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(document(export(**how), "log")))  # type: ignore[arg-type]


def test_it_is_pdf_a_3u_with_its_files_as_associated_files() -> None:
    found = opened()
    with found.open_metadata() as about:
        assert (about["pdfaid:part"], about["pdfaid:conformance"]) == ("3", "U")
        assert about["dc:title"] == "Rittenregistratie 2026"
    (intent,) = found.Root.OutputIntents
    assert intent.S == "/GTS_PDFA1"
    assert intent.DestOutputProfile.N == 3
    files = {str(spec.UF): spec for spec in found.Root.AF}
    assert {name: str(spec.AFRelationship) for name, spec in files.items()} == {
        "log.csv": "/Alternative", "log.json": "/Alternative",
    }  # fmt: skip
    assert {str(spec.EF.F.Subtype) for spec in files.values()} == {"/text/csv", "/application/json"}
    assert str(found.Root.Lang) == "nl"
    assert not found.is_encrypted
    assert "/JavaScript" not in found.Root.get("/Names", {})


def test_every_font_is_in_it_and_says_which_letters_it_draws() -> None:
    found = opened(language="en")
    fonts = {
        font.objgen: font
        for page in found.pages
        for font in page.obj.Resources.get("/Font", pikepdf.Dictionary()).values()
    }
    assert len(fonts) == 2
    for font in fonts.values():
        assert font.Subtype == "/Type0"
        assert "/ToUnicode" in font
        assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor
        assert re.match(r"/[A-Z]{6}\+", str(font.BaseFont)) or "MPDFAA+" in str(font.BaseFont)


def test_the_front_says_whose_it_is_what_it_adds_up_to_and_what_it_contains() -> None:
    front = "\n".join(pages_of(document(export(), "log"))[:2])
    for said in (
        "Rittenregistratie 2026", "Audi", "A3 Sportback", "XX-123-X", "vanaf 01-01-2026", "12.345,0", "12.700,9",
        "Bevat de gegevens van art. 3.13", "niet in orde", "eigen grens", "Afgesloten op 05-01-2027", "RFC 3161",
    ):  # fmt: skip
        assert said in front
    assert export().seal.hash in front  # type: ignore[union-attr]
    assert not re.search("goedgekeurd|keurmerk|approved", front, re.IGNORECASE)


@pytest.mark.parametrize(("language", "head"), [("nl", "Vertrekadres"), ("en", "From address")])
def test_each_page_has_its_number_and_the_head_of_its_table(language: str, head: str) -> None:
    pages = pages_of(document(export(rows_of(120), language=language), "log"))  # type: ignore[arg-type]
    assert len(pages) > 6
    for n, page in enumerate(pages, start=1):
        assert f"{n} / {len(pages)}" in page
    of_log = [page for page in pages if re.search("Bezoek [0-9]", page) and "Dorpsstraat" in page]
    assert len(of_log) > 3
    assert [page for page in of_log if head not in page] == []
    text = "\n".join(pages)
    assert [n for n in range(120) if not re.search(rf"Bezoek {n}\b", text)] == []


def test_months_have_headings_and_subtotals_and_gaps_are_labelled_rows() -> None:
    text = "\n".join(pages_of(document(export(), "log")))
    for said in ("januari 2026", "Ritten: 4", "Gat: niet", "Correctie", "Geen ritten.", "Zakelijk: 175,0 km"):
        assert said in text
    assert "Na de laatste rit, nog geen regel: 12,0 km" in text


def test_a_change_stands_beside_its_row_and_with_what_was_before() -> None:
    text = "\n".join(pages_of(document(export(), "log")))
    assert "△ 1" in text
    assert "Geheim bezoek" in text
    assert "Correcties na afsluiting" in text


def test_no_number_is_broken_and_a_gap_says_how_it_is_divided() -> None:
    drives = [trip(983_400_000 + n * 4_000_000, 987_400_000 + n * 4_000_000, at(3 * n), kind="business",
                   start_odometer_known="typed", end_odometer_known="estimated") for n in range(4)]  # fmt: skip
    apart = gap(999_400_000, 999_999_900, at(12), explained_as="correction", reason="Afronding", business_m=400_000)
    anew = replace(trip(0, 4000, at(15)), set_on_m=-999_999_900)
    text = "\n".join(pages_of(document(export([*drives, apart, anew]), "log")))
    for number in ("✎ 983.400,0", "≈ 999.400,0", "16.603,9", "999.999,9"):
        assert number in text
    assert "Zakelijk km 400,0, Privé km 199,9" in text
    assert text.count("Andere teller: -999.999,9 km") == 1


def test_changes_are_told_in_words_and_by_moments_and_not_by_ids() -> None:
    log = export()
    known = [row for row in log.rows if isinstance(row, GapRow)][1]
    after = gap_view(replace(known, explained_as="correction"))
    author = Author("session", log.made_at)
    at_noon = "20260303T120000.000000Z.car.car.12345000"
    told = [
        entry_of_change(author, "gap", known.id, {**after, "explained_as": "other"}, after, [2026]),
        entry_of_change(author, "reading", at_noon, {"standing": "believed"}, {"standing": "withdrawn"}, [2026]),
    ]
    assert log.seal
    log = log._replace(entries=[one for one in told if one], seal=replace(log.seal, by="session"))
    text = " ".join(" ".join(pages_of(document(log, "log"))).split())
    for said in ("Kilometerstand 03-03-2026 13:00", "anders correctie", "door bestuurder: 10 regels.", "ingetrokken"):
        assert said in text, said
    gone = "\n".join(pages_of(document(export(), "log")))
    assert "Rit 24-01-2026 15:00" in gone
    assert not re.search("[0-9]{8}T[0-9]{6}", gone + text)


def test_hostile_and_endless_texts_are_shown_as_they_are_and_break_nothing() -> None:
    rows = rows_of_a_year()
    rows[0] = replace(rows[0], notes=(LONG + "\n") * 40 + "einde van de notitie", purpose="x" * 2000)
    pages = pages_of(document(export(rows), "log"))
    text = "\n".join(pages)
    assert HOSTILE in text
    assert "Хабаровск" in text
    assert "□□" in text, "no letter of the font"
    assert "{nb}" in text, "no number of pages"
    assert "einde van de notitie" in text
    assert sum(map(len, re.findall("x{5,}", text))) == 2000
    assert "\u202e" not in text


def test_font_and_licence_are_part_of_what_is_deployed(tmp_path: Path) -> None:
    stage("export", tmp_path / "bundle")
    found = {file.name for file in (tmp_path / "bundle" / "shared" / "formats" / "fonts").iterdir()}
    assert found == {*FILES.values(), "LICENSE"}
