"""Closes a year of a car's log, proves its seal, and tells of what is proposed to be changed in it."""

from typing import Any

import msgspec
from flask import Request

from shared.domain.driver import Caller
from shared.domain.fitting import YEARS, car_id, text, unfit
from shared.domain.log.explaining import MOST_REASON
from shared.domain.log.sealing import YearIsClosed, correction_view, seal_view
from shared.handlers import fields
from shared.handlers.authors import author_of
from shared.handlers.bodies import decoded
from shared.handlers.problems import Problem, of_unfit
from shared.services import closing


class CloseBody(msgspec.Struct, forbid_unknown_fields=True):
    """Of which car the year is closed, the default one if none is named, and why in spite of each check that fails."""

    car_id: str | None = None
    reasons: dict[str, str] = {}

    def said(self) -> dict[str, str]:
        """The reasons by the numbers of the checks. Raises Unfit."""
        # Nothing else that this module does needs the checks.
        from shared.domain.checks.table import CHECKS

        numbers = [str(check.n) for check in CHECKS]
        if unknown := [n for n in self.reasons if n not in numbers]:
            raise unfit("reasons", f"has no check {unknown[0][:10]!r}: their numbers are {numbers[0]} to {numbers[-1]}")
        return {n: text(reason, "reasons", MOST_REASON) for n, reason in self.reasons.items()}


def show(request: Request, caller: Caller, year: int) -> tuple[dict[str, Any], int]:
    """Whether a car's year is closed, and whether its seal holds."""
    fields.refuse_unknown(request, ("car_id",))
    _refuse_other_years(year)
    found = closing.proven(caller.account, fields.query_car_id(request), year)
    return {
        "year": year,
        "car_id": found.car_id,
        "closed": found.seal is not None,
        "rows": found.rows,
        "seal": seal_view(found.seal) if found.seal else None,
        "holds": found.holds if found.seal else None,
        "stamped_at": fields.zulu(found.stamped_at) if found.stamped_at else None,
        "corrections": [correction_view(one) for one in found.corrections],
    }, 200


def seal(request: Request, caller: Caller, year: int) -> tuple[dict[str, Any], int]:
    """The seal of a car's year, from now on or since it was closed."""
    # Nothing else that the function logbook does needs the fold: to load it would be a part of each cold start.
    from shared.services.sealing import NotClosable, close

    _refuse_other_years(year)
    body, account = decoded(request, CloseBody), caller.account
    named = car_id(body.car_id) or account.default_car_id
    if named is None:
        raise Problem(404, "There is no car yet.")
    try:
        found = close(account, named, year, body.said(), author_of(caller, ""), account.language)
    except NotClosable as error:
        failing = {"checks": [msgspec.to_builtins(one) for one in error.findings]}
        problem = of_unfit(error)
        raise Problem(problem.status, problem.detail, problem.field, more=failing) from error
    return seal_view(found), 200


def proposed(closed: YearIsClosed) -> dict[str, Any]:
    """What is kept of a change of a closed year. Raises YearIsClosed where nobody said why."""
    found = closing.propose(closed)
    return {"status": "correction_proposed", "corrections": [correction_view(one) for one in found]}


def _refuse_other_years(year: int) -> None:
    if year not in YEARS:
        raise Problem(404, "There is no log of such a year.")
