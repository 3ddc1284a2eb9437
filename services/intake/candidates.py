"""The use case that looks for who may be the same person as somebody without a number. No rule lives here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.intake.domain import participant
from services.intake.domain.likeness import Likeness, likenesses
from services.intake.domain.participant import Brought
from services.intake.people import Vault, known
from shared.language.access import Actor
from shared.language.decision import Work, subject_of
from shared.language.errors import Conflict, Forbidden
from shared.language.events import HandleId, Organisation

MOST, COMPARED, PAGE = 20, 2000, 200
"""Candidates of an answer; identities that one question opens, and that one query reads."""


class Identities(Protocol):
    """Pages of what one organisation brought."""

    def brought_by(
        self, work: Work, organisation: Organisation, *, after: str | None, limit: int
    ) -> Sequence[Brought]:
        """What it brought and did not erase, by handle; those behind the handle `after`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A handle of the organisation that may stand for the same person, and why."""

    handle: HandleId
    reasons: Sequence[Likeness]


def find_candidates(
    work: Work, actor: Actor, handle: HandleId, vault: Vault, identities: Identities
) -> tuple[Sequence[Candidate], bool]:
    """Who may be the same person, among those whom the organisation itself brought, the likeliest first.

    Returns them, and whether all were compared. Raises Unknown; Forbidden for a person whom it did not bring; Conflict
    `has-a-number` for one who is found by a number, and `participant-erased`.
    """
    held = known(work, actor, handle, "register_participant")
    if not held.brought:
        raise Forbidden("not-your-journey", "Only the organisation that registered a person looks for them.")
    own: Brought = work.get(subject_of("handle", handle))
    mine = vault.unseal(handle, participant.opened(own))
    if mine.personnummer is not None:
        raise Conflict("has-a-number", "The participant has a personal number, which finds the same person.")
    found: list[Candidate] = []
    after, compared = None, 0
    while compared < COMPARED:
        page = identities.brought_by(work, actor.organisation, after=after, limit=PAGE)
        for one in page:
            if one.handle == handle or one.sealed is None:
                continue
            reasons = likenesses(mine, vault.unseal(one.handle, one.sealed))
            if reasons:
                found.append(Candidate(one.handle, reasons))
        compared += len(page)
        if len(page) < PAGE:
            return _likeliest(found), True
        after = f"handle/{page[-1].handle}"
    return _likeliest(found), False


def _likeliest(found: list[Candidate]) -> list[Candidate]:
    return sorted(found, key=lambda one: (-sum(why.weight for why in one.reasons), one.handle))[:MOST]
