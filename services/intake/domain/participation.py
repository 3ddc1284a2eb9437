"""One person's journeys through one programme: one participation, and which journey says what of the person.

Figures count persons (docs/field.md, "Who is counted"). The first journey that started says what the person was at
entry. The last exit says what came of it, and while any of them goes on there is none. Where none has started, one of
the referrals says where the person waits. Each journey is told on its own subject, so that no reader has to join them.

The rule looks at what holds now, never at the order in which it was recorded. Registered by mistake counts nowhere.
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

Every decision that adds one, or changes what `said_of` it, writes the row. So of two decisions at the same moment one
sees the other's effect.
"""
RULE = 1
"""The version of the rule by which a row's journeys were settled last; a row without one is of an older release."""
KEPT = 50
"""Journeys of a row that nothing came of and that are kept, besides all others."""
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
    """Whether nothing came of it."""
    return referral.passage.stage in VOID


def said_of(referral: Referral) -> tuple[object, ...]:
    """What of a journey decides which of the person's journeys says what."""
    passage = referral.passage
    return (is_void(referral), passage.mistake, passage.started_on, passage.referred_on, passage.municipality)


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


def settled(journeys: Sequence[Referral], at: datetime) -> list[Change[Referral]]:
    """The changes that bring each journey of one person in one programme to what it is among the others.

    journeys: all of them, those received earlier first. One that is what it should be already is left out. So the
    function can be run at any time: after a merge of two persons or its undoing, or on the states of an old release.
    """
    whole = _participation([one for one in journeys if not one.passage.mistake])
    changes = []
    for one in journeys:
        said = None if whole is None or one.passage.mistake or _says_all(one, whole) else whole
        if said != one.participation:
            fact = e.ParticipationSettled(occurred_on=day_of(at), recorded_at=at, participation=said)
            changes.append(Change(replace(one, participation=said), events=(fact,)))
    return changes


def _participation(real: Sequence[Referral]) -> e.Participation | None:
    if not real:
        return None
    referred = sorted(real, key=lambda one: one.passage.referred_on)
    started = sorted(
        (one for one in referred if one.passage.started_on),
        key=lambda one: one.passage.started_on or date.max,
    )
    waiting = [one for one in referred if not is_void(one)] or referred
    first = started[0] if started else waiting[-1]
    again = [one.passage.referred_on for one in referred if one.passage.previous_journey is not None]
    return e.Participation(
        first=first.journey_id,
        started=tuple(one.journey_id for one in started),
        referred_on=referred[0].passage.referred_on,
        again_on=min(again, default=None),
        started_on=first.passage.started_on,
        municipality=first.passage.municipality,
    )


def _says_all(one: Referral, whole: e.Participation) -> bool:
    """Whether the journey says everything of the person by itself, as an only one does."""
    passage = one.passage
    again_on = passage.referred_on if passage.previous_journey is not None else None
    return (
        whole.first == one.journey_id
        and whole.started in ((), (one.journey_id,))
        and (whole.referred_on, whole.again_on) == (passage.referred_on, again_on)
    )


def written(key: str, row: Mapping[str, Any] | None, journeys: Sequence[Referral]) -> Row:
    """The row with these journeys, the earlier first; those that nothing came of make room, but for the first.

    row: as it was.
    """
    over = sum(map(is_void, journeys)) - KEPT
    kept: list[e.JourneyId] = []
    for one in journeys:
        if over > 0 and kept and is_void(one):
            over -= 1
        else:
            kept.append(one.journey_id)
    turn = row["turn"] + 1 if row else 1
    return Row(PARTICIPATIONS, key, {"journeys": kept, "turn": turn, "settled": RULE})


def regrouped(key: str, row: Mapping[str, Any] | None, journeys: Sequence[Referral]) -> Change[None]:
    """The row with these journeys in it, or without any. row: as it was."""
    if journeys:
        return Change(None, rows=(written(key, row, journeys),))
    return Change(None, removes=((PARTICIPATIONS, key),) if row else ())


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
