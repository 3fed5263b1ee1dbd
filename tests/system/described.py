"""The functions keep to docs/openapi.yaml whatever they are sent, and never answer with a 500.

Not collected by itself: test_openapi.py runs it, in a process of its own.
"""

import os
from pathlib import Path

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.yaml"
schema = schemathesis.openapi.from_path(str(OPENAPI))
session = requests.Session()  # a connection for each call would be half of the work
KEPT = CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)


@schema.parametrize()
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_described(case: schemathesis.Case) -> None:
    headers = {"Authorization": f"Bearer {os.environ['DRIVER_KEY']}", "X-User-Email": os.environ["DRIVER_EMAIL"]}
    case.query.pop("user", None)
    case.query.pop("key", None)
    response = case.call(os.environ["FUNCTIONS_URL"], session, headers=headers, timeout=30)
    case.validate_response(response, checks=KEPT)
