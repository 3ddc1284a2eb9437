"""The participant's answers on consent: asked for before a handover reveals anything. Source: docs/field.md, Privacy.

A consent names a purpose, the organisations it covers and a last day. Withdrawal takes effect on every open offer. The
last answer by its own day stands, in whichever order they are recorded; of one day, the one recorded last.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.intake.domain.journey import Referral, happened
from shared.language import events as e
from shared.language.checks import Findings
from shared.language.days import day_of
from shared.language.decision import Change
from shared.language.errors import Conflict, Unknown
from shared.language.passage import Consent, Passage
from shared.language.role_map import RoleMap

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
    referral: Referral, command: RecordConsent, *, by: e.Organisation, roles: RoleMap, at: datetime
) -> Change[Referral]:
    """Take down the answer. A no where a yes stood takes the consent back.

    A new consent that no longer covers the receiver of an open offer takes the old one back first, so that the offer
    falls. by: who takes it down, and gains nothing by it. Raises Invalid with every wrong field; Conflict
    `wrong-stage` once the journey has ended.
    """
    on = command.occurred_on or day_of(at)
    check(referral, command, roles, on, at, by=by)
    asked = Consent(
        given=command.given,
        organisations=tuple(sorted(set(command.organisations))),
        last_day=command.last_day,
        said_on=on,
    )
    held = referral.passage.consents.get(command.purpose)
    if held is not None and held == _undated(command, asked, held):
        return Change(referral)
    stage = referral.passage.stage
    if stage in ENDED:
        raise Conflict("wrong-stage", f"A journey that is {stage} takes no consent.")
    withdrawn = e.ConsentWithdrawn(occurred_on=on, recorded_at=at, purpose=command.purpose)
    earlier = held is not None and held.said_on is not None and on < held.said_on
    if not command.given:
        refused = e.ConsentRefused(occurred_on=on, recorded_at=at, purpose=command.purpose)
        takes_back = held is not None and held.given and not earlier
        return happened(referral, withdrawn if takes_back else refused)
    assert command.last_day is not None
    given = e.ConsentGiven(
        occurred_on=on,
        recorded_at=at,
        purpose=command.purpose,
        organisations=asked.organisations,
        last_day=command.last_day,
    )
    if not earlier and _uncovers_offer(referral.passage, command.purpose, asked, on):
        return happened(referral, withdrawn, given)
    return happened(referral, given)


def withdraw(referral: Referral, command: WithdrawConsent, *, at: datetime) -> Change[Referral]:
    """Take a consent back; possible at every stage but by-mistake, where nothing rests on it any more.

    Raises Invalid; Unknown when the participant was never asked about this purpose; Conflict `wrong-stage`.
    """
    today = day_of(at)
    findings = Findings()
    findings.not_future("occurred_on", command.occurred_on, today)
    held = referral.passage.consents.get(command.purpose)
    findings.not_before("occurred_on", command.occurred_on, held.said_on if held else None, "the consent")
    findings.raise_any()
    if held is None:
        raise Unknown("consent", within=True)
    if not held.given:
        return Change(referral)
    if referral.passage.mistake:
        raise Conflict("wrong-stage", "A journey registered by mistake keeps no consent.")
    on = command.occurred_on or today
    return happened(referral, e.ConsentWithdrawn(occurred_on=on, recorded_at=at, purpose=command.purpose))


def _took_on(referral: Referral, by: e.Organisation) -> bool:
    """Whether it is responsible by having taken the person on, and so sees all that a consent could open to it."""
    return referral.passage.provider is not None and referral.passage.responsible == by


def check(
    referral: Referral,
    command: RecordConsent,
    roles: RoleMap,
    on: date,
    at: datetime,
    *,
    by: e.Organisation,
) -> None:
    """Raise Invalid with everything that is wrong with the answer. by: who takes it down."""
    # Who has left since may be named again where it was named before.
    held = referral.passage.consents.get(command.purpose)
    named = held.organisations if held is not None else ()
    for_itself = by in command.organisations and not _took_on(referral, by)
    findings = Findings()
    findings.not_future("occurred_on", on, day_of(at))
    findings.not_before("occurred_on", on, referral.passage.referred_on, "the referral")
    if command.given:
        if not command.organisations:
            findings.add("organisations", "A consent names the organisations it covers.")
        if not all(one in named or roles.includes(one) for one in command.organisations):
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


def _undated(command: RecordConsent, asked: Consent, held: Consent) -> Consent:
    """What is asked for, as it would stand; a command that names no day means the day on which the same was said."""
    said_on = asked.said_on if command.occurred_on else held.said_on
    return replace(asked, said_on=said_on, refused_on=held.refused_on)


def _uncovers_offer(passage: Passage, purpose: e.Purpose, asked: Consent, on: date) -> bool:
    held = passage.consents.get(purpose)
    if purpose != "sharing" or passage.offer is None or held is None or not held.given:
        return False
    return not asked.covers(passage.offer.to_organisation, on)
