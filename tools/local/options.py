"""Owns the command line of ./run.sh. Any Python can run this file: help and refusals come before anything is set up."""

from __future__ import annotations

import argparse
import ipaddress
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where something can listen although no phone gets there, besides all addresses at once and those of groups.
OTHERS = ("127.0.0.1", "::1", "255.255.255.255")
NO_PORT = "{} is no port: choose a number from 1 to 65535"
NO_ADDRESS = "{} is no IP address: name this machine's own in your network{}"
NO_PHONE = "no phone reaches {}: name this machine's own address in your network{}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """One sentence instead of the whole usage."""
        said = message[len("argument ") :] if message.startswith("argument ") else message
        self.exit(2, f"{said[:1].upper()}{said[1:]} (./run.sh --help lists all options).\n")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the command line says. Prints one sentence and exits with 2 where it cannot be meant."""
    parser = _Parser(
        prog="./run.sh", description="The mileage log on this machine, on genuine parts.", allow_abbrev=False
    )
    parser.add_argument("--once", action="store_true", help="play the demo and exit: 0 if it went right")
    parser.add_argument("--no-demo", action="store_true", help="only the stack: no users, no drive")
    parser.add_argument("--port", type=_port, metavar="N", default=8080, help="of the functions (default 8080)")
    parser.add_argument(
        "--car-cloud-port", type=_port, metavar="N", default=8090, help="of the simulated car cloud (default 8090)"
    )
    parser.add_argument(
        "--host",
        type=_host,
        metavar="ADDRESS",
        help="this machine's address in your network: phones there reach the two webhooks, and nothing else, at this "
        "address and the same port, by plain HTTP",
    )
    parser.add_argument(
        "--data", type=_data, metavar="DIR", default=ROOT / ".local", help="where local data lives (default .local)"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="start from an empty store; a DIR that holds anything else is refused"
    )
    parser.add_argument("--no-cron", action="store_true", help="no scheduler tick each minute")
    options = parser.parse_args(arguments)
    if options.once and options.no_demo:
        parser.error("--once plays the demo: it does not go with --no-demo")
    if options.port == options.car_cloud_port:
        parser.error(f"--port and --car-cloud-port are both {options.port}: choose two that differ")
    return options


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(NO_PORT.format(text))
    return int(text)


def _data(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it names no folder")
    if Path(text).resolve() == ROOT:
        raise argparse.ArgumentTypeError(f"{text} is the project's own folder, where nothing secret may lie")
    return Path(text)


def _host(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError(NO_ADDRESS.format(text, _own_address())) from None
    inside = getattr(address, "ipv4_mapped", None) or address
    if inside.is_unspecified or inside.is_multicast or str(inside) in OTHERS:
        raise argparse.ArgumentTypeError(NO_PHONE.format(text, _own_address()))
    return str(address)


def _own_address() -> str:
    """By which address this machine would go out, for a sentence; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(("192.0.2.1", 9))  # an address of nobody, kept for examples
        except OSError:
            return ", for example 192.168.1.20"
        return f", probably {way.getsockname()[0]}"


if __name__ == "__main__":
    parse(sys.argv[1:])
