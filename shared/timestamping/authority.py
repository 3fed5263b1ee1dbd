"""Owns the tokens of time stamping authorities (RFC 3161): how one is asked for, and what one says.

A token is over the text of a seal's hash, sixty-four hexadecimal letters: `openssl ts -verify -token_in` proves it too.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import requests
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from shared.wire import Bounded

WAITS_S = 5.0
MOST_BYTES = 100_000
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
    response = _decoded(answer.content)
    if response.status not in (0, 1) or response.tst_info.nonce != request.nonce:
        raise NotStamped("the authority answered something else than was asked")
    _refuse_other(response, seal_hash)
    return b64encode(response.time_stamp_token()).decode()


def read(token: str, seal_hash: str, roots: Sequence[bytes] = ()) -> Stamp:
    """What a token says of a hash. Raises NotStamped where it is no token, or over another hash.

    `roots` are trusted certificates, as PEM; without any nothing is proven but what the token says.
    """
    response = _decoded(_answer(b64decode(token)))
    _refuse_other(response, seal_hash)
    return Stamp(response.tst_info.gen_time, bool(roots) and _is_proven(response, seal_hash, roots))


def _is_proven(response: TimeStampResponse, seal_hash: str, roots: Sequence[bytes]) -> bool:
    from cryptography import x509

    verifier = VerifierBuilder()
    for root in roots:
        for certificate in x509.load_pem_x509_certificates(root):
            verifier = verifier.add_root_certificate(certificate)
    try:
        return verifier.build().verify_message(response, seal_hash.encode())
    except VerificationError:
        return False


def _refuse_other(response: TimeStampResponse, seal_hash: str) -> None:
    if response.tst_info.message_imprint.message != hashlib.sha256(seal_hash.encode()).digest():
        raise NotStamped("the token is over another hash")


def _decoded(answer: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(answer)
    except ValueError as error:
        raise NotStamped("it is no time stamp") from error


def _answer(token: bytes) -> bytes:
    """An answer that has this token: the library reads nothing else."""
    body = GRANTED + token
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x80 | len(length)]) + length) + body
