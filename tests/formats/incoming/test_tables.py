"""Tables of trips, ours and others': each row becomes a trip, or says where it stands and why it is none."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.fitting import Unfit
from shared.domain.log.filed import Into
from shared.domain.log.trip import Trip
from shared.formats.incoming.columns import COLUMNS, NAMES
from shared.formats.incoming.files import opened
from shared.formats.incoming.found import MOST_ROWS, Format, FoundRow
from shared.formats.incoming.untimed import NOTE

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
INTO = Into("boris@example.com", "Europe/Amsterdam", "audi", NOW)
HEAD = (
    "Datum;Vertrektijd;Aankomsttijd;Beginstand;Eindstand;Afstand;Vertrekadres;Aankomstadres;"
    "Afwijkende route;Soort;Privé-omrijkm;Omschrijving"
)
LINE = "05-01-2024;08:12;08:41;12345,0;12367,4;22,4;Dorpsstraat 1;Kerkweg 2;;Zakelijk;;Klant"


def rows(*lines: str, format_: Format = "csv", head: str = HEAD) -> Sequence[FoundRow]:
    return opened(format_, "\n".join([head, *lines])).found(INTO).rows


def only(*lines: str, format_: Format = "csv", head: str = HEAD) -> Trip:
    [row] = rows(*lines, format_=format_, head=head)
    assert row.trip, row.why
    return row.trip


def why(*lines: str, format_: Format = "csv", head: str = HEAD) -> str:
    [row] = rows(*lines, format_=format_, head=head)
    assert row.trip is None
    return row.why


def test_no_name_of_a_column_means_two() -> None:
    assert len(COLUMNS) == sum(len(names.split()) for names in NAMES.values())


# --- a row


def test_a_row_is_a_trip_that_was_moved_with_all_that_it_says() -> None:
    trip = only(LINE)
    assert trip.started_at == datetime(2024, 1, 5, 7, 12, tzinfo=UTC)
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (12345.0, 12367.4, 22.4)
    assert (trip.from_.address, trip.to.address, trip.purpose) == ("Dorpsstraat 1", "Kerkweg 2", "Klant")
    assert (trip.kind, trip.business_km, trip.private_km) == ("business", 22.4, 0.0)
    assert (trip.source, trip.late, trip.set_by_hand, trip.revision) == ("manual", True, (), 1)
    assert trip.summary
    assert trip.summary.moved
    assert (trip.summary.moved.from_m, trip.summary.moved.to_m) == (12_345_000, 12_367_400)


def test_the_same_row_has_the_same_id_whenever_it_is_read_and_another_car_another() -> None:
    later = opened("csv", f"{HEAD}\n{LINE}").found(INTO._replace(now=NOW + timedelta(days=9))).rows[0].trip
    other = opened("csv", f"{HEAD}\n{LINE}").found(INTO._replace(car_id="polo")).rows[0].trip
    assert later
    assert other
    assert only(LINE).id == later.id != other.id


def test_what_is_before_the_names_of_the_columns_and_what_makes_it_excel_is_passed_over() -> None:
    text = f"\ufeffAuto;Audi\r\nKenteken;XX-01-YY\r\nPeriode;2024\r\n\r\n{HEAD}\r\n{LINE}\r\n;;;;;;;;;;;\r\n"
    [row] = opened("csv", text).found(INTO).rows
    assert (row.where, bool(row.trip)) == ("line 6", True)


def test_columns_that_nobody_knows_are_ignored_and_their_names_may_be_english() -> None:
    head = "Colour;Date;Departure time;Arrival time;Start odometer;End odometer;Distance;Kind;Description"
    trip = only("red;05-01-2024;08:12;08:41;12345,0;12367,4;22,4;Private;x", head=head)
    assert (trip.kind, trip.purpose) == ("private", "x")


def test_an_odometer_that_nobody_read_is_not_taken_for_one_that_was() -> None:
    trip = only(f"{LINE};geschat;afgelezen", head=f"{HEAD};Beginstand bekend;Eindstand bekend")
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (None, 12367.4, 22.4)


def test_what_a_row_of_ours_shows_beyond_its_odometers_stays() -> None:
    trip = only(LINE.replace("22,4", "30,0"))
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (12345.0, 12367.4, 30.0)


def test_an_id_of_our_own_form_stays_and_any_other_does_not() -> None:
    ours = "20240105T071200Z-abcdef"
    assert only(f"{LINE};{ours}", head=f"{HEAD};Id").id == ours
    assert only(f"{LINE};../x", head=f"{HEAD};Id").id == only(LINE).id
    assert only(f"{LINE};{ours}", head=f"{HEAD};Id", format_="dutch").id == only(LINE).id


@pytest.mark.parametrize(
    ("told", "text"), [("'=SUM(A1)", "=SUM(A1)"), ("'-5", "-5"), ("''=x", "'=x"), ("'s Gravenhage", "'s Gravenhage")]
)
def test_the_apostrophe_before_what_would_be_a_formula_is_taken_off(told: str, text: str) -> None:
    assert only(LINE.replace("Klant", told)).purpose == text


def test_a_gap_is_no_trip() -> None:
    for label in ("Gat", "Correctie", "Gap, private", "Privé (gat)"):
        assert "no trip" in why(LINE.replace("Zakelijk", label))


@pytest.mark.parametrize(
    ("told", "kind"),
    [("ZAKELIJK", "business"), ("privé", "private"), ("Prive", "private"), ("", "unclassified"), ("z", "business")],
)
def test_kinds_are_read_in_any_case_with_or_without_accents(told: str, kind: str) -> None:
    assert only(LINE.replace("Zakelijk", told), format_="dutch").kind == kind


def test_commuting_is_business_for_payroll_tax_and_says_so() -> None:
    trip = only(LINE.replace("Zakelijk", "Woon-werk").replace("Klant", ""))
    assert (trip.kind, trip.purpose) == ("business", "Woon-werk")


def test_private_detours_are_the_private_part_of_a_mixed_trip() -> None:
    for told in ("Gemengd;4,4", "Zakelijk;4,4"):
        trip = only(LINE.replace("Zakelijk;", told))
        assert (trip.kind, trip.business_km, trip.private_km) == ("mixed", 18.0, 4.4)
    assert "private kilometres are needed" in why(LINE.replace("Zakelijk", "Gemengd"))
    assert "more private kilometres" in why(LINE.replace("Zakelijk;", "Gemengd;30,0"))


def test_where_there_is_no_kind_two_columns_of_kilometres_tell_it() -> None:
    head = "Datum;Van tijd;Vertrektijd;Aankomsttijd;Afstand;Zakelijk km;Privé km"
    kinds = [
        row.trip.kind
        for row in rows(
            "05-01-2024;;08:00;08:30;20,0;20,0;", "05-01-2024;;09:00;09:30;20,0;;20,0",
            "05-01-2024;;10:00;10:30;20,0;12,5;7,5", "05-01-2024;;11:00;11:30;20,0;;", head=head,
        )
        if row.trip
    ]  # fmt: skip
    assert kinds == ["business", "private", "mixed", "unclassified"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("05-01-2024", "31-02-2024", "no date"),
        ("05-01-2024", "05-01-1999", "2000 to 2100"),
        ("05-01-2024", "05-01-2027", "future"),
        ("08:12", "8 uur", "no time"),
        ("08:12", "", "not written down"),
        ("08:41", "08:00", "before started_at"),
        ("12367,4", "12300,0", "below start_odometer_km"),
        ("22,4", "veel", "no number"),
        ("22,4", "22.4", "no number"),
        ("12345,0;12367,4;22,4", ";;", "distance_km"),
        ("12345,0;12367,4;22,4", "12345,0;;", "distance_km"),
        ("12345,0;12367,4;22,4", "0,0;9000,0;", "5000"),
        ("Zakelijk", "Vakantie", "no kind of trip"),
        ("Klant", "x" * 2001, "2000 letters"),
    ],
)
def test_a_row_that_cannot_be_read_says_why_and_the_others_are_read(old: str, new: str, told: str) -> None:
    good = LINE.replace("05-01", "06-01")
    found = rows(LINE.replace(old, new), good)
    assert told in found[0].why
    assert [row.where for row in found if row.trip] == ["line 3"]


@pytest.mark.parametrize(
    ("head", "known"),
    [
        (f"{HEAD};Zakelijk km;Privé km;Niet ingedeeld km;Meer dan teller km;Beginstand is;Eindstand is;"
         "Aankomstdatum;Notities;Bestuurder;Regel", "geschat"),
        ("Date;Departure;Arrival;Begin odometer;End odometer;Distance;From address;To address;Unusual route;Kind;"
         "Private detour km;Purpose;Business km;Private km;Unclassified km;Beyond odometer km;Begin odometer is;"
         "End odometer is;Arrival date;Notes;Driver;Row", "estimated"),
    ],
    ids=["nl", "en"],
)  # fmt: skip
def test_all_columns_of_our_own_table_are_known(head: str, known: str) -> None:
    times = LINE.replace("08:12;08:41", "23:50;00:10").replace("Klant", "Purpose").replace("Zakelijk", "Business")
    trip = only(f"{times};22,4;0,0;0,0;0,0;{known};{known};06-01-2024;Note;Anna;20240105T225000Z-abcdef", head=head)
    assert trip.ended_at - trip.started_at == timedelta(minutes=20)
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (None, None, 22.4)
    assert (trip.notes, trip.driver, trip.purpose, trip.id) == ("Note", "Anna", "Purpose", "20240105T225000Z-abcdef")


# --- a table


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no line with the names"),
        ("x", "no line with the names"),
        ("Datum;Soort\n05-01-2024;Zakelijk", "no line with the names"),
        (f"{HEAD}\n{LINE.replace('Klant', chr(34) + 'Klant')}\n{LINE}", "cannot be read from line 2"),
        (f"{HEAD}\n" + f"{LINE}\n" * (MOST_ROWS + 1), "10000 rows at most"),
        (f"{HEAD};Kenteken\n{LINE};XX-01-YY\n{LINE};ZZ-02-YY", "2 cars"),
        (f"{HEAD}\n{LINE.replace('05-01-2024', '01/23/2024')}", "month before the day"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused(text: str, told: str) -> None:
    with pytest.raises(Unfit, match=told) as error:
        opened("dutch", text).found(INTO)
    assert error.value.field == "data"


def test_a_quoted_cell_may_have_lines_and_the_next_row_knows_where_it_stands() -> None:
    found = rows(LINE.replace("Klant", '"Klant\nen co"'), LINE.replace("05-01", "06-01"))
    assert [row.where for row in found] == ["line 2", "line 4"]
    assert found[0].trip
    assert found[0].trip.purpose == "Klant\nen co"


def test_tables_that_were_put_together_name_their_columns_again() -> None:
    assert len(rows(LINE, HEAD, LINE.replace("05-01", "06-01"))) == 2


# --- others' tables


OTHERS = [
    ('"Kenteken","Datum","Begintijd","Eindtijd","KM-stand begin","KM-stand eind","Van","Naar","Type"',
     '"XX-01-YY","2024-01-05","08:12:00","08:41:00","12.345","12.367","Dorpsstraat 1, Ede","Kerkweg 2","ZAKELIJK"'),
    ("rit\tdag\tstart\teinde\tbegin km\teind km\taantal km\tvan\tnaar\tsoort rit",
     "1\t5-1-2024\t8:12\t8:41\t12.345\t12.367\t22\tDorpsstraat 1, Ede\tKerkweg 2\tzakelijk"),
    ("Startdatum;Vertrekplaats;Bestemming;Starttijd;Eindtijd;Kilometerstand begin;Kilometerstand eind;Km;Categorie",
     "05/01/2024;Dorpsstraat 1, Ede;Kerkweg 2;08.12;08.41;12345;12367;22,0;Zakelijk"),
    ("started_at|ended_at|from|to|start_odometer|end_odometer|classification",
     "5 Jan 2024 8:12 AM|5 Jan 2024 8:41 AM|Dorpsstraat 1, Ede|Kerkweg 2|12345|12367|Business"),
    ("Start;Eind;Van;Naar;Beginstand;Eindstand;Soort",
     "05-01-2024 08:12;05-01-2024 08:41;Dorpsstraat 1, Ede;Kerkweg 2;12345;12367;Zakelijk"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "line"), OTHERS)
def test_others_write_the_same_in_their_own_way(head: str, line: str) -> None:
    if "12.345" in line and "km" not in head:
        # No distance tells what 12.345 is: another row of the file does.
        line = f'{line}\n"XX-01-YY","2024-01-06","08:12:00","08:41:00","12.367,5","12.380,5","A","B","P"'
    trip = rows(line, format_="dutch", head=head)[0].trip
    assert trip
    assert (trip.started_at, trip.ended_at) == (
        datetime(2024, 1, 5, 7, 12, tzinfo=UTC), datetime(2024, 1, 5, 7, 41, tzinfo=UTC),
    )  # fmt: skip
    assert (trip.start_odometer_km, trip.end_odometer_km, trip.distance_km) == (12345.0, 12367.0, 22.0)
    assert (trip.from_.address, trip.to.address, trip.kind) == ("Dorpsstraat 1, Ede", "Kerkweg 2", "business")


def test_headings_empty_lines_and_totals_are_no_trips_and_are_told_as_such() -> None:
    found = rows("Januari;;;", LINE, ";;;", "Totaal januari;;;;;22,4", format_="dutch")
    assert [bool(row.trip) for row in found] == [False, True, False]
    assert {row.why for row in found if not row.trip} == {"It has no date: a heading or a total is no trip."}


@pytest.mark.parametrize("lost", [LINE.replace("Zakelijk;", "PrivÃ©;"), LINE.replace("Zakelijk;", "Priv\ufffd;")])
def test_a_file_that_was_decoded_wrongly_is_read_all_the_same(lost: str) -> None:
    mixed = LINE.replace("05-01", "06-01").replace("Zakelijk;", "Gemengd;4,4").replace("Klant", "CafÃ©")
    head = HEAD.replace("é", "Ã©" if "Ã" in lost else "\ufffd")
    one, other = (row.trip for row in rows(lost, mixed, format_="dutch", head=head))
    assert one
    assert other
    assert (one.kind, other.private_km) == ("private", 4.4)
    assert other.purpose == ("Café" if "Ã" in lost else "CafÃ©")
    assert only(LINE.replace("Klant", "São Ãlex")).purpose == "São Ãlex"


def test_a_column_of_yes_and_no_tells_the_kind() -> None:
    head = "Datum;Vertrektijd;Aankomsttijd;Afstand;Zakelijk?"
    lines = (f"05-01-2024;{n:02}:00;{n:02}:30;20,0;{said}" for n, said in enumerate(("ja", "Nee", "x", "")))
    kinds = [row.trip.kind for row in rows(*lines, format_="dutch", head=head) if row.trip]
    assert kinds == ["business", "private", "business", "unclassified"]


def test_a_table_without_what_is_needed_says_which_columns_are_known() -> None:
    with pytest.raises(Unfit, match=r"a distance, are needed.* Known are: Datum, Van, Naar"):
        rows("05-01-2024;A;B;45210", format_="dutch", head="Datum;Van;Naar;Km-stand")


def test_thousands_that_nothing_tells_of_are_refused_row_by_row() -> None:
    told = why("05-01-2024;08:12;08:41;12.345;12.367;Zakelijk", format_="dutch",
               head="Datum;Begintijd;Eindtijd;Begin km;Eind km;Soort")  # fmt: skip
    assert "more than one way" in told


def test_odometers_and_a_distance_that_contradict_each_other_are_refused() -> None:
    assert "by the odometers 22.4 km" in why(LINE.replace("22,4", "30,0"), format_="dutch")
    assert only(LINE.replace(";22,4;", ";22,9;"), format_="dutch").distance_km == 22.4


# --- a log by day


DAY = "Datum;Beginstand;Eindstand;Vertrekadres;Aankomstadres;Soort"


def test_trips_of_a_day_without_times_follow_each_other_by_their_odometers() -> None:
    found = rows("05-01-2024;1030;1090;B;C;z", "05-01-2024;1000;1030;A;B;z", format_="dutch", head=DAY)
    second, first = (row.trip for row in found)
    assert first
    assert second
    zone = ZoneInfo("Europe/Amsterdam")
    assert [f"{at.astimezone(zone):%H:%M}" for one in (first, second) for at in (one.started_at, one.ended_at)] == [
        "08:00", "08:30", "08:35", "09:35",
    ]  # fmt: skip
    assert first.notes == NOTE
    assert all(row.is_untimed for row in found)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["05-01-2024;1000;1030;A;B;z", "05-01-2024;1020;1050;A;B;z"], "inside another trip"),
        (["05-01-2024;1000;1900;A;B;z", "05-01-2024;1900;2800;A;B;z"], "do not fit"),
        (["05-01-2024;1000;;A;B;z"], "distance_km"),
    ],
)
def test_a_day_without_times_that_its_odometers_do_not_order_is_refused(lines: list[str], told: str) -> None:
    found = rows(*lines, format_="dutch", head=DAY)
    assert all(told in row.why for row in found)


def test_a_day_with_times_and_without_is_refused_where_there_are_none() -> None:
    found = rows(LINE, LINE.replace("08:12;08:41", ";").replace("12345,0;12367,4", "12367,4;12389,8"))
    assert (bool(found[0].trip), "have times" in found[1].why) == (True, True)
    found = rows(LINE.replace("08:12;08:41", ";").replace("12345,0;12367,4", ";"))
    assert "without both odometers" in found[0].why


# --- what is written is read


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n\u2028\u2029\x85"), max_size=30).map(str.strip)
written = st.lists(
    st.tuples(
        st.datetimes(*map(datetime.fromisoformat, ("2001-01-01", "2026-01-01"))), st.integers(1, 700),
        st.integers(0, 19_000_000), st.integers(0, 9_999), st.sampled_from(["Zakelijk", "Privé", "Gemengd"]),
        texts, texts,
    ),
    max_size=8, unique_by=lambda one: one[0].replace(second=0, microsecond=0),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(written, st.sampled_from(["csv", "dutch"]), st.sampled_from(";,\t"))
def test_whatever_trips_are_written_are_read_back(trips: list[tuple], format_: Format, delimiter: str) -> None:
    zone, out = ZoneInfo("Europe/Amsterdam"), io.StringIO()
    table = csv.writer(out, delimiter=delimiter)
    table.writerow(HEAD.split(";"))
    for at, minutes, begin, tenths, kind, place, purpose in trips:
        begun = at.replace(tzinfo=zone).astimezone(UTC).replace(second=0, microsecond=0)
        ends = (begun, begun + timedelta(minutes=minutes))
        times = [f"{one.astimezone(zone):%H:%M}" for one in ends]
        kms = [f"{value / 10:.1f}".replace(".", ",") for value in (begin, begin + tenths, tenths)]
        detour = kms[2] if kind == "Gemengd" else ""
        cells = [f"{begun.astimezone(zone):%d-%m-%Y}", *times, *kms, place, place, "", kind, detour, purpose]
        table.writerow([f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in cells])
    found = opened(format_, out.getvalue()).found(INTO).rows
    for (at, minutes, begin, tenths, kind, _, purpose), row in zip(trips, found, strict=True):
        if minutes > 600 or tenths > 50_000:
            continue
        trip = row.trip
        assert trip, row.why
        begun = at.replace(tzinfo=zone).astimezone(UTC).replace(second=0, microsecond=0)
        assert abs(trip.started_at - begun) in (timedelta(0), timedelta(hours=1))
        assert (trip.start_odometer_km, trip.distance_km) == (begin / 10, tenths / 10)
        assert trip.kind == {"Zakelijk": "business", "Privé": "private", "Gemengd": "mixed"}[kind]
        assert purpose.startswith("'") or trip.purpose == purpose
