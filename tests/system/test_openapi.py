"""The functions keep to docs/openapi.yaml whatever they are sent, and never answer with a 500."""

from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS

from tests.system.fixtures import Stack

OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.yaml"
schema = schemathesis.openapi.from_path(str(OPENAPI))
KEPT = CHECKS.get_by_names(
    ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
)


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_described(case: schemathesis.Case, stack: Stack) -> None:
    if not hasattr(stack, "described"):
        stack.described = stack.driver()  # type: ignore[attr-defined]
    driver = stack.described  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {driver.key}", "X-User-Email": driver.email}
    case.query.pop("user", None)
    case.query.pop("key", None)
    response = case.call(base_url=stack.url, headers=headers, timeout=30)
    case.validate_response(response, checks=KEPT)
