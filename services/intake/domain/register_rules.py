"""What an entry of the register may say. Pure; each check tells all that is wrong with an entry at once.

Source: docs/field.md, Role map.
"""

from collections.abc import Collection, Sequence
from datetime import date

from shared.language.checks import Findings
from shared.language.errors import Conflict, Refused
from shared.language.events import Code, Organisation
from shared.language.programmes import Programme
from shared.language.register import (
    Capacity,
    LegalPerson,
    Membership,
    Unit,
    is_organisation_number,
    overlap,
)
from shared.language.revisions import Precondition

MOST_LEVELS = 8
"""Units above a unit; so the way up is short, and a circle is found."""
MOST_COUNTED = 100
"""Open journeys that a refusal counts; of more it says that there are so many or more."""
NO_SUCH_UNIT = "There is no such unit in the register."
NUMBER = "Takes an organisation number: ten digits, the third at least 2, the last one fitting the others."


def check_legal_person(entry: LegalPerson, number_held_by: Organisation | None) -> None:
    """Raise Invalid for a wrong number, or one that another legal person has."""
    found = Findings()
    if entry.number is not None:
        if not is_organisation_number(entry.number):
            found.add("number", NUMBER)
        elif number_held_by not in (None, entry.id):
            found.add("number", f"Is the number of {number_held_by} already.")
    found.raise_any()


def check_unit(
    entry: Unit,
    *,
    legal_person_is_known: bool,
    above: Sequence[Unit | None],
    memberships: Collection[Membership],
    activities: Collection[Code],
) -> None:
    """Raise Invalid for a unit that cannot be so.

    above: its parent, the parent's parent and so on; None ends them where one is not known. memberships: its own.
    activities: those of all programmes.
    """
    found = Findings()
    if not legal_person_is_known:
        found.add("legal_person", "There is no such legal person in the register.")
    _check_parent(found, entry, above)
    _check_days(found, entry.first_day, entry.last_day)
    _check_capacities(found, entry.capacities, activities)
    _check_once(found, "certificates", [one.code for one in entry.certificates])
    for one in memberships:
        found.not_after("first_day", entry.first_day, one.first_day, f"the first day of {one.id}")
        if entry.last_day is not None:
            found.not_before("last_day", entry.last_day, one.first_day, f"the first day of {one.id}")
    found.raise_any()


def _check_capacities(found: Findings, capacities: Sequence[Capacity], activities: Collection[Code]) -> None:
    for number, one in enumerate(capacities, 1):
        if one.activity not in activities:
            found.add("capacities", f"Number {number} is of an activity that no programme has.")
        if one.last_day is not None and one.last_day < one.first_day:
            found.add("capacities", f"The last day of number {number} lies before its first.")
        for earlier, other in enumerate(capacities[: number - 1], 1):
            if other.activity == one.activity and overlap(one, other):
                found.add("capacities", f"Number {number} overlaps number {earlier}, of the same activity.")


def _check_once(found: Findings, name: str, codes: Sequence[str]) -> None:
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        found.add(name, f"Names {code} twice.")


def _check_parent(found: Findings, entry: Unit, above: Sequence[Unit | None]) -> None:
    if entry.parent is None:
        return
    if entry.parent == entry.id or any(one is not None and one.id == entry.id for one in above):
        found.add("parent", "Would be above itself.")
    elif not above or above[0] is None:
        found.add("parent", NO_SUCH_UNIT)
    elif len(above) > MOST_LEVELS:
        found.add("parent", f"Has more than {MOST_LEVELS} units above it.")


def check_membership(
    entry: Membership,
    *,
    unit: Unit | None,
    rules: Programme | None,
    others: Collection[Membership],
    unknown: Collection[Organisation],
) -> None:
    """Raise Invalid for a membership that cannot be so.

    rules: the programme's newest version. others: the unit's other memberships there. unknown: those units of
    `shared_with` that the register does not have.
    """
    found = Findings()
    _check_days(found, entry.first_day, entry.last_day)
    if unit is None:
        found.add("unit", NO_SUCH_UNIT)
    else:
        found.not_before("first_day", entry.first_day, unit.first_day, "the first day of the unit")
        found.not_after("first_day", entry.first_day, unit.last_day, "the last day of the unit")
        found.not_after("last_day", entry.last_day, unit.last_day, "the last day of the unit")
    if rules is None:
        found.add("programme", "There is no such programme.")
    else:
        for role in entry.roles:
            found.known("roles", role, [one.code for one in rules.roles])
        for place in entry.municipalities:
            found.known("municipalities", place, [one.code for one in rules.municipalities])
    for other in others:
        if overlap(entry, other):
            end = "on" if other.last_day is None else f"to {other.last_day.isoformat()}"
            since = f"from {other.first_day.isoformat()} {end}"
            found.add("first_day", f"Overlaps {other.id}, which holds {since}.")
    for name in ("roles", "municipalities", "shared_with"):
        _check_once(found, name, getattr(entry, name))
    if entry.unit in entry.shared_with:
        found.add("shared_with", "Names the unit itself.")
    for one in unknown:
        found.add("shared_with", f"There is no unit {one} in the register.")
    found.raise_any()


def _check_days(found: Findings, first_day: date, last_day: date | None) -> None:
    found.not_before("last_day", last_day, first_day, "the first day")


def takes_away(entry: Unit | Membership, before: Unit | Membership) -> bool:
    """Whether the entry leaves the unit with less than before: days, roles, or places."""
    if entry.first_day > before.first_day or (entry.last_day or date.max) < (before.last_day or date.max):
        return True
    if isinstance(entry, Membership) and isinstance(before, Membership):
        places = entry.municipalities and not set(before.municipalities or ("all",)) <= set(
            entry.municipalities
        )
        return bool(places) or not set(before.roles) <= set(entry.roles)
    return False


def refuse_while_responsible(open_journeys: int) -> None:
    """Raise Conflict where the unit is responsible for open journeys. open_journeys: at most MOST_COUNTED."""
    if open_journeys:
        many = f"{open_journeys} or more" if open_journeys >= MOST_COUNTED else str(open_journeys)
        raise Conflict(
            "still-responsible",
            f"The unit is responsible for open journeys: {many}. Hand them over first.",
            {"open_journeys": [many]},
        )


def refuse_other_revision(asked: Precondition | None, revision: int) -> None:
    """Raise Refused where a change names no revision that it rests on, or another than the current one."""
    if asked is None:
        raise Refused("revision-missing", "A change names the revision that it rests on in If-Match.")
    if asked.revision(revision) != revision:
        raise Refused("stale-revision", "The entry has changed since.")
