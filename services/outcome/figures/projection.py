"""How each event moves the figures.

The fold keeps one small state per subject. It emits the difference between the subject's contribution now and before.
So corrections, mistakes and restating always follow, and the order in which the four services' events arrive makes no
difference. May not read a clock.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Literal

from services.outcome.figures.cells import DAYS
from services.outcome.figures.contributions import (
    Counted,
    add_moved,
    add_sessions,
    of_facts,
    of_output,
    of_register,
)
from services.outcome.figures.state import (
    RECENT,
    Figures,
    FollowUpFigure,
    FollowUpStatus,
    Gender,
    Handover,
    HandoverAnswer,
    JourneyFigures,
    OutputFigures,
    RegisterFigures,
    Sessions,
    Together,
    where,
)
from shared.language import events as e
from shared.language.decision import Add, Change, Fold, Received, key_of
from shared.language.passage import begin, follow
from shared.language.programmes import Programmes


def project(state: Figures | None, received: Received, programmes: Programmes) -> Change[Figures]:
    """Take in one event of any service: the next state, and what it adds to the cells or takes from them.

    Never refuses a fact. Raises ValueError for an event before the subject's first, which causality rules out.
    """
    after = _after(state, received)
    return Change(
        _newest(after, received), adds=tuple(_adds(after.programme, _difference(state, after, received)))
    )


def _difference(before: Figures | None, after: Figures, received: Received) -> Counted:
    """What the subject counts now and did not before."""
    if after is before:
        return Counted()
    if isinstance(after, OutputFigures):
        return of_output(before if isinstance(before, OutputFigures) else None, after)
    if isinstance(after, RegisterFigures):
        return of_register(before if isinstance(before, RegisterFigures) else None, after)
    assert not isinstance(before, OutputFigures | RegisterFigures)
    if before is not None and after.sessions is not before.sessions:
        # Most events are sessions: they change the figures that are declared to be of sessions, and no other.
        return _sessions_difference(before, after, received.body)
    found = of_facts(before, after)
    if before is None or after.passage.mistake != before.passage.mistake:
        add_sessions(found, before, after)
    return found


def _sessions_difference(before: JourneyFigures, after: JourneyFigures, event: e.Fact) -> Counted:
    """What a session changes: the counts of its day, and the present ones.

    A recount and a correction also change counts that no day holds, so the present ones are compared as a whole.
    """
    found = Counted()
    assert isinstance(event, SessionEvent) and after.sessions_at is not None
    logged = isinstance(event, e.SessionLogged)
    also_cells = logged and not after.passage.mistake
    for on, sessions, activities, times in _days_of(event):
        add_moved(found, on, after.sessions_at, sessions, activities, times, also_cells=also_cells)
    if not logged:
        add_sessions(found, before, after)
    return found


def _adds(programme: str, difference: Counted) -> Iterator[Add]:
    for cell, amount in difference.cells.items():
        if amount:
            yield Add("cells", f"{programme}|{cell}", {"n": amount}, {"programme": programme, "cell": cell})
    for (on, provider, municipality), codes in difference.days.items():
        amounts = {f"n.{code}": amount for code, amount in codes.items() if amount}
        if amounts:
            day = on.isoformat()
            key = f"{programme}|{day}|{provider}|{municipality}"
            also = {"programme": programme, "day": day, "provider": provider, "municipality": municipality}
            yield Add(DAYS, key, amounts, also)


def _newest(state: Figures, received: Received) -> Figures:
    """The state with what was recorded last, in whichever order two services' events arrive."""
    if isinstance(state, RegisterFigures):
        return state
    newest = (received.body.recorded_at, received.type)
    if newest <= (state.newest_at, state.newest_type):
        return state
    return replace(state, newest_at=newest[0], newest_type=newest[1])


def _after(state: Figures | None, received: Received) -> Figures:
    match state, received.body:
        case None, e.ReferralReceived() as referral:
            return JourneyFigures(
                programme=referral.programme,
                passage=begin(referral),
                newest_type=received.type,
                newest_at=referral.recorded_at,
            )
        case None, e.OutputLogged() as output:
            return OutputFigures(
                programme=output.programme,
                output=output.output,
                logged_on=output.occurred_on,
                provider=output.organisation,
                municipality=output.municipality,
                quantity=output.quantity,
                newest_type=received.type,
                newest_at=output.recorded_at,
            )
        case None | RegisterFigures(), e.RegisterCounted() as register:
            return RegisterFigures(
                programme=register.programme,
                on=register.occurred_on,
                provider=register.organisation,
                municipality=register.municipality,
                expected=register.expected,
                not_marked=register.not_marked,
            )
        case OutputFigures(), e.OutputCorrected() as correction:
            return replace(state, quantity=correction.quantity)
        case JourneyFigures(), _:
            return _journey_after(state, received)
    raise ValueError(f"{received.type} before {received.subject} began")


def _journey_after(state: JourneyFigures, received: Received) -> JourneyFigures:
    passage = follow(state.passage, received.body)
    if passage != state.passage:
        state = replace(state, passage=passage)
    match received.body:
        case e.SessionLogged() | e.SessionCorrected() | e.SessionsRecounted() as told:
            at = state.sessions_at if state.sessions.logged else None
            sessions = _sessions_after(state.sessions, told)
            return replace(state, sessions=sessions, sessions_at=at or where(state))
        case e.HandoverOffered() as offer:
            return _offered(state, Handover(handover=offer.handover, offered_on=offer.occurred_on))
        case e.HandoverAccepted() as accepted:
            return _answered(state, accepted.handover, accepted, "accepted", received.seq)
        case e.HandoverDeclined() as declined:
            return _answered(state, declined.handover, declined, "declined")
        case e.HandoverExpired() as expired:
            return _answered(state, expired.handover, expired, "expired")
        case e.HandoverRecalled() as recalled:
            return _answered(state, recalled.handover, recalled, "recalled")
        case e.ParticipationSettled() as told:
            whole = told.participation
            journey = e.JourneyId(key_of(received.subject))
            return replace(state, together=None if whole is None else Together(journey, whole))
        case e.OtherJourneysLeft() as others:
            return replace(state, others_left={one.journey: one.left_on for one in others.left})
        case e.EntryRecorded() as entry:
            gender: Gender = received.extra["gender"] if received.extra else state.gender
            return replace(state, gender=gender, entry_complete=entry.complete, entry_on=entry.occurred_on)
        case e.FirstEntryChanged():
            gender = received.extra["first_gender"] if received.extra else state.first_gender
            return replace(state, first_gender=gender)
        case e.JourneyExited() as left:
            return _exited(state, left, received.after.get("handover", 0))
        case e.FollowUpDue(correction="voids") as due:
            kept = {code: one for code, one in state.follow_ups.items() if code != due.kind}
            return replace(state, follow_ups=kept)
        case e.FollowUpDue() as due:
            return _followed_up(state, due.kind, FollowUpFigure(status="due", due_on=due.occurred_on))
        case e.FollowUpAnswered(correction="voids") as answer:
            return _ended(state, answer.kind, "due", None)
        case e.FollowUpAnswered() as answer:
            return _ended(state, answer.kind, "answered", answer.situation)
        case e.FollowUpMissed() as missed:
            return _ended(state, missed.kind, "missed", None)
        case _:
            return state


def _exited(state: JourneyFigures, event: e.JourneyExited, handovers_seen: int) -> JourneyFigures:
    if event.correction == "voids":
        return replace(state, situation_at_exit=None, exit_knew_handovers=None)
    known = state.exit_knew_handovers
    return replace(
        state,
        situation_at_exit=event.situation,
        exit_knew_handovers=handovers_seen if known is None else known,
    )


def _offered(state: JourneyFigures, made: Handover) -> JourneyFigures:
    """The journey with one more handover; once there are many, the oldest that came to nothing is only counted."""
    to_nothing = (one for one in state.handovers if one.answer not in (None, "accepted"))
    oldest = next(to_nothing, None) if len(state.handovers) >= RECENT else None
    if oldest is None or oldest.answer is None:
        return replace(state, handovers=(*state.handovers, made))
    offers = state.offers
    counted = {answer: getattr(offers, answer) + 1 for answer in ("offered", oldest.answer)}
    kept = tuple(one for one in state.handovers if one is not oldest)
    return replace(state, offers=replace(offers, **counted), handovers=(*kept, made))


def _answered(
    state: JourneyFigures,
    handover: e.HandoverId,
    event: e.Fact,
    answer: HandoverAnswer,
    seq: int | None = None,
) -> JourneyFigures:
    """The journey with the handover ended so; where its day is corrected, it keeps its place."""

    def ended(one: Handover) -> Handover:
        place = seq if one.seq is None else one.seq
        return replace(one, answer=answer, ended_on=event.occurred_on, seq=place)

    handovers = tuple(ended(one) if one.handover == handover else one for one in state.handovers)
    return replace(state, handovers=handovers)


def _ended(
    state: JourneyFigures, code: str, status: FollowUpStatus, situation: e.Situation | None
) -> JourneyFigures:
    """The journey with its follow-up so; the day that it asks about stays."""
    held = state.follow_ups.get(code)
    due_on = None if held is None else held.due_on
    return _followed_up(state, code, FollowUpFigure(status=status, due_on=due_on, situation=situation))


def _followed_up(state: JourneyFigures, code: str, figure: FollowUpFigure) -> JourneyFigures:
    return replace(state, follow_ups={**state.follow_ups, code: figure})


SessionEvent = e.SessionLogged | e.SessionCorrected | e.SessionsRecounted


def _sessions_after(sessions: Sessions, event: SessionEvent) -> Sessions:
    if isinstance(event, e.SessionsRecounted):
        return replace(
            sessions,
            logged=event.logged,
            attended=event.attended,
            late=event.late,
            missed=event.missed,
            minutes=event.minutes,
            planned_minutes=event.planned_minutes,
            marked_minutes=event.marked_minutes,
        )
    if isinstance(event, e.SessionCorrected):
        sessions = replace(sessions, corrected=sessions.corrected + 1)
    for _, moved, _, times in _days_of(event):
        sessions = _added(sessions, moved, times)
    return sessions


Activities = tuple[e.ActivityMinutes, ...]


def _days_of(event: SessionEvent) -> Iterator[tuple[date, Sessions, Activities, Literal[1, -1]]]:
    """The sessions that the event lets count (1) or count no more (-1), by their day, and the minutes by activity."""
    match event:
        case e.SessionsRecounted():
            for day in event.days:
                counts = Sessions(
                    logged=day.logged,
                    attended=day.attended,
                    late=day.late,
                    missed=day.missed,
                    minutes=day.minutes,
                    planned_minutes=day.planned_minutes,
                    marked_minutes=day.marked_minutes,
                )
                yield day.on, counts, day.activities, 1 if day.counted else -1
        case e.SessionLogged():
            yield event.occurred_on, *_one(event), 1
        case e.SessionCorrected():
            was = event.replaced
            if was.counted:
                yield was.occurred_on, *_one(was), -1
            if not event.void:
                yield event.occurred_on, *_one(event), 1


def _one(said: e.SessionLogged | e.SessionCorrected | e.SessionAsLogged) -> tuple[Sessions, Activities]:
    attended = said.attendance != "no"
    planned = said.planned_minutes or 0
    marked = 0 if said.planned_minutes is None else said.minutes
    counts = Sessions(
        logged=1,
        attended=int(attended),
        late=int(said.attendance == "late"),
        missed=int(not attended),
        minutes=said.minutes,
        planned_minutes=planned,
        marked_minutes=marked,
    )
    if said.activity is None:
        return counts, ()
    named = e.ActivityMinutes(
        activity=said.activity, minutes=said.minutes, planned_minutes=planned, marked_minutes=marked
    )
    return counts, (named,)


def _added(sessions: Sessions, more: Sessions, times: int) -> Sessions:
    return Sessions(
        logged=sessions.logged + times * more.logged,
        attended=sessions.attended + times * more.attended,
        late=sessions.late + times * more.late,
        missed=sessions.missed + times * more.missed,
        corrected=sessions.corrected,
        minutes=sessions.minutes + times * more.minutes,
        planned_minutes=sessions.planned_minutes + times * more.planned_minutes,
        marked_minutes=sessions.marked_minutes + times * more.marked_minutes,
    )


FOLDS: dict[type[e.Fact], Fold] = dict.fromkeys(
    (
        e.ReferralReceived,
        e.ReferralCorrected,
        e.ReferralAccepted,
        e.ReferralDeclined,
        e.ReferralPassedOn,
        e.ReferralReturned,
        e.ReferralWithdrawn,
        e.ConsentGiven,
        e.ConsentRefused,
        e.ConsentWithdrawn,
        e.JourneyStarted,
        e.JourneyRegisteredByMistake,
        e.JourneySetBeside,
        e.ParticipationSettled,
        e.ActivityPlanned,
        e.GoalSet,
        e.GoalReached,
        e.SessionLogged,
        e.SessionCorrected,
        e.SessionsRecounted,
        e.ProgressMeasured,
        e.CompetenceValidated,
        e.ParticipantReady,
        e.OutputLogged,
        e.OutputCorrected,
        e.RegisterCounted,
        e.HandoverOffered,
        e.HandoverAccepted,
        e.HandoverDeclined,
        e.HandoverExpired,
        e.HandoverRecalled,
        e.EntryRecorded,
        e.FirstEntryChanged,
        e.JourneyExited,
        e.OtherJourneysLeft,
        e.FollowUpDue,
        e.FollowUpAnswered,
        e.FollowUpMissed,
        e.JourneyClosed,
    ),
    project,
)
"""Every event about a journey, an output or a register: those that move no figure are still news."""
