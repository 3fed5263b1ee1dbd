"""Owns the tokens of time stamping authorities (RFC 3161): how one is asked for, and what one says.

A token is over the text of a seal's hash, sixty-four hexadecimal letters: `openssl ts -verify -token_in` proves it too.
"""

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from warnings import catch_warnings, simplefilter

import requests
from cryptography.utils import CryptographyDeprecationWarning
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from shared.wire import Bounded

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

WAITS_S = 5.0
MOST_BYTES = 100_000
CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
GRANTED = b"\x30\x03\x02\x01\x00"  # what stands before the token in an answer: granted


class NotStamped(Exception):
    """The authority did not answer, or with something that is no token over this hash; the text says which."""


class Stamp(NamedTuple):
    """What a token says: the hash was known then (aware UTC). It is `is_proven` where a certificate that is trusted
    stands behind its signature."""

    at: datetime
    is_proven: bool


def asked(url: str, seal_hash: str) -> str:
    """A token over a hash, as base64, from the authority at an address. Raises NotStamped."""
    request = TimestampRequestBuilder().data(seal_hash.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, Bounded(MOST_BYTES))
        try:
            answer = session.post(url, data=request.as_bytes(), headers=headers, timeout=WAITS_S)
            answer.raise_for_status()
        except requests.RequestException as error:
            raise NotStamped(f"the authority did not answer: {type(error).__name__}") from error
    response = _decoded(answer.content, seal_hash)
    if response.status not in (0, 1) or response.tst_info.nonce != request.nonce:
        raise NotStamped("the authority answered something else than was asked")
    return b64encode(response.time_stamp_token()).decode()


def read(token: str, seal_hash: str, roots: Sequence[bytes] = ()) -> Stamp:
    """What a token says of a hash. Raises NotStamped where it is no token, or over another hash.

    `roots` are trusted certificates, as PEM; without any nothing is proven but what the token says.
    """
    try:
        response = _decoded(_answer(b64decode(token, validate=True)), seal_hash)
    except binascii.Error as error:
        raise NotStamped("it is no time stamp") from error
    return Stamp(response.tst_info.gen_time, bool(roots) and _is_proven(response, seal_hash, roots))


def _is_proven(response: TimeStampResponse, seal_hash: str, roots: Sequence[bytes]) -> bool:
    verifier = VerifierBuilder()
    for certificate in _certificates(b"\n".join(roots)):
        verifier = verifier.add_root_certificate(certificate)
    try:
        return verifier.build().verify_message(response, seal_hash.encode())
    except VerificationError:
        return False


def _certificates(pem: bytes) -> "Iterator[Certificate]":
    """The certificates of a text; those that are not as they must be are trusted by nobody."""
    from cryptography.x509 import load_pem_x509_certificate

    for found in re.findall(CERTIFICATE, pem):
        with catch_warnings(), suppress(ValueError, CryptographyDeprecationWarning):
            simplefilter("error", CryptographyDeprecationWarning)
            yield load_pem_x509_certificate(found)


def _decoded(answer: bytes, seal_hash: str) -> TimeStampResponse:
    """An answer with a token over a hash. Raises NotStamped where it has none, or one over another."""
    try:
        response = decode_timestamp_response(answer)
        stamped = response.tst_info.message_imprint.message
    except ValueError as error:
        raise NotStamped("it is no time stamp") from error
    if stamped != hashlib.sha256(seal_hash.encode()).digest():
        raise NotStamped("the token is over another hash")
    return response


def _answer(token: bytes) -> bytes:
    """An answer that has this token: the library reads nothing else."""
    body = GRANTED + token
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(length)]) + length) + body
