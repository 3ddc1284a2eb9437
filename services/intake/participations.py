"""What the use cases need of a person's other journeys in the same programme. No rule lives here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.intake.domain.journey import Referral, place
from services.intake.domain.participation import (
    PARTICIPATIONS,
    Other,
    is_open,
    key_of_journey,
    others_open,
    participation_key,
    regrouped,
    said_of,
    settled,
    written,
)
from shared.language.access import Actor, authorise
from shared.language.decision import Change, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import ParticipantId


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


def regroup(work: Work, moved: Sequence[Referral], persons: Collection[ParticipantId]) -> None:
    """Group the journeys anew, once these have become another person's.

    persons: all whose journeys may be concerned.
    """
    for programme in sorted({one.passage.programme for one in moved}):
        keys = {one: participation_key(one, programme) for one in sorted(persons)}
        before = {one: work.row(PARTICIPATIONS, key) for one, key in keys.items()}
        found = {held.journey_id: held for row in before.values() for held in journeys_of(work, row)}
        found |= {held.journey_id: held for held in moved if held.passage.programme == programme}
        for person, key in keys.items():
            mine = sorted((one for one in found.values() if one.passage.participant_id == person), key=place)
            change = regrouped(key, before[person], mine)
            for one in settled(mine, work.at):
                work.save(subject_of("journey", one.state.journey_id), one)
            if found:
                last = next(iter(found.values()))
                subject = subject_of("journey", last.journey_id)
                work.save(subject, replace(change, state=work.get(subject)))


def settle_row(work: Work, key: str) -> bool:
    """Bring all journeys of the row to what they are among each other. Returns whether one of them was not yet.

    For what an older release left; doing it again changes nothing. Raises StateUnreadable.
    """
    row = work.row(PARTICIPATIONS, key)
    journeys = journeys_of(work, row)
    if row is None or not journeys:
        return False
    changes = settled(journeys, work.at)
    for one in changes:
        work.save(subject_of("journey", one.state.journey_id), one)
    subject = subject_of("journey", journeys[0].journey_id)
    work.save(subject, Change(work.get(subject), rows=(written(key, row, journeys),)))
    return bool(changes)


def also_referred(work: Work, actor: Actor, referral: Referral) -> Sequence[Other]:
    """The person's other open journeys in the programme, told to the organisation that is responsible for this one."""
    if referral.passage.responsible != actor.organisation or not is_open(referral):
        return ()
    row = work.row(PARTICIPATIONS, key_of_journey(referral.passage))
    if row is None or len(row["journeys"]) < 2:
        return ()
    return others_open(referral, journeys_of(work, row), lambda other: may_read(work, actor, other))
