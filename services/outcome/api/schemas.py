"""What goes in and out over HTTP: commands refuse unknown fields; answers are dictionaries of plain values.

Entry answers go in and never come out: a journey says only when they were recorded and whether they are complete.
"""

from typing import Any, get_args

from marshmallow import Schema, validate
from marshmallow import fields as ma

from services.outcome.domain.entry import RecordEntry
from services.outcome.domain.follow_up import AnswerFollowUp
from services.outcome.domain.journey import (
    Employment,
    FollowUp,
    FollowUpStatus,
    Gender,
    Outcome,
    Refusable,
    YesNo,
)
from services.outcome.domain.leaving import RecordExit
from services.outcome.handlers import Asked, Seen
from shared.edge.corrections import why_field
from shared.edge.fields import CommandSchema, Day, PageArguments, code_field, cursor_field
from shared.language.access import Reader
from shared.language.events import ExitWay, Situation


def one_of(kind: Any, **options: Any) -> ma.String:
    """A field that takes one of the values of a Literal."""
    return ma.String(validate=validate.OneOf(get_args(kind)), **options)


class RecordEntryBody(CommandSchema):
    """All entry answers at once; null is not known, `not_asked` is not asked."""

    makes = RecordEntry
    gender = one_of(Gender, allow_none=True)
    born_on = Day(allow_none=True)
    employment = one_of(Employment, allow_none=True)
    unemployed_since = Day(allow_none=True)
    isced = ma.Integer(strict=True, allow_none=True, validate=validate.Range(0, 8))
    disability = one_of(Refusable)
    minority = one_of(Refusable)
    third_country = one_of(YesNo)
    foreign_background = one_of(YesNo)
    homeless = one_of(YesNo)
    rural = one_of(YesNo)
    occurred_on = Day(allow_none=True)
    why = why_field(allow_none=True)


class RecordExitBody(CommandSchema):
    """How participation ended, and the situation on leaving where it is known."""

    makes = RecordExit
    way = one_of(ExitWay, required=True)
    reason = code_field(allow_none=True)
    situation = one_of(Situation, allow_none=True)
    occurred_on = Day(allow_none=True)


class AnswerFollowUpBody(CommandSchema):
    """The situation on the day that the follow-up asks about."""

    makes = AnswerFollowUp
    situation = one_of(Situation, required=True)
    occurred_on = Day(allow_none=True)


class FollowUpPageArguments(PageArguments):
    """Which follow-ups, and which page of them."""

    status = one_of(FollowUpStatus, load_default="due")
    cursor = cursor_field(r"^[0-9a-z|._-]{1,120}\Z")


# --- answers ---------------------------------------------------------------------------------------------


def _day_said(**options: Any) -> ma.String:
    return ma.String(metadata={"format": "date"}, allow_none=True, **options)


class FollowUpAnswer(Schema):
    """One follow-up: the day that it asks about, the last day for its answer, and what came of it."""

    follow_up_id = ma.String()
    journey_id = ma.String()
    programme = ma.String()
    kind = ma.String()
    status = ma.String(validate=validate.OneOf(get_args(FollowUpStatus)))
    due_on = _day_said()
    answer_by = _day_said()
    answered_on = _day_said()
    situation = ma.String(allow_none=True)


class FollowUpPageAnswer(Schema):
    """A page of follow-ups, the earliest day first; `next_cursor` null: there are no more."""

    follow_ups = ma.List(ma.Nested(FollowUpAnswer))
    next_cursor = ma.String(allow_none=True)


class EntryAnswer(Schema):
    """That the entry answers are there.

    contradicts_start: which of them cannot be true of somebody who started that day; then none of them counts.
    """

    recorded_on = _day_said()
    complete = ma.Boolean()
    contradicts_start = ma.List(ma.String())


class ExitAnswer(Schema):
    """How participation ended."""

    on = _day_said()
    way = ma.String()
    reason = ma.String(allow_none=True)
    situation = ma.String(allow_none=True)


class OutcomeAnswer(Schema):
    """What came of a journey so far."""

    journey_id = ma.String()
    stage = ma.String()
    responsible = ma.String()
    programme = ma.String()
    programme_version = ma.Integer()
    started_on = _day_said()
    closed_on = _day_said()
    entry = ma.Nested(EntryAnswer, allow_none=True)
    exit = ma.Nested(ExitAnswer, allow_none=True)
    follow_ups = ma.List(ma.Nested(FollowUpAnswer))


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()


def show_follow_up(found: Asked) -> dict[str, Any]:
    """A follow-up for its reader."""
    return show_follow_up_of(found.journey, found.follow_up, found.reader)


def show_follow_up_of(state: Outcome, follow_up: FollowUp, who: Reader) -> dict[str, Any]:
    """A follow-up as its reader sees it; an employer or a school sees no answer but its own."""
    told = not who.works_there or who.sees(follow_up.answered_by)
    return {
        "follow_up_id": follow_up.follow_up_id,
        "journey_id": state.journey_id,
        "programme": state.passage.programme,
        "kind": follow_up.kind,
        "status": follow_up.status,
        "due_on": _iso(follow_up.due_on),
        "answer_by": _iso(follow_up.answer_by),
        "answered_on": _iso(follow_up.answered_on) if told else None,
        "situation": follow_up.situation if told else None,
    }


def show_journey(found: Seen) -> dict[str, Any]:
    """A journey as its reader sees it; no entry answer is among it.

    An employer or a school is not told that there are any, and of exits only its own.
    """
    state, who = found.journey, found.reader
    passage = state.passage
    entry = None if who.works_there else state.entry
    own_exit = not who.works_there or passage.responsible == who.organisation
    left = {
        "on": _iso(passage.exited_on),
        "way": passage.exit_way,
        "reason": state.exit_reason,
        "situation": state.exit_situation,
    }
    return {
        "journey_id": state.journey_id,
        "stage": passage.stage,
        "responsible": passage.responsible,
        "programme": passage.programme,
        "programme_version": passage.programme_version,
        "started_on": _iso(passage.started_on),
        "closed_on": _iso(passage.closed_on),
        "entry": entry
        and {
            "recorded_on": _iso(entry.recorded_on),
            "complete": state.entry_complete,
            "contradicts_start": list(entry.contradicts(passage.started_on)),
        },
        "exit": left if passage.exited_on and own_exit else None,
        "follow_ups": [show_follow_up_of(state, one, who) for one in state.follow_ups.values()],
    }
