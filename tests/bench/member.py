"""`python -m tests.bench.member <database> <topic>`: one member of a group, a process of its own, until it is ended."""

import os
import signal
import sys
import threading

from shared.runtime.consumer import Consumer
from shared.runtime.gc_tuning import relax_thresholds
from tests.bench.folding import processing
from tests.bench.surroundings import connected, kafka_options, only_warnings


def main(database: str, topic: str) -> None:
    """Consume the topic into the database; end in good order on SIGTERM."""
    only_warnings()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = connected(os.environ["MONGODB_URI"])
    group = f"{topic}-{database}"
    relax_thresholds()
    Consumer(
        group=group,
        client=client,
        database=database,
        kafka_options=kafka_options(os.environ),
        process_batch=processing(client, database, group, topic),
        stop=stop,
        topics=[topic],
    ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
