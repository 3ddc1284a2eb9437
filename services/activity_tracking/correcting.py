"""The use cases by which what was recorded is said anew or taken back. No rule lives here.

Who does not see the whole corrects only what it recorded itself: it would overwrite, or find out by trying, the rest.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from services.activity_tracking.domain import corrections, extents, pauses, plan, progress
from services.activity_tracking.domain.counted import recounts, units_of
from services.activity_tracking.domain.groups import grows
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.grouping import take_in
from services.activity_tracking.handlers import SHOWN, Standing, open_journey, open_output, reader_of, watch
from shared.language.access import Actor, Reader
from shared.language.corrections import Superseded, page
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId, OutputId
from shared.language.programmes import Programme
from shared.language.rows import entry_of

Entry = TypeVar("Entry")


def _opened(
    work: Work,
    actor: Actor,
    journey_id: JourneyId,
    kind: type[Entry],
    row: Any,
    what: str,
    *,
    day: str,
    moved_to: date | None = None,
    by: str = "organisation",
) -> tuple[Journey, Programme, Entry]:
    """The journey and the entry, for who may correct it. Raises Unknown.

    day, by: the fields that say of which day it is, and who recorded it. moved_to: its day as corrected.
    """
    said_on = date.fromisoformat(row[day]) if row and row[day] else None
    journey, programme = open_journey(work, actor, journey_id, "log_activity", said_on, moved_to or said_on)
    who = reader_of(work, actor, journey)
    if row is None or not who.may_overwrite(row[by]):
        raise Unknown(what, within=True)
    return journey, programme, entry_of(kind, row)


def correct_plan(
    work: Work, actor: Actor, journey_id: JourneyId, entry: str, command: corrections.CorrectPlan
) -> plan.PlannedActivity:
    """Say a planned period anew, or take it back."""
    row = work.row(plan.PLANNED, plan.plan_key(journey_id, entry))
    journey, programme, held = _opened(
        work, actor, journey_id, plan.PlannedActivity, row, "planned activity", day="planned_on"
    )
    change, anew = corrections.correct_plan(journey, held, command, programme=programme, by=actor, at=work.at)
    if grows(held, anew):
        take_in(work, anew)
    if anew != held and (held.has_hours or anew.has_hours):
        watch(work, anew, held)
    work.save(subject_of("journey", journey_id), change)
    return anew


def correct_pause(
    work: Work, actor: Actor, journey_id: JourneyId, pause: str, command: pauses.CorrectPause
) -> pauses.Pause:
    """Say a pause anew, or take it back."""
    row = work.row(pauses.PAUSES, pauses.pause_key(journey_id, pause))
    journey, _ = open_journey(work, actor, journey_id, "log_activity")
    if row is None or not reader_of(work, actor, journey).may_overwrite(row["organisation"]):
        raise Unknown("pause", within=True)
    entry = entry_of(pauses.Pause, row)
    change, anew = pauses.correct_pause(journey, entry, command, by=actor, at=work.at)
    first_on, last_on = min(entry.first_on, anew.first_on), max(entry.last_on, anew.last_on)
    again = recounts(units_of(journey.passage), first_on, last_on, work.at) if anew != entry else ()
    work.save(subject_of("journey", journey_id), replace(change, timers=(*change.timers, *again)))
    return anew


def correct_extent(
    work: Work, actor: Actor, journey_id: JourneyId, extent: str, command: extents.CorrectExtent
) -> extents.Extent:
    """Say an agreed extent anew, or take it back."""
    row = work.row(extents.EXTENTS, extents.extent_key(journey_id, extent))
    journey, _ = open_journey(work, actor, journey_id, "log_activity")
    if row is None or not reader_of(work, actor, journey).may_overwrite(row["organisation"]):
        raise Unknown("extent", within=True)
    entry = entry_of(extents.Extent, row)
    change, anew = extents.correct_extent(journey, entry, command, by=actor, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return anew


def correct_goal(
    work: Work, actor: Actor, journey_id: JourneyId, goal: str, command: corrections.CorrectGoal
) -> plan.Goal:
    """Say a goal in other words, or take it back."""
    row = work.row("goals", plan.goal_key(journey_id, goal))
    journey, _, held = _opened(work, actor, journey_id, plan.Goal, row, "goal", day="set_on")
    change, anew = corrections.correct_goal(journey, held, command, by=actor, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return anew


def correct_reached(
    work: Work, actor: Actor, journey_id: JourneyId, goal: str, command: corrections.CorrectDay
) -> plan.Goal:
    """Say on which day a goal was reached, or that it was not."""
    row = work.row("goals", plan.goal_key(journey_id, goal))
    moved_to = command.occurred_on
    journey, _, held = _opened(
        work, actor, journey_id, plan.Goal, row, "goal", day="reached_on", moved_to=moved_to
    )
    change, anew = corrections.correct_reached(journey, held, command, by=actor, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return anew


def correct_ready(
    work: Work, actor: Actor, journey_id: JourneyId, command: corrections.CorrectDay
) -> Standing:
    """Say on which day the participant was ready, or that they are not."""
    known: Journey | None = work.find(subject_of("journey", journey_id))
    said_on = None if known is None else known.passage.ready_on
    moved_to = command.occurred_on or said_on
    journey, _ = open_journey(work, actor, journey_id, "log_activity", said_on, moved_to)
    if not reader_of(work, actor, journey).may_overwrite(journey.ready_said_by):
        raise Forbidden("not-your-journey", "Only the organisation that judged so may correct it.")
    change = corrections.correct_ready(journey, command, by=actor, at=work.at)
    after = work.save(subject_of("journey", journey_id), change)
    return Standing(journey=after, reader=reader_of(work, actor, after))


def correct_progress(
    work: Work, actor: Actor, journey_id: JourneyId, number: int, command: corrections.CorrectProgress
) -> progress.ProgressRound:
    """Say the answers of a round anew, or take it back."""
    row = work.row("progress", progress.round_key(journey_id, number))
    journey, programme, _ = _opened(
        work,
        actor,
        journey_id,
        progress.ProgressRound,
        row,
        "round",
        day="measured_on",
        moved_to=command.occurred_on,
    )
    rows = work.rows("progress", {"journey_id": journey_id}, order="round", after=None, limit=SHOWN)
    rounds = [entry_of(progress.ProgressRound, one) for one in rows]
    change, anew = corrections.correct_progress(
        journey, rounds, number, command, programme=programme, by=actor, at=work.at
    )
    work.save(subject_of("journey", journey_id), change)
    return anew


def correct_competence(
    work: Work,
    actor: Actor,
    journey_id: JourneyId,
    competence: str,
    level: int,
    command: corrections.CorrectDay,
) -> tuple[progress.Competence, Reader]:
    """Say on which day a competence was validated, or that it was not."""
    row = work.row("competences", progress.competence_key(journey_id, competence, level))
    journey, _, held = _opened(
        work,
        actor,
        journey_id,
        progress.Competence,
        row,
        "competence",
        day="validated_on",
        moved_to=command.occurred_on,
        by="validated_by",
    )
    change, anew = corrections.correct_competence(journey, held, command, by=actor, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return anew, reader_of(work, actor, journey)


def list_output_corrections(
    work: Work, actor: Actor, programme_id: str, output_id: OutputId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on an output, for those who log them."""
    open_output(work, actor, programme_id, output_id)
    found = page(work, subject_of("output", output_id), after=after, limit=limit)
    return Reader(actor.organisation, "whole"), found


def list_corrections(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on the journey here; sessions have chains of their own."""
    journey, _ = open_journey(work, actor, journey_id, "read_journey")
    found = page(work, subject_of("journey", journey_id), after=after, limit=limit)
    return reader_of(work, actor, journey), found
