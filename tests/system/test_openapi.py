"""The functions keep to docs/openapi.yaml: each path and method that it describes is called with whatever it allows.

In a process of its own: schemathesis takes seconds to load, which each worker would spend, and every run of one test.
"""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.system.fixtures import Driver

DESCRIBED = Path(__file__).with_name("described.py")
OPENAPI = Path(__file__).parents[2] / "docs" / "openapi.yaml"


def test_every_answer_is_described(driver: Driver) -> None:
    paths = yaml.safe_load(OPENAPI.read_text())["paths"].values()
    operations = sum(method in {"get", "post", "put", "patch", "delete"} for path in paths for method in path)
    caller = {"FUNCTIONS_URL": driver.stack.url, "DRIVER_KEY": driver.key, "DRIVER_EMAIL": driver.email}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "schemathesis.pytest.plugin", str(DESCRIBED)]
    done = subprocess.run(command, env={**os.environ, **caller}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"\n{operations} passed" in done.stdout
