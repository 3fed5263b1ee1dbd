"""What carries a webhook key to a driver's phone: two URLs, and a QR code that holds them."""

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import quote, urlencode, urlsplit

from shared.services.keys import NewKey

# The addresses of the two webhooks: the local stack's DIR/env has them, a deployment's env file as well.
START_URL, END_URL = "WEBHOOK_START_URL", "WEBHOOK_END_URL"
NO_URLS = "no URLs for the phone: source .local/env (or the deployment's env file) first, then add-key --scope webhook"
FOR_A_PHONE = (
    "start `./run.sh --host ADDRESS`, an address of this machine in your network, source its env, then add-key."
)
QUIET_ZONE_MODULES = 4
# White on black by number in the fixed part of the palette: a terminal's theme does not change these two.
WHITE_ON_BLACK, PLAIN = "\x1b[38;5;231;48;5;16m", "\x1b[0m"


def urls(email: str, key: str, settings: Mapping[str, str]) -> tuple[str, str] | None:
    """The URLs for start and end with all that proves who is calling; None where the addresses are not known."""
    start, end = settings.get(START_URL), settings.get(END_URL)
    if not start or not end:
        return None
    # An address may hold + and &; @ is at home in a query and reads better bare.
    caller = urlencode({"user": email, "key": key}, safe="@", quote_via=quote)
    return f"{start}?{caller}", f"{end}?{caller}"


def told(email: str, key: str) -> list[str]:
    """What the operator is told for a phone with this key; nothing where the webhooks' addresses are not known."""
    found = urls(email, key, os.environ)
    return list(lines(email, *found, coloured=sys.stdout.isatty())) if found else []


def tell(lines_before: Sequence[str], made: NewKey) -> None:
    """Prints a new key, once. All that could fail is done before it is stored.

    The key comes last: after a code that fills the window it is still to be seen.
    """
    print(*lines_before, f"key id: {made.id}", f"key: {made.key}", sep="\n")


def is_on_loopback(url: str) -> bool:
    """Whether only this machine reaches the address."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def mail_link(email: str, start_url: str, end_url: str) -> str:
    """A link that opens a draft to the driver with both URLs in it.

    Of a code with mere text a phone may offer to search the web, and the search would tell others the key.
    """
    body = f"Start:\r\n{start_url}\r\n\r\nEnd:\r\n{end_url}\r\n"
    return f"mailto:{quote(email, safe='@')}?subject={quote('Mileage log')}&body={quote(body, safe=':@')}"


def lines(email: str, start_url: str, end_url: str, coloured: bool) -> Iterator[str]:
    """What the operator's tool prints of a phone's key: also as a code, where a phone can reach the addresses."""
    if is_on_loopback(start_url):
        yield f"start URL: {start_url}"
        yield f"end URL: {end_url}"
        yield f"No phone reaches {urlsplit(start_url).hostname}: {FOR_A_PHONE}"
        return
    code = qr_code(mail_link(email, start_url, end_url), coloured)
    yield f"start URL: {start_url}"
    yield f"end URL: {end_url}"
    yield "Both are in this code. A phone's camera opens a draft of a mail from it; nothing has to be sent."
    yield f"It needs a window of {_width(code[0])} columns. Whoever scans it can start and end this driver's trips."
    yield from code


def qr_code(text: str, coloured: bool) -> list[str]:
    """A QR code in half blocks: light where something is drawn, with its quiet zone.

    Coloured it looks the same in a dark and in a light terminal. Without colours it is inverted in a light one, which
    decoders read as well, but not every camera does.
    """
    # Only the operator's machine has it, and few calls need it.
    import segno

    out = io.StringIO()
    segno.make_qr(text, error="l").terminal(out, border=QUIET_ZONE_MODULES, compact=True)
    rows = out.getvalue().splitlines()
    return [f"{WHITE_ON_BLACK}{row}{PLAIN}" for row in rows] if coloured else rows


def _width(row: str) -> int:
    return len(row.replace(WHITE_ON_BLACK, "").replace(PLAIN, ""))
