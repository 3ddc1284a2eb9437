"""What intake keeps of a journey, how every fact moves it, and what the referrer gets to see.

This function also informs who has a part. It folds intake's own events and all others'. Whenever the referrer's view
of the referral has changed, it is sent that view (docs/field.md, Referral). The other parties are told that the journey
moved, and read what they may know.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from services.intake.domain.asking import Asking, timed
from shared.language import events as e
from shared.language.days import day_of, months_after
from shared.language.decision import Change, Received, Reply, Row, Timer
from shared.language.passage import Passage, follow
from shared.language.programmes import Programme, Programmes
from shared.language.replies import (
    AskedTold,
    ExitTold,
    FollowUpTold,
    JourneyMoved,
    ReferralStatusChanged,
    RefusalTold,
    Standing,
    WithdrawalTold,
)

PARTS = "parts"
"""Rows, one per journey: which organisations took the person on, and until when that lets them know who it is.

until: the first day on which it no longer does; NOT_ENDED while the journey goes on, and empty once it has ended such
that nobody needs to know. Who referred is not among them: a right never rests on what the caller itself has said.
"""
NOT_ENDED = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Minted:
    """The handle by which whoever takes a person over holds them, and the rows to save where it is new."""

    handle: e.HandleId
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpSeen:
    """A follow-up as the referrer sees it."""

    status: Literal["due", "answered", "missed"]
    situation: e.Situation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a referral was declined, with what the reason's code meant in the programme then."""

    by: e.Organisation
    reason: e.Code
    refused_by: Literal["provider", "participant", "referrer"]
    follows: Literal["refer_elsewhere", "refer_again", "nothing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One referral and the journey that came of it.

    reference: the referrer's own. received_at: the moment when it was recorded, UTC; nothing changes it.
    asking: whom the referral asks. situation_at_exit: what the exit said; None when nobody said, or there is no exit.
    corrections: how many there have been, which numbers the next.

    home: the person for whom it was received; `passage.participant_id` is the one as whom that person counts. handles:
    {organisation with a part in it: its own handle of the person}.

    participation: what the person's journeys in the programme say together, where this one does not say it all.
    """

    journey_id: e.JourneyId
    reference: str
    received_at: datetime
    passage: Passage
    home: e.ParticipantId
    handles: dict[e.Organisation, e.HandleId] = field(default_factory=dict)
    asking: Asking = field(default_factory=Asking)
    refusal: Refusal | None = None
    withdrawal_reason: e.Code | None = None
    mistake_reason: e.Code | None = None
    situation_at_exit: e.Situation | None = None
    follow_ups: dict[e.Code, FollowUpSeen] = field(default_factory=dict)
    participation: e.Participation | None = None
    corrections: int = 0

    def was_passed_by(self, organisation: e.Organisation) -> bool:
        """Whether the organisation said no, others were asked after it, and it has no part since."""
        passage = self.passage
        here = (passage.named_provider, passage.declined_by, passage.provider)
        return organisation not in here and self.asking.said_no(organisation) is not None

    def was_open_to(self, organisation: e.Organisation) -> bool:
        """Whether the referral named nobody, and another than the organisation, which had not said no, took it."""
        passage = self.passage
        taken = passage.stage in ("accepted", "started", "ready")
        return (
            taken
            and passage.named_provider is None
            and organisation not in (passage.provider, *passage.refused_by)
        )


def standing(referral: Referral) -> Standing:
    """Where the referral stands: what the referrer asked for and is told. Source: docs/field.md, "Referral"."""
    return Standing(**_standing(referral))


def _standing(referral: Referral) -> dict[str, Any]:
    """The fields of `Standing`, which is what `ReferralStatusChanged` says too."""
    passage, refusal = referral.passage, referral.refusal
    refused = withdrawn = left = None
    # What is told stands in both: a decision names its reason before the passage has followed its fact.
    if refusal and passage.declined_on:
        refused = RefusalTold(
            by=refusal.by,
            on=passage.declined_on,
            reason=refusal.reason,
            refused_by=refusal.refused_by,
            follows=refusal.follows,
        )
    if referral.withdrawal_reason and passage.withdrawn_on:
        withdrawn = WithdrawalTold(on=passage.withdrawn_on, reason=referral.withdrawal_reason)
    if passage.exited_on and passage.exit_way:
        left = ExitTold(on=passage.exited_on, way=passage.exit_way, situation=referral.situation_at_exit)
    return {
        "journey_id": referral.journey_id,
        "reference": referral.reference,
        "programme": passage.programme,
        "programme_version": passage.programme_version,
        "stage": passage.stage,
        "responsible": passage.responsible,
        "provider": passage.provider,
        "referred_on": passage.referred_on,
        "accepted_on": passage.accepted_on,
        "started_on": passage.started_on,
        "ready_on": passage.ready_on,
        "refusal": refused,
        "withdrawal": withdrawn,
        "exit": left,
        "follow_ups": tuple(
            FollowUpTold(kind=kind, status=seen.status, situation=seen.situation)
            for kind, seen in sorted(referral.follow_ups.items())
        ),
        "asked": asked_of(referral),
    }


def asked_of(referral: Referral) -> tuple[AskedTold, ...]:
    """The providers that were asked by name or have answered, in their order, and the one that is asked now."""
    passage, asking = referral.passage, referral.asking
    ended = [
        AskedTold(
            provider=one.provider,
            asked_on=one.asked_on,
            answer=one.answer,
            answered_on=one.ended_on,
            reason=one.reason,
            refused_by=one.refused_by,
            follows=one.follows,
        )
        for one in asking.ended
    ]
    now = passage.provider or (passage.named_provider if passage.stage == "received" else None)
    if now is None:
        return tuple(ended)
    taken = passage.provider is not None
    standing = AskedTold(
        provider=now,
        asked_on=asking.asked_on,
        answer_by=asking.answer_by,
        answer="accepted" if taken else None,
        answered_on=passage.accepted_on if taken else None,
    )
    return (*ended, standing)


def place(referral: Referral) -> str:
    """A referral's place in lists: the moment it was received, to the stored millisecond, then the id.

    Unique, and no correction moves it: the day of the referral can be corrected, so it orders no list.
    """
    moment = referral.received_at.astimezone(UTC).replace(tzinfo=None)
    return f"{moment.isoformat(timespec='milliseconds')}|{referral.journey_id}"


def happened(
    referral: Referral,
    *facts: e.Fact,
    programme: Programme | None = None,
    since: Referral | None = None,
) -> Change[Referral]:
    """What intake's own facts come to: they move the journey, are announced, and the referrer is told.

    programme: needed for what lets a closed journey count again. since: the referral before the decision, where that
    has changed more than the facts do.
    """
    change = _follow(referral, facts, None if programme is None else lambda: programme, since)
    return replace(change, events=facts)


def now_of(
    referral: Referral, person: e.ParticipantId, *, programme: Programme, at: datetime
) -> Change[Referral]:
    """The journey as that person's, which it may be already."""
    if referral.passage.participant_id == person:
        return Change(referral)
    fact = e.JourneyPersonChanged(occurred_on=day_of(at), recorded_at=at, participant_id=person)
    return happened(referral, fact, programme=programme)


def apply_fact(state: Referral | None, received: Received, programmes: Programmes) -> Change[Referral]:
    """Follow another service's fact. It has happened, so it is never refused (docs/field.md, The journey).

    Raises ValueError when there is no referral. Causality holds every fact back until its referral is known, so that
    would be a fault of the platform.
    """
    if state is None:
        raise ValueError(f"{received.type} speaks of a journey that intake never received.")
    change = _follow(state, (received.body,), lambda: programmes.get(state.passage.programme_key))
    if not isinstance(received.body, e.HandoverAccepted) or not received.extra:
        return change
    taker = received.body.to_organisation
    if taker in change.state.handles:
        return change
    minted: Minted = received.extra[taker]
    held = replace(change.state, handles={**change.state.handles, taker: minted.handle})
    return replace(change, state=held, rows=(*change.rows, *minted.rows))


def opened(referral: Referral, received: e.ReferralReceived, rows: Sequence[Row] = ()) -> Change[Referral]:
    """What the reception of a referral comes to."""
    referral, timers, _ = _timed(None, referral, received.recorded_at)
    replies = _told(None, referral, received)
    return Change(referral, events=(received,), rows=tuple(rows), timers=timers, replies=replies)


def _follow(
    referral: Referral,
    facts: Sequence[e.Fact],
    rules: Callable[[], Programme] | None = None,
    since: Referral | None = None,
) -> Change[Referral]:
    """rules: needed for what may leave a journey closed. since: see `happened`."""
    before, after = since or referral, referral
    for fact in facts:
        after = _moved(after, fact)
    if after == before:
        return Change(after)
    after, timers, cancels = _timed(before, after, facts[-1].recorded_at)
    rows = _parts(before, after, rules)
    told = _told(before, after, facts[-1])
    return Change(after, rows=rows, timers=timers, cancels=cancels, replies=told)


def _timed(
    before: Referral | None, after: Referral, at: datetime
) -> tuple[Referral, Sequence[Timer], Sequence[str]]:
    """The referral with the last day of the answer it awaits, and what becomes of the timer."""
    waited = before is not None and before.passage.stage == "received"
    asking, timers, cancels = timed(
        after.asking,
        before=before.asking if before is not None and waited else None,
        waits=after.passage.stage == "received",
        journey_id=after.journey_id,
        at=at,
    )
    return (after if asking == after.asking else replace(after, asking=asking)), timers, cancels


def _moved(referral: Referral, fact: e.Fact) -> Referral:
    passage = follow(referral.passage, fact)
    match fact:
        case e.JourneyExited() if passage != referral.passage or fact.correction is not None:
            situation = None if fact.correction == "voids" else fact.situation
            return replace(referral, passage=passage, situation_at_exit=situation)
        case e.FollowUpDue(correction="voids"):
            kept = {kind: one for kind, one in referral.follow_ups.items() if kind != fact.kind}
            return replace(referral, passage=passage, follow_ups=kept)
        case e.FollowUpAnswered(correction="voids"):
            seen = FollowUpSeen(status="due")
        case e.FollowUpDue():
            seen = FollowUpSeen(status="due")
        case e.FollowUpAnswered():
            seen = FollowUpSeen(status="answered", situation=fact.situation)
        case e.FollowUpMissed():
            seen = FollowUpSeen(status="missed")
        case _:
            return referral if passage == referral.passage else replace(referral, passage=passage)
    return replace(referral, passage=passage, follow_ups={**referral.follow_ups, fact.kind: seen})


def _told(before: Referral | None, after: Referral, fact: e.Fact) -> Sequence[Reply]:
    same = before is not None and standing(after) == standing(before)
    others = _others(after.passage)
    if same and (before is None or others == _others(before.passage)):
        return ()
    when: dict[str, Any] = {"occurred_on": fact.occurred_on, "recorded_at": fact.recorded_at}
    told = [] if same else [Reply(after.passage.referrer, ReferralStatusChanged(**_standing(after), **when))]
    moved = JourneyMoved(
        journey_id=after.journey_id,
        programme=after.passage.programme,
        programme_version=after.passage.programme_version,
        stage=after.passage.stage,
        **when,
    )
    return (*told, *(Reply(one, moved) for one in sorted(others)))


def _others(passage: Passage) -> frozenset[e.Organisation]:
    """Who has a part in the journey, but for the referrer. A referral that is open to all names nobody."""
    asked = passage.named_provider if passage.provider is None and passage.stage == "received" else None
    receiver = None if passage.offer is None else passage.offer.to_organisation
    held = {passage.provider, passage.responsible, asked, receiver}
    return frozenset(one for one in held if one is not None and one != passage.referrer)


def _parts(before: Referral, after: Referral, rules: Callable[[], Programme] | None) -> Sequence[Row]:
    """The journey's row of parts, where it is no longer what it was."""
    then, now = before.passage, after.passage
    took_on = now.took_on
    same = (took_on, now.participant_id) == (then.took_on, then.participant_id)
    if (not took_on and not then.took_on) or (same and _ends(now) == _ends(then)):
        return ()
    until = NOT_ENDED
    if now.mistake or now.withdrawn_on or now.declined_on:
        until = ""
    elif now.closed_on:
        assert rules is not None, "whatever leaves a journey closed knows how long its parts last"
        until = months_after(now.closed_on, rules().parts_end_after_months).isoformat()
    body = {
        "participant_id": now.participant_id,
        "programme": now.programme_key,
        "organisations": list(took_on),
        "until": until,
    }
    return (Row(PARTS, after.journey_id, body),)


def _ends(passage: Passage) -> tuple[object, ...]:
    return passage.mistake, passage.withdrawn_on, passage.declined_on, passage.closed_on
