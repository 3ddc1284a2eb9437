"""A referral goes on to the next provider, or back to its referrer: after a no, or a silence.

Source: docs/field.md, Referral.
"""

from dataclasses import replace
from datetime import datetime

from services.intake.domain import asking
from services.intake.domain.asking import NotTaken
from services.intake.domain.journey import Referral, happened
from shared.language import events as e
from shared.language.days import days_after
from shared.language.decision import Change, Timer
from shared.language.programmes import Programmes


def pass_on(referral: Referral, entry: NotTaken, *, at: datetime) -> Change[Referral]:
    """Ask the next one, or in an open referral leave the others asked. entry: who did not take the person on."""
    fact = e.ReferralPassedOn(
        occurred_on=entry.ended_on,
        recorded_at=at,
        from_organisation=entry.provider,
        to_organisation=referral.asking.following,
        why=entry.answer,
        reason=entry.reason,
    )
    after = replace(referral, asking=asking.passed_on(referral.asking, entry))
    return happened(after, fact, since=referral)


def unanswered(state: Referral, timer: Timer, at: datetime, programmes: Programmes) -> Change[Referral]:
    """The last day has passed without an answer: the next one is asked, or the referral goes back.

    One that is no longer awaited leaves the state unchanged. It happens on the day after the last.
    """
    held = state.asking
    if state.passage.stage != "received" or held.answer_by is None or held.turn != timer.body["turn"]:
        return Change(state)
    on, asked = days_after(held.answer_by, 1), state.passage.named_provider
    after = state
    if asked is not None:
        entry = NotTaken(
            provider=asked,
            answer="silent",
            asked_on=held.asked_on or state.passage.referred_on,
            ended_on=on,
        )
        if asking.goes_on(held, entry, others_may=False):
            return pass_on(state, entry, at=at)
        after = replace(state, asking=asking.ended_with(held, entry))
    return happened(after, e.ReferralReturned(occurred_on=on, recorded_at=at, provider=asked), since=state)
