"""The one reader: hands on what differs, and outlives a database that does not answer."""

import contextlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date

from pymongo.errors import AutoReconnect

from services.outcome.stream.reader import Reader, Wakeup
from services.outcome.stream.snapshot import Reading, Snapshot
from tests.support.stage import Stage, read_programme


class Faulty:
    """A stage whose first reading fails."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.failures = 1

    def watch(self) -> AbstractContextManager[Wakeup]:
        return contextlib.nullcontext(self._stage)

    def read(self) -> Sequence[Reading]:
        if self.failures:
            self.failures -= 1
            raise AutoReconnect("away")
        return self._stage.read()


def test_what_differs_is_handed_on_once_to_everybody() -> None:
    stage = Stage(read_programme(), date(2017, 5, 1))
    one: list[Snapshot] = []
    other: list[Snapshot] = []
    reader = Reader(stage, [one.append, other.append], threading.Event())
    reader.look()
    reader.look()
    stage.move(120)
    reader.look()
    assert len(one) == 2
    assert one == other
    assert one[0].version < one[1].version


def test_a_database_that_does_not_answer_is_asked_again() -> None:
    stop, delivered = threading.Event(), threading.Event()
    source = Faulty(Stage(read_programme(), date(2017, 5, 1)))
    reader = Reader(source, [lambda _: delivered.set()], stop, most_rest_seconds=0.01, pause_seconds=0.01)
    assert not reader.fresh(30)
    thread = threading.Thread(target=reader.run)
    thread.start()
    assert delivered.wait(10)
    stop.set()
    thread.join(10)
    assert source.failures == 0
    assert reader.fresh(30)
