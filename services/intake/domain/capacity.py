"""Whether a provider has room for one more person. Source: docs/field.md, Referral.

A unit's capacity on a day is the sum over its activities; of a unit that has said none, nothing is known. The people
it is responsible for are counted up to that number only.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.language.decision import Row
from shared.language.events import Organisation
from shared.language.register import Unit, within

TAKINGS = "takings"
"""Rows, one per unit with a capacity. Each acceptance writes it, so that of two at once one sees the other."""
HERE = ("accepted", "started", "ready")
"""Stages at which the responsible unit has the person."""


def capacity_on(unit: Unit | None, on: date) -> int | None:
    """How many people the unit can have at a time on that day; None where nothing is known of it."""
    known = (
        [] if unit is None else [one for one in unit.capacities if within(on, one.first_day, one.last_day)]
    )
    return sum(one.people for one in known) if known else None


def has_room(*, capacity: int | None, responsible_for: int) -> bool:
    """Whether one more fits. capacity: people at a time; None: nothing is known of it, and there is room."""
    return capacity is None or responsible_for < capacity


def taking(unit: Organisation, row: Mapping[str, Any] | None) -> Row:
    """The row that the unit's acceptances write one after another. row: as it is now."""
    return Row(TAKINGS, unit, {"turn": 1 if row is None else row["turn"] + 1})
