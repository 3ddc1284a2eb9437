"""The rules that several figures share: what counts of a journey, and when. Pure.

Definitions: docs/field.md, "Who is counted", "Results" and "Handover".
"""

from collections import Counter
from datetime import date

from services.outcome.figures.state import FollowUpFigure, Handover, HandoverAnswer, JourneyFacts


def says_entry(state: JourneyFacts) -> bool:
    """Whether this journey says what the person was at entry: the first that started, or where none has, one."""
    return state.together is None or state.together.is_first


def says_now(state: JourneyFacts) -> bool:
    """Whether this journey says where the person is now, and what came of it.

    Of those that go on, the one that started last does. Where none goes on, the last exit does; of two on one day, the
    one that started later. Source: docs/field.md, "Who is counted".
    """
    if state.together is None:
        return True
    own, whole, left = state.together.journey, state.together.participation, state.others_left
    if not whole.started:
        return whole.first == own
    if own not in whole.started:
        return False
    places = {one: place for place, one in enumerate(whole.started)}
    if not state.passage.left:
        return all(one in left for one in whole.started[places[own] + 1 :])
    last = state.passage.exited_on, places[own]
    others = [one for one in whole.started if one != own]
    return all(one in left and (left[one], places[one]) < last for one in others)


def referred_first_on(state: JourneyFacts) -> date:
    """The day on which the person was first referred to the programme."""
    together = state.together
    return state.passage.referred_on if together is None else together.participation.referred_on


def again_on(state: JourneyFacts) -> date | None:
    """The day on which the person was first referred again, with an earlier journey named; None where never."""
    if state.together is not None:
        return state.together.participation.again_on
    return state.passage.referred_on if state.passage.previous_journey is not None else None


def has_result(state: JourneyFacts) -> bool:
    """Everyone who leaves has a result, but the deceased. Source: docs/field.md, "Results"."""
    return state.passage.left and state.passage.exit_way != "deceased"


def follow_ups(state: JourneyFacts) -> dict[str, FollowUpFigure]:
    """Asked of who has left, and of nobody else."""
    return state.follow_ups if state.passage.left else {}


def entry_counts(state: JourneyFacts) -> bool:
    """Whether the entry answers count: they were given by who had been accepted, and not after the withdrawal."""
    passage = state.passage
    late = passage.withdrawn_on and state.entry_on and passage.withdrawn_on < state.entry_on
    return passage.was_accepted and not late


def offers_made(state: JourneyFacts) -> list[tuple[date | None, int]]:
    """Handovers offered, by the day of the offer. Made outside participation, they count nowhere.

    Those that are only counted, the oldest beyond `RECENT` that came to nothing, are on no known day.
    """
    made = Counter(one.offered_on for one in _counting(state))
    return [(None, state.offers.offered), *made.items()]


def offers_that_were(state: JourneyFacts, answer: HandoverAnswer) -> list[tuple[date | None, int]]:
    """Handovers that met this answer, by the day on which they did.

    An offer answered after the exit day counts as recalled by the exit. The exit may have been recorded after the
    answer; had it been recorded before, it would have recalled the offer.
    """
    found: Counter[date | None] = Counter({None: getattr(state.offers, answer)})
    for one in _counting(state):
        if one.answer is None or one.ended_on is None:
            continue
        late = not state.passage.takes_part_on(one.ended_on)
        if (late and answer == "recalled") or (not late and one.answer == answer):
            found[state.passage.exited_on if late else one.ended_on] += 1
    return list(found.items())


def _counting(state: JourneyFacts) -> list[Handover]:
    return [one for one in state.handovers if state.passage.takes_part_on(one.offered_on)]


def moves(state: JourneyFacts) -> tuple[Handover, ...]:
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


def first_move_on(state: JourneyFacts) -> date | None:
    """The day on which responsibility first moved."""
    return min((one.ended_on for one in moves(state) if one.ended_on is not None), default=None)
