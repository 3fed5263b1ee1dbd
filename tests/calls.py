"""Every call that the functions take, as their routes say it: no list of calls is kept by hand."""

import re
from typing import NamedTuple

from shared.domain.driver import Scope
from shared.handlers.http import MOST_BYTES
from tools.deploy.functions import FUNCTIONS, Function
from tools.local.serve import routes_of

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
# What every driver of the tests has; of other things they have none.
THEIRS = {"car_id": "car", "key_id": "full", "year": "2026"}


class Call(NamedTuple):
    """Method, path as the stack serves it, what a caller's key must be good for, and how long its body may be;
    `function` answers it."""

    method: str
    path: str
    scope: Scope | None
    function: Function
    most_bytes: int = MOST_BYTES

    @property
    def address(self) -> str:
        """The path of something that is there, where each driver of the tests has one, else of what nobody has."""
        return VARIABLE.sub(lambda variable: THEIRS.get(variable[1], "some-id"), self.path)


def all_calls() -> list[Call]:
    """The calls of every function that is called by HTTP, at each of its paths."""
    return [
        Call(method, (path + rule.rule).rstrip("/"), rule.endpoint.scope, function, rule.endpoint.most_bytes)
        for function in FUNCTIONS
        if function.trigger == "http"
        for rule in routes_of(function)
        for method in sorted(rule.methods - {"HEAD"})
        for path in function.paths
    ]
