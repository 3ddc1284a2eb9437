"""The use cases of intake: fetch what the decision needs, let the caller pass, decide, keep.

Each takes a `Work` and an `Actor`; all that one touches is one transaction. No rule lives here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from services.intake.domain import consent, participant, programme, referral
from services.intake.domain.contents import SealsContents
from services.intake.domain.journey import PARTS, Referral
from services.intake.domain.participant import Identity, Participant, Sealed
from services.intake.domain.participation import (
    PARTICIPATIONS,
    participation_key,
    refuse_second,
)
from services.intake.domain.programme import Published
from services.intake.members import register_members
from services.intake.participations import journeys_of, may_read, settle
from services.intake.seeing import Seen, see
from shared.language.access import (
    Actor,
    authorise,
    authorise_in,
    authorise_somewhere,
    programmes_for,
    role_map,
)
from shared.language.days import day_of
from shared.language.decision import ARCHIVE, Change, Skip, Work, event_id, subject_of
from shared.language.errors import Unknown
from shared.language.events import Code, JourneyId, Organisation, ParticipantId
from shared.language.passage import Stage
from shared.language.programmes import Action, Programme, ProgrammeKey

Part = Literal["referrer", "provider", "responsible"]


class Vault(SealsContents, Protocol):
    """Seals and opens identities, and what referrals say; chance comes in through it."""

    def seal(self, participant_id: ParticipantId, identity: Identity) -> Sealed:
        """Encrypt under a new key of this participant's own."""

    def unseal(self, participant_id: ParticipantId, sealed: Sealed) -> Identity:
        """Decrypt what `seal` returned for this participant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which referrals to list: those in which the organisation has this part, beyond the place `after`.

    part: `provider` lists what the organisation took on and what awaits its answer. reads_in: the versions of
    programmes whose journeys it may read; answers_in: those in which it may also answer referrals.
    """

    organisation: Organisation
    part: Part
    reads_in: Sequence[ProgrammeKey]
    answers_in: Sequence[ProgrammeKey]
    stage: Stage | None
    after: str | Skip | None
    limit: int


class Referrals(Protocol):
    """Pages of referrals."""

    def page(self, work: Work, listing: Listing) -> Sequence[Referral]:
        """The referrals of the list, oldest first, at most `limit`."""


# --- participants ---------------------------------------------------------------------------------------------


def register_participant(work: Work, actor: Actor, identity: Identity, vault: Vault) -> Participant:
    """Seal a person's identity and answer with a handle."""
    authorise_somewhere(actor, "register_participant", work)
    handle = ParticipantId(work.new_id("p"))
    change = participant.register(handle, vault.seal(handle, identity), by=actor.organisation, at=work.at)
    return work.save(subject_of("participant", handle), change)


def still_registered(work: Work, actor: Actor, participant_id: ParticipantId) -> None:
    """Let a registration be answered again, while the person stands under that handle. Raises Unknown, Conflict."""
    participant.opened(person(work, actor, participant_id, "register_participant"))


def read_participant(
    work: Work, actor: Actor, participant_id: ParticipantId, vault: Vault
) -> tuple[Participant, Identity]:
    """Open a person's identity."""
    held = person(work, actor, participant_id, "read_participant")
    return held, vault.unseal(participant_id, participant.opened(held))


def erase_participant(work: Work, actor: Actor, participant_id: ParticipantId) -> Participant:
    """Destroy the participant's key."""
    held = person(work, actor, participant_id, "erase_participant")
    subject = subject_of("participant", participant_id)
    # Nothing but its erasure is ever said of a participant, so that its first event is that.
    announced = work.row(ARCHIVE, event_id(subject, 1)) is not None
    change = participant.erase(held, by=actor.organisation, at=work.at, announced=announced)
    return work.save(subject, change)


def keep_erased(work: Work, participant_id: ParticipantId, at: datetime) -> None:
    """Erase again what the log of erasures says was erased, at that moment."""
    subject = subject_of("participant", participant_id)
    held: Participant | None = work.find(subject)
    if held is not None:
        work.save(subject, participant.keep_erased(held, at=at))


def person(work: Work, actor: Actor, participant_id: ParticipantId, action: Action) -> Participant:
    """The participant, for those who may know who it is; for all others there is none. Raises Unknown."""
    authorise_somewhere(actor, action, work)
    held = _known(work, actor, participant_id)
    if held is None:
        raise Unknown("participant")
    return held


def _known(work: Work, actor: Actor, participant_id: ParticipantId) -> Participant | None:
    """The participant, or None where there is none or the organisation has no right to know who it is.

    It has if it registered the person, or took the person on in a journey whose part has not ended.
    """
    held: Participant | None = work.find(subject_of("participant", participant_id))
    if held is None or held.registered_by == actor.organisation:
        return held
    where = {
        "participant_id": participant_id,
        "organisations": actor.organisation,
        "programme": {"$in": programmes_for(actor.organisation, work, "read_participant")},
    }
    today = day_of(work.at).isoformat()
    return held if work.rows(PARTS, where, order="until", after=today, limit=1) else None


# --- referrals ------------------------------------------------------------------------------------------------


def refer(work: Work, actor: Actor, command: referral.Refer) -> Referral:
    """Receive a referral; the same reference asking for the same is the same referral.

    Raises Conflict `already-referred` where a journey that the caller may read stands open; beside one that it may not
    read, the referral is received.
    """
    into = work.programmes.latest(command.programme)
    if into is None:
        authorise_somewhere(actor, "refer", work)
    else:
        authorise_in(actor, "refer", into, work)
    known = work.row(referral.REFERENCES, referral.reference_key(actor.organisation, command.reference))
    if known is not None:
        first: Referral = work.get(subject_of("journey", known["journey_id"]))
        return keep(work, Change(referral.repeat(first, command)))
    person = _known(work, actor, command.participant_id)
    earlier = None
    if person is not None and command.previous_journey is not None:
        earlier = work.find(subject_of("journey", command.previous_journey))
    change = referral.refer(
        command,
        journey_id=JourneyId(work.new_id("j")),
        by=actor.organisation,
        roles=role_map(work, into) if into else None,
        participant=person,
        previous=earlier,
        at=work.at,
        open_programmes=[] if into else _open_programmes(work, actor),
    )
    row = work.row(PARTICIPATIONS, participation_key(command.participant_id, command.programme))
    journeys = journeys_of(work, row)
    refuse_second(journeys, lambda one: may_read(work, actor, one))
    return keep(work, change)


def _open_programmes(work: Work, actor: Actor) -> list[str]:
    """The programmes in which the organisation may refer now."""
    newest = work.programmes.all_latest().values()
    return [one.id for one in newest if role_map(work, one).allows(actor.organisation, "refer")]


def accept_referral(work: Work, actor: Actor, journey_id: JourneyId, command: referral.Accept) -> Referral:
    """Take the person on."""
    held, _ = journey(work, actor, journey_id, "answer_referral")
    return keep(work, referral.accept(held, command, by=actor.organisation, at=work.at))


def decline_referral(work: Work, actor: Actor, journey_id: JourneyId, command: referral.Decline) -> Referral:
    """Say no, with a reason."""
    held, rules = journey(work, actor, journey_id, "answer_referral")
    change = referral.decline(held, command, by=actor.organisation, programme=rules, at=work.at)
    return keep(work, change)


def withdraw_referral(
    work: Work, actor: Actor, journey_id: JourneyId, command: referral.Withdraw
) -> Referral:
    """Take the referral back before the start."""
    held, rules = journey(work, actor, journey_id, "withdraw_referral")
    return keep(work, referral.withdraw(held, command, programme=rules, at=work.at))


def start_journey(work: Work, actor: Actor, journey_id: JourneyId, command: referral.Start) -> Referral:
    """Begin participation."""
    held, rules = journey(work, actor, journey_id, "start_journey")
    return keep(work, referral.start(held, command, programme=rules, at=work.at))


def register_mistake(
    work: Work, actor: Actor, journey_id: JourneyId, command: referral.RegisterMistake
) -> Referral:
    """Say that the journey should never have been registered."""
    held, rules = journey(work, actor, journey_id, "register_mistake")
    return keep(work, referral.register_mistake(held, command, programme=rules, at=work.at))


def record_consent(
    work: Work, actor: Actor, journey_id: JourneyId, command: consent.RecordConsent
) -> Referral:
    """Take down the participant's answer."""
    held, rules = journey(work, actor, journey_id, "record_consent")
    roles = role_map(work, rules)
    change = consent.record(held, command, by=actor.organisation, roles=roles, at=work.at)
    return keep(work, change)


def withdraw_consent(
    work: Work, actor: Actor, journey_id: JourneyId, command: consent.WithdrawConsent
) -> Referral:
    """Take down that the participant takes a consent back."""
    held, _ = journey(work, actor, journey_id, "record_consent")
    return keep(work, consent.withdraw(held, command, at=work.at))


def read_referral(work: Work, actor: Actor, journey_id: JourneyId) -> Referral:
    """Where the referral stands."""
    held, _ = journey(work, actor, journey_id, "read_journey")
    return held


def list_referrals(
    work: Work,
    actor: Actor,
    referrals: Referrals,
    *,
    part: Part,
    stage: Stage | None,
    after: str | Skip | None,
    limit: int,
) -> Sequence[Seen]:
    """The organisation's referrals, oldest first: those that it may also read one by one."""
    authorise_somewhere(actor, "read_journey", work)
    mine = actor.organisation
    listing = Listing(
        organisation=mine,
        part=part,
        reads_in=programmes_for(mine, work, "read_journey"),
        answers_in=programmes_for(mine, work, "read_journey", "answer_referral"),
        stage=stage,
        after=after,
        limit=limit,
    )
    return [see(work, actor, one) for one in referrals.page(work, listing)]


def journey(work: Work, actor: Actor, journey_id: JourneyId, action: Action) -> tuple[Referral, Programme]:
    """The referral, for who may do this in its journey, and the version of the programme that it keeps."""
    held: Referral = work.get(subject_of("journey", journey_id))
    return held, authorise(actor, action, held.passage, work)


def keep(work: Work, change: Change[Referral]) -> Referral:
    """Make the change durable, and tell who is to be told."""
    change = settle(work, change)
    return work.save(subject_of("journey", change.state.journey_id), change)


# --- programmes -----------------------------------------------------------------------------------------------


def list_programmes(
    work: Work, actor: Actor, *, after: Code | Skip | None, limit: int
) -> Sequence[Programme]:
    """A page, by code, of the newest versions of the programmes, for anybody."""
    newest = sorted(work.programmes.all_latest().values(), key=lambda one: one.id)
    if isinstance(after, Skip):
        return newest[after.rows : after.rows + limit]
    return [one for one in newest if after is None or one.id > after][:limit]


def read_programme(work: Work, actor: Actor, programme_id: Code) -> Programme:
    """The newest version of one, for anybody. Raises Unknown."""
    found = work.programmes.latest(programme_id)
    if found is None:
        raise Unknown("programme")
    return found


def publish_programme(work: Work, content: Programme) -> bool:
    """Publish a version, and register who its file names. Returns whether it was new; the same content again is not.

    Raises VersionTaken.
    """
    subject = subject_of("programme", content.key)
    published: Published | None = work.find(subject)
    work.save(subject, programme.publish(published, content, at=work.at))
    register_members(work, content)
    return published is None
