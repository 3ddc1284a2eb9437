"""The writes of a consumer inside its transaction: for a batch, and for one record that fails each time."""

from shared.operations.rebuild import admit
from shared.runtime.arrived import Arrived, Tally
from shared.runtime.breaker import Breaker
from shared.runtime.consumer import ProcessBatch, SetAside
from shared.runtime.fold import Batch
from shared.runtime.groups import Group
from shared.runtime.parts import Parts, batch_of
from shared.runtime.write_conflicts import Attempt


def process_batch(parts: Parts, group: Group, breaker: Breaker) -> ProcessBatch:
    """Apply the batch, and collect every write that results, inside the consumer's transaction."""
    rebuilds = parts.client[parts.service.database]["rebuilds"]

    def run(attempt: Attempt, records: list[Arrived]) -> Tally:
        if group.is_projection:
            admit(rebuilds, attempt.session, group)
        unit, batch = batch_of(parts, group, attempt.session, breaker, Batch, attempt.on_read)
        batch.fold(records)
        unit.flush()
        return batch.tally

    return run


def set_aside(parts: Parts, group: Group, breaker: Breaker) -> SetAside:
    """Park one record that fails each time under its own place in the log, inside the consumer's transaction."""
    rebuilds = parts.client[parts.service.database]["rebuilds"]

    def run(attempt: Attempt, record: Arrived, error: str) -> Tally:
        if group.is_projection:
            admit(rebuilds, attempt.session, group)
        unit, batch = batch_of(parts, group, attempt.session, breaker, Batch, attempt.on_read)
        batch.set_aside(record, error)
        unit.flush()
        return batch.tally

    return run
