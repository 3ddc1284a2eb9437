"""The use cases of the register: say who takes part, change it, end it, read it. No rule lives here.

Each write says why; that stays in the entry's history and reaches no event. Reading is for anybody with a token: an
entry speaks of organisations alone. The history is for those who keep the register.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from services.intake.domain import register_rules as rules
from services.intake.domain.participation import OPEN
from services.intake.domain.register import HISTORY, Said, Stand
from services.intake.members import (
    MOST_MEMBERSHIPS,
    MOST_PROGRAMMES,
    keep_entry,
    memberships_of,
    programmes_of,
)
from shared.language.access import Actor, Keeping, keeping
from shared.language.decision import Row, Skip, Subject, Work, subject_of
from shared.language.errors import Conflict, Forbidden, Invalid
from shared.language.events import Organisation
from shared.language.register import Entry, LegalPerson, Membership, Unit, kind_of_entry
from shared.language.register_rows import REGISTER, entry_in, subject_of_entry
from shared.language.revisions import Precondition
from shared.language.rows import entry_of

NUMBERS = "organisation_numbers"
"""Whose an organisation number is, `{legal_person}`, by the number; None where it was given up."""

E = TypeVar("E", LegalPerson, Unit, Membership)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a caller says of an entry anew. asked: what it rests on. operators: who operates the platform."""

    why: str
    asked: Precondition | None
    operators: Collection[Organisation]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A row of many: a unit, and where they are said, its legal person and its membership of a programme."""

    unit: Unit
    legal_person: LegalPerson | None = None
    membership: Membership | None = None


# --- legal persons --------------------------------------------------------------------------------------------


def register_legal_person(
    work: Work, actor: Actor, said: tuple[LegalPerson, str], *, operators: Collection[Organisation]
) -> LegalPerson:
    """Take a legal person in; the same again is the same. Raises Forbidden, Invalid, Conflict."""
    keeping(actor, operators, work)
    entry, why = said
    return _taken_in(work, actor, entry, why, lambda: _check_legal_person(work, entry))


def change_legal_person(
    work: Work, actor: Actor, legal_person_id: Organisation, fields: dict[str, Any], *, change: Change
) -> LegalPerson:
    """Say anew what is known of a legal person. Raises Forbidden, Unknown, Invalid, Refused for the revision."""
    before, keeps = _held(work, actor, LegalPerson, legal_person_id, change)
    _refuse_other_s(work, actor, keeps, before, ())
    after = LegalPerson(id=legal_person_id, **fields)
    return _changed(work, actor, after, before, change, lambda: _check_legal_person(work, after))


def _check_legal_person(work: Work, entry: LegalPerson) -> None:
    row = None if entry.number is None else work.row(NUMBERS, entry.number)
    rules.check_legal_person(entry, row["legal_person"] if row else None)


# --- units ----------------------------------------------------------------------------------------------------


def register_unit(
    work: Work, actor: Actor, said: tuple[Unit, str], *, operators: Collection[Organisation]
) -> Unit:
    """Take a unit in; the same again is the same. Raises Forbidden, Invalid, Conflict."""
    keeping(actor, operators, work)
    entry, why = said
    return _taken_in(work, actor, entry, why, lambda: _check_unit(work, entry))


def change_unit(
    work: Work, actor: Actor, unit_id: Organisation, fields: dict[str, Any], *, change: Change
) -> Unit:
    """Say anew what is known of a unit. Raises as `change_legal_person`, and Conflict `still-responsible`."""
    before, keeps = _held(work, actor, Unit, unit_id, change)
    _refuse_other_s(work, actor, keeps, before, programmes_of(work, unit_id))
    return _changed_unit(work, actor, Unit(id=unit_id, **fields), before, change)


def end_unit(work: Work, actor: Actor, unit_id: Organisation, last_day: date, *, change: Change) -> Unit:
    """Say the last day of a unit; its memberships end with it. Raises as `change_unit`."""
    before, keeps = _held(work, actor, Unit, unit_id, change)
    _refuse_other_s(work, actor, keeps, before, programmes_of(work, unit_id))
    return _changed_unit(work, actor, replace(before, last_day=last_day), before, change)


def _changed_unit(work: Work, actor: Actor, after: Unit, before: Unit, change: Change) -> Unit:
    def check() -> None:
        _check_unit(work, after)
        if rules.takes_away(after, before):
            rules.refuse_while_responsible(_open_journeys(work, after.id))

    return _changed(work, actor, after, before, change, check)


def _check_unit(work: Work, entry: Unit) -> None:
    of_unit = (
        one
        for programme in programmes_of(work, entry.id)
        for one in memberships_of(work, entry.id, programme)
    )
    newest = work.programmes.all_latest().values()
    rules.check_unit(
        entry,
        legal_person_is_known=entry.legal_person is None
        or work.find(subject_of("legal-person", entry.legal_person)) is not None,
        above=_above(work, entry),
        memberships=tuple(of_unit),
        activities={one.code for programme in newest for one in programme.activities},
    )


def _above(work: Work, entry: Unit) -> Sequence[Unit | None]:
    """The units above it, from its parent up; one more than there may be at the most."""
    found: list[Unit | None] = []
    parent = entry.parent
    while parent is not None and parent != entry.id and len(found) <= rules.MOST_LEVELS:
        one: Unit | None = work.find(subject_of("unit", parent))
        found.append(one)
        parent = None if one is None else one.parent
        if parent == entry.id:
            found.append(entry)
    return found


# --- memberships ----------------------------------------------------------------------------------------------


def begin_membership(
    work: Work, actor: Actor, said: tuple[Membership, str], *, operators: Collection[Organisation]
) -> Membership:
    """Give a unit roles in a programme; the same again is the same. Raises Forbidden, Invalid, Conflict."""
    keeps = keeping(actor, operators, work)
    entry, why = said
    _refuse_other_programme(work, actor, keeps, entry.programme)
    return _taken_in(work, actor, entry, why, lambda: _check_membership(work, entry))


def change_membership(
    work: Work, actor: Actor, membership_id: str, fields: dict[str, Any], *, change: Change
) -> Membership:
    """Say a membership anew; unit and programme stay. Raises as `change_unit`."""
    before, keeps = _held(work, actor, Membership, membership_id, change)
    _refuse_other_programme(work, actor, keeps, before.programme)
    after = Membership(id=before.id, programme=before.programme, unit=before.unit, **fields)
    return _changed_membership(work, actor, after, before, change)


def end_membership(
    work: Work, actor: Actor, membership_id: str, last_day: date, *, change: Change
) -> Membership:
    """Say the last day of a membership. Raises as `change_unit`."""
    before, keeps = _held(work, actor, Membership, membership_id, change)
    _refuse_other_programme(work, actor, keeps, before.programme)
    return _changed_membership(work, actor, replace(before, last_day=last_day), before, change)


def _changed_membership(
    work: Work, actor: Actor, after: Membership, before: Membership, change: Change
) -> Membership:
    def check() -> None:
        _check_membership(work, after)
        if rules.takes_away(after, before):
            rules.refuse_while_responsible(_open_journeys(work, after.unit, after.programme))

    return _changed(work, actor, after, before, change, check)


def _check_membership(work: Work, entry: Membership) -> None:
    held = memberships_of(work, entry.unit, entry.programme)
    if len(held) >= MOST_MEMBERSHIPS and all(one.id != entry.id for one in held):
        raise Invalid({"unit": [f"Has {MOST_MEMBERSHIPS} memberships of the programme, as many as it may."]})
    if not held and len(programmes_of(work, entry.unit)) >= MOST_PROGRAMMES:
        raise Invalid({"unit": [f"Is a member of {MOST_PROGRAMMES} programmes, as many as it may."]})
    rules.check_membership(
        entry,
        unit=work.find(subject_of("unit", entry.unit)),
        rules=work.programmes.latest(entry.programme),
        others=[one for one in held if one.id != entry.id],
        unknown=[one for one in entry.shared_with if work.find(subject_of("unit", one)) is None],
    )


def register_row(
    work: Work, actor: Actor, said: tuple[UnitRow, str], *, operators: Collection[Organisation]
) -> UnitRow:
    """Take in all of a row, or nothing. Raises as `register_unit`; what a legal person lacks under the row's names."""
    row, why = said
    if row.legal_person is not None:
        try:
            register_legal_person(work, actor, (row.legal_person, why), operators=operators)
        except Invalid as invalid:
            raise Invalid(
                {f"legal_person_{name}": told for name, told in (invalid.errors or {}).items()}
            ) from None
    register_unit(work, actor, (row.unit, why), operators=operators)
    if row.membership is not None:
        begin_membership(work, actor, (row.membership, why), operators=operators)
    return row


# --- reading --------------------------------------------------------------------------------------------------


def read_entry(work: Work, actor: Actor, subject: Subject) -> Entry:
    """An entry as it is now. Raises Unknown."""
    found: Entry = work.get(subject)
    return found


def list_entries(
    work: Work, actor: Actor, kind: str, where: dict[str, str], *, after: str | Skip | None, limit: int
) -> Sequence[Entry]:
    """A page of entries of a kind, by id. where: the fields of a membership that must be so."""
    beyond = subject_of(kind, after) if isinstance(after, str) else after
    rows = work.rows(REGISTER, {"kind": kind, **where}, order="_id", after=beyond, limit=limit)
    return [entry_in(row) for row in rows]


def list_history(
    work: Work,
    actor: Actor,
    subject: Subject,
    *,
    operators: Collection[Organisation],
    after: int | Skip | None,
    limit: int,
) -> Sequence[Stand]:
    """A page of what was said of an entry, the earlier first. A person is told to its own organisation alone."""
    keeping(actor, operators, work)
    work.get(subject)
    rows = work.rows(HISTORY, {"subject": subject}, order="number", after=after, limit=limit)
    found = [entry_of(Stand, row) for row in rows]
    return [one if one.organisation == actor.organisation else replace(one, person=None) for one in found]


# --- what all share -------------------------------------------------------------------------------------------


def _taken_in(work: Work, actor: Actor, entry: E, why: str, check: Callable[[], None]) -> E:
    subject = subject_of_entry(entry)
    held: E | None = work.find(subject)
    if held is not None:
        if held != entry:
            raise Conflict(
                "already-registered", f"The register has {subject}, and says something else of it."
            )
        return held
    check()
    _keep(work, actor, entry, None, why)
    return entry


def _changed(work: Work, actor: Actor, after: E, before: E, change: Change, check: Callable[[], None]) -> E:
    if after == before:
        return before
    rules.refuse_other_revision(change.asked, work.revision(subject_of_entry(after)))
    check()
    _keep(work, actor, after, before, change.why)
    return after


def _keep(work: Work, actor: Actor, entry: Entry, before: Entry | None, why: str) -> None:
    keep_entry(work, entry, before, Said(why=why, by=actor), beside=_numbers(entry, before))


def _numbers(entry: Entry, before: Entry | None) -> Sequence[Row]:
    """Whose the organisation numbers are from now on that the change touches."""
    had = before.number if isinstance(before, LegalPerson) else None
    has = entry.number if isinstance(entry, LegalPerson) else None
    if has == had:
        return ()
    whose = ((had, None), (has, entry.id))
    return [Row(NUMBERS, number, {"legal_person": one}) for number, one in whose if number is not None]


def _held(work: Work, actor: Actor, kind: type[E], key: str, change: Change) -> tuple[E, Keeping]:
    keeps = keeping(actor, change.operators, work)
    name = {LegalPerson: "legal-person", Unit: "unit", Membership: "membership"}[kind]
    found: E = work.get(subject_of(name, key))
    return found, keeps


def _refuse_other_programme(work: Work, actor: Actor, keeps: Keeping, programme: str) -> None:
    """Refuse a registrar of another programme. One that nobody published is told as a wrong field."""
    if not keeps.has(programme) and work.programmes.latest(programme) is not None:
        raise Forbidden("not-allowed", f"{actor.organisation} does not own {programme}.")


def _refuse_other_s(
    work: Work, actor: Actor, keeps: Keeping, entry: LegalPerson | Unit, member_of: Collection[str]
) -> None:
    subject = subject_of_entry(entry)
    first = work.rows(HISTORY, {"subject": subject}, order="number", after=None, limit=1)
    registered = bool(first) and first[0]["organisation"] == actor.organisation
    if not keeps.has_unit(registered=registered, member_of=member_of):
        raise Forbidden("not-allowed", f"{actor.organisation} does not keep this {kind_of_entry(entry)}.")


def _open_journeys(work: Work, unit: Organisation, programme: str | None = None) -> int:
    """How many open journeys the unit is responsible for, up to MOST_COUNTED; in that programme, where one is named."""
    where: dict[str, Any] = {"state.passage.responsible": unit, "state.stage": {"$in": sorted(OPEN)}}
    if programme is not None:
        keys = [one.key for one in work.programmes.every_version() if one.id == programme]
        where["state.programme_key"] = {"$in": keys}
    rows = work.rows("referrals", where, order="state.listed", after=None, limit=rules.MOST_COUNTED)
    return len(rows)
