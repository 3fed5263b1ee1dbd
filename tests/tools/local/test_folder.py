"""--fresh empties what the stack made and nothing else; a folder of somebody else's is not even written to."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.local import folder

ROOT = Path(__file__).parents[3]
EXPORT = "store/store/all_namespaces/all_kinds"
# What the version before the mark left behind.
OLD = ("lock", "env", "credentials.keys", "logs/functions.log", "store/store/store.overall_export_metadata")
WHOLE = (*OLD, f"{EXPORT}/output-0", f"{EXPORT}/all_namespaces_all_kinds.export_metadata")


def fill(data: Path, *names: str) -> None:
    for name in names:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(name)


def contents(place: Path) -> dict[str, str]:
    """All files below, links as what they point to."""
    found = sorted(path for path in place.rglob("*") if path.is_symlink() or not path.is_dir())
    return {
        str(path.relative_to(place)): str(path.readlink()) if path.is_symlink() else path.read_text() for path in found
    }


def refusal(data: Path, fresh: bool) -> str:
    """What is said instead of a start, which must be one sentence and leave everything as it was."""
    before = contents(data.parent)
    with pytest.raises(folder.Refused) as told, folder.held(data, fresh):
        pass
    assert contents(data.parent) == before
    assert str(told.value).count("\n") == 0
    assert str(told.value).endswith(".")
    return str(told.value)


@pytest.mark.parametrize("marked", [True, False], ids=["marked", "of the version before"])
def test_fresh_empties_a_folder_that_holds_only_what_the_stack_made(marked: bool, tmp_path: Path) -> None:
    fill(tmp_path, *WHOLE, "store.old/store/store.overall_export_metadata", f"{EXPORT}/output-17", "env.new")
    if marked:
        fill(tmp_path, folder.MARK)
    with folder.held(tmp_path, fresh=True):
        assert (tmp_path / "env").is_file()  # not before it is known that the stack can start
        folder.empty(tmp_path)
        assert set(contents(tmp_path)) == {"lock", folder.MARK}
        assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    "foreign",
    ["thesis.txt", ".git/HEAD", "logs/access.log", "store/photo.jpg", f"{EXPORT}/notes", "env/bin/python", "lock/x"],
)
@pytest.mark.parametrize("marked", [True, False])
def test_fresh_touches_nothing_where_anything_else_lies(foreign: str, marked: bool, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, *(name for name in WHOLE if name != foreign.partition("/")[0]), foreign)
    if marked:
        fill(data, folder.MARK)
    assert foreign.partition("/")[0] in refusal(data, fresh=True)


@pytest.mark.parametrize("link", ["logs", "store", "env", "credentials.keys", "elsewhere", f"{EXPORT}/output-1"])
def test_fresh_follows_no_link(link: str, tmp_path: Path) -> None:
    fill(tmp_path / "mine", "logs/functions.log", "output-1")
    data = tmp_path / "data"
    fill(data, "lock", folder.MARK, f"{EXPORT}/output-0" if link != "store" else "env")
    (data / link).symlink_to(tmp_path / "mine")
    assert link in refusal(data, fresh=True)


def test_a_folder_that_is_itself_a_link_is_emptied_where_it_leads(tmp_path: Path) -> None:
    fill(tmp_path / "disk", *OLD)
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    with folder.held(tmp_path / "data", fresh=True):
        folder.empty(tmp_path / "data")
        assert set(contents(tmp_path / "disk")) == {"lock", folder.MARK}


@pytest.mark.parametrize("taken", ["env/bin/python", "logs/access.log", "store/photo.jpg", "lock"])
def test_a_stack_writes_over_nothing_of_somebody_else(taken: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data, "thesis.txt", taken)
    refusal(data, fresh=False)


def test_a_stack_starts_beside_what_is_not_in_its_way(tmp_path: Path) -> None:
    fill(tmp_path, "thesis.txt", "photos/log.jpg")
    before = contents(tmp_path)
    with folder.held(tmp_path, fresh=False):
        assert contents(tmp_path) == {"lock": "", **before, folder.MARK: folder.MARK_TEXT}


@pytest.mark.parametrize("names", [(), OLD, (folder.MARK, "my notes.txt")], ids=["empty", "before the mark", "marked"])
def test_a_stack_starts_where_a_stack_was_and_keeps_all_that_is_there(names: tuple[str, ...], tmp_path: Path) -> None:
    fill(tmp_path, *names)
    before = contents(tmp_path)
    with folder.held(tmp_path, fresh=False):
        assert contents(tmp_path) == {"lock": "", **before, folder.MARK: folder.MARK_TEXT}


def test_a_folder_is_made_where_there_is_none(tmp_path: Path) -> None:
    with folder.held(tmp_path / "a" / "b", fresh=True):
        assert (tmp_path / "a" / "b" / folder.MARK).is_file()


def test_a_folder_that_a_stack_holds_is_not_emptied_by_another(tmp_path: Path) -> None:
    with folder.held(tmp_path, fresh=False):
        fill(tmp_path, "env")
        with pytest.raises(folder.Refused, match="Another stack"), folder.held(tmp_path, fresh=True):
            pass
        assert (tmp_path / "env").is_file()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    for fresh in (True, False):
        assert "Not a directory" in refusal(tmp_path / "data", fresh)
        assert "Not a directory" in refusal(tmp_path / "data" / "below", fresh)


@pytest.fixture
def not_writable() -> Iterator[Path]:
    """A folder in which we may not write: as root, we are nobody meanwhile."""
    with tempfile.TemporaryDirectory() as place:  # pytest's own are closed to others
        Path(place).chmod(0o755)
        (Path(place) / "data").mkdir(mode=0o555)
        root = os.geteuid() == 0
        os.seteuid(65534 if root else os.geteuid())
        yield Path(place) / "data"
        os.seteuid(0 if root else os.geteuid())


def test_a_folder_without_the_right_to_write_is_told_in_one_sentence(not_writable: Path) -> None:
    assert "Permission denied" in refusal(not_writable, fresh=False)
    assert "Permission denied" in refusal(not_writable / "below", fresh=True)


def test_fresh_touches_neither_a_clone_nor_a_home(tmp_path: Path) -> None:
    fill(tmp_path, ".git/HEAD", "run.sh", ".bashrc")
    before = contents(tmp_path)
    command = [sys.executable, "-m", "tools.local", "--data", ".", "--fresh"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert contents(tmp_path) == before


def test_what_is_written_whole_is_read_by_its_owner_only(tmp_path: Path) -> None:
    for text in ("one", "two"):
        folder.write_whole(tmp_path / "env", text)
        assert contents(tmp_path) == {"env": text}
        assert oct((tmp_path / "env").stat().st_mode)[-3:] == "600"
