"""Closes a year of a car's log, and shows what is closed."""

from collections.abc import Sequence

from shared.domain.driver import Account
from shared.domain.log.sealing import Correction, Seal


def seal_of(account: Account, car_id: str, year: int) -> Seal | None:
    """The seal of a car's year, or None where it is not closed."""
    del account, car_id, year
    return None


def corrections_of(account: Account, car_id: str, year: int) -> Sequence[Correction]:
    """What was proposed to be changed in a closed year, oldest first."""
    del account, car_id, year
    return ()
