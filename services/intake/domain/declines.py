"""A provider's no, said anew or taken back.

A no that sent the referral back can be taken back: the referral awaits the same provider again. One that was passed on
stands, because others have been asked since. Of an open referral it can be taken back while nobody has taken the person
on: the others are asked all the same. Source: docs/days-and-corrections.md.
"""

from dataclasses import replace
from datetime import date, datetime

from services.intake.domain import asking
from services.intake.domain.asking import NotTaken
from services.intake.domain.corrections import ANEW, CorrectReason, corrected, how, nothing_there, said_day
from services.intake.domain.journey import Referral, Refusal
from shared.language import events as e
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.decision import Change
from shared.language.errors import Conflict
from shared.language.programmes import DeclineReason, Programme

EARLIER = "earlier-decline"
"""The kind of a correction that only the referrer sees: it tells who was asked before another."""


def correct_decline(
    referral: Referral, command: CorrectReason, *, programme: Programme, by: Actor, at: datetime
) -> Change[Referral]:
    """Say the reason and day of a decline anew, or that it was none: then the provider is asked again.

    Raises Invalid; Conflict `wrong-stage` where the organisation has not declined, `passed-on` where another was asked
    because of it.
    """
    if _ended_it(referral, by.organisation):
        return _of_the_last(referral, command, programme=programme, by=by, at=at)
    before = referral.asking.said_no(by.organisation)
    if before is None or referral.passage.mistake:
        raise nothing_there(referral, "decline")
    return _of_an_earlier(referral, before, command, programme=programme, by=by, at=at)


def _ended_it(referral: Referral, organisation: e.Organisation) -> bool:
    """Whether the referral stands declined by the organisation's no."""
    passage, refusal = referral.passage, referral.refusal
    standing = passage.declined_on is not None and refusal is not None and not passage.mistake
    return standing and refusal is not None and refusal.by == organisation


def _of_the_last(
    referral: Referral, command: CorrectReason, *, programme: Programme, by: Actor, at: datetime
) -> Change[Referral]:
    passage, refusal = referral.passage, referral.refusal
    assert passage.declined_on is not None
    assert refusal is not None
    on, anew, held = passage.declined_on, None, asking.taken_back(referral.asking, refusal.by)
    if not command.void:
        on, reason = _said(referral, command, passage.declined_on, programme, at)
        anew = Refusal(
            by=refusal.by, reason=reason.code, refused_by=reason.refused_by, follows=reason.follows
        )
        if (anew, on) == (refusal, passage.declined_on):
            return Change(referral)
        before = referral.asking.said_no(refusal.by)
        held = referral.asking
        if before is not None:
            held = asking.said_anew(held, _anew(before, on, reason))
    fact = e.ReferralDeclined(
        occurred_on=on,
        recorded_at=at,
        provider=refusal.by,
        reason=(anew or refusal).reason,
        correction=how(command),
    )
    said = {"reason": refusal.reason, "declined_on": passage.declined_on}
    after = replace(referral, refusal=anew, asking=held)
    return corrected(referral, after, fact, command, "decline", said, recorded_by=refusal.by, by=by, at=at)


def _of_an_earlier(
    referral: Referral,
    before: NotTaken,
    command: CorrectReason,
    *,
    programme: Programme,
    by: Actor,
    at: datetime,
) -> Change[Referral]:
    """Of a no after which others are asked."""
    on, held = before.ended_on, asking.taken_back(referral.asking, before.provider)
    reason = before.reason
    if command.void:
        if referral.asking.named or referral.passage.stage != "received":
            raise Conflict("passed-on", "Others were asked because of this no, so it is not taken back.")
    else:
        on, anew = _said(referral, command, before.ended_on, programme, at)
        if anew.refused_by != "provider":
            raise Conflict("passed-on", "Others were asked because the provider had refused.")
        if (anew.code, on) == (before.reason, before.ended_on):
            return Change(referral)
        reason, held = anew.code, asking.said_anew(referral.asking, _anew(before, on, anew))
    fact = e.ReferralPassedOn(
        occurred_on=on,
        recorded_at=at,
        from_organisation=before.provider,
        why="declined",
        reason=reason,
        correction=how(command),
    )
    said = {"reason": before.reason, "declined_on": before.ended_on}
    after = replace(referral, asking=held)
    return corrected(referral, after, fact, command, EARLIER, said, recorded_by=before.provider, by=by, at=at)


def _anew(before: NotTaken, on: date, reason: DeclineReason) -> NotTaken:
    return replace(
        before,
        ended_on=on,
        reason=reason.code,
        refused_by=reason.refused_by,
        follows=reason.follows,
    )


def _said(
    referral: Referral, command: CorrectReason, held_on: date, programme: Programme, at: datetime
) -> tuple[date, DeclineReason]:
    """The day and the reason that are said. Raises Invalid."""
    found = Findings()
    on = said_day(found, command, referral, at, held_on)
    found.known("reason", command.reason, (one.code for one in programme.reasons.decline))
    if command.reason is None:
        found.add("reason", ANEW)
    found.raise_any()
    return on, next(one for one in programme.reasons.decline if one.code == command.reason)
