"""How each event moves the figures.

The fold keeps one small state per subject and emits the difference between what the subject contributes now and
what it contributed before: so corrections, mistakes and restating always follow, and the order in which the four
services' events arrive makes no difference. May not read a clock.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from services.outcome.figures.contributions import (
    RECENT,
    Figures,
    FollowUpFigure,
    Gender,
    Handover,
    HandoverAnswer,
    JourneyFigures,
    OutputFigures,
    Sessions,
    contributions,
    session_cells,
)
from shared.language import events as e
from shared.language.decision import Add, Change, Fold, Received
from shared.language.passage import begin, follow
from shared.language.programmes import Programmes


def project(state: Figures | None, received: Received, programmes: Programmes) -> Change[Figures]:
    """Take in one event of any service: the next state, and what it adds to the cells or takes from them.

    Never refuses a fact. Raises ValueError for an event before the subject's first, which causality rules out.
    """
    after = _after(state, received)
    difference: Counter[str] = Counter()
    if _only_sessions(state, after):
        difference = _session_difference(state, after)
    elif after is not state:
        difference = contributions(after)
        difference.subtract(contributions(state) if state is not None else {})
    return Change(_newest(after, received), adds=tuple(_adds(after.programme, difference)))


def _only_sessions(before: Figures | None, after: Figures) -> bool:
    if not isinstance(before, JourneyFigures) or not isinstance(after, JourneyFigures):
        return False
    return before.sessions is not after.sessions


def _session_difference(before: Figures | None, after: Figures) -> Counter[str]:
    """What a session changes: sessions are most of all events, and touch nothing but their own six cells."""
    assert isinstance(before, JourneyFigures) and isinstance(after, JourneyFigures)
    difference: Counter[str] = Counter()
    if not after.passage.mistake:
        difference.update(session_cells(after.sessions))
        difference.subtract(session_cells(before.sessions))
    return difference


def _adds(programme: str, difference: Mapping[str, int]) -> list[Add]:
    return [
        Add("cells", f"{programme}|{cell}", {"n": amount}, {"programme": programme, "cell": cell})
        for cell, amount in difference.items()
        if amount
    ]


def _newest(state: Figures, received: Received) -> Figures:
    """The state with what was recorded last, in whichever order two services' events arrive."""
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
                municipality=output.municipality,
                quantity=output.quantity,
                newest_type=received.type,
                newest_at=output.recorded_at,
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
        case e.SessionLogged() | e.SessionCorrected() as session:
            return replace(state, sessions=_sessions_after(state.sessions, session))
        case e.SessionsRecounted() as counted:
            return replace(state, sessions=_recounted(state.sessions, counted))
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
        case e.JourneySetBeside() as moved:
            return replace(state, beside=moved.beside)
        case e.EntryRecorded() as entry:
            gender: Gender = received.extra["gender"] if received.extra else state.gender
            return replace(state, gender=gender, entry_complete=entry.complete, entry_on=entry.occurred_on)
        case e.JourneyExited() as left:
            return _exited(state, left, received.after.get("handover", 0))
        case e.FollowUpDue(correction="voids") as due:
            kept = {code: one for code, one in state.follow_ups.items() if code != due.kind}
            return replace(state, follow_ups=kept)
        case e.FollowUpDue() as due:
            return _followed_up(state, due.kind, FollowUpFigure(status="due"))
        case e.FollowUpAnswered(correction="voids") as answer:
            return _followed_up(state, answer.kind, FollowUpFigure(status="due"))
        case e.FollowUpAnswered() as answer:
            figure = FollowUpFigure(status="answered", situation=answer.situation)
            return _followed_up(state, answer.kind, figure)
        case e.FollowUpMissed() as missed:
            return _followed_up(state, missed.kind, FollowUpFigure(status="missed"))
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


def _followed_up(state: JourneyFigures, code: str, figure: FollowUpFigure) -> JourneyFigures:
    return replace(state, follow_ups={**state.follow_ups, code: figure})


def _recounted(sessions: Sessions, event: e.SessionsRecounted) -> Sessions:
    return replace(
        sessions,
        logged=event.logged,
        attended=event.attended,
        late=event.late,
        missed=event.missed,
        minutes=event.minutes,
    )


def _sessions_after(sessions: Sessions, event: e.SessionLogged | e.SessionCorrected) -> Sessions:
    if isinstance(event, e.SessionLogged):
        return _counted(sessions, event.attendance, event.minutes, 1)
    without = replace(sessions, corrected=sessions.corrected + 1)
    if event.replaced.counted:
        without = _counted(without, event.replaced.attendance, event.replaced.minutes, -1)
    return without if event.void else _counted(without, event.attendance, event.minutes, 1)


def _counted(sessions: Sessions, attendance: e.Attendance, minutes: int, times: int) -> Sessions:
    attended = attendance != "no"
    return replace(
        sessions,
        logged=sessions.logged + times,
        attended=sessions.attended + times * attended,
        late=sessions.late + times * (attendance == "late"),
        missed=sessions.missed + times * (not attended),
        minutes=sessions.minutes + times * attended * minutes,
    )


FOLDS: dict[type[e.Fact], Fold] = dict.fromkeys(
    (
        e.ReferralReceived,
        e.ReferralCorrected,
        e.ReferralAccepted,
        e.ReferralDeclined,
        e.ReferralWithdrawn,
        e.ConsentGiven,
        e.ConsentRefused,
        e.ConsentWithdrawn,
        e.JourneyStarted,
        e.JourneyRegisteredByMistake,
        e.JourneySetBeside,
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
        e.HandoverOffered,
        e.HandoverAccepted,
        e.HandoverDeclined,
        e.HandoverExpired,
        e.HandoverRecalled,
        e.EntryRecorded,
        e.JourneyExited,
        e.FollowUpDue,
        e.FollowUpAnswered,
        e.FollowUpMissed,
        e.JourneyClosed,
    ),
    project,
)
"""Every event about a journey or an output: those that move no figure are still news."""
