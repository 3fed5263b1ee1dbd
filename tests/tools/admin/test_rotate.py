"""The rotation of the keys that seal credentials, by the operator's tool against the store."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from google.cloud import firestore

from shared.domain.car.car import Car
from shared.domain.driver import Account
from shared.repositories.accounts import AccountRepository
from shared.repositories.user_store import UserStore
from shared.secrets import Unreadable, reseal, seal, unseal

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))
BOTH = f"{NEW},{OLD}"
SECRET = "a-password-of-boris"


class Project:
    """A project of its own on the emulator."""

    def __init__(self) -> None:
        self.name = f"rotate-{secrets.token_hex(4)}"
        self.db = firestore.Client(project=self.name)

    def user(self, email: str, cars: int = 1) -> UserStore:
        """A user whose credentials and tokens are sealed with the newest key of this moment."""
        AccountRepository(self.db).save(Account(email))
        store = UserStore(self.db, email)
        for n in range(cars):
            store.cars.save(Car(f"car{n}", "simulated"), {"token": f"{SECRET}-{n}"})
            store.cars.keep_tokens(f"car{n}", {"refresh": f"r-{n}"}, store.cars.access(f"car{n}"))
        return store

    def rotate(self, keys: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Runs the operator's tool with these keys."""
        env: Mapping[str, str] = {**os.environ, "GOOGLE_CLOUD_PROJECT": self.name, "CREDENTIALS_KEYS": keys}
        command = [sys.executable, "-m", "tools.admin", "rotate-credentials", *options]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def project(emulators: None, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("CREDENTIALS_KEYS", OLD)
    return Project()


def sealed(store: UserStore) -> dict[str, str]:
    data = store.cars._credentials.get().to_dict()
    return {f"{part} {car_id}": text for part in ("sealed", "tokens") for car_id, text in data[part].items()}


def test_after_a_rotation_the_new_key_alone_opens_everything(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = [project.user(f"d{n}@example.com", cars=1 + n % 2) for n in range(4)]
    AccountRepository(project.db).save(Account("nobody@example.com"))
    done = project.rotate(BOTH)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["5 of 5 users", "rotated: 12, already new: 0"]
    monkeypatch.setenv("CREDENTIALS_KEYS", NEW)
    for n, store in enumerate(stores):
        for car in range(1 + n % 2):
            access = store.cars.access(f"car{car}")
            assert (access.credentials, access.tokens) == ({"token": f"{SECRET}-{car}"}, {"refresh": f"r-{car}"})


def test_a_rotation_that_was_interrupted_goes_on_where_it_is_repeated(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = project.user("a@example.com"), project.user("b@example.com")
    monkeypatch.setenv("CREDENTIALS_KEYS", BOTH)
    first.cars.reseal()  # and there it ended
    before = sealed(first)
    assert project.rotate(BOTH).stdout.splitlines()[-1] == "rotated: 2, already new: 2"
    assert sealed(first) == before
    assert project.rotate(BOTH).stdout.splitlines()[-1] == "rotated: 0, already new: 4"
    monkeypatch.setenv("CREDENTIALS_KEYS", NEW)
    assert second.cars.access("car0").credentials == {"token": f"{SECRET}-0"}


def test_a_dry_run_counts_and_changes_nothing(project: Project) -> None:
    store = project.user("a@example.com")
    before = sealed(store)
    assert project.rotate(BOTH, "--dry-run").stdout.splitlines()[-1] == "would be rotated: 2, already new: 0"
    assert sealed(store) == before


def test_what_no_key_opens_is_listed_without_its_values_and_left(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.user("a@example.com")
    monkeypatch.setenv("CREDENTIALS_KEYS", LOST)
    lost = project.user("lost@example.com")
    before = sealed(lost)
    done = project.rotate(BOTH)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "unreadable: lost@example.com car0 credentials", "unreadable: lost@example.com car0 tokens",
        "2 of 2 users", "rotated: 2, already new: 0",
    ]  # fmt: skip
    assert "2 cannot be opened" in done.stderr
    assert sealed(lost) == before
    for value in (*before.values(), SECRET, OLD, NEW):
        assert value not in done.stdout + done.stderr


def test_a_driver_who_changes_his_credentials_meanwhile_keeps_them(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = project.user("a@example.com")
    monkeypatch.setenv("CREDENTIALS_KEYS", BOTH)
    with ThreadPoolExecutor(8) as pool:
        rotations = [pool.submit(store.cars.reseal) for _ in range(6)]
        changes = [pool.submit(store.cars.save, Car("car0", "simulated"), {"token": "changed"}) for _ in range(2)]
        for done in (*rotations, *changes):
            done.result()
    store.cars.reseal()
    monkeypatch.setenv("CREDENTIALS_KEYS", NEW)
    access = store.cars.access("car0")
    assert (access.credentials, access.tokens) == ({"token": "changed"}, {})


def test_tokens_of_a_read_under_way_survive_a_rotation_and_another_cars_tokens(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = project.user("a@example.com", cars=2)
    read = store.cars.access("car0")
    monkeypatch.setenv("CREDENTIALS_KEYS", BOTH)
    store.cars.reseal()
    store.cars.keep_tokens("car1", {"refresh": "other"}, store.cars.access("car1"))
    store.cars.keep_tokens("car0", {"refresh": "next"}, read)
    assert store.cars.access("car0").tokens == {"refresh": "next"}
    store.cars.save(Car("car0", "simulated"), {"token": "changed"})
    store.cars.keep_tokens("car0", {"refresh": "of the former"}, read)
    assert store.cars.access("car0").tokens == {}


def test_a_seal_is_made_anew_only_where_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_KEYS", OLD)
    old = seal({"a": 1})
    monkeypatch.setenv("CREDENTIALS_KEYS", BOTH)
    anew = reseal(old)
    assert anew
    assert reseal(anew) is None
    monkeypatch.setenv("CREDENTIALS_KEYS", NEW)
    assert unseal(anew) == {"a": 1}
    with pytest.raises(Unreadable):
        reseal(old)
