"""The use cases of intake: fetch what the decision needs, let the caller pass, decide, keep.

Each takes a `Work` and an `Actor`; all that one touches is one transaction. No rule lives here.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from services.intake.candidates import Identities
from services.intake.domain import consent, programme, referral
from services.intake.domain.journey import Referral
from services.intake.domain.participation import (
    PARTICIPATIONS,
    participation_key,
    refuse_second,
)
from services.intake.domain.programme import Published
from services.intake.linking import handle_for
from services.intake.members import held_otherwise, register_members
from services.intake.participations import journeys_of, may_read, settle
from services.intake.people import held_by, is_erased, own_handle, touch
from services.intake.seeing import Seen, see
from services.intake.taking import asked_before, others_may_answer, refuse_taken, room_at
from shared.language.access import (
    Actor,
    Reach,
    authorise,
    authorise_in,
    authorise_somewhere,
    reach_of,
    role_map,
)
from shared.language.days import day_of
from shared.language.decision import Change, Skip, Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import Code, JourneyId, Organisation
from shared.language.passage import Stage
from shared.language.programmes import Action, Programme

Part = Literal["referrer", "provider", "responsible"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which referrals to list: those in which the organisation has this part, beyond the place `after`.

    part: `provider` lists what the organisation took on and what awaits its answer. reads_in: the journeys that it may
    read; answers_in: those of which it may also answer the referrals.
    """

    organisation: Organisation
    part: Part
    reads_in: Reach
    answers_in: Reach
    stage: Stage | None
    after: str | Skip | None
    limit: int


class Referrals(Identities, Protocol):
    """Pages of referrals, and of what organisations brought."""

    def page(self, work: Work, listing: Listing) -> Sequence[Referral]:
        """The referrals of the list, oldest first, at most `limit`."""


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
        own = own_handle(work, actor, command.participant_id)
        return keep(work, Change(referral.repeat(first, command, None if own is None else own.person)))
    held = held_by(work, actor, command.participant_id)
    journeys: list[Referral] = []
    if held is not None:
        key = participation_key(held.person, command.programme)
        journeys = journeys_of(work, work.row(PARTICIPATIONS, key))
    readable = functools.partial(may_read, work, actor)
    change = referral.refer(
        command,
        journey_id=JourneyId(work.new_id("j")),
        by=actor.organisation,
        roles=role_map(work, into) if into else None,
        handle=held,
        erased=held is not None and is_erased(work, held),
        previous=_previous(work, command, journeys, readable),
        at=work.at,
        open_programmes=[] if into else _open_programmes(work, actor),
    )
    refuse_second(journeys, readable)
    if held is not None:
        touch(work, held.home)
    return keep(work, change)


def _previous(
    work: Work,
    command: referral.Refer,
    journeys: Sequence[Referral],
    readable: Callable[[Referral], bool],
) -> Referral | None:
    """The earlier journey that the command names, or else the last one that has ended; none that the referrer may not
    read.
    """
    if command.previous_journey is not None:
        named: Referral | None = work.find(subject_of("journey", command.previous_journey))
        return named if named is not None and readable(named) else None
    return next((one for one in reversed(journeys) if one.passage.left and readable(one)), None)


def _open_programmes(work: Work, actor: Actor) -> list[str]:
    """The programmes in which the organisation may refer now."""
    newest = work.programmes.all_latest().values()
    return [one.id for one in newest if role_map(work, one).allows(actor.organisation, "refer")]


def accept_referral(work: Work, actor: Actor, journey_id: JourneyId, command: referral.Accept) -> Referral:
    """Take the person on."""
    refuse_taken(work, actor, journey_id)
    held, _ = journey(work, actor, journey_id, "answer_referral")
    room, taken = room_at(work, actor.organisation)
    change = referral.accept(held, command, by=actor.organisation, at=work.at, room=room)
    if change.events:
        change = replace(change, rows=(*change.rows, *taken))
    if actor.organisation in change.state.handles:
        return keep(work, change)
    handle, rows = handle_for(work, actor.organisation, held.home, held.passage.participant_id)
    named = replace(change.state, handles={**change.state.handles, actor.organisation: handle})
    return keep(work, replace(change, state=named, rows=(*change.rows, *rows)))


def decline_referral(work: Work, actor: Actor, journey_id: JourneyId, command: referral.Decline) -> Referral:
    """Say no, with a reason."""
    mine = actor.organisation
    held, rules = asked_before(work, actor, journey_id) or journey(work, actor, journey_id, "answer_referral")
    others = others_may_answer(work, rules, held, but=mine)
    return keep(
        work, referral.decline(held, command, by=mine, programme=rules, at=work.at, others_may=others)
    )


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
        reads_in=reach_of(mine, work, "read_journey"),
        answers_in=reach_of(mine, work, "read_journey", "answer_referral"),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What publishing came to.

    new: whether the version was; the same content again is not. registered: how many memberships came into the
    register. held_otherwise: the organisations that hold other roles there than the file says.
    """

    new: bool
    registered: int
    held_otherwise: Sequence[Organisation]


def publish_programme(work: Work, content: Programme) -> Publication:
    """Publish a version, and register whom its file names. Raises VersionTaken."""
    subject = subject_of("programme", content.key)
    published: Published | None = work.find(subject)
    work.save(subject, programme.publish(published, content, at=work.at))
    otherwise = held_otherwise(work, content)
    new = register_members(work, [(content, day_of(work.at))])
    return Publication(new=published is None, registered=len(new), held_otherwise=otherwise)
