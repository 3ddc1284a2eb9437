"""What an answer to a referral needs beside the referral: who answers it late, who else may, whether there is room.

No rule lives here.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.intake.domain.capacity import HERE, TAKINGS, capacity_on, has_room, taking
from services.intake.domain.journey import Referral
from shared.language.access import Actor, authorise, role_map
from shared.language.days import day_of
from shared.language.decision import Row, Work, subject_of
from shared.language.errors import Conflict
from shared.language.events import JourneyId, Organisation
from shared.language.programmes import Programme

REFERRALS = "referrals"
"""The collection of journeys."""


def asked_before(work: Work, actor: Actor, journey_id: JourneyId) -> tuple[Referral, Programme] | None:
    """The referral, for an organisation that said no to it and was followed by another; None for everybody else.

    It may repeat its no, and hears why it cannot take it back. It sees nothing of the referral otherwise.
    """
    held: Referral | None = work.find(subject_of("journey", journey_id))
    if held is None or not held.was_passed_by(actor.organisation):
        return None
    as_asked = replace(held.passage, named_provider=actor.organisation, provider=None)
    return held, authorise(actor, "answer_referral", as_asked, work)


def refuse_taken(work: Work, actor: Actor, journey_id: JourneyId) -> None:
    """Tell whoever could have taken an open referral a moment ago that another has. Raises Conflict `already-taken`."""
    held: Referral | None = work.find(subject_of("journey", journey_id))
    if held is None or not held.was_open_to(actor.organisation):
        return
    as_open = replace(held.passage, provider=None, accepted_on=None, started_on=None, ready_on=None)
    authorise(actor, "answer_referral", as_open, work)
    raise Conflict("already-taken", "Another provider has taken the person on.")


def others_may_answer(work: Work, rules: Programme, referral: Referral, but: Organisation) -> bool:
    """Whether any organisation but this one may still answer an open referral."""
    refused, where = {but, *referral.passage.refused_by}, referral.passage.municipality
    roles = role_map(work, rules)
    return any(
        one not in refused and roles.allows(one, "answer_referral", where)
        for role in rules.roles_that_may("answer_referral")
        for one in work.register.holders(rules.id, role)
    )


def room_at(work: Work, organisation: Organisation) -> tuple[bool, Sequence[Row]]:
    """Whether the organisation has room for one more person, and the row that an acceptance writes where that is known.

    Reads no more journeys than the capacity.
    """
    capacity = capacity_on(work.register.unit(organisation), day_of(work.at))
    if not capacity:
        return has_room(capacity=capacity, responsible_for=0), ()
    where = {"state.passage.responsible": organisation, "state.stage": {"$in": HERE}}
    here = work.rows(REFERRALS, where, order="state.listed", after=None, limit=capacity)
    row = taking(organisation, work.row(TAKINGS, organisation))
    return has_room(capacity=capacity, responsible_for=len(here)), (row,)
