"""Owns the file of all that is a user's: the JSON exports of their logs, and all documents as they are stored.

It is written and read piece by piece. Its last member is the SHA-256 of all bytes before it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from shared.domain.fitting import Unfit
from shared.domain.log.shown import zulu
from shared.formats.json_file import FORMAT, VERSION

END = re.compile(rb',\n"sha256":"([0-9a-f]{64})"\}\s*\Z')
AT_THE_END = 200  # bytes


class Kept(msgspec.Struct):
    """A document: its path below the user's, and its fields, each value with its type."""

    path: str
    fields: dict[str, Any]


class UserFile(msgspec.Struct):
    """What is in such a file: of whom and when, their own document, the logs, and the other documents, not read yet.

    `sha256` names this very file.
    """

    user: str
    made_at: datetime
    logs: list[msgspec.Raw]
    account: dict[str, Any]
    kept: list[msgspec.Raw]
    sha256: str

    def documents(self) -> Iterator[Kept]:
        """The documents, one by one."""
        return (msgspec.json.decode(one, type=Kept) for one in self.kept)


class _Head(msgspec.Struct):
    """What tells whether a file is one of ours."""

    format: str
    version: int
    view: str | None = None


class Written(NamedTuple):
    """What goes into a file: of whom and when (aware UTC), and the pieces, each of them JSON."""

    user: str
    made_at: datetime
    logs: Iterable[bytes]
    account: bytes
    kept: Iterable[bytes]


def user_file(written: Written) -> Iterator[bytes]:
    """The file, piece by piece, each written before the next is asked for."""
    digest = hashlib.sha256()
    for piece in _pieces(written):
        digest.update(piece)
        yield piece
    yield b',\n"sha256":"%s"}\n' % digest.hexdigest().encode()


def _pieces(written: Written) -> Iterator[bytes]:
    head = {"format": FORMAT, "version": VERSION, "user": written.user, "made_at": zulu(written.made_at)}
    yield msgspec.json.encode(head)[:-1]
    yield from _listed(b"logs", written.logs)
    yield b',\n"account":' + written.account
    yield from _listed(b"kept", written.kept)


def _listed(name: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    begin = b',\n"%s":[\n' % name
    for piece in pieces:
        yield begin
        yield piece
        begin = b",\n"
    yield b"]" if begin == b",\n" else begin + b"]"


def is_as_written(content: bytes) -> bool:
    """Whether not one byte of such a file is another one than when it was written."""
    end = END.search(content, max(len(content) - AT_THE_END, 0))
    return end is not None and hashlib.sha256(memoryview(content)[: end.start()]).hexdigest() == end[1].decode()


def read_user_file(content: bytes) -> UserFile:
    """What is in a file. Raises Unfit where it is none, is damaged, or of a version that is not known here."""
    try:
        head = msgspec.json.decode(content, type=_Head)
    except msgspec.DecodeError as error:
        raise Unfit("This is no export of a user, or one that is damaged.") from error
    if head.format != FORMAT or head.view is not None:
        raise Unfit("This is no export of a user; the trips of a single log can be imported.")
    if head.version > VERSION:
        raise Unfit(f"This export is of version {head.version}: only those up to {VERSION} are known here.")
    if not is_as_written(content):
        raise Unfit("This export is damaged: it is not as it was written.")
    try:
        return msgspec.json.decode(content, type=UserFile)
    except msgspec.DecodeError as error:
        raise Unfit("This is no export of a user.") from error
