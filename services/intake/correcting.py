"""The use cases by which what was said of a referral is said anew or taken back. No rule lives here.

Whoever may say a thing may correct it: each takes the action of what it corrects.
"""

from collections.abc import Callable, Sequence

from services.intake.domain import corrections as c
from services.intake.domain import participant
from services.intake.domain.journey import Referral
from services.intake.domain.participant import Identity, Participant
from services.intake.handlers import Answered, Vault, journey, keep, person
from shared.access import Actor, Reader, reader
from shared.calendar import day_of
from shared.corrections import Superseded, page
from shared.events import JourneyId, ParticipantId
from shared.programmes import Action, Programme
from shared.runtime.change import Change, Work, subject_of

Decide = Callable[[Referral, Programme], Change[Referral]]


def _correct(
    work: Work, actor: Actor, journey_id: JourneyId, action: Action, answered: Answered, decide: Decide
) -> Referral:
    held, rules = journey(work, actor, journey_id, action)
    return keep(work, decide(held, rules), answered)


def correct_participant(
    work: Work, actor: Actor, participant_id: ParticipantId, said: tuple[Identity, str], vault: Vault
) -> Participant:
    """Say anew who the person is. said: the identity, and why."""
    held = person(work, actor, participant_id, "register_participant")
    identity, why = said
    change = participant.correct(
        held,
        before=vault.unseal(participant_id, participant.opened(held)),
        after=identity,
        sealed=vault.seal(participant_id, identity),
        why=why,
        by=actor,
        at=work.at,
    )
    return work.save(subject_of("participant", participant_id), change)


def list_participant_corrections(
    work: Work, actor: Actor, participant_id: ParticipantId, *, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected of who the person is, for who may know it."""
    person(work, actor, participant_id, "read_participant")
    found = page(work, subject_of("participant", participant_id), after=after, limit=limit)
    return Reader(actor.organisation, "whole"), found


def correct_referral(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReferral, answered: Answered
) -> Referral:
    """Say anew where, to whom and when the person was referred."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_referral(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "withdraw_referral", answered, decide)


def correct_acceptance(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectDay, answered: Answered
) -> Referral:
    """Say on which day the person was taken on, or that they were not."""

    def decide(held: Referral, _: Programme) -> Change[Referral]:
        return c.correct_acceptance(held, command, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "answer_referral", answered, decide)


def correct_decline(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReason, answered: Answered
) -> Referral:
    """Say a decline anew, or that it was none."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_decline(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "answer_referral", answered, decide)


def correct_withdrawal(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReason, answered: Answered
) -> Referral:
    """Say a withdrawal anew, or that it was none."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_withdrawal(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "withdraw_referral", answered, decide)


def correct_consent(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectConsent, answered: Answered
) -> Referral:
    """Say anew what the participant answered, or that they were not asked."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_consent(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "record_consent", answered, decide)


def correct_start(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectDay, answered: Answered
) -> Referral:
    """Say on which day participation began, or that it has not."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_start(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "start_journey", answered, decide)


def correct_mistake(
    work: Work, actor: Actor, journey_id: JourneyId, command: c.CorrectReason, answered: Answered
) -> Referral:
    """Say anew why the journey is a mistake, or that it is none."""

    def decide(held: Referral, rules: Programme) -> Change[Referral]:
        return c.correct_mistake(held, command, programme=rules, by=actor, at=work.at)

    return _correct(work, actor, journey_id, "register_mistake", answered, decide)


def list_corrections(
    work: Work, actor: Actor, journey_id: JourneyId, *, after: int | None, limit: int
) -> tuple[Reader, Sequence[Superseded]]:
    """A page of what was corrected on the journey here."""
    held, _ = journey(work, actor, journey_id, "read_journey")
    found = page(work, subject_of("journey", journey_id), after=after, limit=limit)
    return reader(actor, held.passage, day_of(work.at)), found
