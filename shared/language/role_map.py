"""The role map: who may do what in a programme, on a day. Source: docs/field.md, Role map.

A programme's version says what a role may do; the register says who holds the role, where, from when to when.
"""

from dataclasses import dataclass
from datetime import date

from shared.language.days import days_after, months_after
from shared.language.events import Code, Municipality, Organisation
from shared.language.programmes import Action, Programme
from shared.language.register import Membership, Register

FACTS: frozenset[Action] = frozenset({"log_activity", "log_output"})
"""What is logged of a day, by who held the role and the journey on that day."""
OF_WHO_LEFT: frozenset[Action] = frozenset({"read_journey", "acknowledge_report"})
"""What a unit that has left still does with its own old journeys, for as long as the programme says."""


def memberships_on(
    register: Register,
    unit: Organisation,
    programme: Code,
    on: date,
    municipality: Municipality | None = None,
) -> tuple[Membership, ...]:
    """The unit's memberships in force on that day; none while the unit itself is not there."""
    found = register.unit(unit)
    if found is None or not found.is_there(on):
        return ()
    return tuple(one for one in register.memberships(unit, programme) if one.holds(on, municipality))


def roles_on(
    register: Register,
    unit: Organisation,
    programme: Code,
    on: date,
    municipality: Municipality | None = None,
) -> frozenset[Code]:
    """The roles that the unit holds in the programme on that day; in that municipality, where one is asked for."""
    held = memberships_on(register, unit, programme, on, municipality)
    return frozenset(role for one in held for role in one.roles)


@dataclass(frozen=True, slots=True)
class RoleMap:
    """The rules of one version of a programme, and who holds its roles on one day."""

    rules: Programme
    register: Register
    on: date

    def allows(self, unit: Organisation, action: Action, municipality: Municipality | None = None) -> bool:
        """Whether the unit may do this; in that municipality, where one is asked for."""
        held = roles_on(self.register, unit, self.rules.id, self.on, municipality)
        return bool(held & self.rules.roles_that_may(action))

    def includes(self, unit: Organisation) -> bool:
        """Whether the unit takes part at all."""
        return bool(memberships_on(self.register, unit, self.rules.id, self.on))

    def still(self, unit: Organisation, action: Action, municipality: Municipality | None = None) -> bool:
        """Whether a unit that has left may still do this to its old journeys, or log of the days on which it was there.

        For as long after its last day as the programme says.
        """
        last = self._held_until(unit, action, municipality)
        if last is None:
            return False
        if action in OF_WHO_LEFT:
            return self.on <= months_after(last, self.rules.reads_after_months)
        return action in FACTS and self.on <= days_after(last, self.rules.late_days)

    def _held_until(
        self, unit: Organisation, action: Action, municipality: Municipality | None
    ) -> date | None:
        """The last day on which it could do this, of those that are over; None: it never could."""
        found = self.register.unit(unit)
        may = self.rules.roles_that_may(action)
        ends = []
        for one in self.register.memberships(unit, self.rules.id):
            if may.intersection(one.roles) and one.holds(one.first_day, municipality):
                days = (one.last_day, None if found is None else found.last_day)
                ends.append(min((day for day in days if day is not None), default=None))
        return max((day for day in ends if day is not None and day < self.on), default=None)
