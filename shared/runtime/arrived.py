"""What a batch begins and ends with: records as they arrived from Kafka, and the tally of what became of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from shared.language.codec import Envelope, Headers


class Arrived(msgspec.Struct, frozen=True, gc=False):
    """One record of the log. readable: False where the library could not read its headers; then there are none.

    gap: no record, but the last of those places before the log's end that hold none to read: what was aborted, or the
    mark that ends a transaction. Nothing is folded, and the group's offset moves past it.
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
    """Nothing more is to be done."""


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
