"""Owns the errors that callers see: application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Response

from shared.domain.fitting import Conflict, Forbidden, NotFound, Unfit

STATUSES: dict[type[Unfit], int] = {Forbidden: 403, NotFound: 404, Conflict: 409}


class Problem(Exception):
    """An error with the caller's status; `field` where one field is at fault, `more` what its body says besides."""

    def __init__(
        self,
        status: int,
        detail: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.field, self.headers, self.more = status, detail, field, headers or {}, more or {}

    def response(self) -> Response:
        """The answer that says it."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if self.field:
            body["field"] = self.field
        body |= self.more
        return Response(
            msgspec.json.encode(body), self.status, headers=self.headers, content_type="application/problem+json"
        )


def of_unfit(error: Unfit) -> Problem:
    """What callers see of an error of the domain: the status of its kind, else 400."""
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 400)
    return Problem(status, error.detail, error.field)


def bad(field: str, detail: str) -> Problem:
    """400 for one field."""
    return Problem(400, f"{field}: {detail}", field)
