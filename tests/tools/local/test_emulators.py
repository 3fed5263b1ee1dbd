"""Finding the emulators, and setting them up in the way a machine offers; the ways are stand-ins on PATH."""

from pathlib import Path

import pytest

from tools.local import emulators, processes


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but what a test puts on its PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    for name in ("CLOUDSDK_ROOT_DIR", "JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(emulators, "sdk_roots", lambda: iter([tmp_path / "sdk"]))
    monkeypatch.setenv("PATH", str(programs))
    return tmp_path


def program(machine: Path, name: str, script: str) -> None:
    file = machine / "bin" / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def installs(machine: Path) -> str:
    made = " ".join(str(machine / "sdk" / "platform" / name) for name in emulators.COMPONENTS)
    return f'echo "$0 $@" >> {machine}/calls; /bin/mkdir -p {made}'


def test_emulators_in_an_sdk_are_found(bare: Path) -> None:
    assert emulators.find_platform() is None
    program(bare, "java", "exit 0")
    for name in emulators.COMPONENTS:
        (bare / "sdk" / "platform" / name).mkdir(parents=True)
    assert emulators.find_platform() == bare / "sdk" / "platform"


def test_gcloud_installs_its_components(bare: Path) -> None:
    program(bare, "java", "exit 0")
    program(bare, "gcloud", installs(bare))
    assert emulators.set_up() == bare / "sdk" / "platform"
    assert "components install cloud-firestore-emulator pubsub-emulator" in (bare / "calls").read_text()


def test_apt_installs_them_where_its_source_has_them(bare: Path) -> None:
    program(bare, "gcloud", "exit 1")
    program(bare, "java", "exit 0")
    program(bare, "apt-cache", "echo '  Candidate: 528.0.0-0'")
    program(bare, "apt-get", installs(bare))
    program(bare, "sudo", 'shift; exec "$@"')
    assert emulators.set_up() == bare / "sdk" / "platform"
    assert "google-cloud-cli-firestore-emulator" in (bare / "calls").read_text()


def test_a_docker_engine_runs_the_official_image(bare: Path) -> None:
    program(bare, "apt-cache", "echo '  Candidate: (none)'")
    program(bare, "docker", "exit 0")
    command = emulators.command("firestore", 1234)
    assert command[:2] == ["docker", "run"]
    assert emulators.IMAGE in command


def test_a_machine_that_offers_no_way_is_told_in_one_sentence(bare: Path) -> None:
    program(bare, "docker", "exit 1")
    with pytest.raises(emulators.Missing) as told:
        emulators.set_up()
    assert str(told.value).count(". ") == 0


def test_a_named_emulator_that_does_not_answer_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{processes.free_port()}")
    with pytest.raises(emulators.Missing, match="nothing answers"), emulators.both(tmp_path):
        pass


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
