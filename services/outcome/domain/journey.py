"""One journey as outcome keeps it, and what other services' events mean to it.

Foreign facts are never refused. Only a mistake means more than a moved passage: what is still awaited falls away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from shared import events as e
from shared.passage import Passage, begin, follow
from shared.programmes import Programmes
from shared.runtime.change import Change, Received, Row, key_of

Gender = Literal["woman", "man", "non_binary"]
Employment = Literal["employed", "student", "unemployed", "inactive"]
YesNo = Literal["yes", "no", "not_asked"]
Refusable = Literal["yes", "no", "refused", "not_asked"]
FollowUpStatus = Literal["planned", "due", "answered", "missed", "cancelled"]

OPEN: tuple[FollowUpStatus, ...] = ("planned", "due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The answers at entry, as last recorded. Special-category ones leave this service only as figures.

    Only disability and minority may be refused, which is not the same as not asked. Source: domain.md, §4.
    """

    recorded_on: date
    gender: Gender | None
    born_on: date | None
    employment: Employment | None
    unemployed_since: date | None
    isced: int | None
    disability: Refusable
    minority: Refusable
    third_country: YesNo
    foreign_background: YesNo
    homeless: YesNo
    rural: YesNo

    @property
    def complete(self) -> bool:
        """Gender, date of birth, employment status and education are known. Source: domain.md, §4."""
        return None not in (self.gender, self.born_on, self.employment, self.isced)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """One follow-up of one journey. due_on: the day that it asks about; answer_by: the last for its answer.

    situation, answered_on, answered_by: what was answered, and by which organisation.
    """

    follow_up_id: e.FollowUpId
    kind: e.Code
    status: FollowUpStatus
    due_on: date
    answer_by: date
    answered_on: date | None = None
    answered_by: e.Organisation | None = None
    situation: e.Situation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What outcome must know of a journey. follow_ups: one for each kind that its programme has."""

    journey_id: e.JourneyId
    passage: Passage
    entry: Entry | None = None
    exit_reason: e.Code | None = None
    exit_situation: e.Situation | None = None
    follow_ups: Mapping[str, FollowUp] = field(default_factory=dict)


def receive(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in a referral: the journey begins here too. Raises Unready until the programme's version is here."""
    match received.body:
        case e.ReferralReceived() as referral:
            passage = begin(referral)
            programmes.get(passage.programme_key)
            return Change(Outcome(journey_id=e.JourneyId(key_of(received.subject)), passage=passage))
        case other:
            raise ValueError(f"{type(other).__name__} opens no journey")


def take_in(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in what another service says of the journey; never refused.

    Raises ValueError without a journey, which the causality vector rules out. Source: design.md, §1.
    """
    if state is None:
        raise ValueError(f"{received.type} before the referral")
    return Change(moved(state, received.body))


def void(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in that the journey was registered by mistake: nobody is asked anything any more."""
    change = take_in(state, received, programmes)
    return cancel_open(change.state)


def moved(state: Outcome, *events: e.Fact) -> Outcome:
    """The state with its passage after the events; the same object when they do not move it."""
    passage = state.passage
    for event in events:
        passage = follow(passage, event)
    return state if passage == state.passage else replace(state, passage=passage)


def cancel_open(state: Outcome) -> Change[Outcome]:
    """Cancel what is planned or due, timers too; nothing where nothing is."""
    cancelled = {
        kind: replace(one, status="cancelled") for kind, one in state.follow_ups.items() if one.status in OPEN
    }
    if not cancelled:
        return Change(state)
    return Change(
        replace(state, follow_ups={**state.follow_ups, **cancelled}),
        rows=tuple(follow_up_row(state, one) for one in cancelled.values()),
        cancels=tuple(key for one in cancelled.values() for key in timer_keys(one.follow_up_id)),
    )


def timer_keys(follow_up: e.FollowUpId) -> tuple[str, str]:
    """The keys of the timers that make it due, and missed."""
    return f"{follow_up}:due", f"{follow_up}:missed"


def follow_up_row(state: Outcome, follow_up: FollowUp) -> Row:
    """The follow-up as those who may answer it find it: by organisation and status, in the order of its day."""
    passage = state.passage
    who = {passage.referrer, passage.responsible} | ({passage.provider} if passage.provider else set())
    body = {
        "order": f"{follow_up.due_on.isoformat()}|{follow_up.follow_up_id}",
        "journey_id": state.journey_id,
        "organisations": sorted(who),
        "status": follow_up.status,
        "programme_key": passage.programme_key,
    }
    return Row("follow_ups", follow_up.follow_up_id, body)
