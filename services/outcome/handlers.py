"""The use cases of outcome: fetch what the decision needs, let the caller pass, decide, keep.

Each takes a `Work` and an `Actor`; all that one touches is one transaction. No rule lives here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.outcome.domain import entry, follow_up, leaving
from services.outcome.domain.journey import FollowUp, FollowUpStatus, Outcome
from services.outcome.figures import period, report
from services.outcome.figures.cells import DAYS
from services.outcome.participations import keep
from shared.language.access import (
    Actor,
    Reader,
    authorise,
    authorise_in,
    authorise_somewhere,
    reach_of,
    reader,
)
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import FollowUpId, JourneyId
from shared.language.programmes import Action, Programme
from shared.language.revisions import Precondition
from shared.language.rows import every_row

PAGE_OF_CELLS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A follow-up and the journey that it belongs to; order: its place in a list of follow-ups."""

    journey: Outcome
    follow_up: FollowUp
    reader: Reader
    order: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A journey's outcome, for its reader."""

    journey: Outcome
    reader: Reader


def open_journey(
    work: Work, actor: Actor, journey_id: JourneyId, action: Action, what: str = "journey"
) -> tuple[Outcome, Programme]:
    """The journey, for who may do this in it, and the version of the programme that it keeps.

    what: is asked for, and unknown to who has no part in the journey.
    """
    state: Outcome | None = work.find(subject_of("journey", journey_id))
    if state is None:
        raise Unknown(what)
    return state, authorise(actor, action, state.passage, work, what=what)


def record_entry(
    work: Work,
    actor: Actor,
    journey_id: JourneyId,
    command: entry.RecordEntry,
    *,
    asked: Precondition | None,
) -> Seen:
    """Record or replace the entry answers. asked: what the caller says that its change rests on.

    Never for an employer or a school, which could find out by trying what was answered.
    """
    state, _ = open_journey(work, actor, journey_id, "record_entry")
    if reader_of(work, actor, state).works_there:
        raise Forbidden("not-your-journey", "No employer and no school records the answers at entry.")
    subject = subject_of("journey", journey_id)
    revision = work.revision(subject)
    rests_on = None if asked is None else asked.revision(revision)
    change = entry.record_entry(state, command, rests_on=rests_on, revision=revision, by=actor, at=work.at)
    return seen(work, actor, keep(work, change))


def record_exit(work: Work, actor: Actor, journey_id: JourneyId, command: leaving.RecordExit) -> Seen:
    """End participation."""
    state, programme = open_journey(work, actor, journey_id, "record_exit")
    change = leaving.record_exit(state, command, programme=programme, at=work.at)
    return seen(work, actor, keep(work, change))


def read_journey(work: Work, actor: Actor, journey_id: JourneyId) -> Seen:
    """What came of a journey."""
    state, _ = open_journey(work, actor, journey_id, "read_journey")
    return seen(work, actor, state)


def seen(work: Work, actor: Actor, state: Outcome) -> Seen:
    """The journey with the caller as its reader."""
    return Seen(journey=state, reader=reader_of(work, actor, state))


def reader_of(work: Work, actor: Actor, state: Outcome) -> Reader:
    """The caller as a reader of the journey today."""
    return reader(actor, state.passage, day_of(work.at))


def journey_of(follow_up_id: FollowUpId) -> JourneyId:
    """The journey that the follow-up belongs to: `j-…` of `j-….28d`."""
    return JourneyId(follow_up_id.partition(".")[0])


def kind_of_follow_up(follow_up_id: FollowUpId) -> str:
    """The kind of the follow-up: `28d` of `j-….28d`."""
    return follow_up_id.partition(".")[2]


def answer_follow_up(
    work: Work, actor: Actor, follow_up_id: FollowUpId, command: follow_up.AnswerFollowUp
) -> Asked:
    """Answer a follow-up that is due."""
    journey_id, kind = journey_of(follow_up_id), kind_of_follow_up(follow_up_id)
    state, _ = open_journey(work, actor, journey_id, "answer_follow_up", "follow-up")
    change = follow_up.answer(state, kind, command, by=actor.organisation, at=work.at)
    after = work.save(subject_of("journey", journey_id), change)
    return Asked(journey=after, follow_up=after.follow_ups[kind], reader=reader_of(work, actor, after))


def read_follow_up(work: Work, actor: Actor, follow_up_id: FollowUpId) -> Asked:
    """One follow-up. Raises Unknown for a kind that the journey does not have."""
    state, _ = open_journey(work, actor, journey_of(follow_up_id), "read_journey", "follow-up")
    found = state.follow_ups.get(kind_of_follow_up(follow_up_id))
    if found is None:
        raise Unknown("follow-up", within=True)
    return Asked(journey=state, follow_up=found, reader=reader_of(work, actor, state))


def list_follow_ups(
    work: Work, actor: Actor, status: FollowUpStatus, *, after: str | Skip | None, limit: int
) -> Sequence[Asked]:
    """A page of the follow-ups that the caller's organisation may answer and read, the earliest day first."""
    authorise_somewhere(actor, "answer_follow_up", work)
    reach = reach_of(actor.organisation, work, "answer_follow_up", "read_journey")
    where = {"organisations": actor.organisation, "status": status, "programme_key": {"$in": reach.versions}}
    found: list[Asked] = []
    while missing := limit - len(found):
        rows = work.rows("follow_ups", where, order="order", after=after, limit=missing)
        for row in rows:
            # One whose stored state cannot be read, or in a municipality where the caller's roles are not, is left out,
            # and the page is filled up behind it.
            state: Outcome | None = work.readable(subject_of("journey", row["journey_id"]))
            if state is not None and reach.covers(state.passage):
                kind = kind_of_follow_up(FollowUpId(row["_id"]))
                who = reader_of(work, actor, state)
                found.append(
                    Asked(journey=state, follow_up=state.follow_ups[kind], reader=who, order=row["order"])
                )
        if len(rows) < missing:
            break
        after = rows[-1]["order"]
    return found


def read_report(work: Work, actor: Actor, programme_id: str) -> report.Report:
    """The programme's figures as they are now, exact. Raises Unknown for a programme not published."""
    programme = work.programmes.latest(programme_id)
    if programme is None:
        raise Unknown("programme")
    authorise_in(actor, "read_report", programme, work)
    cells = every_row(work, "cells", {"programme": programme_id}, order="_id", at_once=PAGE_OF_CELLS)
    return report.build(report.summed(cells), programme, work.at)


def read_period(work: Work, actor: Actor, programme_id: str, wanted: period.Period) -> dict[str, Any]:
    """What the programme reached in the period, exact. Raises Unknown for a programme not published."""
    programme = work.programmes.latest(programme_id)
    if programme is None:
        raise Unknown("programme")
    authorise_in(actor, "read_report", programme, work)
    return period.build(_days(work, programme_id, wanted), programme, work.register, wanted, work.at)


def _days(work: Work, programme_id: str, wanted: period.Period) -> Iterator[Mapping[str, Any]]:
    """The days of the period, read in the order of their keys, `<programme>|<day>|…`: as many as the period has."""
    after, last = f"{programme_id}|{wanted.first.isoformat()}", wanted.last.isoformat()
    for row in every_row(
        work, DAYS, {"programme": programme_id}, order="_id", after=after, at_once=PAGE_OF_CELLS
    ):
        if row["day"] > last:
            return
        yield row
