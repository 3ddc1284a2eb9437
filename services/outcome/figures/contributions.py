"""What the figures keep of each journey and output, and which cells it counts in: a pure function of that state.

Definitions: domain.md, §3, §4 and §6. May not read a clock.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from services.outcome.figures import cells as c
from shared import events as e
from shared.passage import Passage

Gender = Literal["woman", "man", "non_binary", "not_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """How many handovers of the journey met which answer."""

    offered: int = 0
    accepted: int = 0
    declined: int = 0
    expired: int = 0
    recalled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted handover: its place among the handover service's events, and whole days from offer to yes."""

    seq: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The sessions that stand, corrections and voids already in. `minutes` of attended ones."""

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

    accepted_handovers: one each; few, since people offer and answer every one. exit_knew_handovers: how many of the
    handover service's events the first exit had seen: what came beside or after it moved nobody.
    """

    programme: e.Code
    passage: Passage
    gender: Gender = "not_known"
    entry_complete: bool = False
    situation_at_exit: e.Situation | None = None
    exit_knew_handovers: int | None = None
    offers: Offers = field(default_factory=Offers)
    accepted_handovers: tuple[Accepted, ...] = ()
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
    for figure in _reached(state):
        found[figure] = 1
        found[c.grouped(figure, "gender", state.gender)] = 1
        found[c.grouped(figure, "municipality", state.passage.municipality)] = 1
    _add_exit(found, state)
    found[f"where/{state.passage.stage}"] = 1
    found["entries_complete"] = int(state.entry_complete)
    for answer in c.OFFERS:
        found[f"handover/{answer}"] = getattr(state.offers, answer)
    found.update(session_cells(state.sessions))
    for code, follow_up in state.follow_ups.items():
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
        "accepted": passage.accepted_on is not None,
        "started": passage.started_on is not None,
        "active": passage.started_on is not None and passage.exited_on is None,
        "ready": passage.ready_on is not None,
        "handed_over": bool(moves(state)),
        "exited": passage.exited_on is not None,
        "re_referred": passage.previous_journey is not None,
        c.EMPLOYED_AT_EXIT: _has_result(state) and state.situation_at_exit == "employed",
    }
    employed = [c.employed_at(code) for code, one in state.follow_ups.items() if one.situation == "employed"]
    return [figure for figure, held in holds.items() if held] + employed


def _has_result(state: JourneyFigures) -> bool:
    """Everyone who leaves has a result, but the deceased. Source: domain.md, §4, "Results"."""
    return state.passage.exited_on is not None and state.passage.exit_way != "deceased"


def _add_exit(found: Counter[str], state: JourneyFigures) -> None:
    if state.passage.exited_on is not None:
        found[f"exit/{state.passage.exit_way}"] = 1
    if _has_result(state):
        found[f"employed_at_exit/{'known' if state.situation_at_exit else 'missing'}"] = 1


def session_cells(sessions: Sessions) -> dict[str, int]:
    """The cells of the sessions that stand."""
    return {f"session/{part}": getattr(sessions, part) for part in c.SESSIONS}


def moves(state: JourneyFigures) -> tuple[Accepted, ...]:
    """The accepted handovers that moved responsibility: those that the exit, if there is one, had seen.

    An exit outranks a handover accepted beside it, whichever arrives first. Source: design.md, §1.
    """
    known = state.exit_knew_handovers
    return tuple(one for one in state.accepted_handovers if known is None or one.seq <= known)


def _steps(state: JourneyFigures) -> list[tuple[str, int]]:
    passage = state.passage
    spans = (
        ("answer", passage.referred_on, passage.accepted_on),
        ("start", passage.accepted_on, passage.started_on),
        ("ready", passage.started_on, passage.ready_on),
        ("exit", passage.started_on, passage.exited_on),
    )
    whole = [(step, (last - first).days) for step, first, last in spans if first and last]
    return whole + [("handover", one.days) for one in moves(state)]
