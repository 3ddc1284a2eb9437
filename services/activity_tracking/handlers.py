"""The use cases of activity tracking: fetch what the decision needs, let the caller pass, decide, keep.

Each takes a `Work` and an `Actor`; all that one touches is one transaction. No rule lives here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.activity_tracking.domain import (
    counted,
    extents,
    outputs,
    pauses,
    plan,
    progress,
    reports,
    sessions,
)
from services.activity_tracking.domain.duties import owed
from services.activity_tracking.domain.journey import Journey, SessionCounts, public_activities
from services.activity_tracking.domain.session_days import DAYS, counts_of, day_key
from shared.language.access import Actor, Reader, authorise, authorise_in, reader
from shared.language.days import day_of
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId, Municipality, OutputId, SessionId
from shared.language.programmes import Action, Name, Programme
from shared.language.rows import entry_of

SHOWN = 200
"""How many entries of each kind a journey's overview shows; rounds and competences never come to more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a reader sees of a journey."""

    journey: Journey
    reader: Reader
    goals: Sequence[plan.Goal]
    planned: Sequence[plan.PlannedActivity]
    pauses: Sequence[pauses.Pause]
    extents: Sequence[extents.Extent]
    rounds: Sequence[progress.ProgressRound]
    competences: Sequence[progress.Competence]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """A page of the sessions that the reader sees: all, corrections among them; a workplace only those that stand."""

    sessions: Sequence[sessions.Session]
    reader: Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The entry that stands for a command, and the sentence for the person that its reason has."""

    entry: sessions.Session
    tell: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a journey stands, for its reader."""

    journey: Journey
    reader: Reader


def open_journey(
    work: Work, actor: Actor, journey_id: JourneyId, action: Action, *days: date | None
) -> tuple[Journey, Programme]:
    """The journey, for who may do this in it, and the version of the programme that it keeps.

    days: of the facts that are logged or corrected; the right to each is its own day's. None: of today.
    """
    journey: Journey = work.get(subject_of("journey", journey_id))
    for on in days or (None,):
        programme = authorise(actor, action, journey.passage, work, on=on)
    return journey, programme


def plan_activity(
    work: Work, actor: Actor, journey_id: JourneyId, command: plan.PlanActivity
) -> plan.PlannedActivity:
    """Enter an activity in the plan."""
    journey, programme = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    change, entry = plan.plan(journey, command, programme=programme, by=actor.organisation, at=work.at)
    if entry.has_hours:
        watch(work, entry)
    work.save(subject_of("journey", journey_id), change)
    return entry


def watch(work: Work, entry: plan.PlannedActivity, was: plan.PlannedActivity | None = None) -> None:
    """Have the registers of the plan's unit counted. was: the plan before its correction."""
    if entry.unit is not None:
        subject = subject_of("site", entry.unit)
        work.save(subject, counted.watched(work.find(subject), entry, work.at, was=was))


def plan_pause(work: Work, actor: Actor, journey_id: JourneyId, command: pauses.PlanPause) -> pauses.Pause:
    """Enter days on which the person is expected nowhere."""
    journey, _ = open_journey(work, actor, journey_id, "log_activity")
    change, entry = pauses.plan_pause(journey, command, by=actor.organisation, at=work.at)
    units = counted.units_of(journey.passage)
    again = counted.recounts(units, entry.first_on, entry.last_on, work.at)
    work.save(subject_of("journey", journey_id), replace(change, timers=(*change.timers, *again)))
    return entry


def agree_extent(
    work: Work, actor: Actor, journey_id: JourneyId, command: extents.AgreeExtent
) -> extents.Extent:
    """Enter the extent that was agreed, from a day on."""
    journey, _ = open_journey(work, actor, journey_id, "log_activity")
    change, entry = extents.agree_extent(journey, command, by=actor.organisation, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return entry


def set_goal(work: Work, actor: Actor, journey_id: JourneyId, command: plan.SetGoal) -> plan.Goal:
    """Note a goal of the participant's own."""
    journey, _ = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    change, goal = plan.set_goal(journey, command, by=actor.organisation, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return goal


def reach_goal(
    work: Work, actor: Actor, journey_id: JourneyId, goal: str, command: plan.ReachGoal
) -> plan.Goal:
    """Say that a goal was reached. Raises Unknown for a goal that the journey does not have."""
    journey, _ = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    row = work.row("goals", plan.goal_key(journey_id, goal))
    who = reader_of(work, actor, journey)
    if row is None or row["void"] or not who.may_overwrite(row["organisation"]):
        raise Unknown("goal", within=True)
    change, reached = plan.reach_goal(journey, entry_of(plan.Goal, row), command, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return reached


def declare_ready(work: Work, actor: Actor, journey_id: JourneyId, command: plan.DeclareReady) -> Standing:
    """Judge the participant ready for the next step."""
    journey, _ = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    change = plan.declare_ready(journey, command, by=actor.organisation, at=work.at)
    after = work.save(subject_of("journey", journey_id), change)
    return Standing(journey=after, reader=reader_of(work, actor, after))


def log_session(work: Work, actor: Actor, journey_id: JourneyId, command: sessions.LogSession) -> Noted:
    """Log one session; the organisation's own reference, where there is one, makes it idempotent."""
    journey, programme = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    change, entry = sessions.log(
        journey,
        command,
        programme=programme,
        by=actor.organisation,
        at=work.at,
        session=SessionId(work.new_id("s")),
        earlier=_referred_to(work, actor, command.reference),
        that_day=_counts_on(work, journey_id, command.occurred_on),
    )
    change, entry = owed(change, entry, head=None, made=None, programme=programme, at=work.at)
    work.save(subject_of("journey", journey_id), change)
    return _noted(entry, programme)


def report_of(work: Work, entry: sessions.Session) -> reports.Report | None:
    """The report to the referrer that the entry led to; None where none was made."""
    row = None if entry.report_id is None else work.row(reports.REPORTS, entry.report_id)
    return None if row is None else entry_of(reports.Report, row)


def _noted(entry: sessions.Session, programme: Programme) -> Noted:
    return Noted(entry=entry, tell=None if entry.void else programme.sentence_for(entry.reason))


def _counts_on(work: Work, journey_id: JourneyId, on: date) -> SessionCounts:
    return counts_of(work.row(DAYS, day_key(journey_id, on)))


def _referred_to(work: Work, actor: Actor, reference: str | None) -> sessions.Session | None:
    if reference is None:
        return None
    named = work.row(sessions.REFERENCES, sessions.reference_key(actor.organisation, reference))
    row = named and work.row("sessions", named["session_id"])
    return entry_of(sessions.Session, row) if row else None


def correct_session(
    work: Work, actor: Actor, journey_id: JourneyId, session_id: SessionId, command: sessions.CorrectSession
) -> Noted:
    """Supersede an entry. Raises Unknown for a session that the journey does not have.

    Who does not see the whole supersedes its own entries only: it would overwrite, or find out by trying, the others.
    """
    row = work.row("sessions", session_id)
    if row is None or row["journey_id"] != journey_id:
        open_journey(work, actor, journey_id, "log_activity")
        raise Unknown("session", within=True)
    head = entry_of(sessions.Session, row)
    moved_to = command.occurred_on or head.occurred_on
    journey, programme = open_journey(work, actor, journey_id, "log_activity", head.occurred_on, moved_to)
    who = reader_of(work, actor, journey)
    if not who.may_overwrite(row["organisation"]):
        raise Forbidden("not-your-journey", "Only the organisation that held this session may correct it.")
    change, entry = sessions.correct(
        journey,
        head,
        command,
        programme=programme,
        by=actor.organisation,
        at=work.at,
        session=SessionId(work.new_id("s")),
        days={on: _counts_on(work, journey_id, on) for on in {head.occurred_on, moved_to}},
    )
    made = report_of(work, head)
    change, entry = owed(change, entry, head=head, made=made, programme=programme, at=work.at)
    if head.held is not None:
        on = head.occurred_on
        again = counted.recounts((head.organisation,), on, on, work.at)
        change = replace(change, timers=(*change.timers, *again))
    work.save(subject_of("journey", journey_id), change)
    return _noted(entry, programme)


def measure_progress(
    work: Work, actor: Actor, journey_id: JourneyId, command: progress.MeasureProgress
) -> progress.ProgressRound:
    """Record a round of the programme's indicators."""
    journey, programme = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    row = work.row("progress", progress.round_key(journey_id, command.round))
    change, entry = progress.measure(
        journey,
        command,
        programme=programme,
        by=actor.organisation,
        at=work.at,
        earlier=entry_of(progress.ProgressRound, row) if row else None,
    )
    work.save(subject_of("journey", journey_id), change)
    return entry


def validate_competence(
    work: Work, actor: Actor, journey_id: JourneyId, command: progress.ValidateCompetence
) -> tuple[progress.Competence, Reader]:
    """Record a validated competence. Returns the one that stands, which may be another's, and who reads it."""
    journey, programme = open_journey(work, actor, journey_id, "log_activity", command.occurred_on)
    row = work.row("competences", progress.competence_key(journey_id, command.competence, command.level))
    change, entry = progress.validate(
        journey,
        command,
        programme=programme,
        by=actor.organisation,
        at=work.at,
        earlier=entry_of(progress.Competence, row) if row else None,
    )
    work.save(subject_of("journey", journey_id), change)
    return entry, reader_of(work, actor, journey)


def read_journey(work: Work, actor: Actor, journey_id: JourneyId) -> Overview:
    """A journey with its goals, plan, rounds and competences, the oldest first, at most SHOWN of each."""
    journey, programme = open_journey(work, actor, journey_id, "read_journey")
    return overview_of(work, actor, journey, programme)


def overview_of(work: Work, actor: Actor, journey: Journey, programme: Programme) -> Overview:
    """The same, for a caller who was let pass."""
    who = reader_of(work, actor, journey)
    where = {"journey_id": journey.journey_id}
    own = {**where, "organisation": actor.organisation} if who.works_there else where
    planned = {**where, **_trained(who, programme)}
    return Overview(
        journey=journey,
        reader=who,
        goals=[
            entry_of(plan.Goal, row)
            for row in work.rows("goals", own, order="number", after=None, limit=SHOWN)
        ],
        planned=[
            entry_of(plan.PlannedActivity, row)
            for row in work.rows(plan.PLANNED, planned, order="number", after=None, limit=SHOWN)
        ],
        pauses=[
            entry_of(pauses.Pause, row)
            for row in work.rows(pauses.PAUSES, own, order="number", after=None, limit=SHOWN)
        ],
        extents=[
            entry_of(extents.Extent, row)
            for row in work.rows(extents.EXTENTS, own, order="number", after=None, limit=SHOWN)
        ],
        rounds=[
            entry_of(progress.ProgressRound, row)
            for row in work.rows("progress", own, order="round", after=None, limit=SHOWN)
        ],
        competences=[
            entry_of(progress.Competence, row)
            for row in work.rows("competences", where, order="_id", after=None, limit=SHOWN)
        ]
        if who.view != "nothing"
        else [],
    )


def list_sessions(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> SessionPage:
    """A page of the journey's sessions in the order of recording, from beyond the number `after`."""
    journey, programme = open_journey(work, actor, journey_id, "read_journey")
    who = reader_of(work, actor, journey)
    where = {"journey_id": journey_id, **_trained(who, programme, superseded_by=None, void=False)}
    rows = work.rows("sessions", where, order="number", after=after, limit=limit)
    return SessionPage(sessions=[entry_of(sessions.Session, row) for row in rows], reader=who)


def reader_of(work: Work, actor: Actor, journey: Journey) -> Reader:
    """The caller as a reader of the journey today."""
    return reader(actor, journey.passage, day_of(work.at))


def _trained(who: Reader, programme: Programme, **stands: Any) -> Mapping[str, Any]:
    """Which entries on activities the reader is shown at all.

    For a workplace, beside its own: the entries that stand and whose activity does not reveal health. An entry
    without its activity would reveal just that.
    """
    if not who.works_there:
        return {}
    public = public_activities(programme) if who.view == "training" else []
    return {"$or": [{"organisation": who.organisation}, {"activity": {"$in": public}, **stands}]}


def _programme(
    work: Work,
    actor: Actor,
    programme_id: str,
    action: Action,
    *,
    on: date | None = None,
    where: Municipality | None = None,
) -> Programme:
    programme = work.programmes.latest(programme_id)
    if programme is None:
        raise Unknown("programme")
    authorise_in(actor, action, programme, work, on=on, where=where)
    return programme


def log_output(work: Work, actor: Actor, programme_id: str, command: outputs.LogOutput) -> outputs.Output:
    """Log an output under the programme's newest version. Raises Unknown for a programme not published."""
    programme = _programme(
        work, actor, programme_id, "log_output", on=command.occurred_on, where=command.municipality
    )
    output = OutputId(work.new_id("o"))
    change = outputs.log(command, programme=programme, by=actor.organisation, at=work.at, output=output)
    return work.save(subject_of("output", output), change)


def correct_output(
    work: Work, actor: Actor, programme_id: str, output_id: OutputId, command: outputs.CorrectOutput
) -> outputs.Output:
    """Set the right quantity of an output. Raises Unknown for one that the programme does not have."""
    entry = open_output(work, actor, programme_id, output_id, corrects=True)
    return work.save(subject_of("output", output_id), outputs.correct(entry, command, by=actor, at=work.at))


def open_output(
    work: Work, actor: Actor, programme_id: str, output_id: OutputId, *, corrects: bool = False
) -> outputs.Output:
    """The output, for those who log them in the programme. Raises Unknown for one that the programme does not have.

    corrects: the right is that of the day on which it was logged for, not today's.
    """
    entry: outputs.Output | None = work.find(subject_of("output", output_id))
    there = entry is not None and entry.programme == programme_id
    on = entry.logged_on if entry is not None and there and corrects else None
    where = entry.municipality if entry is not None and there else None
    _programme(work, actor, programme_id, "log_output", on=on, where=where)
    if entry is None or not there:
        raise Unknown("output", within=True)
    return entry


def list_outputs(
    work: Work, actor: Actor, programme_id: str, *, after: str | Skip | None, limit: int
) -> Sequence[outputs.Output]:
    """A page, by id, of the programme's outputs, for those who log them; the others read the report."""
    _programme(work, actor, programme_id, "log_output")
    rows = work.rows("outputs", {"programme": programme_id}, order="_id", after=after, limit=limit)
    return [entry_of(outputs.Output, row) for row in rows]
