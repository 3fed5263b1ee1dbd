"""Sends one e-mail to one person by the operator's SMTP server: each step within a time, and all of it within another.

By itself the time limit of smtplib holds for each packet, so that a server that drips would hold a call for hours.
"""

import hashlib
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import TYPE_CHECKING

from shared import settings
from shared.settings import Smtp

if TYPE_CHECKING:
    from smtplib import SMTP

STEP_S = 10.0
SENDING_S = 30.0
GREETING = 220
# One refused login is enough: the mail of each driver would try it again, and providers lock accounts for that.
_login_refused = Event()


class NotSent(Exception):
    """The server did not take an e-mail, or nobody knows whether it did; it may take it later."""


class Refused(Exception):
    """The server will never take this e-mail, or none by what the operator has set."""


def send(sender: str, to: str, subject: str, text: str, occasion: str) -> None:
    """Sends a text to one address. `sender` is the name beside the operator's address.

    The same `occasion` for the same address is the same e-mail, also where it is sent twice: a mailbox may know it by
    its id. Raises NotSent and Refused, and Refused where no server is set.
    """
    server = settings.current.smtp
    if server is None or _login_refused.is_set():
        raise Refused("no server is set" if server is None else "the server refused the operator's login")
    message = _message(server, sender, to, subject, text, occasion)
    with _failures_told(), _connected(server) as client:
        if server.user:
            _log_in(client, server.user)
        client.send_message(message, server.sender, [to])


def _message(server: Smtp, sender: str, to: str, subject: str, text: str, occasion: str) -> EmailMessage:
    """Headers are made of their parts: what is no part of an address, or another line, is refused and not written."""
    from email.errors import MessageError
    from email.headerregistry import Address
    from email.utils import format_datetime, localtime

    message = EmailMessage()
    digest = hashlib.sha256(f"{to} {occasion} {server.sender}".encode()).hexdigest()[:32]
    try:
        message["From"] = Address(sender, addr_spec=server.sender)
        message["To"] = Address(addr_spec=to)
        message["Subject"] = subject
    except (MessageError, ValueError, IndexError):  # what the parser of addresses raises
        raise Refused("an address or the subject fits no e-mail") from None
    if len(message["To"].addresses) != 1 or message["To"].addresses[0].addr_spec != to:
        raise Refused("an address fits no e-mail")
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{digest}@{server.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    return message


@contextmanager
def _connected(server: Smtp) -> "Iterator[SMTP]":
    """A client of the server, with TLS as it is set, and never without where it should be."""
    import smtplib

    tls, called = ssl.create_default_context(), server.domain  # by itself the client would look up a name for itself
    if server.security == "tls":
        client: SMTP = smtplib.SMTP_SSL(local_hostname=called, timeout=STEP_S, context=tls)
    else:
        client = smtplib.SMTP(local_hostname=called, timeout=STEP_S)
    # What the certificate is held against; a client that is not told where to at its begin does not know it.
    client._host = server.host  # type: ignore[attr-defined]
    is_done = Event()
    watch = Thread(target=_hang_up, args=(client, is_done), daemon=True)
    watch.start()
    try:
        code, greeting = client.connect(server.host, server.port)
        if code != GREETING:
            raise smtplib.SMTPConnectError(code, greeting)
        if server.security == "starttls":
            client.starttls(context=tls)
        yield client
        with suppress(smtplib.SMTPException, OSError):  # it has taken what it was sent
            client.quit()
    finally:
        is_done.set()
        client.close()
        watch.join()


def _hang_up(client: "SMTP", is_done: Event) -> None:
    """Ends what takes too long, whatever it is about. A connection may still come after that."""
    if not is_done.wait(SENDING_S):
        while not is_done.wait(0.1):
            with suppress(OSError, AttributeError):
                client.sock.shutdown(SHUT_RDWR)  # type: ignore[union-attr]


def _log_in(client: "SMTP", user: str) -> None:
    """Once, in one way: by itself the client tries a refused password in each way that the server knows."""
    from smtplib import SMTPAuthenticationError

    password = os.environ.get("SMTP_PASSWORD")
    if not password:
        raise Refused("SMTP_PASSWORD is not set")
    client.user, client.password = user, password
    client.ehlo_or_helo_if_needed()
    is_plain = "PLAIN" in client.esmtp_features.get("auth", "").split()
    try:
        client.auth("PLAIN" if is_plain else "LOGIN", client.auth_plain if is_plain else client.auth_login)
    except SMTPAuthenticationError as error:
        if error.smtp_code >= 500:
            _login_refused.set()
        raise


@contextmanager
def _failures_told() -> Iterator[None]:
    """Says which failures are for good. No word of the server is passed on: it may repeat what it was sent."""
    import smtplib

    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = min(code for code, _ in error.recipients.values())
        raise _failure(code, "the address is refused") from None
    except smtplib.SMTPResponseException as error:
        raise _failure(error.smtp_code, f"{type(error).__name__} {error.smtp_code}") from None
    except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as error:
        raise Refused(f"the server cannot do what is needed: {type(error).__name__}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise NotSent(f"the server does not answer as it should: {type(error).__name__}") from None


def _failure(code: int, why: str) -> NotSent | Refused:
    return Refused(why) if code >= 500 else NotSent(why)
