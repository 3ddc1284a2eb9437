"""What was said of a referral, its answer, consent and start wrongly: said anew, or taken back.

Whoever may say a thing may correct it. Facts that others have since built on stay. A start is taken back only while
nobody accepted a handover and nobody has left.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.intake.domain.asking import named_in
from services.intake.domain.consent import RecordConsent, check
from services.intake.domain.journey import Referral, happened
from services.intake.domain.referral import NOT_REFERRED_THERE, within
from shared.language import events as e
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.days import day_of
from shared.language.decision import Change, subject_of
from shared.language.errors import Conflict, Unknown
from shared.language.passage import Consent
from shared.language.programmes import Programme
from shared.language.role_map import RoleMap

ANEW = "Missing: a correction says everything anew, unless it is void."


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectReferral(Correcting):
    """Command: the municipality, provider or providers in order (none: any) and day that it should have named."""

    municipality: e.Municipality
    provider: e.Organisation | None = None
    providers: tuple[e.Organisation, ...] = ()
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectDay(Correcting):
    """Command: the day on which it was, or, `void`, that it was not: the acceptance, the start."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectReason(Correcting):
    """Command: the reason and the day (None: as it was), or, `void`, that it was not: the decline, the withdrawal.

    The mistake too: void, the journey counts again.
    """

    reason: e.Code | None = None
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectConsent(Correcting):
    """Command: the answer that the participant gave, or, `void`, that they were not asked."""

    purpose: e.Purpose
    given: bool | None = None
    organisations: tuple[e.Organisation, ...] = ()
    last_day: date | None = None
    occurred_on: date | None = None


def corrected(
    referral: Referral,
    after: Referral,
    fact: e.Fact,
    command: Correcting,
    what: str,
    said: Mapping[str, Any],
    *,
    recorded_by: e.Organisation | None,
    by: Actor,
    at: datetime,
    programme: Programme | None = None,
) -> Change[Referral]:
    """The change that a correction comes to. what, said: the record and its content until now."""
    number = referral.corrections + 1
    change = happened(replace(after, corrections=number), fact, programme=programme, since=referral)
    subject = subject_of("journey", referral.journey_id)
    kept = superseded(
        subject, number, what, said, recorded_by=recorded_by, by=by, at=at, why=command.why, void=command.void
    )
    return replace(change, rows=(*change.rows, kept))


def how(command: Correcting) -> e.Correction:
    """The mark of the event: the record is replaced, or taken back."""
    return "voids" if command.void else "replaces"


def nothing_there(referral: Referral, what: str) -> Conflict:
    """The refusal where there is no such record."""
    return Conflict("wrong-stage", f"The journey is {referral.passage.stage}; there is no {what} to correct.")


def correct_referral(
    referral: Referral, command: CorrectReferral, *, roles: RoleMap, by: Actor, at: datetime
) -> Change[Referral]:
    """Say anew where, to whom and when the person was referred. Raises Invalid; Conflict `wrong-stage` after a mistake.

    To whom it is addressed no longer matters once somebody has answered, or was silent too long, and stays as it was.
    """
    passage, asking = referral.passage, referral.asking
    named = named_in(command.provider, command.providers)
    on = command.occurred_on or passage.referred_on
    found = Findings()
    if command.void:
        found.add("void", "A referral is withdrawn, or registered as a mistake, instead.")
    if named != asking.named and (passage.stage != "received" or asking.ended):
        found.add("provider", "The referral is answered; whom it named stays as it was.")
    found.not_future("occurred_on", on, day_of(at))
    firsts = [one for one in (passage.accepted_on, passage.declined_on, passage.withdrawn_on) if one]
    found.not_after("occurred_on", on, min(firsts, default=None), "the answer")
    # Whom it named may have left since.
    asks = (command.provider, command.providers) if named != asking.named else (None, ())
    within(found, roles, command.municipality, asks[0], on, asks[1])
    moved = command.municipality != passage.municipality
    if moved and not roles.allows(passage.referrer, "refer", command.municipality):
        found.add("municipality", NOT_REFERRED_THERE)
    found.raise_any()
    if passage.mistake:
        raise Conflict("wrong-stage", "The journey is registered by mistake, and counts nowhere.")
    was = {
        "municipality": passage.municipality,
        "provider": passage.named_provider,
        "providers": list(asking.named),
        "occurred_on": passage.referred_on,
    }
    if (passage.municipality, asking.named, passage.referred_on) == (command.municipality, named, on):
        return Change(referral)
    after, asked = referral, passage.named_provider
    if named != asking.named:
        asked = named[0] if named else None
        after = replace(referral, asking=replace(asking, named=named, place=0, turn=asking.turn + 1))
    fact = e.ReferralCorrected(
        occurred_on=on, recorded_at=at, municipality=command.municipality, provider=asked
    )
    return corrected(
        referral, after, fact, command, "referral", was, recorded_by=passage.referrer, by=by, at=at
    )


def correct_acceptance(
    referral: Referral, command: CorrectDay, *, by: Actor, at: datetime
) -> Change[Referral]:
    """Say on which day the person was taken on, or that they were not: then the referral awaits its answer again.

    Raises Invalid; Conflict `wrong-stage` where nobody took the person on, and for taking back once they have started.
    """
    passage = referral.passage
    if passage.accepted_on is None or passage.provider is None or passage.mistake:
        raise nothing_there(referral, "acceptance")
    on = passage.accepted_on
    if not command.void:
        found = Findings()
        on = said_day(found, command, referral, at)
        found.not_after("occurred_on", on, passage.started_on, "the start")
        found.raise_any()
        if on == passage.accepted_on:
            return Change(referral)
    elif passage.stage != "accepted" or passage.taken_over:
        raise Conflict(
            "wrong-stage", f"The journey is {passage.stage}; its acceptance is not taken back any more."
        )
    fact = e.ReferralAccepted(
        occurred_on=on, recorded_at=at, provider=passage.provider, correction=how(command)
    )
    said = {"accepted_on": passage.accepted_on}
    return corrected(
        referral, referral, fact, command, "acceptance", said, recorded_by=passage.provider, by=by, at=at
    )


def correct_start(
    referral: Referral, command: CorrectDay, *, programme: Programme, by: Actor, at: datetime
) -> Change[Referral]:
    """Say on which day participation began, or that it has not.

    Raises Invalid; Conflict `wrong-stage` where it has not, and for taking back once somebody took the person over or
    they have left.
    """
    passage = referral.passage
    if passage.started_on is None or passage.mistake:
        raise nothing_there(referral, "start")
    on = passage.started_on
    if not command.void:
        found = Findings()
        on = said_day(found, command, referral, at)
        found.not_before("occurred_on", on, passage.accepted_on, "the acceptance")
        found.not_after("occurred_on", on, passage.exited_on, "the exit")
        found.not_after("occurred_on", on, programme.ends_on, "the programme's last day")
        found.raise_any()
        if on == passage.started_on:
            return Change(referral)
    elif passage.exited_on is not None or passage.taken_over:
        raise Conflict("wrong-stage", "Others have gone on from the start; it is not taken back any more.")
    fact = e.JourneyStarted(occurred_on=on, recorded_at=at, correction=how(command))
    said = {"started_on": passage.started_on}
    return corrected(
        referral, referral, fact, command, "start", said, recorded_by=passage.provider, by=by, at=at
    )


def correct_withdrawal(
    referral: Referral, command: CorrectReason, *, programme: Programme, by: Actor, at: datetime
) -> Change[Referral]:
    """Say the reason and day of a withdrawal anew, or that it was none: then the referral stands as before it.

    Raises Invalid; Conflict `wrong-stage` where the referral is not withdrawn.
    """
    passage, reason = referral.passage, referral.withdrawal_reason
    if passage.withdrawn_on is None or reason is None or passage.mistake:
        raise nothing_there(referral, "withdrawal")
    codes = (one.code for one in programme.reasons.withdraw)
    on, anew = _reason_anew(referral, command, passage.withdrawn_on, reason, codes, at)
    if not command.void and (anew, on) == (reason, passage.withdrawn_on):
        return Change(referral)
    fact = e.ReferralWithdrawn(occurred_on=on, recorded_at=at, reason=anew or reason, correction=how(command))
    said = {"reason": reason, "withdrawn_on": passage.withdrawn_on}
    after = replace(referral, withdrawal_reason=anew)
    return corrected(
        referral, after, fact, command, "withdrawal", said, recorded_by=passage.referrer, by=by, at=at
    )


def correct_mistake(
    referral: Referral, command: CorrectReason, *, programme: Programme, by: Actor, at: datetime
) -> Change[Referral]:
    """Say anew why the journey is a mistake, or that it is none: then it counts again, as it stood.

    Raises Invalid; Conflict `wrong-stage` where the journey is no mistake.
    """
    reason = referral.mistake_reason
    if not referral.passage.mistake or reason is None:
        raise nothing_there(referral, "mistake")
    codes = (one.code for one in programme.reasons.mistake)
    on, anew = _reason_anew(referral, command, day_of(at), reason, codes, at)
    if not command.void and anew == reason:
        return Change(referral)
    fact = e.JourneyRegisteredByMistake(
        occurred_on=on, recorded_at=at, reason=anew or reason, correction=how(command)
    )
    after = replace(referral, mistake_reason=anew)
    return corrected(
        referral,
        after,
        fact,
        command,
        "mistake",
        {"reason": reason},
        recorded_by=None,
        by=by,
        at=at,
        programme=programme,
    )


def _reason_anew(
    referral: Referral,
    command: CorrectReason,
    held_on: date,
    held: e.Code,
    codes: Any,
    at: datetime,
) -> tuple[date, e.Code | None]:
    """The day and the reason that stand then; None where nothing does. Raises Invalid."""
    if command.void:
        return held_on, None
    found = Findings()
    on = said_day(found, command, referral, at, held_on)
    found.known("reason", command.reason, codes)
    if command.reason is None:
        found.add("reason", ANEW)
    found.raise_any()
    return on, command.reason


def said_day(
    found: Findings,
    command: CorrectDay | CorrectReason,
    referral: Referral,
    at: datetime,
    held: date | None = None,
) -> date:
    """The day that is said, or the one that is held. Notes what is wrong with it."""
    on = command.occurred_on or held
    if on is None:
        found.add("occurred_on", ANEW)
        return day_of(at)
    found.not_future("occurred_on", on, day_of(at))
    found.not_before("occurred_on", on, referral.passage.referred_on, "the referral")
    return on


def correct_consent(
    referral: Referral, command: CorrectConsent, *, roles: RoleMap, by: Actor, at: datetime
) -> Change[Referral]:
    """Say anew what the participant answered, or that they were not asked.

    A no that was said beside the answer stands against a yes of an earlier day, and where nothing stands instead.
    Raises Unknown where no answer was recorded, Invalid, Conflict `wrong-stage` after a mistake.
    """
    held = referral.passage.consents.get(command.purpose)
    if held is None:
        raise Unknown("consent", within=True)
    if referral.passage.mistake:
        raise Conflict("wrong-stage", "A journey registered by mistake keeps no consent.")
    on = command.occurred_on or held.said_on or day_of(at)
    anew = replace(held, said_on=held.said_on or on)
    if not command.void:
        if command.given is None:
            found = Findings()
            found.add("given", ANEW)
            found.raise_any()
        said = RecordConsent(
            purpose=command.purpose,
            given=bool(command.given),
            organisations=command.organisations,
            last_day=command.last_day,
            occurred_on=on,
        )
        check(referral, said, roles, on, at, by=by.organisation)
        anew = Consent(
            given=said.given,
            organisations=tuple(sorted(set(said.organisations))),
            last_day=said.last_day,
            said_on=on,
            refused_on=held.refused_on,
        )
        if anew == held:
            return Change(referral)
    was = {
        "given": held.given,
        "organisations": list(held.organisations),
        "last_day": held.last_day,
        "said_on": held.said_on,
    }
    fact = _consent_fact(anew, command, at)
    what = f"consent/{command.purpose}"
    return corrected(referral, referral, fact, command, what, was, recorded_by=None, by=by, at=at)


def _consent_fact(anew: Consent, command: CorrectConsent, at: datetime) -> e.Fact:
    on = anew.said_on or day_of(at)
    if not anew.given or anew.last_day is None:
        return e.ConsentRefused(
            occurred_on=on, recorded_at=at, purpose=command.purpose, correction=how(command)
        )
    return e.ConsentGiven(
        occurred_on=on,
        recorded_at=at,
        purpose=command.purpose,
        organisations=anew.organisations,
        last_day=anew.last_day,
        correction=how(command),
    )
