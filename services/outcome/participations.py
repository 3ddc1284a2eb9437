"""What the use cases need of a person's other journeys in the same programme. No rule lives here."""

from dataclasses import replace

from services.outcome.domain.journey import Outcome
from services.outcome.domain.participation import RESTING, mark, told_of
from shared.language.decision import Change, Work, subject_of
from shared.language.rows import every_row


def keep(work: Work, change: Change[Outcome]) -> Outcome:
    """Make what was recorded of an entry or an exit durable, and let the person's other journeys know it."""
    after = change.state
    subject = subject_of("journey", after.journey_id)
    before: Outcome | None = work.find(subject)
    if before is not None and _said_of(before) == _said_of(after):
        return work.save(subject, change)
    for row in every_row(work, RESTING, {"of": after.journey_id}, order="_id"):
        other: Outcome | None = work.find(subject_of("journey", row["by"]))
        if other is not None:
            told = told_of(other, after, work.at)
            if told.state is not other:
                work.save(subject_of("journey", row["by"]), told)
    marked = mark(after.journey_id, f"{work.revision(subject)}:{work.at.isoformat()}")
    return work.save(subject, replace(change, rows=(*change.rows, marked)))


def _said_of(state: Outcome) -> tuple[object, ...]:
    """What of a journey the others rest on."""
    return state.entry, state.passage.exited_on
