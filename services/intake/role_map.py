"""Shows a programme's role map: who holds which role, where, from when to when. No rule lives here."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.language.access import Actor
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import Code
from shared.language.register import Membership, Unit
from shared.language.register_rows import REGISTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A membership and its unit."""

    membership: Membership
    unit: Unit


def list_role_map(
    work: Work, actor: Actor, programme_id: Code, *, after: str | Skip | None, limit: int
) -> Sequence[Held]:
    """A page, by id, of the programme's memberships, those that have ended too, for anybody. Raises Unknown."""
    if work.programmes.latest(programme_id) is None:
        raise Unknown("programme")
    beyond = after if after is None or isinstance(after, Skip) else subject_of("membership", after)
    rows = work.rows(REGISTER, {"programme": programme_id}, order="_id", after=beyond, limit=limit)
    memberships: list[Membership] = [work.get(row["_id"]) for row in rows]
    return [Held(membership=one, unit=work.get(subject_of("unit", one.unit))) for one in memberships]
