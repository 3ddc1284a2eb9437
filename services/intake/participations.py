"""What the use cases need of a person's other journeys in the same programme. No rule lives here."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.intake.domain.journey import Referral
from services.intake.domain.participation import (
    PARTICIPATIONS,
    Other,
    is_open,
    key_of_journey,
    others_open,
    said_of,
    settled,
    written,
)
from shared.language.access import Actor, authorise
from shared.language.decision import Change, Work, subject_of
from shared.language.errors import Forbidden, Unknown


def journeys_of(work: Work, row: Mapping[str, Any] | None) -> list[Referral]:
    """The journeys that the row names, the earlier first."""
    return [work.get(subject_of("journey", one)) for one in row["journeys"]] if row else []


def may_read(work: Work, actor: Actor, referral: Referral) -> bool:
    """Whether the caller may read that journey, by a part in it."""
    try:
        authorise(actor, "read_journey", referral.passage, work)
    except (Forbidden, Unknown):
        return False
    return True


def settle(work: Work, change: Change[Referral]) -> Change[Referral]:
    """The change with what it comes to for the person's other journeys, which are saved here.

    Most changes come to nothing for them, and read nothing here.
    """
    after = change.state
    before: Referral | None = work.find(subject_of("journey", after.journey_id))
    if before is not None and said_of(before) == said_of(after):
        return change
    key = key_of_journey(after.passage)
    row = work.row(PARTICIPATIONS, key)
    now = [after if one.journey_id == after.journey_id else one for one in journeys_of(work, row)]
    if after not in now:
        now.append(after)
    for settled_one in settled(now, work.at):
        if settled_one.state.journey_id == after.journey_id:
            change = replace(change, state=settled_one.state, events=(*change.events, *settled_one.events))
        else:
            work.save(subject_of("journey", settled_one.state.journey_id), settled_one)
    return replace(change, rows=(*change.rows, written(key, row, now)))


def also_referred(work: Work, actor: Actor, referral: Referral) -> Sequence[Other]:
    """The person's other open journeys in the programme, told to the organisation that is responsible for this one."""
    if referral.passage.responsible != actor.organisation or not is_open(referral):
        return ()
    row = work.row(PARTICIPATIONS, key_of_journey(referral.passage))
    if row is None or len(row["journeys"]) < 2:
        return ()
    return others_open(referral, journeys_of(work, row), lambda other: may_read(work, actor, other))
