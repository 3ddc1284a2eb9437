"""Answers who could have done something on a journey on a day, and who did. No rule lives here.

Who could: by the register as it is known now, and since when it says so. Who did: by the events that intake itself
said, and the organisation that the log names with each. Organisations, codes, days and moments; never a person.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.intake.domain.acts import TOLD_HERE, Act, act_of, told_by
from services.intake.domain.journey import Referral
from services.intake.domain.register import HISTORY, Stand
from shared.language.access import Actor, keeping
from shared.language.codec import read_body
from shared.language.days import day_of
from shared.language.decision import ARCHIVE, Skip, Subject, Work, subject_of
from shared.language.errors import Unknown
from shared.language.events import Code, JourneyId, Organisation
from shared.language.passage import Passage
from shared.language.programmes import Action, Programme
from shared.language.register import Membership, Unit
from shared.language.register_rows import subject_of_entry
from shared.language.role_map import memberships_on
from shared.language.rows import entry_of, every_row

AT_ONCE = 100
"""Events of the archive that are read at once; the last ones may be of another subject."""
SUBJECTS_AT_ONCE, STANDS_AT_ONCE = 100, 1000
"""Entries whose history is read at once: so few that MongoDB merges them by the index, without sorting."""
MOST_ACTS, MOST_READ = 200, 5_000
"""Acts of one day that are told; events of the journey that are read for them, the earlier first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who could do this, and who did. on: None is today."""

    action: Action
    on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Could:
    """A unit whose roles had the right on the day.

    was_responsible: whether it held the journey then. said_at: since when the register says all this, UTC. later:
    whether that was after the day.
    """

    unit: Unit
    roles: Sequence[Code]
    was_responsible: bool
    said_at: datetime
    later: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The answer.

    responsible: who held the journey on the day, also without the right. more: whether further acts may be left out.
    """

    on: date
    action: Action
    passage: Passage
    responsible: Sequence[Organisation]
    could: Sequence[Could]
    did: Sequence[Act]
    more: bool
    told_by: str | None


def read_rights(
    work: Work,
    actor: Actor,
    journey_id: JourneyId,
    asked: Asked,
    *,
    operators: Collection[Organisation],
    after: str | Skip | None,
    limit: int,
) -> Rights:
    """Who could have done this on the day, a page by unit, and who did, by intake's own events.

    For who keeps the register of the journey's programme. Raises Forbidden, Unknown.
    """
    keeps = keeping(actor, operators, work)
    subject = subject_of("journey", journey_id)
    held: Referral | None = work.find(subject)
    if held is None or not keeps.has(held.passage.programme):
        raise Unknown("journey")
    passage, on = held.passage, asked.on or day_of(work.at)
    rules = work.programmes.get(passage.programme_key)
    units = _page(_could(work, rules, asked.action, passage, on), after, limit)
    said_at = _said_at(work, units, rules, asked.action, passage, on)
    responsible = passage.responsible_on(on)
    acts, more = _acts(work, subject, asked.action, on)
    return Rights(
        on=on,
        action=asked.action,
        passage=passage,
        responsible=sorted(responsible),
        could=[
            Could(
                unit=unit,
                roles=sorted({role for one in by for role in one.roles if role in _may(rules, asked.action)}),
                was_responsible=unit.id in responsible,
                said_at=said_at[unit.id],
                later=day_of(said_at[unit.id]) > on,
            )
            for unit, by in units
        ],
        did=acts,
        more=more,
        told_by=told_by(asked.action),
    )


Holder = tuple[Unit, Sequence[Membership]]
"""A unit, and its memberships that give it the right on the day."""


def _may(rules: Programme, action: Action) -> frozenset[Code]:
    return rules.roles_that_may(action)


def _could(work: Work, rules: Programme, action: Action, passage: Passage, on: date) -> Iterator[Holder]:
    """The units that held a role with the right in the journey's municipality on that day."""
    may = _may(rules, action)
    for name in {name for role in may for name in work.register.holders(rules.id, role)}:
        held = memberships_on(work.register, name, rules.id, on, passage.municipality)
        by = [one for one in held if may.intersection(one.roles)]
        unit = work.register.unit(name)
        if unit is not None and by:
            yield unit, by


def _page(found: Iterator[Holder], after: str | Skip | None, limit: int) -> Sequence[Holder]:
    ordered = sorted(found, key=lambda one: one[0].id)
    if isinstance(after, Skip):
        ordered = ordered[after.rows :]
    elif after is not None:
        ordered = [one for one in ordered if one[0].id > after]
    return ordered[:limit]


def _said_at(
    work: Work, units: Sequence[Holder], rules: Programme, action: Action, passage: Passage, on: date
) -> Mapping[Organisation, datetime]:
    """{unit: since when the register says that it has the right on the day}."""
    may = _may(rules, action)

    def is_so(stand: Stand) -> bool:
        entry = stand.entry
        if isinstance(entry, Unit):
            return entry.is_there(on)
        assert isinstance(entry, Membership), "a right rests on units and memberships"
        return entry.holds(on, passage.municipality) and bool(may.intersection(entry.roles))

    since: dict[str, datetime] = {}
    so: set[str] = set()
    entries: list[Unit | Membership] = []
    for unit, by in units:
        entries.append(unit)
        entries.extend(by)
    for stand in _stands(work, [subject_of_entry(one) for one in entries]):
        # What was taken back in between counts from when it was said again.
        if not is_so(stand):
            so.discard(stand.subject)
        elif stand.subject not in so:
            so.add(stand.subject)
            since[stand.subject] = stand.at

    def since_when(entry: Unit | Membership) -> datetime:
        return since.get(subject_of_entry(entry), work.at)

    return {unit.id: max(since_when(unit), min(since_when(one) for one in by)) for unit, by in units}


def _stands(work: Work, subjects: Sequence[Subject]) -> Iterator[Stand]:
    """What was said of these entries, of each the earlier first."""
    for begin in range(0, len(subjects), SUBJECTS_AT_ONCE):
        where = {"subject": {"$in": subjects[begin : begin + SUBJECTS_AT_ONCE]}}
        for row in every_row(work, HISTORY, where, order="number", at_once=STANDS_AT_ONCE):
            yield entry_of(Stand, row)


def _acts(work: Work, subject: Subject, action: Action, on: date) -> tuple[Sequence[Act], bool]:
    """What intake's events tell of the action on that day, in their order; and whether there may be more."""
    acts: list[Act] = []
    if action not in TOLD_HERE:
        return acts, False
    for number, row in enumerate(_said_of(work, subject)):
        if number == MOST_READ:
            return acts, True
        fact = read_body(row["type"], row["body"])
        by = row["headers"].get("ce_organisation")
        act = act_of(fact, action, by) if fact.occurred_on == on else None
        if act is not None and len(acts) == MOST_ACTS:
            return acts, True
        if act is not None:
            acts.append(act)
    return acts, False


def _said_of(work: Work, subject: Subject) -> Iterator[Mapping[str, Any]]:
    """The events that intake said of the subject: rows whose keys begin with it."""
    prefix = f"{subject}:"
    for row in every_row(work, ARCHIVE, {}, order="_id", after=prefix, at_once=AT_ONCE):
        if not row["_id"].startswith(prefix):
            return
        yield row
