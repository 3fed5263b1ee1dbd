"""Owns how columns and kinds of trips are called in files: by us, and by others."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from shared.domain.log.trip import TripKind

Column = Literal[
    "date", "end_date", "start_time", "end_time", "start_km", "end_km", "distance", "from", "to", "deviation", "kind",
    "detour", "business", "private", "purpose", "notes", "driver", "start_known", "end_known", "id", "plate",
]  # fmt: skip
Word = TripKind | Literal["commute", "gap"]

# Without accents, spaces and signs: "Km-stand begin" is kmstandbegin.
NAMES: Mapping[Column, str] = {
    "date": "datum date dag day ritdatum reisdatum begindatum startdatum vertrekdatum startdate tripdate",
    "end_date": "einddatum aankomstdatum aankomstdag aangekomenop datumaankomst enddate arrivaldate arrivedon",
    "start_time": "vertrektijd starttijd begintijd vertrokken tijdvertrek tijdbegin tijdstart tijdvan departuretime "
    "starttime departed departure timeofdeparture begin "
    "start startedat startdatumtijd begindatumtijd vertrekdatumtijd startdatetime starttijdstip",
    "end_time": "aankomsttijd eindtijd aangekomen stoptijd tijdaankomst tijdeind tijdeinde tijdtot arrivaltime endtime "
    "arrived arrival timeofarrival einde eind end "
    "endedat einddatumtijd aankomstdatumtijd enddatetime eindtijdstip",
    "start_km": "beginstand startstand beginkm startkm kmbegin kmstart kmstandbegin kmstandstart kmstandvertrek "
    "beginkmstand startkmstand kilometerstandbegin kilometerstandstart kilometerstandvertrek beginkilometerstand "
    "startkilometerstand beginkilometers odometerstart odometerbegin startodometer beginodometer startodometerkm "
    "odometeratbegin odometeratstart odometeratdeparture startmileage",
    "end_km": "eindstand eindkm kmeind kmeinde kmstandeind kmstandeinde kmstandaankomst eindkmstand "
    "kilometerstandeind kilometerstandeinde kilometerstandaankomst eindkilometerstand eindkilometers odometerend "
    "endodometer endodometerkm odometeratend odometeratarrival endmileage",
    "distance": "afstand afstandkm ritafstand distance distancekm km kms kilometer kilometers aantalkm "
    "aantalkilometers geredenkm geredenkilometers kmgereden totaalkm ritlengte",
    "from": "vertrekadres van vertrekpunt vertrekplaats vertreklocatie startadres startlocatie startpunt beginadres "
    "beginlocatie adresbegin adresvertrek adresvan departureaddress from fromaddress startaddress startlocation origin",
    "to": "aankomstadres bezoekadres bestemming naar aankomstplaats aankomstlocatie eindadres eindlocatie eindpunt "
    "adreseind adresaankomst adresnaar arrivaladdress to toaddress endaddress endlocation destination",
    "deviation": "afwijkenderoute afwijkingroute routeafwijking route deviation deviatingroute unusualroute otherroute",
    "kind": "soort soortrit ritsoort rittype typerit type kind triptype categorie category classification "
    "zakelijkprive zakelijkofprive priveofzakelijk privezakelijk zp pz",
    "detour": "priveomrijkm priveomrijkms priveomrijkilometers omrijkm omrijkilometers privatedetour privatedetourkm "
    "detour detourkm",
    "business": "zakelijk zakelijkkm zakelijkekm zakelijkekilometers business businesskm",
    "private": "prive privekm privekms privekilometers private privatekm",
    "purpose": "omschrijving doel doelvanderit reden project klant description purpose",
    "notes": "notities notitie opmerking opmerkingen toelichting notes note remarks comments",
    "driver": "bestuurder chauffeur driver",
    "start_known": "beginstandis beginstandbekend beginodometeris beginodometerknown startodometerknown",
    "end_known": "eindstandis eindstandbekend endodometeris endodometerknown",
    "id": "regel row id ritid kenmerk tripid rowid",
    "plate": "kenteken plate licenseplate licenceplate registration numberplate auto voertuig car vehicle",
}
COLUMNS: Mapping[str, Column] = {name: column for column in get_args(Column) for name in NAMES[column].split()}

KIND_NAMES: Mapping[Word, str] = {
    "business": "zakelijk zakelijkerit z business businesstrip b",
    "private": "prive priverit p private privatetrip persoonlijk personal personaltrip",
    "mixed": "gemengd gemengderit m mixed mixedtrip",
    "commute": "woonwerk woonwerkverkeer woonwerkrit ww commute commuting hometowork",
    "unclassified": "nietingedeeld nogtebepalen onbekend ongeclassificeerd unclassified unknown notclassified",
}
KINDS: Mapping[str, Word] = {name: word for word, names in KIND_NAMES.items() for name in names.split()}
# A letter with an accent is lost where a file was saved by one program in a way that the next one did not expect.
LOST = ("prive", "priv")
YES, NO = frozenset({"ja", "j", "yes", "y", "x"}), frozenset({"nee", "n", "no"})
GAPS = re.compile(r"\b(gat|gap|correctie|correction|ontbrekend|missing)\b")
ESTIMATED = ("geschat", "estimated", "berekend", "computed")


def plain(text: str) -> str:
    """A word without case, accents, spaces and signs."""
    return re.sub(r"[^a-z0-9]", "", _folded(text))


def columns_of(cells: Sequence[str]) -> dict[Column, int]:
    """Which column stands where in a line of their names; of two of one name the first."""
    found: dict[Column, int] = {}
    for n, cell in enumerate(cells):
        if column := COLUMNS.get(plain(cell)) or COLUMNS.get(_whole(plain(cell))):
            found.setdefault(column, n)
    return found


def is_head(columns: Mapping[Column, int]) -> bool:
    """Whether a line names what no log can be without: when it was, and how far."""
    has_time = "date" in columns or "start_time" in columns
    return has_time and ("distance" in columns or {"start_km", "end_km"} <= {*columns})


def word_of(text: str) -> Word | None:
    """The kind of a trip by the word of a file, also that it is none but a gap; None for a word that nobody knows."""
    if not text.strip():
        return "unclassified"
    return KINDS.get(plain(text)) or KINDS.get(_whole(plain(text))) or ("gap" if GAPS.search(_folded(text)) else None)


def is_estimated(text: str) -> bool:
    """Whether a file says of an odometer that nobody read it."""
    return plain(text).startswith(ESTIMATED)


def ticked(business: str, private: str) -> TripKind | None:
    """The kind of a trip by two columns, or one of them, in which somebody said yes or no; None where they did not."""
    if plain(business) in YES or plain(private) in NO:
        return "business"
    return "private" if plain(private) in YES or plain(business) in NO else None


def _whole(word: str) -> str:
    """A word with the letter that was lost."""
    whole, lost = LOST
    return word if whole in word else word.replace(lost, whole)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
