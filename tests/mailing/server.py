"""A mail server on this machine, which keeps what it takes: a real one, from aiosmtpd."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tools.local.processes import free_port

HOST, PASSWORD = "127.0.0.1", "open sesame"


class Box:
    """The mails that a server took, with whom each was for, and what it answers to the next ones."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.answer, self.logins, self.asked = "250 OK", 0, 0
        self.port = free_port()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """What aiosmtpd calls with each mail."""
        self.asked += 1
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append((envelope.rcpt_tos, BytesParser(policy=default).parsebytes(envelope.content)))
        return self.answer

    def log_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Whether it is the operator's password."""
        self.logins += 1
        is_right = data.password == PASSWORD.encode()
        return AuthResult(success=is_right, handled=is_right)

    def of(self, email: str) -> list[EmailMessage]:
        """What came for an address alone."""
        return [mail for to, mail in self.taken if to == [email]]


@contextmanager
def serving(box: Box, **more: Any) -> Iterator[Box]:
    """A server that puts what it takes into a box, on the box's port."""
    controller = Controller(box, hostname=HOST, port=box.port, **more)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def certificate(folder: Path, name: str = HOST) -> tuple[Path, ssl.SSLContext]:
    """A certificate for an address, as who trusts it has it, and as a server has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of the tests")])
    now, builder = datetime.now(UTC), x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(made)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return folder / "certificate.pem", context
