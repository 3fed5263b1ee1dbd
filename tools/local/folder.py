"""Owns the folder of local data: what the stack makes there, and that it touches nothing else."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MARK = ".mileage-log"
MARK_TEXT = "Local data of the mileage log. ./run.sh --fresh empties this folder as long as nothing else is in it.\n"
FIRST_PAGE = "store.overall_export_metadata"
# What the stack makes, by whole paths: a folder that somebody else calls `logs` or `store` holds other things.
FILES = re.compile(
    rf"{re.escape(MARK)}|lock|(env|credentials\.keys)(\.new)?|logs/(car_cloud|firestore|functions|phones|pubsub)\.log"
    rf"|(boris|tim)-[0-9]{{4}}\.pdf"  # what the demo ends with
    rf"|store(\.new|\.old)?/store/({FIRST_PAGE}|all_namespaces/all_kinds/([^/]+\.export_metadata|output-[0-9]+))"
)
FOLDERS = re.compile(r"logs|store(\.new|\.old)?(/store(/all_namespaces(/all_kinds)?)?)?")


class Refused(Exception):
    """The stack cannot start; the text says why in one sentence."""


@contextmanager
def held(data: Path, fresh: bool) -> Iterator[None]:
    """The folder as this stack's own for a while; one that is to be emptied must hold nothing else.

    Raises Refused where it cannot be used. Where it is somebody else's, nothing in it has been touched then.
    """
    try:
        lock = _opened(data, fresh)
    except OSError as error:
        raise Refused(f"--data {data} cannot be used ({error.strerror}): choose another folder.") from error
    with lock:
        yield


def _opened(data: Path, fresh: bool) -> IO[str]:
    if data.exists():
        _refuse_others(data, fresh)
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Refused(f"Another stack is running on {data}: stop it, or choose another --data.") from error
    (data / MARK).write_text(MARK_TEXT)
    return lock


def empty(data: Path) -> None:
    """Removes what a stack made in the folder that it holds. Raises Refused where anything else is in it."""
    _refuse_others(data, fresh=True)
    # An export without its first page counts for none, should this be interrupted; the former one loses its own first.
    for store in ("store.old", "store"):
        (data / store / "store" / FIRST_PAGE).unlink(missing_ok=True)
    for path in reversed(list(_inside(data))):
        if path.is_dir():
            path.rmdir()
        elif path.name not in ("lock", MARK):
            path.unlink()


def write_whole(file: Path, text: str) -> None:
    """Writes what only its owner may read; whoever looks sees all of it or what was there before."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(file)


def _refuse_others(data: Path, fresh: bool) -> None:
    """With --fresh all must be of us; without it, nobody else's may lie where we would write."""
    if not fresh and ((data / MARK).is_file() or not any(_is_our_name(path) for path in data.iterdir())):
        return
    for path in _inside(data):
        if not _is_ours(path, data):
            does = "--fresh empties a folder only if" if fresh else "A stack writes where its names are taken only if"
            raise Refused(
                f"{does} nothing else is in it, and {data} holds {path.relative_to(data)}: choose another --data."
            )


def _is_our_name(path: Path) -> bool:
    """Whether a file or folder at the top has a name that the stack writes to."""
    return bool(FILES.fullmatch(path.name) or FOLDERS.fullmatch(path.name))


def _inside(data: Path) -> Iterator[Path]:
    """All that is in a folder but what links point to, each folder before what it holds."""
    for at, folders, files in os.walk(data, onerror=_raise):
        yield from (Path(at, name) for name in sorted(files + folders))


def _raise(error: OSError) -> None:
    raise error


def _is_ours(path: Path, data: Path) -> bool:
    name = path.relative_to(data).as_posix()
    if path.is_symlink():
        return False
    return bool(FOLDERS.fullmatch(name)) if path.is_dir() else path.is_file() and bool(FILES.fullmatch(name))
