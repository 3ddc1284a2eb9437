"""A journey as its events tell it: its stage, and the responsible organisation.

Every service keeps a passage beside its own state, and folds its own and all other events into it. So all four
authorise and order alike. A fact is never refused. Where two cross, by-mistake outranks deceased, deceased outranks
any other exit, and an exit outranks a handover (docs/field.md, The journey).

An exit names the organisation that was responsible when it was recorded. If a handover is accepted at the same
moment, every reader so gets the same answer, whichever arrives first. A mistake names no organisation. So a handover
that crosses it moves responsibility, before or after; such a journey counts nowhere anyway.

A fact has two times: when it happened and when it was recorded. A fact dated outside participation counts nowhere,
whichever of the two was recorded first. Of consents the last by its own day holds. A correction replaces the fact
that it corrects.
"""

import itertools
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal

from shared.language import events as e
from shared.language.programmes import ProgrammeKey, programme_key

Stage = Literal[
    "received", "accepted", "declined", "withdrawn", "started", "ready", "exited", "closed", "mistake"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A consent that stands, or an answer that is no. said_on: the day of the answer.

    refused_on: the last day of a no beside it, which stands against a yes that turns out to be earlier.
    """

    given: bool
    organisations: tuple[e.Organisation, ...] = ()
    last_day: date | None = None
    said_on: date | None = None
    refused_on: date | None = None

    def covers(self, organisation: e.Organisation, on: date) -> bool:
        """Whether the consent lets something be shown to the organisation on that day."""
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
class Hand:
    """Who held the journey from a day on. handover: the one that it accepted; None at the beginning."""

    organisation: e.Organisation
    since: date
    handover: e.HandoverId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One participant's passage through one programme, as far as it is known here.

    named_provider: who is asked now; None: any that may answer, but for `refused_by`, who said no to it.

    taken_over: {organisation that accepted a handover: the kind of its latest}; handed_to: the organisation that
    accepted the latest; hands: who accepted one, and when, the earlier first. All follow only from the order in which
    handovers were accepted. So an exit that crosses one, or is taken back beside one, leaves all readers with the same
    values.
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
    refused_by: tuple[e.Organisation, ...] = ()
    withdrawn_on: date | None = None
    started_on: date | None = None
    ready_on: date | None = None
    exited_on: date | None = None
    exit_way: e.ExitWay | None = None
    closed_on: date | None = None
    mistake: bool = False
    offer: OpenOffer | None = None
    taken_over: dict[e.Organisation, e.HandoverKind] = field(default_factory=dict)
    handed_to: e.Organisation | None = None
    hands: tuple[Hand, ...] = ()
    consents: dict[e.Purpose, Consent] = field(default_factory=dict)

    @property
    def programme_key(self) -> ProgrammeKey:
        """The version that the journey started on; it keeps it for good."""
        return programme_key(self.programme, self.programme_version)

    @property
    def stage(self) -> Stage:
        """The stage of the journey, by the strongest fact first. Source: docs/field.md, The journey."""
        if self.mistake:
            return "mistake"
        if self.left:
            return "closed" if self.closed_on else "exited"
        if self.withdrawn_on:
            return "withdrawn"
        if self.declined_on:
            return "declined"
        if self.started_on:
            return "ready" if self.became_ready else "started"
        return "accepted" if self.accepted_on else "received"

    @property
    def left(self) -> bool:
        """Whether participation has ended. An exit without a start, since the start was taken back, ended none."""
        return self.started_on is not None and self.exited_on is not None

    def takes_part_on(self, on: date) -> bool:
        """Whether the day lies in participation as it is known now: from the start to the exit, both included."""
        if self.started_on is None or on < self.started_on:
            return False
        return self.exited_on is None or on <= self.exited_on

    @property
    def became_ready(self) -> bool:
        """Whether the person became ready on a day of participation."""
        return self.ready_on is not None and self.takes_part_on(self.ready_on)

    @property
    def was_accepted(self) -> bool:
        """Whether a provider accepted the person before any withdrawal of the referral."""
        if self.accepted_on is None:
            return False
        return self.withdrawn_on is None or self.accepted_on <= self.withdrawn_on

    @property
    def took_on(self) -> tuple[e.Organisation, ...]:
        """The organisations that took the person on by another's act and their own consent, in alphabetical order.

        A provider that accepts its own referral is not among them: it would have given itself the right.
        """
        others = set(self.taken_over)
        if self.provider is not None and self.provider != self.referrer:
            others.add(self.provider)
        return tuple(sorted(others))

    def responsible_on(self, on: date) -> frozenset[e.Organisation]:
        """Who held the journey on that day. On the day on which it changed hands, both did."""
        held = self._held()
        # A corrected day may lie after the next hand's: each holds the journey at least on its own first day.
        ends = [max(one.since, after.since) for one, after in itertools.pairwise(held)]
        return frozenset(
            one.organisation
            for one, end in zip(held, (*ends, None), strict=True)
            if one.since <= on and (end is None or on <= end)
        )

    def holds_until(self, organisation: e.Organisation) -> date | None:
        """The last day on which the organisation held the journey; None while it does. Raises ValueError if never.

        A handover that comes, and one that is taken back, move it.
        """
        held = self._held()
        latest = max(number for number, one in enumerate(held) if one.organisation == organisation)
        if latest == len(held) - 1:
            return None
        return max(held[latest].since, held[latest + 1].since)

    def was_responsible(self, organisation: e.Organisation) -> bool:
        """Whether the organisation holds the journey, or ever held it."""
        return any(one.organisation == organisation for one in self._held())

    def _held(self) -> list[Hand]:
        """Who held the journey, one after the other; who was responsible when the person left was so to the end."""
        held = [Hand(organisation=self.referrer, since=self.referred_on)]
        if self.provider is not None and self.accepted_on is not None:
            held.append(Hand(organisation=self.provider, since=self.accepted_on))
        held.extend(self.hands)
        while len(held) > 1 and held[-1].organisation != self.responsible:
            held.pop()
        return held

    @property
    def active(self) -> bool:
        """Started and not ended: the person takes part now."""
        return self.stage in ("started", "ready")


def with_hands(document: dict[str, Any]) -> dict[str, Any]:
    """A stored state's document of before `hands` was kept: who holds the journey now held it from its first day on."""
    passage = document["passage"]
    hands = []
    if passage["handed_to"] is not None:
        since = passage["accepted_on"] or passage["referred_on"]
        hands = [{"organisation": passage["handed_to"], "since": since, "handover": None}]
    return {**document, "passage": {**passage, "hands": hands}}


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
        case e.ReferralCorrected():
            return replace(
                passage,
                referred_on=event.occurred_on,
                municipality=event.municipality,
                named_provider=event.provider,
            )
        case e.ReferralAccepted(correction="replaces"):
            return replace(passage, accepted_on=event.occurred_on)
        case e.ReferralAccepted(correction="voids"):
            return _going_on(replace(passage, provider=None, accepted_on=None))
        case e.ReferralAccepted():
            return _going_on(replace(passage, provider=event.provider, accepted_on=event.occurred_on))
        case e.ReferralDeclined(correction="voids"):
            return replace(passage, declined_on=None, declined_by=None)
        case e.ReferralDeclined():
            return replace(passage, declined_on=event.occurred_on, declined_by=event.provider)
        case e.ReferralPassedOn():
            return _passed_on(passage, event)
        case e.ReferralReturned():
            return replace(passage, named_provider=None, declined_on=event.occurred_on, declined_by=None)
        case e.ReferralWithdrawn():
            return replace(passage, withdrawn_on=_day_of(event))
        case e.ConsentGiven() | e.ConsentRefused() | e.ConsentWithdrawn():
            return _consented(passage, event)
        case e.JourneyStarted():
            return replace(passage, started_on=_day_of(event))
        case e.ParticipantReady():
            return replace(passage, ready_on=_day_of(event))
        case e.HandoverOffered():
            offer = OpenOffer(handover=event.handover, kind=event.kind, to_organisation=event.to_organisation)
            return replace(passage, offer=offer)
        case e.HandoverAccepted(correction=None):
            taken_over = {**passage.taken_over, event.to_organisation: event.kind}
            handed_to = event.to_organisation
            hand = Hand(organisation=handed_to, since=event.occurred_on, handover=event.handover)
            after = replace(passage, offer=None, taken_over=taken_over, handed_to=handed_to)
            return _going_on(replace(after, hands=(*passage.hands, hand)))
        case e.HandoverAccepted(correction="replaces"):
            return replace(passage, hands=tuple(_accepted_on(one, event) for one in passage.hands))
        case e.HandoverDeclined(correction=None) | e.HandoverRecalled(correction=None) | e.HandoverExpired():
            return replace(passage, offer=None)
        case e.JourneyExited():
            return _exited(passage, event)
        case e.JourneyClosed():
            return replace(passage, closed_on=_day_of(event))
        case e.JourneyRegisteredByMistake():
            return replace(passage, mistake=event.correction != "voids")
        case e.JourneyPersonChanged():
            return replace(passage, participant_id=event.participant_id)
        case _:
            return passage


def _accepted_on(hand: Hand, event: e.HandoverAccepted) -> Hand:
    """The hand with the day on which the handover was accepted as it stands corrected."""
    return replace(hand, since=event.occurred_on) if hand.handover == event.handover else hand


def _passed_on(passage: Passage, event: e.ReferralPassedOn) -> Passage:
    """Who is asked now. A no that is said anew asks nobody else; one that is taken back is asked again."""
    others = tuple(one for one in passage.refused_by if one != event.from_organisation)
    if event.correction == "voids":
        return replace(passage, refused_by=others)
    if event.correction == "replaces":
        return passage
    if event.to_organisation is not None:
        return replace(passage, named_provider=event.to_organisation)
    return replace(passage, refused_by=(*others, event.from_organisation))


def _going_on(passage: Passage) -> Passage:
    """The passage with who is responsible by how far it has come; who was when the person left stays so."""
    if passage.exited_on is not None:
        return passage
    return replace(passage, responsible=passage.handed_to or passage.provider or passage.referrer)


def _day_of(event: e.Correctable) -> date | None:
    """The day that stands after the event."""
    return None if event.correction == "voids" else event.occurred_on


def _consented(passage: Passage, event: e.ConsentGiven | e.ConsentRefused | e.ConsentWithdrawn) -> Passage:
    """The consent that holds: the last answer by its own day; of one day, the one recorded last.

    A correction changes the answer that holds. If it moves a yes to a day before a no, or takes it back, the no
    holds.
    """
    held = passage.consents.get(event.purpose)
    said = Consent(given=False, said_on=event.occurred_on)
    if isinstance(event, e.ConsentGiven):
        said = replace(said, given=True, organisations=event.organisations, last_day=event.last_day)
    stands: Consent | None = None if event.correction == "voids" else said
    refused_on = held.refused_on if held else None
    if held is not None and event.correction is None:
        earlier = held.said_on is not None and event.occurred_on < held.said_on
        stands, other = (held, said) if earlier else (said, held)
        days = (refused_on, None if other.given else other.said_on)
        refused_on = max((one for one in days if one is not None), default=None)
    if refused_on is not None and (stands is None or (stands.said_on or refused_on) < refused_on):
        stands = Consent(given=False, said_on=refused_on)
    if stands is not None:
        stands = replace(stands, refused_on=refused_on)
    others = {purpose: one for purpose, one in passage.consents.items() if purpose != event.purpose}
    return replace(passage, consents=others if stands is None else {**others, event.purpose: stands})


def _exited(passage: Passage, event: e.JourneyExited) -> Passage:
    """The exit that stands. One that is corrected opens the journey again; it closes when nothing is asked any more."""
    if event.correction == "voids":
        return _going_on(replace(passage, exited_on=None, exit_way=None, closed_on=None))
    if event.correction is None and passage.exit_way == "deceased":
        return passage
    left = replace(passage, exited_on=event.occurred_on, exit_way=event.way, responsible=event.organisation)
    return left if event.correction is None else replace(left, closed_on=None)
