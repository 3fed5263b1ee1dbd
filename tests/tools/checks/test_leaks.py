"""A key that somebody is about to commit is found, and none is in this repository."""

import base64
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from shared.repositories.accounts import new_key
from tools.checks.leaks import ROOT


def pem() -> str:
    key = rsa.generate_private_key(65537, 2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def ssh() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return key.private_bytes(*form).decode()


def google_key() -> str:
    return "AIza" + "Sy" + base64.b32encode(secrets.token_bytes(30)).decode()[:16] + secrets.token_hex(9)[:17]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for call in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *call], cwd=tmp_path, check=True)
    (tmp_path / "readme.md").write_text(
        "No key here: https://example.com/webhook/start?user=boris@example.com&key=KEY\n"
    )
    return tmp_path


def search(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tools.checks.leaks", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_no_key_is_in_this_repository() -> None:
    done = search(ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_kind_of_key_is_found_and_named_by_its_place_alone(repository: Path) -> None:
    assert search(repository).returncode == 0
    keys = {
        "a_driver.md": new_key(),
        "a_url.sh": new_key(),
        "a_seal.env": Fernet.generate_key().decode(),
        "a_service.py": google_key(),
    }
    forms = {"a_url.sh": "curl 'https://example.com/x?user=a@example.com&key={}'", "a_seal.env": "CREDENTIALS_KEYS={}"}
    for name, key in keys.items():
        (repository / name).write_text(forms.get(name, 'KEY = "{}"').format(key) + "\n")
    (repository / "a_private_key.txt").write_text(pem())
    (repository / "another_private_key").write_text(ssh())
    subprocess.run(["git", "add", "a_seal.env"], cwd=repository, check=True)
    done = search(repository)
    assert done.returncode == 1
    for name in (*keys, "a_private_key.txt", "another_private_key"):
        assert name in done.stderr
    assert [key for key in keys.values() if key in done.stderr] == []


def test_what_git_ignores_may_hold_a_key(repository: Path) -> None:
    (repository / ".gitignore").write_text("local/\n")
    (repository / "local").mkdir()
    (repository / "local" / "credentials.keys").write_text(Fernet.generate_key().decode())
    assert search(repository).returncode == 0


def test_where_nothing_can_be_searched_it_does_not_say_that_all_is_well(tmp_path: Path) -> None:
    assert search(tmp_path).returncode == 2
