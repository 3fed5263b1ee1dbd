"""Owns the sentences that tell a driver why a reading of their car's odometer is not believed, in their language."""

from collections.abc import Mapping
from typing import Literal

from shared.domain.car.odometer import Disbelief

ENGLISH: Mapping[Disbelief, str] = {
    "out of range": "No car has such an odometer.",
    "measured in the future": "Its time lies in the future.",
    "of no one moment": "Nobody knows well enough when it was measured, so no trip is measured by it.",
    "falls": "It is below an earlier reading, and an odometer does not run back.",
    "above a later one": "It is above a later reading, and an odometer does not run back.",
    "jumps": "It is further from another reading than a car gets in the time.",
    "old news": "The car told an old value under a new time.",
    "sentinel": "It is a value that cars of this make tell when they know none.",
    "another series": "It is of another odometer than the one that the car has now.",
    "replaced": "You gave another value later, and both cannot be true.",
    "withdrawn": "You took it back.",
}
DUTCH: Mapping[Disbelief, str] = {
    "out of range": "Geen auto heeft zo'n kilometerstand.",
    "measured in the future": "Het tijdstip ligt in de toekomst.",
    "of no one moment": "Het is niet goed bekend wanneer dit is gemeten, dus wordt er geen rit mee gemeten.",
    "falls": "Deze stand is lager dan een eerdere, en een kilometerteller loopt niet terug.",
    "above a later one": "Deze stand is hoger dan een latere, en een kilometerteller loopt niet terug.",
    "jumps": "Deze stand ligt verder van een andere dan een auto in die tijd kan rijden.",
    "old news": "De auto meldde een oude stand met een nieuw tijdstip.",
    "sentinel": "Dit is een waarde die auto's van dit merk melden als ze de stand niet weten.",
    "another series": "Deze stand is van een andere kilometerteller dan die nu in de auto zit.",
    "replaced": "Je gaf later een andere stand op, en ze kunnen niet allebei kloppen.",
    "withdrawn": "Je hebt deze stand ingetrokken.",
}


def why_sentence(why: Disbelief | Literal[""], language: Literal["nl", "en"]) -> str:
    """Why a reading is not believed, as one sentence; empty where nothing is said."""
    return (DUTCH if language == "nl" else ENGLISH)[why] if why else ""
