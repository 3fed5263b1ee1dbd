"""What the tests of the local stack share."""

from pathlib import Path

import pytest

from tests.tools.local.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Without an SDK, Java, caches and pip's settings of the real one."""
    made = Machine(tmp_path)
    for name in ("JAVA_HOME", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(made.home / ".cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("CLOUDSDK_ROOT_DIR", str(made.sdk))
    return made
