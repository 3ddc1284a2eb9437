"""Shows a programme's role map on a day: who may do what, where, since when. No rule lives here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from shared.language.access import Actor
from shared.language.days import day_of
from shared.language.decision import Skip, Work
from shared.language.errors import Unknown
from shared.language.events import Code
from shared.language.programmes import Action, Programme
from shared.language.register import Membership, Unit
from shared.language.role_map import memberships_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A membership and its unit. may: what its roles let it do, by the programme's newest version.

    The membership's last day is the unit's, where the unit leaves before.
    """

    membership: Membership
    unit: Unit
    may: Sequence[Action]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleMapPage:
    """A page of the role map of one day, by membership."""

    on: date
    held: Sequence[Held]


def list_role_map(
    work: Work, actor: Actor, programme_id: Code, *, on: date | None, after: str | Skip | None, limit: int
) -> RoleMapPage:
    """A page, by id, of the programme's memberships that are in force on a day, for anybody. Raises Unknown.

    on: None is today. after: the id of a membership, those behind which are asked for. It is the register as it is
    known now; what was said of a day only later is part of it.
    """
    rules = work.programmes.latest(programme_id)
    if rules is None:
        raise Unknown("programme")
    day = on or day_of(work.at)
    found = sorted(_in_force(work, rules, day), key=lambda one: one.membership.id)
    if isinstance(after, Skip):
        found = found[after.rows :]
    elif after is not None:
        found = [one for one in found if one.membership.id > after]
    return RoleMapPage(on=day, held=found[:limit])


def _in_force(work: Work, newest: Programme, on: date) -> Iterator[Held]:
    """Who holds a role of any version of the programme on that day."""
    versions = [one for one in work.programmes.every_version() if one.id == newest.id]
    roles = {role.code for one in versions for role in one.roles}
    may = {role.code: role.may for role in newest.roles}
    for name in {name for role in roles for name in work.register.holders(newest.id, role)}:
        unit = work.register.unit(name)
        if unit is None:
            continue
        for one in memberships_on(work.register, name, newest.id, on):
            actions = {action for role in one.roles for action in may.get(role, ())}
            yield Held(membership=_ending(one, unit), unit=unit, may=sorted(actions))


def _ending(membership: Membership, unit: Unit) -> Membership:
    ends = [day for day in (membership.last_day, unit.last_day) if day is not None]
    return replace(membership, last_day=min(ends, default=None))
