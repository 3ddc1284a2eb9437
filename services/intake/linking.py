"""Persons who are one person: the links between them, and what follows once one is made, moved or taken back.

A link says that two persons are one, because a human said so of two handles. Those that links join count as one
person, the one registered first. Links are kept one by one, so that taking one back leaves all others as they are. The
order in which they came makes no difference. No rule about who may link lives here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.intake.domain import journey as journeys
from services.intake.domain.journey import Referral
from services.intake.domain.participant import (
    HANDLES,
    HELD,
    Handle,
    Participant,
    handle_of,
    handle_row,
    held_key,
    held_row,
    touched,
)
from services.intake.participations import regroup
from shared.language.decision import Change, Row, Subject, Work, subject_of
from shared.language.events import HandleId, Organisation, ParticipantId
from shared.language.rows import every_row

LINKS = "links"
"""Rows `<handle>:<handle>`, one per link, standing or taken back: the two persons, and how often it has changed."""

Pair = tuple[ParticipantId, ParticipantId]


@dataclass(frozen=True, slots=True)
class Move:
    """Handles and journeys that come to another home: all of a person's, or those under one handle only."""

    source: ParticipantId
    target: ParticipantId
    handle: HandleId | None = None

    def home_of(self, found: Handle) -> ParticipantId:
        """The handle's home afterwards."""
        moves = found.home == self.source and self.handle in (None, found.handle)
        return self.target if moves else found.home

    def home_of_journey(self, held: Referral) -> ParticipantId:
        """The journey's home afterwards."""
        under = held.handles.get(held.passage.referrer)
        moves = held.home == self.source and self.handle in (None, under)
        return self.target if moves else held.home

    def ends_of(self, link: Mapping[str, Any]) -> Pair:
        """The two persons of a link afterwards. link: a row of LINKS."""
        one, other = link["participants"]
        if self.handle is not None and self.handle not in link["_id"].split(":"):
            return one, other
        ends = {self.source: self.target}
        return ends.get(one, one), ends.get(other, other)


def link_key(one: HandleId, other: HandleId) -> str:
    """Names the row of the link between two handles."""
    return ":".join(sorted((one, other)))


def link_row(key: str, pair: Pair, *, standing: bool, number: int) -> Row:
    """The row of a link. number: how often it was made and taken back."""
    return Row(LINKS, key, {"participants": list(pair), "standing": standing, "number": number})


def link(work: Work, key: str, pair: Pair, *, number: int, rows: Sequence[Row]) -> None:
    """Let the two count as one person, with all that follows. rows: saved with it."""
    saved = (link_row(key, pair, standing=True, number=number), *rows)
    _settle(work, [_joined(work, pair[0], made=[pair])], saved)


def unlink(work: Work, row: Mapping[str, Any], *, number: int, rows: Sequence[Row]) -> None:
    """Take a link back: its two persons are two again, unless other links join them. row: of LINKS."""
    key, pair = row["_id"], tuple(row["participants"])
    saved = (link_row(key, pair, standing=False, number=number), *rows)
    _settle(work, _groups(work, pair, unmade={key}), saved)


def move(work: Work, what: Move, *, rows: Sequence[Row] = ()) -> None:
    """Move handles, journeys and links to another home. Both persons are saved already. rows: saved with it."""
    found = list(every_row(work, LINKS, {"participants": what.source}, order="_id"))
    ends: dict[str, Pair] = {row["_id"]: what.ends_of(row) for row in found}
    changed = [row for row in found if list(ends[row["_id"]]) != row["participants"]]
    made = [ends[row["_id"]] for row in changed if row["standing"]]
    anew = [
        link_row(row["_id"], ends[row["_id"]], standing=row["standing"], number=row["number"])
        for row in changed
    ]
    groups = _groups(work, (what.source, what.target), made=made, unmade={row["_id"] for row in changed})
    _settle(work, groups, (*rows, *anew), what)


def handle_for(
    work: Work, organisation: Organisation, home: ParticipantId, person: ParticipantId
) -> tuple[HandleId, tuple[Row, ...]]:
    """The organisation's handle of a person, and the rows to save where it has had none.

    person: the one as whom `home` counts.
    """
    held = work.row(HELD, held_key(home, organisation))
    if held is not None:
        return HandleId(held["handle"]), ()
    handle = HandleId(work.new_id("h"))
    made = Handle(handle=handle, organisation=organisation, home=home, person=person)
    return handle, (handle_row(made), held_row(home, organisation, handle))


def _groups(
    work: Work, pair: Pair, *, made: Sequence[Pair] = (), unmade: Iterable[str] = ()
) -> list[set[ParticipantId]]:
    first = _joined(work, pair[0], made=made, unmade=unmade)
    return [first] if pair[1] in first else [first, _joined(work, pair[1], made=made, unmade=unmade)]


def _joined(
    work: Work, start: ParticipantId, *, made: Sequence[Pair] = (), unmade: Iterable[str] = ()
) -> set[ParticipantId]:
    """All whom links join with this one. made, unmade: links about to be made, and keys of those to be taken back."""
    found, frontier = {start}, {start}
    while frontier:
        where = {"participants": {"$in": sorted(frontier)}, "standing": True}
        pairs = [
            row["participants"]
            for row in every_row(work, LINKS, where, order="_id")
            if row["_id"] not in unmade
        ]
        reached = {one for pair in (*pairs, *made) if frontier & set(pair) for one in pair}
        frontier = reached - found
        found |= reached
    return found


def _settle(
    work: Work, groups: Sequence[set[ParticipantId]], rows: Sequence[Row], what: Move | None = None
) -> None:
    """Let each group count as its first registered, and move what belongs to somebody else now.

    Every person of the groups is written: so whatever else rests on one of them at the same moment is decided again.
    """
    persons: dict[ParticipantId, Participant] = {
        one: work.get(subject_of("participant", one)) for group in groups for one in sorted(group)
    }
    now: dict[ParticipantId, ParticipantId] = {}
    for group in groups:
        first = min(group, key=lambda one: (persons[one].registered_at, one))
        now |= dict.fromkeys(group, first)
    anew, gone = _handles_anew(work, now, what)
    saved = [*rows, *anew]
    for one, held in persons.items():
        as_whom = None if now[one] == one else now[one]
        state = replace(touched(held), one_with=as_whom)
        work.save(subject_of("participant", one), Change(state, rows=saved, removes=gone))
        saved, gone = [], []
    counted = {held.counts_as for held in persons.values()}
    regroup(work, _moved(work, counted, now, what), counted | set(now.values()))


def _handles_anew(
    work: Work, now: Mapping[ParticipantId, ParticipantId], what: Move | None
) -> tuple[list[Row], list[tuple[str, str]]]:
    """The rows of the handles that stand for another person or have another home, and those to remove."""
    rows: list[Row] = []
    gone: list[tuple[str, str]] = []
    for row in every_row(work, HANDLES, {"home": {"$in": sorted(now)}}, order="_id"):
        found = handle_of(row)
        home = found.home if what is None else what.home_of(found)
        if (home, now[home]) == (found.home, found.person):
            continue
        rows.append(handle_row(replace(found, home=home, person=now[home])))
        if home == found.home:
            continue
        before = held_key(found.home, found.organisation)
        held = work.row(HELD, before)
        if held is not None and held["handle"] == found.handle:
            gone.append((HELD, before))
        if work.row(HELD, held_key(home, found.organisation)) is None:
            rows.append(held_row(home, found.organisation, found.handle))
    return rows, gone


def _moved(
    work: Work,
    counted: Iterable[ParticipantId],
    now: Mapping[ParticipantId, ParticipantId],
    what: Move | None,
) -> list[Referral]:
    """The journeys that have another home or are somebody else's now, saved so."""
    found = list(
        every_row(work, "referrals", {"state.passage.participant_id": {"$in": sorted(counted)}}, order="_id")
    )
    moved = []
    for subject in [Subject(row["_id"]) for row in found]:
        held: Referral = work.get(subject)
        home = held.home if what is None else what.home_of_journey(held)
        if (home, now.get(home)) == (held.home, held.passage.participant_id) or home not in now:
            continue
        handles, rows = dict(held.handles), list[Row]()
        if home != held.home and what is not None and what.handle is not None:
            # The others' handles stay with the person whom they were made for.
            for organisation in sorted(set(handles) - {held.passage.referrer}):
                handles[organisation], new = handle_for(work, organisation, home, now[home])
                rows += new
        rules = work.programmes.get(held.passage.programme_key)
        anew = replace(held, home=home, handles=handles)
        change = journeys.now_of(anew, now[home], programme=rules, at=work.at)
        moved.append(work.save(subject, replace(change, rows=(*change.rows, *rows))))
    return moved
