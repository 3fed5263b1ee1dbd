"""Owns the words that stand in the files of a log, in each of the languages that drivers have."""

from collections.abc import Mapping

from shared.domain.driver import Language

Words = Mapping[Language, str]

# The columns of the table, by their names in `table`.
COLUMN: Mapping[str, Words] = {
    "date": {"nl": "Datum", "en": "Date"},
    "departed": {"nl": "Vertrektijd", "en": "Departure"},
    "arrived": {"nl": "Aankomsttijd", "en": "Arrival"},
    "begins": {"nl": "Beginstand", "en": "Begin odometer"},
    "ends": {"nl": "Eindstand", "en": "End odometer"},
    "distance": {"nl": "Afstand", "en": "Distance"},
    "from": {"nl": "Vertrekadres", "en": "From address"},
    "to": {"nl": "Aankomstadres", "en": "To address"},
    "deviation": {"nl": "Afwijkende route", "en": "Unusual route"},
    "kind": {"nl": "Soort", "en": "Kind"},
    "detour": {"nl": "Privé-omrijkm", "en": "Private detour km"},
    "purpose": {"nl": "Omschrijving", "en": "Purpose"},
    "business": {"nl": "Zakelijk km", "en": "Business km"},
    "private": {"nl": "Privé km", "en": "Private km"},
    "open": {"nl": "Niet ingedeeld km", "en": "Unclassified km"},
    "excess": {"nl": "Meer dan teller km", "en": "Beyond odometer km"},
    "begin_known": {"nl": "Beginstand is", "en": "Begin odometer is"},
    "end_known": {"nl": "Eindstand is", "en": "End odometer is"},
    "arrived_on": {"nl": "Aankomstdatum", "en": "Arrival date"},
    "notes": {"nl": "Notities", "en": "Notes"},
    "driver": {"nl": "Bestuurder", "en": "Driver"},
    "id": {"nl": "Regel", "en": "Row"},
}
KINDS: Mapping[str, Words] = {
    "business": {"nl": "Zakelijk", "en": "Business"},
    "private": {"nl": "Privé", "en": "Private"},
    "mixed": {"nl": "Gemengd", "en": "Mixed"},
    "unclassified": {"nl": "Niet ingedeeld", "en": "Unclassified"},
    "gap": {"nl": "Gat: niet verklaard", "en": "Gap: unexplained"},
    "gap_private": {"nl": "Gat: privé", "en": "Gap: private"},
    "gap_business": {"nl": "Gat: zakelijk", "en": "Gap: business"},
    "gap_correction": {"nl": "Correctie", "en": "Correction"},
    "gap_other": {"nl": "Gat: anders", "en": "Gap: other"},
}
KNOWN: Mapping[str, Words] = {
    "read": {"nl": "afgelezen", "en": "read"},
    "typed": {"nl": "opgegeven", "en": "typed"},
    "estimated": {"nl": "geschat", "en": "estimated"},
}
RESULTS: Mapping[str, Words] = {
    "holds": {"nl": "in orde", "en": "holds"},
    "warns": {"nl": "let op", "en": "warns"},
    "fails": {"nl": "niet in orde", "en": "fails"},
    "not_applicable": {"nl": "n.v.t.", "en": "n/a"},
}
BASES: Mapping[str, Words] = {"law": {"nl": "wet", "en": "law"}, "ours": {"nl": "eigen grens", "en": "our own limit"}}
AUTHORS: Mapping[str, Words] = {
    "phone": {"nl": "telefoon", "en": "phone"},
    "car": {"nl": "auto", "en": "car"},
    "operator": {"nl": "beheerder", "en": "operator"},
    "session": {"nl": "bestuurder", "en": "driver"},
}
ROWS: Mapping[str, Words] = {
    "trip": {"nl": "Rit", "en": "Trip"},
    "gap": {"nl": "Gat", "en": "Gap"},
    "reading": {"nl": "Kilometerstand", "en": "Odometer reading"},
    "seal": {"nl": "Afsluiting", "en": "Closing"},
    "correction": {"nl": "Correctie", "en": "Correction"},
}
# The fields that a change is printed of; what else there is in it follows from these, or is for programs.
FIELDS: Mapping[str, Words] = {
    "started_at": {"nl": "vertrek", "en": "departure"},
    "ended_at": {"nl": "aankomst", "en": "arrival"},
    "car_id": {"nl": "auto", "en": "car"},
    "from": {"nl": "vertrekadres", "en": "from address"},
    "to": {"nl": "aankomstadres", "en": "to address"},
    "start_odometer_km": {"nl": "beginstand", "en": "begin odometer"},
    "end_odometer_km": {"nl": "eindstand", "en": "end odometer"},
    "start_odometer_known": {"nl": "beginstand is", "en": "begin odometer is"},
    "end_odometer_known": {"nl": "eindstand is", "en": "end odometer is"},
    "distance_km": {"nl": "afstand", "en": "distance"},
    "kind": {"nl": "soort", "en": "kind"},
    "business_km": {"nl": "zakelijk km", "en": "business km"},
    "private_km": {"nl": "privé km", "en": "private km"},
    "excess_km": {"nl": "meer dan teller km", "en": "beyond odometer km"},
    "purpose": {"nl": "omschrijving", "en": "purpose"},
    "notes": {"nl": "notities", "en": "notes"},
    "deviation": {"nl": "afwijkende route", "en": "unusual route"},
    "merged_into": {"nl": "samengevoegd met", "en": "merged into"},
    "from_odometer_km": {"nl": "van stand", "en": "from odometer"},
    "to_odometer_km": {"nl": "tot stand", "en": "to odometer"},
    "since": {"nl": "vanaf", "en": "since"},
    "until": {"nl": "tot", "en": "until"},
    "explained_as": {"nl": "verklaard als", "en": "explained as"},
    "reason": {"nl": "reden", "en": "reason"},
    "at": {"nl": "gemeten", "en": "measured"},
    "odometer_km": {"nl": "stand", "en": "odometer"},
    "standing": {"nl": "telt", "en": "counts"},
}
EXPLAINED: Mapping[str, Words] = {
    "private": {"nl": "privé", "en": "private"},
    "business": {"nl": "zakelijk", "en": "business"},
    "correction": {"nl": "correctie", "en": "correction"},
    "other": {"nl": "anders", "en": "other"},
}
STANDINGS: Mapping[str, Words] = {
    "believed": {"nl": "ja", "en": "yes"},
    "not_believed": {"nl": "nee", "en": "no"},
    "withdrawn": {"nl": "ingetrokken", "en": "withdrawn"},
}
MONTHS: Mapping[Language, tuple[str, ...]] = {
    "nl": ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
           "november", "december"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
}  # fmt: skip
TEXT: Mapping[str, Words] = {
    "title": {"nl": "Rittenregistratie", "en": "Mileage log"},
    "overview": {"nl": "Overzicht", "en": "Overview"},
    "checks": {"nl": "Controles", "en": "Checks"},
    "changes": {"nl": "Wijzigingen", "en": "Changes"},
    "corrections": {"nl": "Correcties na afsluiting", "en": "Corrections after closing"},
    "car": {"nl": "Auto", "en": "Car"},
    "make": {"nl": "Merk", "en": "Make"},
    "type": {"nl": "Type", "en": "Type"},
    "plate": {"nl": "Kenteken", "en": "Licence plate"},
    "vin": {"nl": "Chassisnummer", "en": "VIN"},
    "available": {"nl": "Ter beschikking", "en": "Available"},
    "from": {"nl": "vanaf", "en": "from"},
    "until": {"nl": "t/m", "en": "to"},
    "period": {"nl": "Periode", "en": "Period"},
    "of_driver": {"nl": "Bestuurder", "en": "Driver"},
    "made_at": {"nl": "Gemaakt", "en": "Made"},
    "view": {"nl": "Weergave", "en": "View"},
    "full": {"nl": "volledig", "en": "full"},
    "employer": {"nl": "voor de werkgever: van privéritten alleen kilometers",
                 "en": "for the employer: of private trips only kilometres"},
    "first": {"nl": "Eerste stand", "en": "First odometer"},
    "last": {"nl": "Laatste stand", "en": "Last odometer"},
    "driven": {"nl": "Verschil", "en": "Difference"},
    "trips": {"nl": "Ritten", "en": "Trips"},
    "total": {"nl": "Totaal", "en": "Total"},
    "of_trips": {"nl": "km in ritten", "en": "km in trips"},
    "of_gaps": {"nl": "km in gaten", "en": "km in gaps"},
    "unexplained": {"nl": "waarvan niet verklaard", "en": "of these unexplained"},
    "beyond": {"nl": "Meer dan de teller", "en": "Beyond the odometer"},
    "unplaced": {"nl": "Zonder kilometerstand", "en": "Without an odometer"},
    "set_on": {"nl": "Andere teller", "en": "Another odometer"},
    "behind": {"nl": "Na de laatste rit, nog geen regel", "en": "Behind the last trip, no row yet"},
    "private_so_far": {"nl": "Privé km dit jaar", "en": "Private km this year"},
    "worst_case": {"nl": "met alles wat niet is ingedeeld", "en": "with all that is unclassified"},
    "forecast": {"nl": "verwacht over het jaar", "en": "expected for the year"},
    "limit": {"nl": "grens", "en": "limit"},
    "vat": {"nl": "Privé km voor de btw", "en": "Private km for VAT"},
    "month": {"nl": "Maand", "en": "Month"},
    "months": {"nl": "Maanden", "en": "Months"},
    "of_month": {"nl": "Totaal {}", "en": "Total {}"},
    "empty": {"nl": "Geen ritten.", "en": "No trips."},
    "seal": {"nl": "Zegel", "en": "Seal"},
    "not_closed": {"nl": "Het jaar is niet afgesloten.", "en": "The year is not closed."},
    "closed": {"nl": "Afgesloten op {at} door {by}: {rows} regels.", "en": "Closed on {at} by {by}: {rows} rows."},
    "prev": {"nl": "Zegel van het jaar ervoor", "en": "Seal of the year before"},
    "stamped": {"nl": "Het zegel heeft een tijdstempel (RFC 3161), te vinden in de JSON.",
                "en": "The seal has a time stamp (RFC 3161): it is in the JSON."},
    "reason_for": {"nl": "Reden bij controle {}", "en": "Reason at check {}"},
    "no_proof": {"nl": "Het zegel gaat over alle regels van het jaar; deze kunnen het niet bewijzen.",
                 "en": "The seal is of all rows of the year; these cannot prove it."},
    "fields": {"nl": "Bevat de gegevens van art. 3.13 Uitvoeringsregeling loonbelasting 2011.",
               "en": "Contains the fields of art. 3.13 Uitvoeringsregeling loonbelasting 2011."},
    "attached": {"nl": "In dit document zitten dezelfde gegevens als bijlagen: {}.",
                 "en": "The same data is attached to this document: {}."},
    "signs": {"nl": "Kilometerstand: zonder teken afgelezen, ✎ opgegeven, ≈ geschat. △ n: zie wijziging n.",
              "en": "Odometer: without a sign read, ✎ typed, ≈ estimated. △ n: see change n."},
    "unknown": {"nl": "niet bekend", "en": "not known"},
    "number": {"nl": "Nr.", "en": "No."},
    "check": {"nl": "Controle", "en": "Check"},
    "result": {"nl": "Uitkomst", "en": "Result"},
    "basis": {"nl": "Volgens", "en": "By"},
    "concerned": {"nl": "Regels", "en": "Rows"},
    "advice": {"nl": "Advies", "en": "Advice"},
    "no_checks": {"nl": "Geen controles.", "en": "No checks."},
    "when": {"nl": "Wanneer", "en": "When"},
    "who": {"nl": "Wie", "en": "Who"},
    "row": {"nl": "Regel", "en": "Row"},
    "what": {"nl": "Wat", "en": "What"},
    "field": {"nl": "Gegeven", "en": "Field"},
    "before": {"nl": "Was", "en": "Was"},
    "after": {"nl": "Werd", "en": "Became"},
    "why": {"nl": "Waarom", "en": "Why"},
    "added": {"nl": "toegevoegd", "en": "added"},
    "removed": {"nl": "verwijderd", "en": "removed"},
    "changed": {"nl": "gewijzigd", "en": "changed"},
    "no_changes": {"nl": "Niets is gewijzigd.", "en": "Nothing was changed."},
    "short_from": {"nl": "Vertrek", "en": "From"},
    "short_to": {"nl": "Aankomst", "en": "To"},
    "times": {"nl": "Tijd", "en": "Time"},
    "route": {"nl": "Omschrijving, afwijkende route", "en": "Purpose, unusual route"},
    "detour_km": {"nl": "Privé omrij", "en": "Private detour"},
    "km_business": {"nl": "Zakelijk", "en": "Business"},
    "km_private": {"nl": "Privé", "en": "Private"},
    "km_open": {"nl": "Open", "en": "Open"},
    "unusual": {"nl": "Afwijkend: {}", "en": "Unusual: {}"},
    "note": {"nl": "Notitie: {}", "en": "Note: {}"},
    "drove": {"nl": "Bestuurder: {}", "en": "Driver: {}"},
    "shows_more": {"nl": "{} km meer dan de teller", "en": "{} km beyond the odometer"},
}  # fmt: skip


def text(name: str, language: Language, *values: str, **named: str) -> str:
    """One of the texts, with what stands in it."""
    return TEXT[name][language].format(*values, **named)


def month_name(n: int, language: Language) -> str:
    """The name of a month, from 1 for January."""
    return MONTHS[language][n - 1]


def author(by: str, language: Language) -> str:
    """Who changed something: the label of a key, or what stands for others."""
    return AUTHORS[by][language] if by in AUTHORS else by
