"""The real pip-audit, asking a server of ours: what is found fails, what could not be asked is never called good."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tools.checks.vulnerabilities import PYPROJECT, accepted, main

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


@pytest.fixture
def call(httpserver: HTTPServer, tmp_path: Path) -> Any:
    """Runs it over two packages, of which one is vulnerable."""

    def told(request: Request) -> Response:
        asked = json.loads(request.data)
        vulnerable = asked["package"]["name"] == "leaky" and asked["version"] == "1.0"
        return Response(json.dumps({"vulns": [FOUND]} if vulnerable else {}), content_type="application/json")

    httpserver.expect_request("/query").respond_with_handler(told)
    requirements, pyproject = tmp_path / "requirements.txt", tmp_path / "pyproject.toml"
    requirements.write_text("leaky==1.0\nsound==2.0\n")
    pyproject.write_text("")

    def run(table: str = "", url: str = httpserver.url_for("/query")) -> int:
        pyproject.write_text(table)
        options = ["--no-deps", "--disable-pip", "-r", str(requirements), "--cache-dir", str(tmp_path / "cache")]
        return main([*options, "--vulnerability-service=osv", f"--osv-url={url}"], pyproject)

    return run


def test_a_known_vulnerability_fails_and_says_what_mends_it(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert call() == 1
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
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "dependencies": [{"name": "x", "skip_reason": "not found on PyPI"}, {"name": "y", "version": "1", "vulns": []}]
    }
    (tmp_path / "pip_audit.py").write_text(f"print({json.dumps(said)!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert main([]) == 0
    assert "NOT CHECKED for known vulnerabilities: 1 of 2 packages (not found on PyPI)" in capsys.readouterr().err


def test_what_this_project_accepts_has_dates_and_reasons() -> None:
    assert all(entry.why for entry in accepted(PYPROJECT).values())
