"""What the figures keep of each journey and output, and which cells it counts in: a pure function of that state.

Definitions: docs/field.md, Who is counted. May not read a clock.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from services.outcome.figures import cells as c
from shared.language import events as e
from shared.language.passage import Passage

Gender = Literal["woman", "man", "non_binary", "not_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """How many handovers of the journey met which answer."""

    offered: int = 0
    accepted: int = 0
    declined: int = 0
    expired: int = 0
    recalled: int = 0


HandoverAnswer = Literal["accepted", "declined", "expired", "recalled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One handover: the day of its offer, how and on which day it ended. seq: the acceptance's place among the handover
    service's events.
    """

    handover: e.HandoverId
    offered_on: date
    answer: HandoverAnswer | None = None
    ended_on: date | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions that count, corrections and voids already in. `minutes` of attended ones."""

    logged: int = 0
    attended: int = 0
    late: int = 0
    missed: int = 0
    corrected: int = 0
    minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpFigure:
    """What became of one follow-up; `situation` once answered."""

    status: Literal["due", "answered", "missed"]
    situation: e.Situation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFigures:
    """What the figures need of one journey.

    entry_on: the day of the entry answers. offers: of handovers that came to nothing, all but the latest in handovers,
    which an exit that is recorded late may still leave outside. exit_knew_handovers: how many of the handover service's
    events the first exit had seen: what came beside or after it moved nobody.
    """

    programme: e.Code
    passage: Passage
    gender: Gender = "not_known"
    entry_complete: bool = False
    entry_on: date | None = None
    situation_at_exit: e.Situation | None = None
    exit_knew_handovers: int | None = None
    offers: Offers = field(default_factory=Offers)
    handovers: tuple[Handover, ...] = ()
    sessions: Sessions = field(default_factory=Sessions)
    follow_ups: dict[str, FollowUpFigure] = field(default_factory=dict)
    beside: e.JourneyId | None = None
    newest_type: str
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFigures:
    """What the figures need of one programme output."""

    programme: e.Code
    output: e.Code
    municipality: e.Municipality
    quantity: int
    newest_type: str
    newest_at: datetime


Figures = JourneyFigures | OutputFigures

RECENT = 20
"""Handovers of a journey that are kept one by one, beside the accepted: more than an exit is ever recorded late by."""


def contributions(state: Figures) -> Counter[str]:
    """The cells that the subject counts in now, with amounts. Registered by mistake counts nowhere."""
    if isinstance(state, OutputFigures):
        figure = c.output_cell(state.output)
        return Counter(
            {figure: state.quantity, c.grouped(figure, "municipality", state.municipality): state.quantity}
        )
    if state.passage.mistake:
        return Counter()
    found: Counter[str] = Counter()
    entered = _entry_counts(state)
    gender = state.gender if entered else "not_known"
    for figure in _reached(state):
        found[figure] = 1
        found[c.grouped(figure, "gender", gender)] = 1
        found[c.grouped(figure, "municipality", state.passage.municipality)] = 1
    _add_exit(found, state)
    found[f"where/{state.passage.stage}"] = 1
    found["entries_complete"] = int(entered and state.entry_complete)
    for answer, times in _offers(state).items():
        found[f"handover/{answer}"] = times
    found.update(session_cells(state.sessions))
    for code, follow_up in _follow_ups(state).items():
        found[c.follow_up_cell(code, "due")] = 1
        if follow_up.status != "due":
            found[c.follow_up_cell(code, follow_up.status)] = 1
    for step, days in _steps(state):
        found[c.days_cell(step, days)] += 1
    return +(found if state.beside is None else _of_no_person(found))


def _of_no_person(found: Counter[str]) -> Counter[str]:
    """Sessions and handovers, which are no people: the journey that this one began beside counts the person."""
    return Counter({cell: n for cell, n in found.items() if cell.startswith(("session/", "handover/"))})


def _reached(state: JourneyFigures) -> list[str]:
    passage = state.passage
    holds = {
        "received": True,
        "declined": passage.declined_on is not None,
        "withdrawn": passage.withdrawn_on is not None,
        "accepted": passage.was_accepted,
        "started": passage.started_on is not None,
        "active": passage.started_on is not None and not passage.left,
        "ready": passage.became_ready,
        "handed_over": bool(moves(state)),
        "exited": passage.left,
        "re_referred": passage.previous_journey is not None,
        c.EMPLOYED_AT_EXIT: _has_result(state) and state.situation_at_exit == "employed",
    }
    employed = [
        c.employed_at(code) for code, one in _follow_ups(state).items() if one.situation == "employed"
    ]
    return [figure for figure, held in holds.items() if held] + employed


def _has_result(state: JourneyFigures) -> bool:
    """Everyone who leaves has a result, but the deceased. Source: docs/field.md, Results."""
    return state.passage.left and state.passage.exit_way != "deceased"


def _follow_ups(state: JourneyFigures) -> dict[str, FollowUpFigure]:
    """Asked of who has left, and of nobody else."""
    return state.follow_ups if state.passage.left else {}


def _add_exit(found: Counter[str], state: JourneyFigures) -> None:
    if state.passage.left:
        found[f"exit/{state.passage.exit_way}"] = 1
    if _has_result(state):
        found[f"employed_at_exit/{'known' if state.situation_at_exit else 'missing'}"] = 1


def session_cells(sessions: Sessions) -> dict[str, int]:
    """The cells of the sessions that stand."""
    return {f"session/{part}": getattr(sessions, part) for part in c.SESSIONS}


def _entry_counts(state: JourneyFigures) -> bool:
    """Whether the entry answers count: they were given by who had been accepted, and not after the withdrawal."""
    passage = state.passage
    late = passage.withdrawn_on and state.entry_on and passage.withdrawn_on < state.entry_on
    return passage.was_accepted and not late


def _offers(state: JourneyFigures) -> Counter[str]:
    """How many handovers met which answer. Made outside participation, they count nowhere.

    One that was answered after the exit day is one that the exit took back: the day of the exit may have been recorded
    after the answer, and had it been before, that is what would have come of the offer.
    """
    counts = Counter({answer: getattr(state.offers, answer) for answer in c.OFFERS})
    for one in state.handovers:
        if state.passage.takes_part_on(one.offered_on):
            counts["offered"] += 1
            late = one.ended_on is not None and not state.passage.takes_part_on(one.ended_on)
            if one.answer is not None:
                counts["recalled" if late else one.answer] += 1
    return counts


def moves(state: JourneyFigures) -> tuple[Handover, ...]:
    """The accepted handovers that moved responsibility in participation: those that the exit, if any, had seen.

    An exit outranks a handover accepted beside it, whichever arrives first.
    """
    known, passage = state.exit_knew_handovers, state.passage
    return tuple(
        one
        for one in state.handovers
        if one.seq is not None
        and (known is None or one.seq <= known)
        and one.ended_on is not None
        and passage.takes_part_on(one.offered_on)
        and passage.takes_part_on(one.ended_on)
    )


def _steps(state: JourneyFigures) -> list[tuple[str, int]]:
    passage = state.passage
    spans = [
        ("answer", passage.referred_on, passage.accepted_on if passage.was_accepted else None),
        ("start", passage.accepted_on, passage.started_on),
        ("ready", passage.started_on, passage.ready_on if passage.became_ready else None),
        ("exit", passage.started_on, passage.exited_on),
        *(("handover", one.offered_on, one.ended_on) for one in moves(state)),
    ]
    # Two services may each move a day past the other's before either has heard of it.
    return [(step, (last - first).days) for step, first, last in spans if first and last and first <= last]
