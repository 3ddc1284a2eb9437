"""What goes in and out over HTTP: commands refuse unknown fields; answers are dictionaries of plain values.

Answers to commands are stored with their Idempotency-Key, so they repeat nothing of the participant's words.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.activity_tracking.api.fields import (
    GROUP,
    TELL,
    day_field,
    day_said,
    own_words_field,
    said,
    sentence_said,
    whole_field,
)
from services.activity_tracking.api.planning import (
    ExtentAnswer,
    PauseAnswer,
    PlannedActivityAnswer,
    show_planned,
)
from services.activity_tracking.domain.outputs import MOST, CorrectOutput, LogOutput, Output
from services.activity_tracking.domain.plan import (
    DeclareReady,
    Goal,
    ReachGoal,
)
from services.activity_tracking.domain.progress import (
    ROUNDS,
    Competence,
    MeasureProgress,
    ProgressRound,
    ValidateCompetence,
)
from services.activity_tracking.domain.sessions import DAY_MINUTES, CorrectSession, LogSession, Session
from services.activity_tracking.handlers import Noted, Overview, SessionPage, Standing
from shared.edge.corrections import void_field, why_field
from shared.edge.fields import (
    CommandSchema,
    code_field,
    municipality_field,
)
from shared.edge.texts import Reference
from shared.edge.use_cases import paged
from shared.language.access import Reader


class _DatedBody(CommandSchema):
    occurred_on = day_field()


class ReachGoalBody(_DatedBody):
    """The day on which a goal was reached."""

    makes = ReachGoal


class DeclareReadyBody(_DatedBody):
    """The day on which the participant was judged ready."""

    makes = DeclareReady


class LogSessionBody(CommandSchema):
    """One session: minutes attended, 0 of who missed it. An absence has a reason, and perhaps words beside it."""

    makes: type[LogSession] = LogSession
    activity = code_field(required=True)
    occurred_on = day_field(required=True)
    attendance = ma.String(required=True, validate=validate.OneOf(["yes", "late", "no"]))
    minutes = whole_field(0, DAY_MINUTES, required=True)
    reason = code_field(allow_none=True)
    text = own_words_field()
    reference = Reference(100, allow_none=True)


class CorrectSessionBody(CommandSchema):
    """What the session should have said, or `void`: it never took place."""

    makes = CorrectSession
    activity = code_field(allow_none=True)
    occurred_on = day_field()
    attendance = ma.String(allow_none=True, validate=validate.OneOf(["yes", "late", "no"]))
    minutes = whole_field(0, DAY_MINUTES, allow_none=True)
    reason = code_field(allow_none=True)
    text = own_words_field()
    void = void_field()
    why = why_field(allow_none=True)


class MeasureProgressBody(CommandSchema):
    """The answers of one round, by indicator, on the programme's scale."""

    makes = MeasureProgress
    round = whole_field(1, ROUNDS, required=True)
    answers = ma.Dict(keys=code_field(), values=whole_field(-1000, 1000), required=True)
    occurred_on = day_field()


class ValidateCompetenceBody(CommandSchema):
    """A competence and the level it was found to have."""

    makes = ValidateCompetence
    competence = code_field(required=True)
    level = whole_field(1, 10, required=True)
    occurred_on = day_field()


class LogOutputBody(CommandSchema):
    """So many of one output of the programme in one municipality."""

    makes = LogOutput
    output = code_field(required=True)
    quantity = whole_field(1, MOST, required=True)
    municipality = municipality_field(required=True)
    occurred_on = day_field()


class CorrectOutputBody(CommandSchema):
    """The right quantity; zero takes the entry back."""

    makes = CorrectOutput
    quantity = whole_field(0, MOST, required=True)
    occurred_on = day_field()
    why = why_field(allow_none=True)


# --- answers ---------------------------------------------------------------------------------------------


class GoalAnswer(Schema):
    """A goal. Its text is shown in the journey's overview alone, to who may see it."""

    journey_id = ma.String()
    goal = ma.String()
    text = ma.String(allow_none=True)
    set_on = day_said()
    reached_on = day_said()
    void = ma.Boolean()


class HeldAnswer(Schema):
    """The stretch of a day's register that a session was: planned, actual, and when the device says it was marked."""

    plan = ma.String(allow_none=True)
    hour = ma.String()
    starts_at = ma.String(metadata={"format": "date-time"})
    ends_at = ma.String(metadata={"format": "date-time"})
    came_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    left_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    marked_at = ma.String(allow_none=True, metadata={"format": "date-time"})
    group = ma.String(allow_none=True, metadata={"description": GROUP})


class SessionAnswer(Schema):
    """One entry; the head of its chain has no `superseded_by`. null: none, or not the reader's to see."""

    session_id = ma.String()
    journey_id = ma.String()
    number = ma.Integer()
    organisation = ma.String(allow_none=True)
    activity = ma.String(allow_none=True)
    occurred_on = day_said()
    attendance = ma.String()
    minutes = ma.Integer()
    planned_minutes = ma.Integer(allow_none=True)
    reason = ma.String(allow_none=True)
    text = ma.String(allow_none=True)
    reference = ma.String(allow_none=True)
    corrects = ma.String(allow_none=True)
    superseded_by = ma.String(allow_none=True)
    void = ma.Boolean()
    why = ma.String(allow_none=True)
    held = ma.Nested(HeldAnswer, allow_none=True)
    report_id = ma.String(
        allow_none=True, metadata={"description": "The report to the referrer that the session led to."}
    )
    recorded_at = ma.String(metadata={"format": "date-time"})


class NotedSessionAnswer(SessionAnswer):
    """The entry that stands. Its words are shown in the list of sessions alone, to who may see them."""

    tell = sentence_said(TELL)


class SessionPageAnswer(Schema):
    """A page of sessions in the order of recording."""

    sessions = ma.List(ma.Nested(SessionAnswer))
    next_cursor = ma.String(allow_none=True)


class RoundAnswer(Schema):
    """One round of the progress measure; `answers` is absent for who may not see them."""

    journey_id = ma.String()
    round = ma.Integer()
    answered = ma.Integer()
    answers = ma.Dict(keys=ma.String(), values=ma.Integer(), allow_none=True)
    measured_on = day_said()
    organisation = ma.String()
    void = ma.Boolean()


class CompetenceAnswer(Schema):
    """A validated competence. null: not the reader's to see."""

    journey_id = ma.String()
    competence = ma.String()
    level = ma.Integer()
    validated_on = day_said()
    validated_by = ma.String(allow_none=True)
    void = ma.Boolean()


class SessionCountsAnswer(Schema):
    """The sessions that stand; minutes are of attended ones, planned and marked ones of the registers'."""

    logged = ma.Integer()
    attended = ma.Integer()
    late = ma.Integer()
    missed = ma.Integer()
    minutes = ma.Integer()
    planned_minutes = ma.Integer()
    marked_minutes = ma.Integer()
    corrected = ma.Integer()


class StandingAnswer(Schema):
    """Where the journey stands, as activity tracking knows it. null: not the reader's to see."""

    journey_id = ma.String()
    programme = ma.String()
    programme_version = ma.Integer()
    stage = ma.String()
    responsible = ma.String()
    municipality = ma.String()
    started_on = day_said()
    ready_on = day_said()
    exited_on = day_said()
    open_goals = ma.Integer(allow_none=True)
    last_round = ma.Integer(allow_none=True)
    last_measured_on = day_said()
    session_counts = ma.Nested(SessionCountsAnswer, allow_none=True)


class JourneyAnswer(StandingAnswer):
    """The journey with its goals, plan, rounds and competences."""

    goals = ma.List(ma.Nested(GoalAnswer))
    plan = ma.List(ma.Nested(PlannedActivityAnswer))
    pauses = ma.List(ma.Nested(PauseAnswer))
    extents = ma.List(ma.Nested(ExtentAnswer))
    progress = ma.List(ma.Nested(RoundAnswer))
    competences = ma.List(ma.Nested(CompetenceAnswer))


class OutputAnswer(Schema):
    """One output as it stands."""

    output_id = ma.String()
    programme = ma.String()
    programme_version = ma.Integer()
    output = ma.String()
    quantity = ma.Integer()
    municipality = ma.String()
    organisation = ma.String()
    logged_on = day_said()
    corrections = ma.Integer()


class OutputPageAnswer(Schema):
    """A page of a programme's outputs."""

    outputs = ma.List(ma.Nested(OutputAnswer))
    next_cursor = ma.String(allow_none=True)


def show_goal(goal: Goal, who: Reader | None = None) -> dict[str, Any]:
    """A goal for its reader. Without one it has no text, because answers to commands are stored."""
    seen = who is not None and who.sees(goal.organisation)
    return {**said(goal), "text": goal.text if seen else None}


def show_session(entry: Session, who: Reader | None = None) -> dict[str, Any]:
    """A session, whole for who logged it. Without a reader it has no words, because answers to commands are stored.

    Those outside see attendance and time, a workplace what was trained besides, and not where.
    """
    document = said(entry) | {"planned_minutes": entry.planned_minutes}
    if who is None:
        return document | {"text": None}
    if who.sees(entry.organisation):
        return document
    if document["held"] is not None:
        document["held"] |= {"group": None}
    hidden = ("organisation", "corrects", "superseded_by") if who.works_there else ("activity",)
    return document | dict.fromkeys(("reason", "text", "reference", "why", "report_id", *hidden))


def show_noted(noted: Noted) -> dict[str, Any]:
    """The entry that stands for a command, and what to tell the person."""
    return show_session(noted.entry) | {"tell": noted.tell and said(noted.tell)}


def show_sessions(limit: int) -> Callable[[SessionPage], dict[str, Any]]:
    """How a page of sessions is shown. limit: how many a full page has."""

    def show(found: SessionPage) -> dict[str, Any]:
        page = paged("sessions", partial(show_session, who=found.reader), lambda one: one.number, limit)
        return page(found.sessions)

    return show


def show_round(entry: ProgressRound, who: Reader | None = None) -> dict[str, Any]:
    """A round for its reader; those outside see that it was asked and how many were answered.

    Without a reader it has no answers, because answers to commands are stored.
    """
    seen = who is not None and who.sees(entry.organisation)
    return {**said(entry), "answered": len(entry.answers), "answers": dict(entry.answers) if seen else None}


def show_competence(found: tuple[Competence, Reader]) -> dict[str, Any]:
    """A validated competence for its reader; a workplace is not told by whom, which may be a clinic."""
    entry, who = found
    hidden = who.works_there and not who.sees(entry.validated_by)
    return said(entry) | ({"validated_by": None} if hidden else {})


def show_output(entry: Output) -> dict[str, Any]:
    """An output."""
    return said(entry)


def show_journey(overview: Overview) -> dict[str, Any]:
    """The journey with its entries, as much of them as the reader may see."""
    who = overview.reader
    return {
        **show_standing(overview),
        "goals": [show_goal(goal, who) for goal in overview.goals],
        "plan": [show_planned(entry, who) for entry in overview.planned],
        "pauses": [said(one) for one in overview.pauses],
        "extents": [said(one) for one in overview.extents],
        "progress": [show_round(entry, who) for entry in overview.rounds],
        "competences": [show_competence((entry, who)) for entry in overview.competences],
    }


def show_standing(found: Standing | Overview) -> dict[str, Any]:
    """Where the journey stands; a workplace is told nothing of goals, measures and sums."""
    journey = found.journey
    passage = said(journey.passage)
    kept: Mapping[str, Any] = {
        name: passage[name]
        for name in (
            "programme",
            "programme_version",
            "responsible",
            "municipality",
            "started_on",
            "ready_on",
            "exited_on",
        )
    }
    stands = {**kept, "journey_id": journey.journey_id, "stage": journey.passage.stage}
    if found.reader.works_there:
        return {**stands, **dict.fromkeys(("open_goals", "last_round", "last_measured_on", "session_counts"))}
    return {
        **stands,
        "open_goals": len(journey.open_goals),
        "last_round": journey.last_round,
        "last_measured_on": journey.last_measured_on and journey.last_measured_on.isoformat(),
        "session_counts": said(journey.sessions),
    }
