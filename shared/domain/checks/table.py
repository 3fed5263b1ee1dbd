"""Owns which checks there are, and makes all of them at once."""

from shared.domain.checks import (
    addresses,
    car_details,
    chain,
    continuity,
    corrections,
    dashboard,
    detours,
    distances,
    employer,
    estimates,
    gaps,
    kinds,
    lateness,
    mixed_trips,
    outside_readings,
    plausibility,
    private_km,
    round_numbers,
    total,
    vat,
    whereabouts,
)
from shared.domain.checks.check import Check, finding
from shared.domain.checks.examined import Examined
from shared.domain.checks.finding import Checked
from shared.domain.driver import Language

CHECKS: tuple[Check, ...] = (
    car_details.CHECK,
    continuity.CHECK,
    distances.CHECK,
    whereabouts.CHECK,
    gaps.CHECK,
    addresses.CHECK,
    kinds.CHECK,
    private_km.CHECK,
    vat.CHECK,
    detours.CHECK,
    mixed_trips.CHECK,
    estimates.CHECK,
    dashboard.CHECK,
    corrections.CHECK,
    lateness.CHECK,
    chain.CHECK,
    outside_readings.CHECK,
    round_numbers.CHECK,
    total.CHECK,
    plausibility.CHECK,
    employer.CHECK,
)
# Raised with each change of what a check finds or says: what was kept of the former ones counts no more.
VERSION = 3


def checked(examined: Examined, language: Language) -> Checked:
    """All checks of a car's year, told in a language, with its private kilometres and those for VAT."""
    findings = tuple(finding(check, examined, language) for check in CHECKS)
    return Checked(findings, private_km.of_year(examined), vat.vat_km(examined))
