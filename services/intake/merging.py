"""The use cases by which a human says that two handles are one person, and takes it back. No rule lives here."""

from collections.abc import Sequence

from services.intake.domain import merge as m
from services.intake.domain.journey import Referral
from services.intake.domain.merge import Act, Merge
from services.intake.domain.participant import Handle
from services.intake.domain.participation import PARTICIPATIONS, participation_key
from services.intake.linking import LINKS, link, link_key, unlink
from services.intake.participations import journeys_of, may_read
from services.intake.people import held_by, is_erased, known
from shared.language.access import Actor
from shared.language.decision import Skip, Work
from shared.language.errors import Conflict, Invalid
from shared.language.events import HandleId


def merge_participants(work: Work, actor: Actor, handle: HandleId, command: Merge) -> Act:
    """Let two handles of the organisation stand for one person; both stay valid.

    Raises Unknown; Invalid for the same handle or one that is not the organisation's; Conflict `participant-erased`,
    `already-merged`, `both-open`.
    """
    one, other = _both(work, actor, handle, command)
    if is_erased(work, one) or is_erased(work, other):
        raise Conflict("participant-erased", "One of the two was erased; nobody can be merged with them.")
    key = link_key(handle, command.participant_id)
    before = work.row(LINKS, key)
    m.may_merge(before, one, other)
    if one.person != other.person:
        for programme in sorted(work.programmes.all_latest()):
            m.refuse_both_open(*(_readable(work, actor, held, programme) for held in (one, other)))
    number = before["number"] + 1 if before else 1
    act = m.act_of(handle, command, "merged", number=number, by=actor, at=work.at)
    link(work, key, (one.home, other.home), number=number, rows=[m.act_row(act)])
    return act


def part_participants(work: Work, actor: Actor, handle: HandleId, command: Merge) -> Act:
    """Take back that two handles are one person. Raises as `merge_participants`, and Conflict `not-merged`."""
    _both(work, actor, handle, command)
    key = link_key(handle, command.participant_id)
    before = work.row(LINKS, key)
    m.may_part(before)
    assert before is not None
    number = before["number"] + 1
    act = m.act_of(handle, command, "parted", number=number, by=actor, at=work.at)
    unlink(work, before, number=number, rows=[m.act_row(act)])
    return act


def list_merges(
    work: Work, actor: Actor, handle: HandleId, *, after: str | Skip | None, limit: int
) -> Sequence[Act]:
    """A page of what the organisation itself has said about the handle and others, the earlier first."""
    known(work, actor, handle, "read_participant")
    rows = work.rows(m.MERGES, {"handles": handle}, order="place", after=after, limit=limit)
    return [m.act_in(row) for row in rows]


def _both(work: Work, actor: Actor, handle: HandleId, command: Merge) -> tuple[Handle, Handle]:
    one = known(work, actor, handle, "register_participant")
    m.not_itself(handle, command)
    other = held_by(work, actor, command.participant_id)
    if other is None:
        raise Invalid({"participant_id": [m.UNKNOWN_OTHER]})
    return one, other


def _readable(work: Work, actor: Actor, held: Handle, programme: str) -> list[Referral]:
    row = work.row(PARTICIPATIONS, participation_key(held.person, programme))
    return [one for one in journeys_of(work, row) if may_read(work, actor, one)]
