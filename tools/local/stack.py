"""The local stack: emulators, relay, simulated car cloud, functions and cron, started and stopped together."""

import argparse
import errno
import os
import secrets
import shlex
import signal
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from shared import settings
from tools.deploy.functions import FUNCTIONS
from tools.local import emulators, folder, options, phones, processes

PROJECT = "demo-mileage-log"
LOOPBACK = "127.0.0.1"
EXPORT_EVERY_S = 60.0
TICK_EVERY_S = 60.0
ANEW = "the same command with --fresh starts anew, or choose another --data"
# What the clock calls more seldom waits for the cloud: nobody has a local stack running at half past two.
EVERY_MINUTE = [
    function.paths[0] + schedule.path
    for function in FUNCTIONS
    for schedule in function.schedules
    if schedule.cron == "* * * * *"
]


def main() -> int:
    """Runs the stack as the command line says."""
    wanted = options.parse()
    stopping = threading.Event()
    for number in processes.STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGHUP:  # nohup's wish counts
            signal.signal(number, lambda *_: _interrupt(stopping))
    try:
        with _running(wanted, stopping) as env:
            return _serve(wanted, env, stopping)
    except (folder.Refused, emulators.Missing, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1 if wanted.once else 0  # a demo that was broken off was not right


def _interrupt(stopping: threading.Event) -> None:
    # The second Ctrl-C must not break the stopping that the first one began.
    if not stopping.is_set():
        stopping.set()
        raise KeyboardInterrupt


@contextmanager
def _running(wanted: argparse.Namespace, stopping: threading.Event) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        try:
            env = _start(stack, wanted, stopping)
            text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())
            folder.write_whole(wanted.data / "env", text)
            yield env
        finally:
            stopping.set()


def _start(stack: ExitStack, wanted: argparse.Namespace, stopping: threading.Event) -> dict[str, str]:
    data: Path = wanted.data
    stack.enter_context(folder.held(data, wanted.fresh))
    _refuse_taken_ports(wanted)
    if wanted.fresh:
        folder.empty(data)
    _go_to_this_machine_directly(wanted.host)
    cloud = [sys.executable, "-m", "tools.local.car_cloud", "--port", str(wanted.car_cloud_port)]
    car_cloud = _Part(stack, "car_cloud", cloud, data)
    external = bool(os.environ.get(emulators.FIRESTORE.variable))
    seed = None if external else emulators.exported(data / "store")
    firestore, pubsub = stack.enter_context(emulators.both(data / "logs", seed))
    env = _environment(wanted, firestore, pubsub, _credentials_key(data))
    os.environ.update(env)
    settings.read_anew()
    functions = _Part(stack, "functions", gunicorn(wanted.port), data, _settings(wanted))
    if external:
        _refuse_an_earlier_versions(f"The store at {firestore}", "name another GOOGLE_CLOUD_PROJECT")
    else:
        _refuse_an_earlier_versions(f"What --data {data} holds", ANEW)
    _start_relay(stack, env)
    car_cloud.wait(lambda: processes.answers(wanted.car_cloud_port))
    functions.wait(lambda: up(env["FUNCTIONS_URL"]))
    if wanted.host:
        command = gunicorn(wanted.port, wanted.host, "tools.local.phones:app()")
        of_phones = _Part(stack, "phones", command, data, _settings(wanted, of_phones=True))
        of_phones.wait(lambda: _asks_for_a_key("POST", env["WEBHOOK_START_URL"]))
    if not external:
        stack.callback(_export, env, data)
        _every(EXPORT_EVERY_S, stopping, lambda: _export(env, data))
    if not wanted.no_cron:
        _every(TICK_EVERY_S, stopping, lambda: _tick(env))
    return env


def _refuse_taken_ports(wanted: argparse.Namespace) -> None:
    places = [(LOOPBACK, wanted.port, "--port"), (LOOPBACK, wanted.car_cloud_port, "--car-cloud-port")]
    if wanted.host:
        places.append((wanted.host, wanted.port, "--port"))
    for host, port, option in places:
        if error := processes.why_not(port, host):
            raise folder.Refused(why_refused(error, host, port, option))


def why_refused(error: OSError, host: str, port: int, option: str) -> str:
    """Why nobody can listen there, and what to do, in one sentence."""
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: choose another one with {option}."
    if isinstance(error, PermissionError):
        return f"Port {port} is for root only on this machine: choose one from 1024 on with {option}."
    if host != LOOPBACK:
        return f"--host {host} is no address of this machine ({error.strerror}): name one of its own."
    return f"Nobody can listen on port {port} ({error.strerror}): choose another one with {option}."


def _go_to_this_machine_directly(host: str | None) -> None:
    """A proxy to the internet does not lead back here."""
    names = ("no_proxy", "NO_PROXY")
    former = next(filter(None, map(os.environ.get, names)), None)
    os.environ.update(dict.fromkeys(names, ",".join(filter(None, [former, LOOPBACK, host]))))


def _refuse_an_earlier_versions(store: str, ways: str) -> None:
    from tools.local.former import is_of_an_earlier_version

    if is_of_an_earlier_version():
        raise folder.Refused(f"{store} was kept by an earlier version and stays as it is: {ways}.")


class _Part:
    """A process of the stack, which is stopped with it."""

    def __init__(
        self, stack: ExitStack, name: str, command: list[str], data: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._name, self._log = name.replace("_", " "), data / "logs" / f"{name}.log"
        with processes.uninterrupted():
            self._process = processes.start(command, self._log, env)
            stack.callback(processes.stop, self._process)

    def wait(self, is_up: Callable[[], bool]) -> None:
        """Waits until it is up. Raises Refused where it ends instead."""
        processes.wait_until(lambda: self._process.poll() is not None or is_up(), f"the {self._name}")
        if self._process.poll() is not None:
            raise folder.Refused(f"What serves the {self._name} does not start; see {self._log}.")


def _serve(wanted: argparse.Namespace, env: Mapping[str, str], stopping: threading.Event) -> int:
    print(f"ready {env['FUNCTIONS_URL']}", flush=True)
    if wanted.host:
        print(f"phones reach {env['WEBHOOK_START_URL']} and {env['WEBHOOK_END_URL']}", flush=True)
    if not wanted.no_demo:
        from tools.local.demo import play_demo

        right = play_demo(env, wanted.data, serving=not wanted.once)
        if wanted.once:
            return 0 if right else 1
        print(f"serving at {env['FUNCTIONS_URL']}; Ctrl-C stops everything", flush=True)
    stopping.wait()
    return 0


def _credentials_key(data: Path) -> str:
    """The key that seals car credentials, made at the first start. The data's own key counts before any other."""
    file = data / "credentials.keys"
    if not file.exists():
        made = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        folder.write_whole(file, os.environ.get("CREDENTIALS_KEYS") or made)
    return file.read_text().strip()


def _environment(wanted: argparse.Namespace, firestore: str, pubsub: str, key: str) -> dict[str, str]:
    functions_url = f"http://{LOOPBACK}:{wanted.port}"
    phones_url = f"http://{_in_url(wanted.host)}:{wanted.port}" if wanted.host else functions_url
    return {
        "FIRESTORE_EMULATOR_HOST": firestore,
        "PUBSUB_EMULATOR_HOST": pubsub,
        "GOOGLE_CLOUD_PROJECT": os.environ.get("GOOGLE_CLOUD_PROJECT", PROJECT),
        "CAR_CLOUD_URL": f"http://{LOOPBACK}:{wanted.car_cloud_port}",
        "FUNCTIONS_URL": functions_url,
        **{name: f"{phones_url}{path}" for name, path in phones.PATHS.items()},
        "CREDENTIALS_KEYS": key,
    }


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _settings(wanted: argparse.Namespace, of_phones: bool = False) -> dict[str, str]:
    """The environment of what serves the functions, or the webhooks alone to phones of the network."""
    # An operator's change is seen at once here; the demo drives in quick motion, so its polls do not wait.
    # Nobody's position leaves the machine unasked. No limit holds up who plays a month in a minute, but strangers.
    waits = {"USER_CACHE_S": "0", "GEOCODERS": ""}
    if not of_phones:
        waits |= dict.fromkeys(settings.LIMITS, "0")
    if not wanted.no_demo:
        waits |= {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0"}
    return {**waits, **os.environ}


def gunicorn(port: int, host: str = LOOPBACK, app: str = "tools.local.serve:app()") -> list[str]:
    """The command that serves an app of functions on a port, as an instance in the cloud serves one."""
    threads = ["--worker-class", "gthread", "--workers", "1", "--threads", "128", "--timeout", "0"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        *threads,
        "--preload",  # a process that was killed has its successor at once: importing everything takes seconds
        "--no-control-socket",
        "--limit-request-line",
        "0",  # as the framework sets it in the cloud
        "--graceful-timeout",
        "1",
        "-b",
        f"{_in_url(host)}:{port}",
        app,
    ]


def _start_relay(stack: ExitStack, env: Mapping[str, str]) -> None:
    from tools.local.relay import relays

    for relay in relays(env["GOOGLE_CLOUD_PROJECT"], env["FUNCTIONS_URL"]):
        stack.callback(relay.stop)
        relay.start()


def up(url: str) -> bool:
    """Whether the functions at this address answer."""
    return _asks_for_a_key("GET", f"{url}/trips")


def _asks_for_a_key(method: str, url: str) -> bool:
    try:
        return requests.request(method, url, timeout=5).status_code == 401
    except requests.RequestException:
        return False


def _every(wait_s: float, stopping: threading.Event, work: Callable[[], None]) -> None:
    def run() -> None:
        while not stopping.wait(wait_s):
            work()

    threading.Thread(target=run, daemon=True).start()


def _tick(env: Mapping[str, str]) -> None:
    for path in EVERY_MINUTE:
        try:
            requests.post(env["FUNCTIONS_URL"] + path, timeout=60).raise_for_status()
        except requests.RequestException as error:
            print(f"cron: {error}", file=sys.stderr)


_exporting = threading.Lock()


def _export(env: Mapping[str, str], data: Path) -> None:
    with _exporting:
        try:
            emulators.export_store(env["FIRESTORE_EMULATOR_HOST"], env["GOOGLE_CLOUD_PROJECT"], data / "store")
        except requests.RequestException as error:
            print(f"local data not written out: {error}", file=sys.stderr)
