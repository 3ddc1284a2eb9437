"""A journey as the events tell it: where it stands, and who is responsible.

Every service keeps a passage beside its own state, fed by its own events and everybody else's alike, so that
authorisation and order are judged alike in all four. Facts are never refused: where two cross, by-mistake
outranks deceased, deceased outranks any other exit, an exit outranks a handover (design.md, §1). The exit names
the organisation that was responsible when it was recorded, so that a handover accepted at the same moment
leaves every reader, in whichever order the two arrive, with the same answer. A mistake names no organisation, so
it lets a handover that crosses it move responsibility, before or after; such a journey counts nowhere anyway.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from shared import events as e
from shared.programmes import ProgrammeKey, programme_key

Stage = Literal[
    "received", "accepted", "declined", "withdrawn", "started", "ready", "exited", "closed", "mistake"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent that stands, or an answer that is no."""

    given: bool
    organisations: tuple[e.Organisation, ...] = ()
    last_day: date | None = None

    def covers(self, organisation: e.Organisation, on: date) -> bool:
        """Whether something may be revealed to the organisation on that day."""
        return (
            self.given
            and organisation in self.organisations
            and self.last_day is not None
            and on <= self.last_day
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOffer:
    """The one handover that awaits an answer."""

    handover: e.HandoverId
    kind: e.HandoverKind
    to_organisation: e.Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One participant's passage through one programme, as far as it is known here.

    taken_over: each organisation that accepted a handover, and the kind of its latest. It follows from the order in
    which handovers were accepted alone, so that an exit which crosses one leaves every reader with the same.
    """

    participant_id: e.ParticipantId
    programme: e.Code
    programme_version: int
    referrer: e.Organisation
    municipality: e.Municipality
    responsible: e.Organisation
    referred_on: date
    named_provider: e.Organisation | None = None
    previous_journey: e.JourneyId | None = None
    provider: e.Organisation | None = None
    accepted_on: date | None = None
    declined_on: date | None = None
    declined_by: e.Organisation | None = None
    withdrawn_on: date | None = None
    started_on: date | None = None
    ready_on: date | None = None
    exited_on: date | None = None
    exit_way: e.ExitWay | None = None
    closed_on: date | None = None
    mistake: bool = False
    offer: OpenOffer | None = None
    taken_over: dict[e.Organisation, e.HandoverKind] = field(default_factory=dict)
    consents: dict[e.Purpose, Consent] = field(default_factory=dict)

    @property
    def programme_key(self) -> ProgrammeKey:
        """The version that the journey started on; it keeps it for good."""
        return programme_key(self.programme, self.programme_version)

    @property
    def stage(self) -> Stage:
        """Where the journey stands, the strongest fact first. Source: design.md, §1."""
        if self.mistake:
            return "mistake"
        if self.closed_on:
            return "closed"
        if self.exited_on:
            return "exited"
        if self.withdrawn_on:
            return "withdrawn"
        if self.declined_on:
            return "declined"
        if self.started_on:
            return "ready" if self.ready_on else "started"
        return "accepted" if self.accepted_on else "received"

    @property
    def took_on(self) -> tuple[e.Organisation, ...]:
        """Who took the person on by somebody else's act and its own consent, in alphabetical order.

        A provider that accepts its own referral is not among them: it would have given itself the right.
        """
        others = set(self.taken_over)
        if self.provider is not None and self.provider != self.referrer:
            others.add(self.provider)
        return tuple(sorted(others))

    @property
    def active(self) -> bool:
        """Started and not ended: the person takes part now."""
        return self.stage in ("started", "ready")


def begin(event: e.ReferralReceived) -> Passage:
    """The passage that a referral opens; until a provider accepts, the referrer is responsible."""
    return Passage(
        participant_id=event.participant_id,
        programme=event.programme,
        programme_version=event.programme_version,
        referrer=event.referrer,
        municipality=event.municipality,
        responsible=event.referrer,
        referred_on=event.occurred_on,
        named_provider=event.provider,
        previous_journey=event.previous_journey,
    )


def follow(passage: Passage, event: e.Fact) -> Passage:
    """The passage after an event, whichever service said it. Events that do not move it change nothing."""
    match event:
        case e.ReferralAccepted():
            return replace(
                passage, provider=event.provider, responsible=event.provider, accepted_on=event.occurred_on
            )
        case e.ReferralDeclined():
            return replace(passage, declined_on=event.occurred_on, declined_by=event.provider)
        case e.ReferralWithdrawn():
            return replace(passage, withdrawn_on=event.occurred_on)
        case e.ConsentGiven():
            consent = Consent(given=True, organisations=event.organisations, last_day=event.last_day)
            return replace(passage, consents={**passage.consents, event.purpose: consent})
        case e.ConsentRefused() | e.ConsentWithdrawn():
            return replace(passage, consents={**passage.consents, event.purpose: Consent(given=False)})
        case e.JourneyStarted():
            return replace(passage, started_on=event.occurred_on)
        case e.ParticipantReady():
            return replace(passage, ready_on=event.occurred_on)
        case e.HandoverOffered():
            offer = OpenOffer(handover=event.handover, kind=event.kind, to_organisation=event.to_organisation)
            return replace(passage, offer=offer)
        case e.HandoverAccepted():
            taken_over = {**passage.taken_over, event.to_organisation: event.kind}
            moved = replace(passage, offer=None, taken_over=taken_over)
            if passage.exited_on:
                return moved
            return replace(moved, responsible=event.to_organisation)
        case e.HandoverDeclined() | e.HandoverExpired() | e.HandoverRecalled():
            return replace(passage, offer=None)
        case e.JourneyExited():
            if passage.exit_way == "deceased":
                return passage
            return replace(
                passage, exited_on=event.occurred_on, exit_way=event.way, responsible=event.organisation
            )
        case e.JourneyClosed():
            return replace(passage, closed_on=event.occurred_on)
        case e.JourneyRegisteredByMistake():
            return replace(passage, mistake=True)
        case _:
            return passage
