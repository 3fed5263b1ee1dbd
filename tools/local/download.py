"""Fetches big files once: into a cache of the user's, resumed after a break, and only what has the known sum."""

import fcntl
import hashlib
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import requests

TIMEOUT_S = (10, 30)
CHUNK_BYTES = 1 << 16  # as much is lost by a break
LINE_EVERY_PERCENT = 25
AGAIN = "run the same command again, and it goes on from there"


class Missing(Exception):
    """What a run needs is not here and cannot be fetched; the text says why in one sentence."""


@dataclass(frozen=True)
class Download:
    """A file on the internet, by the name under which it is kept; a zip is kept as a folder."""

    what: str
    url: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name, without .zip."""
        return self.url.rpartition("/")[2].removesuffix(".zip")


def cache() -> Path:
    """Where this user's downloads lie."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (named if named.is_absolute() else Path.home() / ".cache") / "mileage-log"


def fetched(wanted: Download) -> Path:
    """The file in the cache, or the folder of what was in it. Raises Missing."""
    return kept(wanted.name, lambda place: _fetch(wanted, place))


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """What is kept in the cache under a name, made once however many ask at the same time.

    `make` writes it to the path that it is given. Raises Missing.
    """
    place = cache() / name
    if place.exists():
        return place
    new = place.with_name(f"{name}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place.with_name(f"{name}.lock"), name):
            if not place.exists():
                _remove(new)
                make(new)
                new.rename(place)
    except OSError as error:
        raise Missing(
            f"The cache {place.parent} cannot be used ({error.strerror}): name another with XDG_CACHE_HOME."
        ) from error
    return place


@contextmanager
def _locked(file: Path, name: str) -> Iterator[None]:
    with file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run is fetching {name}: waiting for it …", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _fetch(wanted: Download, place: Path) -> None:
    part = place.with_name(f"{wanted.name}.part")
    try:
        with _progress(wanted) as tell:
            while not _is_whole(part, wanted) and _goes_on(wanted, part, tell):
                pass
    except requests.RequestException as error:
        # What a server refuses today it refuses again.
        mend = AGAIN if error.response is None else "a newer version of this project may know where it is now"
        raise Missing(f"{wanted.what} cannot be fetched from {wanted.url} ({_cause(error)}): {mend}.") from error
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted.sha256:
        part.unlink()
        raise Missing(
            f"What came from {wanted.url} was removed, for its SHA-256 is {found} instead of {wanted.sha256}: "
            "run the same command again to fetch it anew."
        )
    if wanted.url.endswith(".zip"):
        with zipfile.ZipFile(part) as archive:
            archive.extractall(place)  # never upwards, and no links
        part.unlink()
    else:
        part.rename(place)


def _is_whole(part: Path, wanted: Download) -> bool:
    return part.exists() and part.stat().st_size >= wanted.size_bytes


def _goes_on(wanted: Download, part: Path, tell: Callable[[int], None]) -> bool:
    """Fetches what is not there yet, at least some of it; False where the server has no more.

    Raises RequestException where nothing came before a break.
    """
    had_bytes = part.stat().st_size if part.exists() else 0
    # Packed on the way, the bytes would not be those that are counted here.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={had_bytes}-"} if had_bytes else {})
    with requests.get(wanted.url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return False
        answer.raise_for_status()
        adds = answer.status_code == requests.codes.partial_content
        said_bytes = int(answer.headers.get("Content-Length") or wanted.size_bytes)
        if not adds and said_bytes != wanted.size_bytes:
            # A page that asks for a login comes like this; it must not take the place of what is here.
            raise Missing(
                f"{wanted.url} answers with {said_bytes} bytes instead of {wanted.size_bytes}, so somebody on the way "
                "answers for it: open a page in a browser on this machine, then run the same command again."
            )
        here_bytes = had_bytes if adds else 0
        with part.open("ab" if adds else "wb") as file:
            try:
                for chunk in answer.iter_content(CHUNK_BYTES):
                    file.write(chunk)
                    here_bytes += len(chunk)
                    tell(here_bytes)
                    if here_bytes > wanted.size_bytes:
                        break  # its sum is wrong already
            except requests.RequestException:
                if here_bytes <= had_bytes:
                    raise
    return here_bytes > had_bytes


def _cause(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"it answers {error.response.status_code}"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted on this machine"
    return "no answer in time" if isinstance(error, requests.Timeout) else "no connection"


@contextmanager
def _progress(wanted: Download) -> Iterator[Callable[[int], None]]:
    """What is told how many bytes are here: a bar in a terminal, else a few lines."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    print(f"Fetching {wanted.what} from {wanted.url} into {cache()}", file=sys.stderr, flush=True)
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(wanted)
        return
    with Progress(
        TextColumn(wanted.what), BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console
    ) as bar:
        task = bar.add_task(wanted.what, total=wanted.size_bytes)
        yield lambda here_bytes: bar.update(task, completed=here_bytes)


def _lines(wanted: Download) -> Callable[[int], None]:
    told_percent = 0

    def tell(here_bytes: int) -> None:
        nonlocal told_percent
        percent = 100 * here_bytes // wanted.size_bytes
        if percent >= told_percent + LINE_EVERY_PERCENT or percent < told_percent:
            told_percent = percent // LINE_EVERY_PERCENT * LINE_EVERY_PERCENT
            print(f"{wanted.what}: {percent} % is here", file=sys.stderr, flush=True)

    return tell
