"""Drivers that send one request after the other: `python -m tools.benchmarks.callers SECONDS < requests.json`.

A process of its own, so that the callers' work is not the functions'. Stdin has a port and the requests, one for each
driver; stdout gets the waits in ms, how long it took, and the processor seconds that calling cost.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from threading import Barrier
from typing import Any


def main() -> None:
    """Calls as asked and prints what came of it."""
    asked, for_s = json.load(sys.stdin), float(sys.argv[1])
    drivers = asked["requests"]
    ready = Barrier(len(drivers))
    with ThreadPoolExecutor(len(drivers)) as pool:
        under_way = [pool.submit(_drive, asked["port"], each, ready, for_s) for each in drivers]
        told = [each.result() for each in under_way]
    took_s = max(ended for _, _, ended in told) - min(began for _, began, _ in told)
    waits_ms = [round(wait_ms, 3) for waits, _, _ in told for wait_ms in waits]
    print(json.dumps({"waits_ms": waits_ms, "took_s": took_s, "processor_s": time.process_time()}))


def _drive(port: int, request: dict[str, Any], ready: Barrier, for_s: float) -> tuple[list[float], float, float]:
    connection, waits_ms = HTTPConnection("127.0.0.1", port, timeout=120), []
    connection.connect()
    ready.wait()
    began = asked = time.perf_counter()
    while asked - began < for_s:
        connection.request("POST", request["path"], request["body"], request["headers"])
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {answer!r}")
        answered = time.perf_counter()
        waits_ms.append((answered - asked) * 1000)
        asked = answered
    connection.close()
    return waits_ms, began, asked


if __name__ == "__main__":
    main()
