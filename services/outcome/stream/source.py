"""Reads the figures of every programme from outcome's database, through figures' own report."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from pymongo import MongoClient
from pymongo.change_stream import ChangeStream
from pymongo.database import Database

from services.outcome.figures import report
from services.outcome.figures.repository import newest, read_cells
from services.outcome.stream.reader import Wakeup
from services.outcome.stream.snapshot import Reading
from shared.language.programmes import Programme, Programmes
from shared.runtime.clock import Clock


class CellsWakeup:
    """Wakes on the first write to a cell. The change stream only wakes; the reading is the data path."""

    def __init__(self, stream: ChangeStream[dict[str, Any]]) -> None:
        self._stream = stream

    def wait(self, seconds: float) -> None:
        """Block until a cell was written, or for as long as the server holds a `getMore` (`seconds` at most)."""
        self._stream.try_next()


class CellsSource:
    """Satisfies `reader.Source` on MongoDB."""

    def __init__(
        self, client: MongoClient[dict[str, Any]], database: str, programmes: Programmes, clock: Clock
    ) -> None:
        self._client = client
        self._database: Database[dict[str, Any]] = client[database]
        self._programmes = programmes
        self._clock = clock

    def watch(self) -> AbstractContextManager[Wakeup]:
        """Listen to the cells from now on."""
        return self._listening()

    @contextmanager
    def _listening(self) -> Iterator[Wakeup]:
        fields: list[dict[str, Any]] = [{"$project": {"_id": 1}}]
        with self._database["cells"].watch(fields, max_await_time_ms=2000, batch_size=1) as stream:
            yield CellsWakeup(stream)

    def read(self) -> list[Reading]:
        """Each programme's exact figures. Blocks; a retry is safe. Raises PyMongoError."""
        as_of = self._clock.now()
        return [self._read(programme, as_of) for programme in self._programmes.all_latest().values()]

    def _read(self, programme: Programme, as_of: datetime) -> Reading:
        with self._client.start_session(snapshot=True) as session:
            cells = read_cells(self._database, programme.id, session)
            moment = session.operation_time
        return Reading(
            programme=programme,
            moment=0 if moment is None else moment.time << 32 | moment.inc,
            as_of=as_of,
            exact=report.build(cells, programme, as_of),
            newest=newest(self._database, programme.id),
        )
