"""The real pip-audit, asking a server of ours: what is found fails, what could not be asked is never called good."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tools.checks.locks import ROOT
from tools.checks.vulnerabilities import accepted, main

FOUND = {
    "id": "GHSA-test-test-test",
    "aliases": ["CVE-2026-0001"],
    "summary": "It gives everything away.",
    "affected": [
        {
            "package": {"name": "leaky", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
        }
    ],
}


HASH = f"--hash=sha256:{'0' * 64}"


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A project with a lock of two packages, neither of which is installed here, and one of its tests."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "requirements.txt").write_text(f"leaky==1.0 \\\n    {HASH}\nsound==2.0 \\\n    {HASH}\n")
    (tmp_path / "tests" / "requirements.txt").write_text(f"checker==3.0 \\\n    {HASH}\n")
    return tmp_path


def pyproject(root: Path, table: str = "") -> None:
    """Writes its pyproject.toml."""
    pins = 'core = ["leaky==1.0", "sound==2.0"]\ndev = [{include-group = "core"}, "checker==3.0"]\n'
    (root / "pyproject.toml").write_text(f"[dependency-groups]\n{pins}{table}")


@pytest.fixture
def call(httpserver: HTTPServer, locked: Path) -> Any:
    """Runs it over these locks, of whose packages one is vulnerable."""

    def told(request: Request) -> Response:
        asked = json.loads(request.data)
        vulnerable = asked["package"]["name"] == "leaky" and asked["version"] == "1.0"
        return Response(json.dumps({"vulns": [FOUND]} if vulnerable else {}), content_type="application/json")

    httpserver.expect_request("/query").respond_with_handler(told)

    def run(table: str = "", url: str = httpserver.url_for("/query")) -> int:
        pyproject(locked, table)
        return main(["--cache-dir", str(locked / "cache"), "--vulnerability-service=osv", f"--osv-url={url}"], locked)

    return run


def test_a_known_vulnerability_of_a_locked_package_fails_and_says_what_mends_it(
    call: Any, capsys: pytest.CaptureFixture[str], httpserver: HTTPServer
) -> None:
    assert call() == 1
    asked = sorted(json.loads(request.data)["package"]["name"] for request, _ in httpserver.log)
    assert asked == ["checker", "leaky", "sound"], "what the locks hold, and not what is installed here"
    told = capsys.readouterr().err
    assert "VULNERABLE: leaky 1.0: CVE-2026-0001, GHSA-test-test-test; mended in 1.1" in told
    assert "sound" not in told
    assert "NOT CHECKED" not in told


def test_one_that_is_accepted_is_told_with_its_reason_and_passes(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    table = '[tool.accepted-vulnerabilities]\nCVE-2026-0001 = {since = 2026-11-24, why = "we never call it"}\n'
    assert call(table) == 0
    assert "accepted since 2026-11-24: leaky 1.0" in capsys.readouterr().out


@pytest.mark.parametrize("entry", ['{why = "no date"}', "{since = 2026-11-24}", "true"])
def test_without_a_date_and_a_reason_nothing_is_accepted(call: Any, entry: str) -> None:
    with pytest.raises(ValueError, match=r"required|Expected"):
        call(f"[tool.accepted-vulnerabilities]\nCVE-2026-0001 = {entry}\n")


def test_where_nobody_answers_it_says_aloud_that_nothing_was_checked(
    call: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(url="http://127.0.0.1:9/query") == 0
    assert "*** NOT CHECKED for known vulnerabilities: all packages" in capsys.readouterr().err


def test_a_package_that_nobody_has_a_word_of_is_not_called_good(
    locked: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = "not found on PyPI"
    said = [
        {"name": "leaky", "skip_reason": f"{nothing}: leaky (1.0)"},
        {"name": "sound", "version": "2.0", "vulns": []},
        {"name": "checker", "skip_reason": f"{nothing}: checker (3.0)"},
    ]
    (locked / "pip_audit.py").write_text(f"print({json.dumps({'dependencies': said})!r})")
    monkeypatch.setenv("PYTHONPATH", str(locked))
    pyproject(locked)
    assert main([], locked) == 0
    assert capsys.readouterr().err.splitlines() == [
        "*** NOT CHECKED for known vulnerabilities: leaky in requirements.txt (not found on PyPI)",
        "*** NOT CHECKED for known vulnerabilities: checker in tests/requirements.txt (not found on PyPI)",
    ]


def test_what_this_project_accepts_has_dates_and_reasons() -> None:
    assert all(entry.why for entry in accepted(ROOT / "pyproject.toml").values())
