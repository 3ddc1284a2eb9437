"""What a consumer does inside its transaction: with a batch, and with one record that fails each time."""

from pymongo.client_session import ClientSession

from shared.operations.rebuild import admit
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import Absorb, SetAside
from shared.runtime.fold import Arrived, Batch, Tally
from shared.runtime.groups import Group
from shared.runtime.parts import Parts, batch_of


def absorb(parts: Parts, group: Group, breaker: Breaker) -> Absorb:
    """What the consumer does inside its transaction: fold the batch and collect everything it comes to."""
    rebuilds = parts.client[parts.service.database]["rebuilds"]

    def run(session: ClientSession, records: list[Arrived]) -> Tally:
        if group.is_projection:
            admit(rebuilds, session, group)
        unit, batch = batch_of(parts, group, session, breaker, Batch)
        batch.fold(records)
        unit.flush()
        return batch.tally

    return run


def set_aside(parts: Parts, group: Group, breaker: Breaker) -> SetAside:
    """What the consumer does with one record that it fails on each time: park it under its own place in the log."""
    rebuilds = parts.client[parts.service.database]["rebuilds"]

    def run(session: ClientSession, record: Arrived, error: str) -> Tally:
        if group.is_projection:
            admit(rebuilds, session, group)
        unit, batch = batch_of(parts, group, session, breaker, Batch)
        batch.set_aside(record, error)
        unit.flush()
        return batch.tally

    return run
