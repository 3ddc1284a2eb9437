"""The use cases of the day's register: who is expected at a unit on a day, and what came of it. No rule lives here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.closing import closures_from
from services.activity_tracking.day_rows import (
    elsewhere_on,
    groups_of,
    heads_on,
    paused,
    planned_on,
    stretch_key,
)
from services.activity_tracking.domain.absence import left_early
from services.activity_tracking.domain.counted import recounts
from services.activity_tracking.domain.duties import owed
from services.activity_tracking.domain.expected import Expected, expected_on, is_closed
from services.activity_tracking.domain.groups import Group
from services.activity_tracking.domain.held import stretch_of
from services.activity_tracking.domain.holidays import is_holiday
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.marks import (
    Mark,
    MarkRegister,
    anew,
    check_mark,
    expected_of,
    is_marked,
    meets,
    said_by,
    unplanned,
)
from services.activity_tracking.domain.overlaps import lie_across
from services.activity_tracking.domain.plan import PlannedActivity
from services.activity_tracking.domain.reports import REPORTS
from services.activity_tracking.domain.session_days import DAYS, counts_of, day_key
from services.activity_tracking.domain.sessions import (
    CorrectSession,
    Session,
    correct,
    log,
)
from services.activity_tracking.grouping import usable_by
from services.activity_tracking.handlers import open_journey, reader_of, report_of
from shared.language.access import Actor, Reader, authorise
from shared.language.days import day_of
from shared.language.decision import Change, Work, subject_of
from shared.language.errors import Forbidden, Invalid, Refused, Unknown
from shared.language.events import JourneyId, Organisation, SessionId
from shared.language.programmes import Action, Name

Place = tuple[JourneyId, str, str]
"""A line of a register: whose it is, what names the stretch, and its hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a register. head: the newest entry that marks it; None: not marked. reader: the caller.

    overlaps: the person attends another stretch at that time, here or at another unit. group: the one that meets.
    """

    expected: Expected
    reader: Reader
    head: Session | None
    left_early: bool
    group: Group | None = None
    overlaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRegister:
    """A unit's register of one day, by time and journey. elsewhere: how its people are marked at other units.

    closed: the unit said so. holiday: the day is one.
    """

    unit: Organisation
    day: date
    closed: bool
    holiday: bool
    lines: Sequence[Line]
    elsewhere: Sequence[Session] = ()

    def overlapping(self, anew: Mapping[str, Session | None]) -> frozenset[str]:
        """The keys of the lines that lie across another. anew: by key, the entries that stand since it was read."""
        by_key = {stretch_key(self.day, one.expected): one for one in self.lines}
        heads = {key: (one.expected, anew.get(key, one.head)) for key, one in by_key.items()}
        return lie_across(heads, self.elsewhere)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What a mark came to. head: the entry that stands, None where nothing is marked; refused: why it was not taken.

    overlaps: the person attends another stretch at that time. tell: the sentence for the person that the reason has.
    """

    mark: Mark
    head: Session | None = None
    changed: bool = False
    refused: Refused | None = None
    overlaps: bool = False
    tell: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedRegister:
    """What marking a register came to: a result for each mark, then for each of the rest."""

    unit: Organisation
    day: date
    results: Sequence[Marked]


def read_register(work: Work, actor: Actor, on: date | None) -> DayRegister:
    """Who is expected at the caller's unit on that day, past or ahead: those whom it held that day.

    on: None, today. Nothing of it is stored, so whoever has left, pauses or was handed over since is on it or not as it
    was that day.
    """
    return _register(work, actor, on or day_of(work.at))


def _register(work: Work, actor: Actor, day: date, *, closed_too: bool = False) -> DayRegister:
    """closed_too: with the lines that there would be if the unit were open."""
    closed = is_closed(day, closures_from(work, actor.organisation, day))
    plans: dict[JourneyId, list[PlannedActivity]] = {}
    for plan in () if closed and not closed_too else planned_on(work, actor.organisation, day):
        plans.setdefault(plan.journey_id, []).append(plan)
    lines = lines_of(work, actor, day, plans, heads_on(work, actor.organisation, [day]))
    lines.sort(key=_order)
    elsewhere = elsewhere_on(work, actor.organisation, day, {one.expected.journey_id for one in lines})
    register = DayRegister(
        unit=actor.organisation,
        day=day,
        closed=closed,
        holiday=is_holiday(day),
        lines=lines,
        elsewhere=elsewhere,
    )
    across = register.overlapping({})
    lines = [replace(one, overlaps=stretch_key(day, one.expected) in across) for one in lines]
    return replace(register, lines=lines)


def _order(line: Line) -> tuple[datetime, JourneyId, str]:
    return line.expected.starts_at, line.expected.journey_id, line.expected.plan or ""


def lines_of(
    work: Work,
    actor: Actor,
    day: date,
    plans: Mapping[JourneyId, Sequence[PlannedActivity]],
    heads: Mapping[str, Session],
) -> list[Line]:
    """What these plans and marks come to on the caller's register of that day.

    plans: of the day, by journey. heads: the newest entry of each marked stretch, by the stretch's key.
    """
    work.load({subject_of("journey", one) for one in (*plans, *(head.journey_id for head in heads.values()))})
    pauses = paused(work, plans)
    held = (head.held.group for head in heads.values() if head.held is not None)
    groups = groups_of(work, (*(plan.group for its in plans.values() for plan in its), *held))
    found: dict[str, Expected] = {}
    for journey_id, its in plans.items():
        journey = _readable(work, actor, journey_id, day)
        if journey is not None:
            its_pauses = pauses.get(journey_id, ())
            stretches = expected_on(day, actor.organisation, journey.passage, its, its_pauses, groups)
            found |= {stretch_key(day, one): one for one in stretches}
    for key, head in heads.items():
        # What was marked stays in view, though a plan or a pause was changed since.
        if head.held is not None and is_marked(head) and _readable(work, actor, head.journey_id, day):
            found.setdefault(key, expected_of(head, head.held))
    return [_line(work, actor, one, heads.get(key)) for key, one in found.items()]


def mark_register(work: Work, actor: Actor, command: MarkRegister) -> MarkedRegister:
    """Mark a day's register, all in one transaction; what one mark is refused for keeps no other from being taken.

    The later mark of a stretch wins, whoever makes it; the one before stays in the session's history. The same again
    changes nothing. While the unit is closed nobody belongs to the rest, and who came may be named. Raises Invalid
    where a line is marked twice.
    """
    register = _register(work, actor, command.day or day_of(work.at), closed_too=True)
    groups_of(work, (one.group for one in command.marks))
    said = {_place(one): one for one in command.marks}
    if len(said) < len(command.marks):
        raise Invalid({"marks": ["Marks one line of the register twice."]})
    if command.rest != "absent" and (command.reason or command.text):
        raise Invalid({"reason": ["Only of a rest that is absent; each mark says its own."]})
    there = {_place(line.expected): line for line in register.lines}
    work.load(subject_of("journey", one.journey_id) for one in said.values() if one.plan is None)
    named = {place: _named(work, actor, register.day, one, there.get(place)) for place, one in said.items()}
    lines: dict[Place, Line | Refused] = {**there, **named}
    rest = () if register.closed else _rest(command, lines.values(), said)
    marks = [*said.values(), *rest]
    work.fetch(DAYS, list({day_key(one.journey_id, register.day) for one in marks}))
    known = [one.head for one in lines.values() if isinstance(one, Line) and one.head]
    work.fetch(REPORTS, [one.report_id for one in known if one.report_id])
    results = [_marked(work, actor, register.day, one, lines[_place(one)]) for one in marks]
    register = _with(work, register, [one for one in lines.values() if isinstance(one, Line)])
    keys = [stretch_key(register.day, one.mark) for one in results]
    across = register.overlapping(
        {key: one.head for key, one in zip(keys, results, strict=True) if one.refused is None}
    )
    results = [
        replace(one, overlaps=one.head is not None and key in across)
        for key, one in zip(keys, results, strict=True)
    ]
    return MarkedRegister(unit=register.unit, day=register.day, results=results)


def _with(work: Work, register: DayRegister, lines: Sequence[Line]) -> DayRegister:
    """The register with the lines of who came unplanned, and how they are marked at other units."""
    if len(lines) == len(register.lines):
        return register
    journeys = {one.expected.journey_id for one in lines}
    return replace(register, lines=lines, elsewhere=elsewhere_on(work, register.unit, register.day, journeys))


def _named(work: Work, actor: Actor, day: date, mark: Mark, line: Line | None) -> Line | Refused:
    try:
        return named_line(work, actor, day, mark, line)
    except Refused as reason:
        return reason


def named_line(work: Work, actor: Actor, day: date, mark: Mark, line: Line | None) -> Line:
    """The line that a mark names; of who came unplanned a new one, or the one that stands, with its new end.

    line: the one of the register, None where it has no such one. Raises Refused.
    """
    check_mark(mark)
    said = mark.ends_at is not None or (mark.group is not None and mark.presence == "present")
    if mark.plan is None and (line is None or said):
        journey, _ = open_journey(work, actor, mark.journey_id, "log_activity", day)
        if actor.organisation in journey.passage.responsible_on(day):
            programme = journey.passage.programme
            group = None if mark.group is None else usable_by(work, actor, programme, mark.group)
            return _line(work, actor, unplanned(mark, day, group), None if line is None else line.head)
    if line is None:
        raise Unknown("line of the register", within=True)
    return line


def _rest(
    command: MarkRegister, lines: Collection[Line | Refused], said: Collection[Place]
) -> Iterator[Mark]:
    """A mark for each line that is neither named nor marked, and lies across none of the person's that is."""
    if command.rest is None:
        return
    there = [one for one in lines if isinstance(one, Line)]
    marked = [one.expected for one in there if is_marked(one.head) or _place(one.expected) in said]
    for line in there:
        one = line.expected
        if any(meets(one, other) for other in marked):
            continue
        marked.append(one)
        yield Mark(
            journey_id=one.journey_id,
            plan=one.plan,
            hour=one.hour,
            presence=command.rest,
            reason=command.reason,
            text=command.text,
            marked_at=command.marked_at,
        )


def _marked(work: Work, actor: Actor, day: date, mark: Mark, line: Line | Refused) -> Marked:
    try:
        if isinstance(line, Refused):
            raise line
        return take_mark(work, actor, day, mark, line)
    except Refused as reason:
        return Marked(mark=mark, refused=reason)


def take_mark(work: Work, actor: Actor, day: date, mark: Mark, line: Line) -> Marked:
    """Mark a line of the caller's register of that day, whichever way the mark came. Raises Refused."""
    head, changed = _mark(work, actor, day, mark, line)
    if head is None or head.void:
        return Marked(mark=mark, changed=changed)
    journey: Journey = work.get(subject_of("journey", head.journey_id))
    rules = work.programmes.get(journey.passage.programme_key)
    return Marked(mark=mark, head=head, changed=changed, tell=rules.sentence_for(head.reason))


def _mark(work: Work, actor: Actor, day: date, mark: Mark, line: Line) -> tuple[Session | None, bool]:
    journey, programme = open_journey(work, actor, mark.journey_id, "log_activity", day)
    before, session = line.head, SessionId(work.new_id("s"))
    counts = counts_of(work.row(DAYS, day_key(mark.journey_id, day)))
    change: Change[Journey]
    if mark.presence == "unmarked":
        if before is None or before.void:
            return None, False
        correction = CorrectSession(void=True)
    else:
        said = said_by(mark, line.expected, day, programme)
        if before is None or before.void:
            change, entry = log(
                journey,
                said,
                programme=programme,
                by=actor.organisation,
                at=work.at,
                session=session,
                earlier=None,
                that_day=counts,
            )
            change, entry = owed(change, entry, head=None, made=None, programme=programme, at=work.at)
            _save(work, actor, day, change)
            return entry, True
        correction = anew(said)
    if not line.reader.may_overwrite(before.organisation):
        raise Forbidden("not-your-journey", "Only the organisation that held this session may correct it.")
    change, entry = correct(
        journey,
        before,
        correction,
        programme=programme,
        by=actor.organisation,
        at=work.at,
        session=session,
        days={day: counts},
    )
    made = report_of(work, before)
    change, entry = owed(change, entry, head=before, made=made, programme=programme, at=work.at)
    _save(work, actor, day, change)
    return entry, entry.session_id == session


def _save(work: Work, actor: Actor, day: date, change: Change[Journey]) -> None:
    """Keep a mark; a register of a day that is over is counted again."""
    again = recounts((actor.organisation,), day, day, work.at) if change.events else ()
    timers = (*change.timers, *again)
    work.save(subject_of("journey", change.state.journey_id), replace(change, timers=timers))


def _place(of: Expected | Mark) -> Place:
    return of.journey_id, stretch_of(of.plan, of.activity, of.group), of.hour


def _line(work: Work, actor: Actor, expected: Expected, head: Session | None) -> Line:
    journey: Journey = work.get(subject_of("journey", expected.journey_id))
    rules = work.programmes.get(journey.passage.programme_key)
    return Line(
        expected=expected,
        reader=reader_of(work, actor, journey),
        head=head,
        left_early=head is not None and left_early(head.held, rules),
        group=None if expected.group is None else groups_of(work, (expected.group,)).get(expected.group),
    )


def _readable(work: Work, actor: Actor, journey_id: JourneyId, day: date) -> Journey | None:
    """The journey, for who reads it today, or may still log that day; None for others."""
    journey: Journey | None = work.readable(subject_of("journey", journey_id))
    if journey is None:
        return None
    either: Sequence[tuple[Action, date | None]] = (("read_journey", None), ("log_activity", day))
    for action, on in either:
        try:
            authorise(actor, action, journey.passage, work, on=on)
        except (Forbidden, Unknown):
            continue
        return journey
    return None
