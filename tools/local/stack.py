"""The local stack: emulators, relay, simulated car cloud, functions and cron, started and stopped together."""

import argparse
import fcntl
import os
import secrets
import shlex
import shutil
import signal
import sys
import threading
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import requests

from shared.settings import LIMITS
from tools.local import emulators, processes

ROOT = Path(__file__).parents[2]
PROJECT = "demo-mileage-log"
EXPORT_EVERY_S = 60.0
TICK_EVERY_S = 60.0


class Refused(Exception):
    """The stack cannot start; the text says why in one sentence."""


def main() -> int:
    """Runs the stack as the command line says."""
    options = _options()
    stopping = threading.Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: _interrupt(stopping))
    try:
        with _running(options, stopping) as env:
            return _serve(options, env, stopping)
    except (Refused, emulators.Missing, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _interrupt(stopping: threading.Event) -> None:
    # The second Ctrl-C must not break the stopping that the first one began.
    if not stopping.is_set():
        stopping.set()
        raise KeyboardInterrupt


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run.sh", description="The mileage log on this machine, on genuine parts.")
    parser.add_argument("--once", action="store_true", help="play the demo and exit: 0 if it went right")
    parser.add_argument("--no-demo", action="store_true", help="only the stack: no users, no drive")
    parser.add_argument("--port", type=int, default=8080, help="of the functions (default 8080)")
    parser.add_argument("--car-cloud-port", type=int, default=8090, help="of the simulated car cloud (default 8090)")
    parser.add_argument("--data", type=Path, default=ROOT / ".local", help="where local data lives (default .local)")
    parser.add_argument("--fresh", action="store_true", help="start from an empty store")
    parser.add_argument("--no-cron", action="store_true", help="no scheduler tick each minute")
    options = parser.parse_args()
    if options.once and options.no_demo:
        parser.error("--once plays the demo: it does not go with --no-demo")
    return options


@contextmanager
def _running(options: argparse.Namespace, stopping: threading.Event) -> Iterator[dict[str, str]]:
    data: Path = options.data
    with ExitStack() as stack:
        stack.enter_context(_locked(data))
        for port in (options.port, options.car_cloud_port):
            if not processes.is_free(port):
                raise Refused(f"Port {port} is in use: choose another one with --port or --car-cloud-port.")
        if options.fresh:
            _empty(data)
        external = bool(os.environ.get("FIRESTORE_EMULATOR_HOST"))
        key = _credentials_key(data)
        cloud = [sys.executable, "-m", "tools.local.car_cloud", "--port", str(options.car_cloud_port)]
        stack.callback(processes.stop, processes.start(cloud, data / "logs" / "car_cloud.log"))
        seed = None if external else emulators.exported(data / "store")
        firestore, pubsub = stack.enter_context(emulators.both(data / "logs", seed))
        env = _environment(options, firestore, pubsub, key)
        os.environ.update(env)
        functions = processes.start(gunicorn(options.port), data / "logs" / "functions.log", _with_waits(options))
        stack.callback(processes.stop, functions)
        _start_relay(stack, env)
        processes.wait_until(lambda: processes.answers(options.car_cloud_port), "the car cloud")
        processes.wait_until(lambda: functions.poll() is not None or up(env["FUNCTIONS_URL"]), "the functions")
        if functions.poll() is not None:
            raise Refused(f"The functions do not start; see {data / 'logs' / 'functions.log'}.")
        if not external:
            stack.callback(_export, env, data)
            _every(EXPORT_EVERY_S, stopping, lambda: _export(env, data))
        if not options.no_cron:
            _every(TICK_EVERY_S, stopping, lambda: _tick(env))
        stack.callback(stopping.set)
        _write_env(data / "env", env)
        yield env


def _serve(options: argparse.Namespace, env: Mapping[str, str], stopping: threading.Event) -> int:
    print(f"ready {env['FUNCTIONS_URL']}", flush=True)
    if not options.no_demo:
        from tools.local.demo import play_demo

        right = play_demo(env, options.data, serving=not options.once)
        if options.once:
            return 0 if right else 1
        print(f"serving at {env['FUNCTIONS_URL']}; Ctrl-C stops everything", flush=True)
    stopping.wait()
    return 0


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    data.mkdir(parents=True, exist_ok=True)
    lock: IO[str]
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused(f"Another stack is running on {data}: stop it, or choose another --data.") from error
        yield


def _empty(data: Path) -> None:
    for entry in data.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != "lock":
            entry.unlink()


def _credentials_key(data: Path) -> str:
    """The key that seals car credentials, made at the first start. The data's own key counts before any other."""
    file = data / "credentials.keys"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(os.environ.get("CREDENTIALS_KEYS") or urlsafe_b64encode(secrets.token_bytes(32)).decode())
    return file.read_text().strip()


def _environment(options: argparse.Namespace, firestore: str, pubsub: str, key: str) -> dict[str, str]:
    functions_url = f"http://127.0.0.1:{options.port}"
    return {
        "FIRESTORE_EMULATOR_HOST": firestore,
        "PUBSUB_EMULATOR_HOST": pubsub,
        "GOOGLE_CLOUD_PROJECT": os.environ.get("GOOGLE_CLOUD_PROJECT", PROJECT),
        "CAR_CLOUD_URL": f"http://127.0.0.1:{options.car_cloud_port}",
        "FUNCTIONS_URL": functions_url,
        "WEBHOOK_START_URL": f"{functions_url}/webhook/start",
        "WEBHOOK_END_URL": f"{functions_url}/webhook/end",
        "CREDENTIALS_KEYS": key,
    }


def _with_waits(options: argparse.Namespace) -> dict[str, str]:
    # An operator's change is seen at once here; the demo drives in quick motion, so its polls do not wait.
    # Nobody's position leaves the machine unasked, and no limit holds up who plays a month in a minute.
    waits = {"USER_CACHE_S": "0", "GEOCODERS": "", **dict.fromkeys(LIMITS, "0")}
    if not options.no_demo:
        waits |= {"POLL_EVERY_S": "0", "POLL_AFTER_END_S": "0"}
    return {**waits, **os.environ}


def gunicorn(port: int) -> list[str]:
    """The command that serves all functions on a port, as an instance in the cloud serves one."""
    threads = ["--worker-class", "gthread", "--workers", "1", "--threads", "128", "--timeout", "0"]
    return [
        sys.executable,
        "-m",
        "gunicorn",
        *threads,
        "--no-control-socket",
        "--limit-request-line",
        "0",  # as the framework sets it in the cloud
        "--graceful-timeout",
        "1",
        "-b",
        f"127.0.0.1:{port}",
        "tools.local.serve:app()",
    ]


def _start_relay(stack: ExitStack, env: Mapping[str, str]) -> None:
    from tools.local.relay import SHARDS_TOPIC, Relay, as_push

    project, url = env["GOOGLE_CLOUD_PROJECT"], env["FUNCTIONS_URL"]
    shards = Relay(project, f"{url}/scheduler/poll-shard", SHARDS_TOPIC, as_push)
    for relay in (Relay(project, f"{url}/poller"), shards):
        relay.start()
        stack.callback(relay.stop)


def up(url: str) -> bool:
    """Whether the functions at this address answer."""
    try:
        return requests.get(f"{url}/trips", timeout=5).status_code == 401
    except requests.RequestException:
        return False


def _every(wait_s: float, stopping: threading.Event, work: object) -> None:
    def run() -> None:
        while not stopping.wait(wait_s):
            work()  # type: ignore[operator]

    threading.Thread(target=run, daemon=True).start()


def _tick(env: Mapping[str, str]) -> None:
    try:
        requests.post(f"{env['FUNCTIONS_URL']}/scheduler/poll-all", timeout=60).raise_for_status()
    except requests.RequestException as error:
        print(f"cron: {error}", file=sys.stderr)


_exporting = threading.Lock()


def _export(env: Mapping[str, str], data: Path) -> None:
    with _exporting:
        try:
            emulators.export_store(env["FIRESTORE_EMULATOR_HOST"], env["GOOGLE_CLOUD_PROJECT"], data / "store")
        except requests.RequestException as error:
            print(f"local data not written out: {error}", file=sys.stderr)


def _write_env(file: Path, env: Mapping[str, str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items()))


if __name__ == "__main__":
    sys.exit(main())
