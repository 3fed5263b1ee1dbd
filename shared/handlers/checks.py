"""Shows what the checks of a car's year found."""

from typing import Any

import msgspec
from flask import Request

from shared.domain.driver import Caller
from shared.domain.fitting import YEARS
from shared.handlers import fields
from shared.handlers.problems import Problem


def show(request: Request, caller: Caller, year: int) -> tuple[dict[str, Any], int]:
    """The checks of one car's year by their numbers, with its private kilometres."""
    # Nothing else that the function logbook does needs the checks: to load them would be a part of each cold start.
    from shared.services.checks import checked

    fields.refuse_unknown(request, ("car_id", "lang"))
    if year not in YEARS:
        raise Problem(404, "There is no log of such a year.")
    found = checked(caller.account, fields.query_car_id(request), year, fields.language(request))
    told: dict[str, Any] = {"private_km": found.private_km, "private_km_vat": found.private_km_vat}
    return msgspec.to_builtins({"checks": found.findings, **told}), 200
