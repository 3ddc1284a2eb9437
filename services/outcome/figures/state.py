"""What the projector keeps of each journey and of each output: one small state per subject.

`JourneyFacts` is all of a journey but its sessions. The rule of a figure is given the facts alone, so that a figure
cannot rest on sessions without declaring it. May not do I/O or read a clock.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from shared.language import events as e
from shared.language.passage import Passage

Gender = Literal["woman", "man", "non_binary", "not_known"]

NOBODY = ""
"""In place of a provider: none has answered, and none was named."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where something is counted: at which provider, in which municipality."""

    provider: e.Organisation
    municipality: e.Municipality


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
    """The sessions that count, corrections and voids already in. `minutes` of attended ones.

    planned_minutes: of those that were marked on a register; marked_minutes: what was attended of these.
    """

    logged: int = 0
    attended: int = 0
    late: int = 0
    missed: int = 0
    corrected: int = 0
    minutes: int = 0
    planned_minutes: int = 0
    marked_minutes: int = 0


FollowUpStatus = Literal["due", "answered", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpFigure:
    """What became of one follow-up; `situation` once answered. due_on: the day that it asks about."""

    status: FollowUpStatus
    due_on: date | None = None
    situation: e.Situation | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """A journey whose person has others in the programme. participation: what they say together."""

    journey: e.JourneyId
    participation: e.Participation

    @property
    def is_first(self) -> bool:
        """Whether this one says what the person was at entry."""
        return self.participation.first == self.journey


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFacts:
    """What the figures need of one journey, without its sessions.

    entry_on: the day of the entry answers. offers: of handovers that came to nothing, all but the latest in handovers,
    which an exit that is recorded late may still leave outside. exit_knew_handovers: how many of the handover service's
    events the first exit had seen: what came beside or after it moved nobody.

    together: None where the person has no other journey in the programme, or this one says all of the person.
    first_gender: what the entry of the person's first journey says, where that is another. others_left: the person's
    other journeys that have ended, and on which day.
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
    follow_ups: dict[str, FollowUpFigure] = field(default_factory=dict)
    together: Together | None = None
    first_gender: Gender = "not_known"
    others_left: dict[e.JourneyId, date] = field(default_factory=dict)
    newest_type: str
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyFigures(JourneyFacts):
    """What the figures need of one journey, with its sessions.

    sessions_at: where the sessions that count are counted; it can change only while none counts.
    """

    sessions: Sessions = field(default_factory=Sessions)
    sessions_at: Where | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputFigures:
    """What the figures need of one programme output. logged_on: the day of the result."""

    programme: e.Code
    output: e.Code
    logged_on: date | None = None
    provider: e.Organisation
    municipality: e.Municipality
    quantity: int
    newest_type: str
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterFigures:
    """What the figures need of one unit's register of a day: how many lines it had, and how many nobody has marked.

    It is no news, so it does not say what was recorded last: every unit's is counted at midnight.
    """

    programme: e.Code
    on: date
    provider: e.Organisation
    municipality: e.Municipality
    expected: int
    not_marked: int


Figures = JourneyFigures | OutputFigures | RegisterFigures

RECENT = 20
"""Handovers of a journey that are kept one by one, beside the accepted: more than an exit is ever recorded late by."""


def where(state: Figures | JourneyFacts) -> Where:
    """The provider and the municipality that the subject's figures are counted at.

    A journey's provider accepted it; before that it declined it, or was named in the referral. A handover does not move
    it: all figures of a journey stand at one provider. An output's provider logged it; a register's is the unit.
    """
    if isinstance(state, OutputFigures | RegisterFigures):
        return Where(state.provider, state.municipality)
    passage = state.passage
    provider = passage.provider or passage.declined_by or passage.named_provider or NOBODY
    return Where(provider, passage.municipality)


def home(state: JourneyFacts) -> Where:
    """Where a person counts: at this journey's provider, in the municipality of the person's first journey.

    So those who started in a municipality are those who take part and those who left, also after a move.
    """
    at = where(state)
    return at if state.together is None else Where(at.provider, state.together.participation.municipality)
