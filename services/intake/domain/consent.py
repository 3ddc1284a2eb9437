"""The participant's answers on consent: asked for before a handover reveals anything. Source: domain.md, §5.

A consent names a purpose, the organisations it covers and a last day. Withdrawal takes effect on every open offer.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.intake.domain.journey import Referral, happened
from shared import events as e
from shared.calendar import day_of
from shared.checks import Findings
from shared.errors import Conflict, Unknown
from shared.passage import Consent, Passage
from shared.programmes import Programme
from shared.runtime.change import Change

ENDED = frozenset({"declined", "withdrawn", "closed", "mistake"})
"""Stages at which there is nothing left to consent to; a consent can still be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordConsent:
    """The participant's answer: yes, for these organisations up to and including a day; or no."""

    purpose: e.Purpose
    given: bool
    organisations: tuple[e.Organisation, ...] = ()
    last_day: date | None = None
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawConsent:
    """The participant takes a consent back."""

    purpose: e.Purpose
    occurred_on: date | None = None


def record(
    referral: Referral, command: RecordConsent, *, by: e.Organisation, programme: Programme, at: datetime
) -> Change[Referral]:
    """Take down the answer. A no where a yes stood takes the consent back.

    A new consent that no longer covers the receiver of an open offer takes the old one back first, so that the offer
    falls. by: who takes it down, and gains nothing by it. Raises Invalid with every wrong field; Conflict
    `wrong-stage` once the journey has ended.
    """
    on = command.occurred_on or day_of(at)
    for_itself = by in command.organisations and not _took_on(referral, by)
    _check(command, referral.passage, programme, on, at, for_itself=for_itself)
    asked = Consent(
        given=command.given,
        organisations=tuple(sorted(set(command.organisations))),
        last_day=command.last_day,
    )
    held = referral.passage.consents.get(command.purpose)
    if held == asked and _same(referral, command):
        return Change(referral)
    stage = referral.passage.stage
    if stage in ENDED:
        raise Conflict("wrong-stage", f"A journey that is {stage} takes no consent.")
    withdrawn = e.ConsentWithdrawn(occurred_on=on, recorded_at=at, purpose=command.purpose)
    dated = replace(referral, consented_on={**referral.consented_on, command.purpose: on})
    if not command.given:
        refused = e.ConsentRefused(occurred_on=on, recorded_at=at, purpose=command.purpose)
        return happened(dated, withdrawn if held is not None and held.given else refused)
    assert command.last_day is not None
    given = e.ConsentGiven(
        occurred_on=on,
        recorded_at=at,
        purpose=command.purpose,
        organisations=asked.organisations,
        last_day=command.last_day,
    )
    if _uncovers_offer(referral.passage, command.purpose, asked, on):
        return happened(dated, withdrawn, given)
    return happened(dated, given)


def withdraw(referral: Referral, command: WithdrawConsent, *, at: datetime) -> Change[Referral]:
    """Take a consent back; possible at every stage but by-mistake, where nothing rests on it any more.

    Raises Invalid; Unknown when the participant was never asked about this purpose; Conflict `wrong-stage`.
    """
    today = day_of(at)
    findings = Findings()
    findings.not_future("occurred_on", command.occurred_on, today)
    findings.not_before(
        "occurred_on", command.occurred_on, referral.consented_on.get(command.purpose), "the consent"
    )
    findings.raise_any()
    held = referral.passage.consents.get(command.purpose)
    if held is None:
        raise Unknown("consent", within=True)
    if not held.given:
        return Change(referral)
    if referral.passage.mistake:
        raise Conflict("wrong-stage", "A journey registered by mistake keeps no consent.")
    on = command.occurred_on or today
    dated = replace(referral, consented_on={**referral.consented_on, command.purpose: on})
    return happened(dated, e.ConsentWithdrawn(occurred_on=on, recorded_at=at, purpose=command.purpose))


def _took_on(referral: Referral, by: e.Organisation) -> bool:
    """Whether it is responsible by having taken the person on, and so sees all that a consent could open to it."""
    return referral.passage.provider is not None and referral.passage.responsible == by


def _check(
    command: RecordConsent,
    passage: Passage,
    programme: Programme,
    on: date,
    at: datetime,
    *,
    for_itself: bool,
) -> None:
    findings = Findings()
    findings.not_future("occurred_on", on, day_of(at))
    findings.not_before("occurred_on", on, passage.referred_on, "the referral")
    if command.given:
        if not command.organisations:
            findings.add("organisations", "A consent names the organisations it covers.")
        if any(programme.organisation(one) is None for one in command.organisations):
            findings.add("organisations", "Takes organisations of the programme; another one is among them.")
        if for_itself:
            findings.add(
                "organisations", "Names your own organisation: only who took the person on records that."
            )
        if command.last_day is None:
            findings.add("last_day", "A consent has a last day.")
        findings.not_before("last_day", command.last_day, on, "the day of the answer")
    else:
        if command.organisations:
            findings.add("organisations", "A refusal names no organisations.")
        if command.last_day is not None:
            findings.add("last_day", "A refusal has no last day.")
    findings.raise_any()


def _same(referral: Referral, command: RecordConsent) -> bool:
    return command.occurred_on in (None, referral.consented_on.get(command.purpose))


def _uncovers_offer(passage: Passage, purpose: e.Purpose, asked: Consent, on: date) -> bool:
    held = passage.consents.get(purpose)
    if purpose != "sharing" or passage.offer is None or held is None or not held.given:
        return False
    return not asked.covers(passage.offer.to_organisation, on)
