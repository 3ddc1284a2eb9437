"""`python -m tests.bench.writers <database> <writers> <journeys>`: so many callers at once on so few journeys.

A process of its own, as a service's web process is. Every writer gives one command after another, each to its journey
and with a key of its own, until SIGTERM. Prints how many commands were carried out, and how many were told to repeat.
"""

import itertools
import os
import signal
import sys
import threading
from collections import Counter
from typing import Any

from shared.language import events as e
from shared.language.decision import Change, Subject, Work
from shared.language.errors import Busy
from shared.runtime.clock import Clock
from shared.runtime.commands import Commands
from shared.runtime.fingerprint import Fingerprints
from shared.runtime.gc_tuning import freeze_startup_objects
from shared.runtime.published import Published
from tests.bench import fold
from tests.bench.surroundings import connected, only_warnings
from tests.support import toy
from tests.support.counting import Counted, CountingRepository


def main(database: str, writers: int, journeys: int) -> None:
    """Write until told to stop."""
    only_warnings()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    client = connected(os.environ["MONGODB_URI"])
    commands = Commands(
        client=client,
        database=database,
        repository=CountingRepository(),
        published=Published(client[database]),
        source="outcome",
        clock=Clock(client[database], driven=False),
        fingerprints=Fingerprints(bytes(range(32))),
        waiters=writers,
    )
    freeze_startup_objects()
    came: Counter[str] = Counter()
    lock = threading.Lock()

    def write(writer: int) -> None:
        subject = Subject(fold.subject(writer % journeys))
        for turn in itertools.count():
            if stop.is_set():
                return
            try:
                commands.run(
                    lambda work: note(work, subject),
                    key=f"bench:note:{os.getpid()}-{writer}-{turn}",
                    body=b"",
                    subject=subject,
                    vector={},
                )
                outcome = "done"
            except Busy:
                outcome = "busy"
            with lock:
                came[outcome] += 1

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    sys.stdout.write("writing\n")
    sys.stdout.flush()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"{came['done']} {came['busy']}\n")


def note(work: Work, subject: Subject) -> dict[str, Any]:
    """A command that changes the journey and says so; what the fold counts stays as it is."""
    now: Counted = work.find(subject) or Counted()
    fact = e.EntryRecorded(occurred_on=toy.DAY, recorded_at=toy.NOW, complete=True)
    work.save(subject, Change(Counted(now.n, now.minutes + 1), events=(fact,)))
    return {}


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
