"""The use cases by which what was said of a referral is said anew or taken back. No rule lives here.

Whoever may say a thing may correct it: each takes the action of what it corrects.
"""

from collections.abc import Callable, Sequence
from typing import Any

from services.intake.domain import corrections as c
from services.intake.domain.declines import EARLIER
from services.intake.domain.declines import correct_decline as decline_anew
from services.intake.domain.journey import Referral
from services.intake.handlers import journey, keep
from services.intake.taking import asked_before
from shared.language.access import Actor, Reader, reader, role_map
from shared.language.corrections import Superseded, page
from shared.language.days import day_of
from shared.language.decision import Change, Skip, Work, subject_of
from shared.language.events import JourneyId
from shared.language.programmes import Action

UseCase = Callable[[Work, Actor, JourneyId, Any], Referral]


def _corrects(action: Action, decide: Callable[..., Change[Referral]]) -> UseCase:
    """The use case that corrects what the action leads to."""

    def use_case(work: Work, actor: Actor, journey_id: JourneyId, command: Any) -> Referral:
        held, rules = journey(work, actor, journey_id, action)
        return keep(work, decide(held, command, programme=rules, by=actor, at=work.at))

    return use_case


def correct_referral(work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReferral) -> Referral:
    """Say anew where, to whom and when the person was referred."""
    held, rules = journey(work, actor, journey_id, "withdraw_referral")
    roles = role_map(work, rules)
    return keep(work, c.correct_referral(held, command, roles=roles, by=actor, at=work.at))


def correct_consent(work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectConsent) -> Referral:
    """Say anew what the participant answered, or that they were not asked."""
    held, rules = journey(work, actor, journey_id, "record_consent")
    roles = role_map(work, rules)
    return keep(work, c.correct_consent(held, command, roles=roles, by=actor, at=work.at))


correct_acceptance = _corrects(
    "answer_referral", lambda held, command, *, by, at, **_: c.correct_acceptance(held, command, by=by, at=at)
)
correct_withdrawal = _corrects("withdraw_referral", c.correct_withdrawal)
correct_start = _corrects("start_journey", c.correct_start)
correct_mistake = _corrects("register_mistake", c.correct_mistake)


def correct_decline(work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReason) -> Referral:
    """Say a decline anew, or take it back; whoever said no and was followed by another may try it too."""
    held, rules = asked_before(work, actor, journey_id) or journey(work, actor, journey_id, "answer_referral")
    return keep(work, decline_anew(held, command, programme=rules, by=actor, at=work.at))


def list_corrections(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | Skip | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on the journey here; who was asked before another is for the referrer alone."""
    held, _ = journey(work, actor, journey_id, "read_journey")
    hidden = None if actor.organisation == held.passage.referrer else EARLIER
    found = page(work, subject_of("journey", journey_id), after=after, limit=limit, hidden=hidden)
    return reader(actor, held.passage, day_of(work.at)), found
