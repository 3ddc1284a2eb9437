"""A referral from its reception to its start: the decisions that intake owns. Source: docs/field.md, Referral.

Every decision takes the state, a command and the moment, and returns a Change. Repeating a decision that already
holds, with the same content, changes and announces nothing; another decision at the wrong moment is a Conflict.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.intake.domain import asking
from services.intake.domain.asking import Asking, NotTaken, named_in
from services.intake.domain.journey import Referral, Refusal, happened, opened
from services.intake.domain.participant import Handle
from services.intake.domain.passing_on import pass_on
from shared.language import events as e
from shared.language.checks import Findings
from shared.language.days import day_of
from shared.language.decision import Change, Row
from shared.language.errors import Conflict
from shared.language.passage import Stage, begin
from shared.language.programmes import Programme
from shared.language.role_map import RoleMap

NOT_REFERRED_THERE = "Takes a municipality in which your organisation refers."
UNKNOWN_PARTICIPANT = "Takes the handle of a participant whom your organisation registered, or took on."
ANSWERING = "Takes the code of an organisation that answers referrals in the programme."
REFERENCES = "references"
"""Rows `<organisation>:<reference>`: the journey that the reference led to, and what it asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refer:
    """Refer a participant to a programme; `reference` is the referrer's own and makes it idempotent.

    participant_id: the referrer's own handle of the person. provider: the one that is asked; providers: several, in
    order; neither: any that may answer.
    """

    reference: str
    participant_id: e.HandleId
    programme: e.Code
    municipality: e.Municipality
    provider: e.Organisation | None = None
    providers: tuple[e.Organisation, ...] = ()
    previous_journey: e.JourneyId | None = None
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Take the person on."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Say no, with one of the programme's reasons."""

    reason: e.Code
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Take the referral back before the start."""

    reason: e.Code
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Begin participation."""

    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMistake:
    """Say that the journey should never have been registered."""

    reason: e.Code
    occurred_on: date | None = None


def refer(
    command: Refer,
    *,
    journey_id: e.JourneyId,
    by: e.Organisation,
    roles: RoleMap | None,
    handle: Handle | None,
    erased: bool,
    previous: Referral | None,
    at: datetime,
    open_programmes: Collection[e.Code] = (),
) -> Change[Referral]:
    """Receive a referral; the journey begins, with the referrer responsible until a provider accepts.

    roles: of the programme that is named, today. handle, previous: the named ones. None where there is none, or none
    that the referrer may know of. The two are refused alike. previous: also one that the command does not name. erased:
    whether the person is. at: UTC. open_programmes: those in which it may refer, to be told where there is no such
    programme. Raises Invalid with every wrong field; Conflict `participant-erased`. Source: docs/field.md, Referral.
    """
    on = command.occurred_on or day_of(at)
    findings = Findings()
    findings.not_future("occurred_on", on, day_of(at))
    if handle is None:
        findings.add("participant_id", UNKNOWN_PARTICIPANT)
    if handle is None or previous is None or not _is_earlier(previous, handle, command, on):
        previous = None
    if command.previous_journey is not None and previous is None:
        findings.add(
            "previous_journey", "Takes the id of an earlier journey of the same participant in the programme."
        )
    if previous is not None:
        findings.not_before("occurred_on", on, previous.passage.referred_on, "the earlier journey's referral")
    if roles is None:
        findings.known("programme", command.programme, open_programmes)
    else:
        within(findings, roles, command.municipality, command.provider, on, command.providers)
        if not roles.allows(by, "refer", command.municipality):
            findings.add("municipality", NOT_REFERRED_THERE)
    findings.raise_any()
    assert roles is not None
    programme = roles.rules
    assert handle is not None
    if erased:
        raise Conflict(
            "participant-erased", "The participant was erased; nobody can be referred under this handle."
        )
    named = named_in(command.provider, command.providers)
    received = e.ReferralReceived(
        occurred_on=on,
        recorded_at=at,
        participant_id=handle.person,
        programme=programme.id,
        programme_version=programme.version,
        referrer=by,
        municipality=command.municipality,
        provider=named[0] if named else None,
        previous_journey=None if previous is None else previous.journey_id,
    )
    referral = Referral(
        journey_id=journey_id,
        reference=command.reference,
        received_at=at,
        passage=begin(received),
        home=handle.home,
        handles={by: handle.handle},
        asking=Asking(named=named, days=programme.answer_within_days),
    )
    row = Row(REFERENCES, reference_key(by, command.reference), {"journey_id": journey_id})
    return opened(referral, received, rows=(row,))


def _is_earlier(previous: Referral, handle: Handle, command: Refer, on: date) -> bool:
    """Whether it is the person's own earlier journey in the programme; one that no command names began before."""
    passage = previous.passage
    own = (passage.participant_id, passage.programme) == (handle.person, command.programme)
    return own and (command.previous_journey is not None or passage.referred_on <= on)


def within(
    findings: Findings,
    roles: RoleMap,
    municipality: e.Municipality,
    provider: e.Organisation | None,
    on: date,
    providers: Sequence[e.Organisation] = (),
) -> None:
    """Note what of a referral does not lie within the programme. provider, providers: whom it asks, one or several."""
    programme = roles.rules
    findings.known("municipality", municipality, (one.code for one in programme.municipalities))
    if provider is not None and not roles.allows(provider, "answer_referral", municipality):
        findings.add("provider", ANSWERING)
    if provider is not None and providers:
        findings.add("providers", "Takes provider or providers, not both.")
    if len(set(providers)) < len(providers):
        findings.add("providers", "Names a provider twice.")
    if len(providers) > asking.MOST_IN_ORDER:
        findings.add("providers", f"Takes at most {asking.MOST_IN_ORDER} providers.")
    elif not all(roles.allows(one, "answer_referral", municipality) for one in providers):
        findings.add("providers", ANSWERING)
    findings.not_before("occurred_on", on, programme.starts_on, "the programme's first day")
    if on > programme.ends_on:
        findings.add("occurred_on", f"Lies after the programme's last day ({programme.ends_on.isoformat()}).")


def reference_key(organisation: e.Organisation, reference: str) -> str:
    """The natural key of a referral: the referrer and its own reference."""
    return f"{organisation}:{reference}"


def repeat(referral: Referral, command: Refer, person: e.ParticipantId | None) -> Referral:
    """The referral that this reference already led to, when the command asks for the same.

    A command that names no day or no earlier journey asks for what the first one had. person: whom the command's handle
    stands for; None where that is nobody's. Raises Conflict `reference-taken`.
    """
    passage = referral.passage
    asked = replace(
        command,
        occurred_on=command.occurred_on or passage.referred_on,
        previous_journey=command.previous_journey or passage.previous_journey,
        provider=None,
        providers=named_in(command.provider, command.providers),
    )
    same = person == passage.participant_id
    first = Refer(
        reference=referral.reference,
        participant_id=command.participant_id if same else referral.handles[passage.referrer],
        programme=passage.programme,
        municipality=passage.municipality,
        providers=referral.asking.named,
        previous_journey=passage.previous_journey,
        occurred_on=passage.referred_on,
    )
    if asked != first:
        raise Conflict("reference-taken", f"The reference already belongs to {referral.journey_id}.")
    return referral


def accept(
    referral: Referral, command: Accept, *, by: e.Organisation, at: datetime, room: bool = True
) -> Change[Referral]:
    """Take the person on; the provider becomes responsible. room: whether its capacity leaves room for one more.

    Raises Invalid; Conflict once answered otherwise, `answer-overdue` after the last day, `no-room`.
    """
    passage = referral.passage
    on = _day(referral, command.occurred_on, at)
    stands = passage.stage not in ("withdrawn", "mistake")
    if passage.provider == by and _same(command.occurred_on, passage.accepted_on) and stands:
        return Change(referral)
    _at(referral, ("received",), "accepted")
    asking.in_time(referral.asking, at)
    if not room:
        raise Conflict("no-room", f"{by} is responsible for as many people as it has capacity for.")
    return happened(referral, e.ReferralAccepted(occurred_on=on, recorded_at=at, provider=by))


def decline(
    referral: Referral,
    command: Decline,
    *,
    by: e.Organisation,
    programme: Programme,
    at: datetime,
    others_may: bool = False,
) -> Change[Referral]:
    """Say no; the reason's code says who refused and what follows.

    Where the provider refused, and another is named behind it, or may answer an open referral, that one is asked.
    Else the referral goes back to its referrer. others_may: whether any other may answer an open referral. Raises
    Invalid; Conflict once answered otherwise, `passed-on` for a different no than before, `answer-overdue`.
    """
    on, findings = _checked(referral, command.occurred_on, at)
    findings.known("reason", command.reason, (one.code for one in programme.reasons.decline))
    findings.raise_any()
    reason = next(one for one in programme.reasons.decline if one.code == command.reason)
    refusal = Refusal(by=by, reason=reason.code, refused_by=reason.refused_by, follows=reason.follows)
    passage, before = referral.passage, referral.asking.said_no(by)
    if (
        passage.stage == "declined"
        and referral.refusal == refusal
        and _same(command.occurred_on, passage.declined_on)
    ):
        return Change(referral)
    if before is not None and passage.declined_by != by:
        if before.reason == reason.code and _same(command.occurred_on, before.ended_on):
            return Change(referral)
        raise Conflict(
            "passed-on", "The provider has said no before, otherwise, and the referral was passed on."
        )
    _at(referral, ("received",), "declined")
    asking.in_time(referral.asking, at)
    entry = NotTaken(
        provider=by,
        answer="declined",
        asked_on=referral.asking.asked_on or passage.referred_on,
        ended_on=on,
        reason=reason.code,
        refused_by=reason.refused_by,
        follows=reason.follows,
    )
    if asking.goes_on(referral.asking, entry, others_may=others_may):
        return pass_on(referral, entry, at=at)
    after = replace(referral, refusal=refusal, asking=asking.ended_with(referral.asking, entry))
    fact = e.ReferralDeclined(occurred_on=on, recorded_at=at, provider=by, reason=reason.code)
    return happened(after, fact, since=referral)


def withdraw(
    referral: Referral, command: Withdraw, *, programme: Programme, at: datetime
) -> Change[Referral]:
    """Take the referral back; possible until the journey starts. Raises Invalid, or Conflict after that."""
    on, findings = _checked(referral, command.occurred_on, at)
    findings.known("reason", command.reason, (one.code for one in programme.reasons.withdraw))
    findings.raise_any()
    passage = referral.passage
    if (
        passage.stage == "withdrawn"
        and referral.withdrawal_reason == command.reason
        and _same(command.occurred_on, passage.withdrawn_on)
    ):
        return Change(referral)
    _at(referral, ("received", "accepted"), "withdrawn")
    fact = e.ReferralWithdrawn(occurred_on=on, recorded_at=at, reason=command.reason)
    return happened(replace(referral, withdrawal_reason=command.reason), fact)


def start(referral: Referral, command: Start, *, programme: Programme, at: datetime) -> Change[Referral]:
    """Begin participation, once the participant was asked about sharing; yes and no will both do.

    Raises Invalid; Conflict `wrong-stage` unless accepted; Conflict `consent-not-asked`.
    Source: docs/field.md, Referral.
    """
    on, findings = _checked(referral, command.occurred_on, at)
    passage = referral.passage
    findings.not_before("occurred_on", on, passage.accepted_on, "the acceptance")
    if passage.started_on is None:
        findings.not_after("occurred_on", on, passage.exited_on, "the exit")
    if on > programme.ends_on:
        findings.add("occurred_on", f"Lies after the programme's last day ({programme.ends_on.isoformat()}).")
    findings.raise_any()
    if passage.started_on and not passage.mistake and _same(command.occurred_on, passage.started_on):
        return Change(referral)
    _at(referral, ("accepted",), "started")
    if "sharing" not in passage.consents:
        raise Conflict(
            "consent-not-asked", "Record the participant's answer on sharing, yes or no, and start then."
        )
    return happened(referral, e.JourneyStarted(occurred_on=on, recorded_at=at))


def register_mistake(
    referral: Referral, command: RegisterMistake, *, programme: Programme, at: datetime
) -> Change[Referral]:
    """Say that the journey should never have been registered; it counts nowhere. Possible at every stage."""
    on, findings = _checked(referral, command.occurred_on, at)
    findings.known("reason", command.reason, (one.code for one in programme.reasons.mistake))
    findings.raise_any()
    if referral.passage.mistake and referral.mistake_reason == command.reason:
        return Change(referral)
    if referral.passage.mistake:
        raise Conflict("wrong-stage", "The journey is already registered by mistake, for another reason.")
    fact = e.JourneyRegisteredByMistake(occurred_on=on, recorded_at=at, reason=command.reason)
    return happened(replace(referral, mistake_reason=command.reason), fact)


def _checked(referral: Referral, on: date | None, at: datetime) -> tuple[date, Findings]:
    today = day_of(at)
    findings = Findings()
    findings.not_future("occurred_on", on, today)
    findings.not_before("occurred_on", on, referral.passage.referred_on, "the referral")
    return on or today, findings


def _day(referral: Referral, on: date | None, at: datetime) -> date:
    day, findings = _checked(referral, on, at)
    findings.raise_any()
    return day


def _same(asked: date | None, held: date | None) -> bool:
    return held is not None and asked in (None, held)


def _at(referral: Referral, allowed: tuple[Stage, ...], what: str) -> None:
    stage = referral.passage.stage
    if stage not in allowed:
        raise Conflict("wrong-stage", f"A journey that is {stage} cannot be {what}.")
