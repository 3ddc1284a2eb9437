"""One person's journeys through one programme: which stand side by side, and which of them counts.

Several organisations may refer the same person to the same programme without knowing of each other. One person counts
once. A journey that began while another stood open counts no further person as long as that other one is real. Real
means neither declined, withdrawn nor registered by mistake. The set of these others is fixed when the journey began,
so the order of later facts makes no difference. A journey that is void may be said to be none of that later.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from services.intake.domain.journey import Referral
from shared.language import events as e
from shared.language.days import day_of
from shared.language.decision import Change, Row
from shared.language.errors import Conflict
from shared.language.passage import Passage

PARTICIPATIONS = "participations"
"""Rows `<participant>:<programme>`: the person's journeys there, the earlier first.

Every decision that adds one, or changes whether one is real, writes the row. So of two decisions at the same moment
one sees the other's effect.
"""
KEPT = 50
"""Journeys of a row that are kept besides those that stand open."""
VOID = frozenset({"declined", "withdrawn", "mistake"})
OPEN = frozenset({"received", "accepted", "started", "ready"})


@dataclass(frozen=True, slots=True)
class Other:
    """Another open journey of the person in the programme: since when both are; which, for those who may know."""

    since: date
    journey_id: e.JourneyId | None = None
    responsible: e.Organisation | None = None


def participation_key(participant_id: e.ParticipantId, programme: e.Code) -> str:
    """Names the row."""
    return f"{participant_id}:{programme}"


def key_of_journey(passage: Passage) -> str:
    """Names the row that the journey stands in."""
    return participation_key(passage.participant_id, passage.programme)


def is_open(referral: Referral) -> bool:
    """Whether the person waits or takes part by it."""
    return referral.passage.stage in OPEN


def is_void(referral: Referral) -> bool:
    """Whether nothing came of it: it is real no more."""
    return referral.passage.stage in VOID


def _may_stand(referral: Referral) -> bool:
    """Whether the person waits or takes part by it, or would if what made it void were taken back."""
    return is_open(referral) or (is_void(referral) and not referral.passage.left)


def refuse_second(journeys: Sequence[Referral], may_read: Callable[[Referral], bool]) -> None:
    """Refuse a further referral of a person whose open journey the referrer may read. Raises Conflict."""
    for one in journeys:
        if is_open(one) and may_read(one):
            passage = one.passage
            raise Conflict(
                "already-referred",
                f"{one.journey_id} of this person in {passage.programme} is {passage.stage}; "
                f"{passage.responsible} is responsible.",
                {
                    "journey_id": [one.journey_id],
                    "stage": [passage.stage],
                    "responsible": [passage.responsible],
                },
            )


def begun(
    change: Change[Referral], journeys: Sequence[Referral], row: Mapping[str, Any] | None, at: datetime
) -> Change[Referral]:
    """A referral's reception, beside what stands open as it begins. journeys: the person's earlier ones there."""
    begins = replace(change.state, stood=tuple(one.journey_id for one in journeys if _may_stand(one)))
    beside = settled(begins, {one.journey_id: one for one in journeys}, at)
    row_now = written(key_of_journey(begins.passage), row, (*journeys, begins))
    return replace(
        change,
        state=beside.state,
        events=(*change.events, *beside.events),
        rows=(*change.rows, row_now),
    )


def settled(referral: Referral, others: Mapping[e.JourneyId, Referral], at: datetime) -> Change[Referral]:
    """The journey, beside the first of those it began beside that is real now; it counts where none is.

    others: the person's other journeys in the programme, as they are now.
    """
    real = [one for one in referral.stood if one in others and not is_void(others[one])]
    beside = real[0] if real else None
    if beside == referral.beside:
        return Change(referral)
    fact = e.JourneySetBeside(occurred_on=day_of(at), recorded_at=at, beside=beside)
    return Change(replace(referral, beside=beside), events=(fact,))


def written(key: str, row: Mapping[str, Any] | None, journeys: Sequence[Referral]) -> Row:
    """The row with these journeys, the earlier first; those long over make room. row: as it was."""
    over = sum(not is_open(one) for one in journeys)
    kept: list[e.JourneyId] = []
    for one in journeys:
        if is_open(one) or over <= KEPT:
            kept.append(one.journey_id)
        else:
            over -= 1
    turn = row["turn"] + 1 if row else 1
    return Row(PARTICIPATIONS, key, {"journeys": kept, "turn": turn})


def others_open(
    referral: Referral, journeys: Sequence[Referral], may_read: Callable[[Referral], bool]
) -> list[Other]:
    """The other open journeys of the person, while this one is open itself. Source: docs/security.md."""
    if not is_open(referral):
        return []
    found = [one for one in journeys if one.journey_id != referral.journey_id and is_open(one)]
    return [_other(referral, one, known=may_read(one)) for one in found]


def _other(referral: Referral, other: Referral, *, known: bool) -> Other:
    since = max(referral.passage.referred_on, other.passage.referred_on)
    return Other(since, other.journey_id, other.passage.responsible) if known else Other(since)
