"""The input and the result of a batch: records as they arrived from Kafka, and the tally of their outcomes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from shared.language.codec import Envelope, Headers


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """One record of the log. readable: False where the library could not read its headers; `headers` is then empty.

    gap: True for a position without a readable record before the log's end: an aborted record, or the marker that
    ends a transaction. Nothing is folded, and the group's offset moves past it.
    """

    topic: str
    partition: int
    offset: int
    headers: Headers
    value: bytes
    readable: bool = True
    key: bytes | None = None
    gap: bool = False


def _nothing() -> None:
    """Do nothing."""


@dataclass(slots=True)
class Tally:
    """The result of one attempt at a batch. `events` are those applied, in order.

    when_durable: called once, when the attempt's transaction has become durable; one that is repeated says nothing.
    """

    events: list[Envelope] = field(default_factory=list)
    duplicate: int = 0
    drained: int = 0
    parked: dict[str, int] = field(default_factory=dict)
    when_durable: Callable[[], None] = _nothing
