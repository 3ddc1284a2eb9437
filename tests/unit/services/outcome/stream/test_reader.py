"""The one reader: hands on what differs, and outlives a database that does not answer."""

import contextlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime

from pymongo.errors import AutoReconnect

from services.outcome.figures.report import build
from services.outcome.stream.reader import Reader, Wakeup
from services.outcome.stream.snapshot import Reading, Snapshot
from tests.support.page_server import MovingFigures, read_programme


class Held:
    """Satisfies `Source` on cells that a test changes."""

    def __init__(self, cells: dict[str, int]) -> None:
        self.cells = cells

    def watch(self) -> AbstractContextManager[Wakeup]:
        raise NotImplementedError

    def read(self) -> Sequence[Reading]:
        programme, as_of = read_programme(), datetime(2017, 5, 1, tzinfo=UTC)
        exact = build(self.cells, programme, as_of)
        return [Reading(programme=programme, moment=1, as_of=as_of, exact=exact, newest=[])]


class Faulty:
    """A source whose first reading fails."""

    def __init__(self, source: MovingFigures) -> None:
        self._source = source
        self.failures = 1

    def watch(self) -> AbstractContextManager[Wakeup]:
        return contextlib.nullcontext(self._source)

    def read(self) -> Sequence[Reading]:
        if self.failures:
            self.failures -= 1
            raise AutoReconnect("away")
        return self._source.read()


def test_what_differs_is_handed_on_once_to_everybody() -> None:
    source = MovingFigures(read_programme(), date(2017, 5, 1))
    one: list[Snapshot] = []
    other: list[Snapshot] = []
    reader = Reader(source, [one.append, other.append], threading.Event())
    reader.look()
    reader.look()
    source.move(120)
    reader.look()
    assert [snapshot.form for snapshot in one] == ["exact", "published"] * 2
    assert one == other
    assert one[0].version < one[2].version


def test_a_change_that_is_hidden_makes_no_new_published_snapshot() -> None:
    handed: list[Snapshot] = []
    shown = Held({"received": 40, "where/received": 40, "re_referred": 1})
    reader = Reader(shown, [handed.append], threading.Event())
    reader.look()
    shown.cells["re_referred"] = 2
    reader.look()
    assert [snapshot.form for snapshot in handed] == ["exact", "published", "exact"]
    assert [snapshot.report["figures"]["re_referred"] for snapshot in handed if snapshot.form == "exact"] == [
        1,
        2,
    ]
    published = handed[1]
    assert b'"re_referred":{"value":null,"hidden":true,"few":true}' in published.frame
    assert b'"form":"published"' in published.frame


def test_a_database_that_does_not_answer_is_asked_again() -> None:
    stop, delivered = threading.Event(), threading.Event()
    source = Faulty(MovingFigures(read_programme(), date(2017, 5, 1)))
    reader = Reader(source, [lambda _: delivered.set()], stop, most_rest_seconds=0.01, pause_seconds=0.01)
    assert not reader.fresh(30)
    thread = threading.Thread(target=reader.run)
    thread.start()
    assert delivered.wait(10)
    stop.set()
    thread.join(10)
    assert source.failures == 0
    assert reader.fresh(30)
