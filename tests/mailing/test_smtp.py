"""E-mails to a real server: with TLS or on this machine, to one person, in time, and nothing else than was meant."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.mailing import smtp
from shared.mailing.smtp import NotSent, Refused, send
from shared.settings import WrongSetting
from tests.mailing.server import HOST, PASSWORD, Box, certificate, serving
from tools.local.processes import free_port

Setting = Callable[..., None]
FROM, TO = "log@example.com", "boris@example.com"
TEXT = "Dag Boris,\n\nPrivékilometers: 1.234,5 van de 500.\n" + "Een regel die lang is. " * 20 + "\n.\nNa een punt.\n"


@pytest.fixture
def box() -> Iterator[Box]:
    with serving(Box()) as served:
        yield served


@pytest.fixture(autouse=True)
def no_login_was_refused() -> Iterator[None]:
    yield
    smtp._login_refused.clear()


def use(set_by_operator: Setting, box: Box, **more: str) -> None:
    """Has mails go to the server of a box."""
    set_by_operator(
        **{"SMTP_HOST": HOST, "SMTP_PORT": str(box.port), "SMTP_FROM": FROM, "SMTP_SECURITY": "none", **more}
    )


def mail(to: str = TO, subject: str = "Je rittenregistratie: overzicht é", occasion: str = "2026-03-09") -> None:
    send("Rittenregistratie", to, subject, TEXT, occasion)


def test_a_mail_arrives_as_it_was_meant(box: Box, set_by_operator: Setting) -> None:
    use(set_by_operator, box)
    mail()
    ((to, found),) = box.taken
    assert to == [TO]
    assert (found["From"], found["To"]) == (f"Rittenregistratie <{FROM}>", TO)
    assert found["Subject"] == "Je rittenregistratie: overzicht é"
    assert (found.get_content_type(), found["Auto-Submitted"]) == ("text/plain", "auto-generated")
    assert found.get_content().replace("\r\n", "\n") == TEXT
    assert found["Date"]


def test_the_same_occasion_is_the_same_mail_by_its_id(box: Box, set_by_operator: Setting) -> None:
    use(set_by_operator, box)
    mail()
    mail(subject="Something else")
    mail(occasion="2026-03-10")
    mail(to="tim@example.com")
    ids = [found["Message-ID"] for _, found in box.taken]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert TO not in str(ids)


@pytest.mark.parametrize(
    "to",
    ["boris@example.com,tim@example.com", "b\r\nBcc: tim@example.com", "<tim@example.com>", "b@example.com>,<t@x.com",
     "boris", "", "a b@example.com", "b@example.com,tim"],
)  # fmt: skip
def test_what_is_not_one_address_gets_nothing(to: str, box: Box, set_by_operator: Setting) -> None:
    use(set_by_operator, box)
    with pytest.raises(Refused):
        mail(to=to)
    assert box.taken == []


def test_no_header_can_be_slipped_in_by_a_subject(box: Box, set_by_operator: Setting) -> None:
    use(set_by_operator, box)
    with pytest.raises(Refused):
        mail(subject="Hello\r\nBcc: tim@example.com")
    assert box.taken == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("451 later", NotSent),
        ("452 full", NotSent),
        ("550 never", Refused),
        ("554 spam", Refused),
        ("421 bye", NotSent),
    ],
)
def test_what_may_pass_is_told_from_what_will_not(
    answer: str, kind: type[Exception], box: Box, set_by_operator: Setting
) -> None:
    use(set_by_operator, box)
    box.answer = answer
    with pytest.raises(kind) as raised:
        mail()
    assert TO not in str(raised.value)
    box.answer = "250 OK"
    mail()
    assert len(box.taken) == 1


def test_a_server_that_is_not_there_may_come_back(set_by_operator: Setting) -> None:
    use(set_by_operator, Box())
    with pytest.raises(NotSent):
        mail()


def test_without_a_server_nothing_is_sent(set_by_operator: Setting) -> None:
    set_by_operator(SMTP_HOST="")
    with pytest.raises(Refused):
        mail()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_is_held_against_the_roots_of_the_system(security: str, set_by_operator: Setting, tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path)
    kept = Box()
    with _secured(kept, security, context):
        use(set_by_operator, kept, SMTP_SECURITY=security)
        with pytest.raises(NotSent):
            mail()
        assert kept.taken == []
        use(set_by_operator, kept, SMTP_SECURITY=security, SSL_CERT_FILE=str(trusted))
        mail()
    assert len(kept.of(TO)) == 1


def test_a_certificate_of_another_address_is_refused(set_by_operator: Setting, tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path, "127.0.0.2")
    kept = Box()
    with _secured(kept, "starttls", context):
        use(set_by_operator, kept, SMTP_SECURITY="starttls", SSL_CERT_FILE=str(trusted))
        with pytest.raises(NotSent):
            mail()
    assert kept.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_nothing_is_said_without_tls_where_the_server_has_none(
    security: str, box: Box, set_by_operator: Setting
) -> None:
    use(set_by_operator, box, SMTP_SECURITY=security)
    with pytest.raises((NotSent, Refused)):
        mail()
    assert (box.taken, box.asked) == ([], 0)


def _secured(box: Box, security: str, context: Any, **more: Any) -> Any:
    if security == "tls":
        return serving(box, ssl_context=context, **more)
    return serving(box, tls_context=context, require_starttls=True, **more)


def test_it_logs_in_and_a_refused_login_is_not_tried_again(set_by_operator: Setting, tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path)
    kept, secured = Box(), {"SMTP_SECURITY": "starttls", "SSL_CERT_FILE": str(trusted), "SMTP_USER": "log"}
    with _secured(kept, "starttls", context, authenticator=kept.log_in, auth_required=True):
        use(set_by_operator, kept, **secured, SMTP_PASSWORD=PASSWORD)
        mail()
        assert (len(kept.of(TO)), kept.logins) == (1, 1)
        use(set_by_operator, kept, **secured, SMTP_PASSWORD="")
        with pytest.raises(Refused, match="SMTP_PASSWORD is not set"):
            mail()
        use(set_by_operator, kept, **secured, SMTP_PASSWORD="wrong")
        for _ in range(3):
            with pytest.raises(Refused) as raised:
                mail()
            assert "wrong" not in str(raised.value)
        assert kept.logins == 2


def test_a_server_that_drips_is_hung_up_on(set_by_operator: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SENDING_S", 0.3)
    kept, over = Box(), threading.Event()
    with socket.create_server((HOST, kept.port)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"220-wait\r\n")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        use(set_by_operator, kept)
        try:
            with pytest.raises(NotSent):
                mail()
        finally:
            over.set()
            dripping.join()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SMTP_SECURITY": "ssl"}, "SMTP_SECURITY must be starttls, tls or none, not 'ssl'."),
        ({"SMTP_HOST": "mail.example.com"}, "can be none for a server on this machine only"),
        ({"SMTP_FROM": ""}, "SMTP_FROM must be the e-mail address that mails come from, not ''."),
        ({"SMTP_FROM": "Log <log@example.com>"}, "SMTP_FROM must be the e-mail address"),
        ({"SMTP_FROM": "log@example.com\nBcc: t@example.com"}, "SMTP_FROM must be the e-mail address"),
        ({"SMTP_PORT": "70000"}, "SMTP_PORT must be a port up to 65535, not 70000."),
    ],
)
def test_what_an_operator_cannot_set_stops_the_instance(
    settings: dict[str, str], said: str, set_by_operator: Setting
) -> None:
    kept = Box()
    with pytest.raises(WrongSetting) as raised:
        use(set_by_operator, kept, **settings)
    assert said in str(raised.value)


def test_the_port_follows_from_the_security_and_the_sender_from_the_login(set_by_operator: Setting) -> None:
    from shared import settings

    set_by_operator(SMTP_HOST="mail.example.com", SMTP_USER="log@example.com", SMTP_SECURITY="", SMTP_PORT="")
    server = settings.current.smtp
    assert server
    assert (server.port, server.security, server.sender) == (587, "starttls", "log@example.com")
    set_by_operator(SMTP_HOST="mail.example.com", SMTP_FROM=FROM, SMTP_SECURITY="tls", SMTP_PORT=str(free_port()))
    assert settings.current.smtp != server
