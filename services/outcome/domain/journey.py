"""One journey as outcome keeps it, and what other services' events mean to it.

Foreign facts are never refused. Only a mistake means more than a moved passage: what is still awaited falls away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from shared.language import events as e
from shared.language.days import days_after, start_of
from shared.language.decision import Change, Received, Row, Timer
from shared.language.journeys import Followed, known, moved, opened
from shared.language.programmes import Programmes

Gender = Literal["woman", "man", "non_binary"]
Employment = Literal["employed", "student", "unemployed", "inactive"]
YesNo = Literal["yes", "no", "not_asked"]
Refusable = Literal["yes", "no", "refused", "not_asked"]
FollowUpStatus = Literal["planned", "due", "answered", "missed", "cancelled"]

OPEN: tuple[FollowUpStatus, ...] = ("planned", "due")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The answers at entry, as last recorded. Special-category ones leave this service only as figures.

    Only disability and minority may be refused, which is not the same as not asked.
    Source: docs/field.md, Entry answers.
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

    def contradicts(self, started_on: date | None) -> tuple[str, ...]:
        """The fields that cannot be true of somebody who started that day: born by then, unemployed by then."""
        if started_on is None:
            return ()
        late = {
            "born_on": self.born_on is not None and self.born_on >= started_on,
            "unemployed_since": self.unemployed_since is not None and self.unemployed_since > started_on,
        }
        return tuple(name for name, holds in late.items() if holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """One follow-up of one journey. due_on: the day that it asks about; answer_by: the last for its answer.

    situation, answered_on, answered_by: what was answered, and by which organisation. asked: everybody was told that it
    is due, and has not been told otherwise.
    """

    follow_up_id: e.FollowUpId
    kind: e.Code
    status: FollowUpStatus
    due_on: date
    answer_by: date
    answered_on: date | None = None
    answered_by: e.Organisation | None = None
    situation: e.Situation | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Followed):
    """What outcome must know of a journey. follow_ups: one for each kind that its programme has.

    corrections: how many there have been, which numbers the next.

    participation: what the person's journeys in the programme say together; None: this one says it all. first_entry:
    the entry answers of the first of them, where that is another. others_left: the others that have ended, and when.
    """

    entry: Entry | None = None
    exit_reason: e.Code | None = None
    exit_situation: e.Situation | None = None
    follow_ups: Mapping[str, FollowUp] = field(default_factory=dict)
    corrections: int = 0
    participation: e.Participation | None = None
    first_entry: Entry | None = None
    others_left: Mapping[e.JourneyId, date] = field(default_factory=dict)

    @property
    def first_gender(self) -> Gender | None:
        """The gender that the first of the person's journeys says; None where that is this one, or it says none."""
        entry, whole = self.first_entry, self.participation
        if entry is None or whole is None or entry.contradicts(whole.started_on):
            return None
        return entry.gender

    @property
    def entry_gender(self) -> Gender | None:
        """The gender that counts: that of an entry which can be true of who started then."""
        holds = self.entry is not None and not self.entry.contradicts(self.passage.started_on)
        return self.entry.gender if self.entry and holds else None

    @property
    def entry_complete(self) -> bool:
        """Gender, date of birth, employment status and education are known, and can be true of who started then."""
        entry = self.entry
        if entry is None or entry.contradicts(self.passage.started_on):
            return False
        return None not in (entry.gender, entry.born_on, entry.employment, entry.isced)


def receive(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in a referral: the journey begins here too. Raises Unready until the programme's version is here."""
    new = opened(received, programmes)
    return Change(Outcome(journey_id=new.journey_id, passage=new.passage))


def apply_fact(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in what another service says of the journey; never refused.

    Raises ValueError without a journey, which the causality vector rules out (docs/architecture/exactly-once.md).
    """
    before = known(state, received)
    after = moved(before, received.body)
    told = (after.entry_gender, after.entry_complete)
    if after.entry is None or told == (before.entry_gender, before.entry_complete):
        return Change(after)
    # The start is another than the entry answers were judged by.
    said = e.EntryRecorded(
        occurred_on=after.entry.recorded_on,
        recorded_at=received.body.recorded_at,
        complete=after.entry_complete,
        correction="replaces",
    )
    return Change(after, events=(said,), rows=(entry_row(after),))


def void(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in that the journey was registered by mistake: nobody is asked anything any more."""
    change = apply_fact(state, received, programmes)
    if change.state.passage.mistake:
        return cancel_open(change.state)
    return reopened(change.state)


def reopened(state: Outcome) -> Change[Outcome]:
    """Ask again what was cancelled when the journey was taken for a mistake, which it is not."""
    asked = {
        kind: replace(one, status="planned")
        for kind, one in state.follow_ups.items()
        if one.status == "cancelled" and state.passage.exit_way not in (None, "deceased")
    }
    if not asked:
        return Change(state)
    after = replace(state, follow_ups={**state.follow_ups, **asked})
    return Change(
        after,
        rows=tuple(follow_up_row(after, one) for one in asked.values()),
        timers=tuple(due_timer(one) for one in asked.values()),
    )


def due_timer(follow_up: FollowUp) -> Timer:
    """What asks, when the day of the follow-up comes."""
    key = timer_keys(follow_up.follow_up_id)[0]
    return Timer(key, start_of(follow_up.due_on), "follow_up_due", {"kind": follow_up.kind})


def missed_timer(follow_up: FollowUp) -> Timer:
    """What ends the waiting, on the day after the last one for its answer."""
    key = timer_keys(follow_up.follow_up_id)[1]
    until = start_of(days_after(follow_up.answer_by, 1))
    return Timer(key, until, "follow_up_missed", {"kind": follow_up.kind})


def cancel_open(state: Outcome, died_on: date | None = None) -> Change[Outcome]:
    """Cancel what is planned or due, timers too; nothing where nothing is.

    died_on: what asks about a later day was never to be asked, and is not missing either.
    """

    def late(one: FollowUp) -> bool:
        return died_on is not None and one.due_on > died_on

    cancelled = {
        kind: replace(one, status="cancelled", asked=one.asked and not late(one))
        for kind, one in state.follow_ups.items()
        if one.status in OPEN or (one.status == "missed" and late(one))
    }
    if not cancelled:
        return Change(state)
    return Change(
        replace(state, follow_ups={**state.follow_ups, **cancelled}),
        rows=tuple(follow_up_row(state, one) for one in cancelled.values()),
        cancels=tuple(key for one in cancelled.values() for key in timer_keys(one.follow_up_id)),
    )


def unasked(follow_up: FollowUp, at: datetime) -> e.FollowUpDue:
    """The follow-up was never due on that day."""
    return e.FollowUpDue(
        occurred_on=follow_up.due_on,
        recorded_at=at,
        follow_up=follow_up.follow_up_id,
        kind=follow_up.kind,
        answer_by=follow_up.answer_by,
        correction="voids",
    )


def entry_row(state: Outcome) -> Row:
    """What the figures may know of the entry answers, which travels in no event."""
    told = {
        "gender": state.entry_gender or "not_known",
        "complete": state.entry_complete,
        "first_gender": state.first_gender or "not_known",
    }
    return Row("entries", state.journey_id, told)


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
