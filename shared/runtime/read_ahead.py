"""Reading ahead: the next batch is polled in a thread of its own while the last one is made durable."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from shared.runtime.arrived import Arrived
from shared.runtime.kafka import Partition


class ReadAhead:
    """At most one poll under way. poll: blocks until something has come; one thread at a time calls it."""

    def __init__(self, poll: Callable[[], dict[Partition, list[Arrived]]]) -> None:
        self._poll = poll
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="poll")
        self._under_way: Future[dict[Partition, list[Arrived]]] | None = None

    def begin(self) -> None:
        """Begin to poll beside the caller."""
        self._under_way = self._thread.submit(self._poll)

    def next(self) -> dict[Partition, list[Arrived]]:
        """Return the next records, perhaps polled during the last commit. Blocks; raises what the poll raises."""
        under_way, self._under_way = self._under_way, None
        return self._poll() if under_way is None else under_way.result()

    def drop(self) -> None:
        """Wait for the poll that is under way, so that one thread at a time speaks to Kafka; forget its records."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            wait([under_way])

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()
