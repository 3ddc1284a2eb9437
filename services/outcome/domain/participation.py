"""What outcome knows of a person's other journeys in the programme, carried on each journey's own subject.

A result is that of the last exit, compared with the entry of the first journey (docs/field.md, "Who is counted").
Exits and entry answers are outcome's own, and concern other journeys than the one they are recorded on. So each journey
keeps what it needs of the others: no reader joins journeys.

Each fold of intake's word leaves a row that says which journeys this one rests on, and a command tells those that rest
on its own. Both write one row of the journey that is rested on, so that one of two at the same moment sees the other's
effect.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from services.outcome.domain.journey import Outcome, entry_row
from shared.language import events as e
from shared.language.days import day_of
from shared.language.decision import Change, Received, Row
from shared.language.errors import StateUnreadable
from shared.language.journeys import known
from shared.language.programmes import Programmes

RESTING = "resting"
"""Rows `<journey>:<other>`: {of: the journey, by: another of the person's that rests on it}."""
RESTED_ON = "rested_on"
"""Rows of journeys that others rest on, or may: {mark}. Two that write one at the same moment conflict."""

Others = Mapping[e.JourneyId, Outcome | StateUnreadable]
"""What a fold is given beside intake's word: the journeys that it names, as they are now."""


def mark(journey: e.JourneyId, unlike: str) -> Row:
    """The row that a change of the journey writes, and whoever begins to rest on it. unlike: other than any before."""
    return Row(RESTED_ON, journey, {"mark": unlike})


def settle(state: Outcome | None, received: Received, programmes: Programmes) -> Change[Outcome]:
    """Take in what the journey is among the person's others, with what is known of these now.

    Raises StateUnreadable where this release cannot read one of them.
    """
    before = known(state, received)
    whole = received.body.participation if isinstance(received.body, e.ParticipationSettled) else None
    named = sorted({whole.first, *whole.started} - {before.journey_id}) if whole else []
    after = replace(before, participation=whole, first_entry=None, others_left={})
    others: Others = received.extra or {}
    for one in named:
        held = others.get(one)
        if isinstance(held, StateUnreadable):
            raise held
        if held is not None:
            after = _with(after, held)
    change = _told(before, after, received.body.recorded_at)
    rests = [
        Row(RESTING, f"{one}:{before.journey_id}", {"of": one, "by": before.journey_id}) for one in named
    ]
    marks = [mark(one, f"{received.subject}:{received.seq}") for one in named]
    return replace(change, rows=(*change.rows, *rests, *marks))


def told_of(state: Outcome, other: Outcome, at: datetime) -> Change[Outcome]:
    """The journey, once the entry or the exit of the person's other journey is as it stands there."""
    return _told(state, _with(state, other), at)


def _with(state: Outcome, other: Outcome) -> Outcome:
    whole = state.participation
    if whole is None or other.journey_id == state.journey_id:
        return state
    if whole.first == other.journey_id:
        state = replace(state, first_entry=other.entry)
    if other.journey_id in whole.started:
        left = {one: on for one, on in state.others_left.items() if one != other.journey_id}
        if other.passage.exited_on is not None:
            left[other.journey_id] = other.passage.exited_on
        state = replace(state, others_left=left)
    return state


def _told(before: Outcome, after: Outcome, at: datetime) -> Change[Outcome]:
    """Announce what has changed of the others; the journey itself where nothing has."""
    if after == before:
        return Change(before)
    said: list[e.Fact] = []
    on, whole = day_of(at), after.participation
    if after.others_left != before.others_left:
        order = whole.started if whole else ()
        left = tuple(
            e.JourneyLeft(journey=one, left_on=after.others_left[one])
            for one in order
            if one in after.others_left
        )
        said.append(e.OtherJourneysLeft(occurred_on=on, recorded_at=at, left=left))
    if after.first_gender == before.first_gender:
        return Change(after, events=tuple(said))
    if whole is not None:
        said.append(e.FirstEntryChanged(occurred_on=on, recorded_at=at, first=whole.first))
    return Change(after, events=tuple(said), rows=(entry_row(after),))
