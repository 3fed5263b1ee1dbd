"""The floor of the scheduler, as a program: publishes messages from a list in memory with the library's usual client,
and does nothing else.

Called with a topic, how many, and how many Pub/Sub gets in one request; prints seconds, processor seconds, MiB.
"""

import json
import sys
import time

from google.cloud import pubsub_v1

from tools.local.processes import peak_mib


def main() -> None:
    """Publishes, and prints what it took."""
    topic, count, at_once = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    messages = [f'{{"user":"driver-{n:06}@example.com","reason":"schedule"}}'.encode() for n in range(count)]
    began, processor = time.perf_counter(), time.process_time()
    publisher = pubsub_v1.PublisherClient(batch_settings=pubsub_v1.types.BatchSettings(max_messages=at_once))
    sent = [publisher.publish(topic, message) for message in messages]
    for one in sent:
        one.result()
    print(json.dumps([time.perf_counter() - began, time.process_time() - processor, peak_mib("self")]))


if __name__ == "__main__":
    main()
