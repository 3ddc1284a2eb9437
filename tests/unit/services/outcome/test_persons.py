"""Figures count persons: by what each of a person's journeys was told of the others."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from services.outcome.figures.rules import says_now
from services.outcome.figures.state import JourneyFacts, Together
from shared.language import events as e
from shared.language.decision import Received, Subject
from shared.language.passage import begin
from tests.support.fakes import noon
from tests.support.figure_cells import EMPLOYED_AT_EXIT
from tests.support.outcome_programme import (
    EXITED_ON,
    REFERRED_ON,
    SHOP,
    TODAY,
    WAYS,
    arrived,
    mistake,
    referral,
)
from tests.support.random_journeys import RandomJourney, arrivals
from tests.unit.services.outcome.test_figures import SEEDS, Ledger


def settled(subject: Subject, whole: e.Participation | None, seq: int = 90) -> Received:
    """Intake's word on what the journey is among the person's others."""
    fact = e.ParticipationSettled(occurred_on=TODAY, recorded_at=noon(TODAY), participation=whole)
    return Received(subject, "intake", seq, "journey.intake.participation-settled.v1", fact, {})


def together(*started: str, first: str) -> e.Participation:
    return e.Participation(
        first=e.JourneyId(first),
        started=tuple(map(e.JourneyId, started)),
        referred_on=REFERRED_ON,
        municipality="2482",
    )


@given(SEEDS)
@settings(max_examples=200)
def test_a_journey_that_says_nothing_of_its_person_counts_none_and_does_once_it_stands_alone(
    seed: int,
) -> None:
    """Whenever the word comes, the sum is the same."""
    random = Random(seed)
    events = list(arrivals(RandomJourney(1, random), random))
    subject = events[0].subject
    at = 1 + random.randrange(len(events))
    other = "j-" + "9" * 26
    told_of = [*events[:at], settled(subject, together(other, first=other)), *events[at:]]
    alone, aside = Ledger().take(events), Ledger().take(told_of)
    no_person = ("session/", "handover/", "days/handover/", "exit/restated")
    of_no_person = {name: n for name, n in alone.cells.items() if name.startswith(no_person)}
    restated = {"exit/restated": 1} if alone.cells.get("exited") else {}
    assert aside.cells == of_no_person | restated
    assert aside.take([settled(subject, None, 91)]).cells == alone.cells


def test_who_begins_again_takes_part_and_the_earlier_result_is_withdrawn() -> None:
    first, second = (Subject(f"journey/j-{number:026d}") for number in (1, 2))
    ledger = Ledger().take([arrived(one, subject=first) for one in WAYS["exited"]])
    result = ("started", "active", "exited", "exit/by_plan", EMPLOYED_AT_EXIT, "exit/restated")

    def counts() -> tuple[int, ...]:
        return tuple(ledger.cells.get(one, 0) for one in result)

    assert counts() == (1, 0, 1, 1, 1, 0)
    ledger.take([arrived(one, subject=second) for one in WAYS["started"]])
    both = together(*(one.removeprefix("journey/") for one in (first, second)), first="j-" + "0" * 25 + "1")
    ledger.take([settled(first, both), settled(second, both)])
    assert counts() == (1, 1, 0, 0, 0, 1)
    left = e.OtherJourneysLeft(
        occurred_on=TODAY,
        recorded_at=noon(TODAY),
        left=(e.JourneyLeft(journey=both.first, left_on=EXITED_ON),),
    )
    ledger.take([arrived(left, subject=second), arrived(exit_on(TODAY), subject=second)])
    assert counts() == (1, 0, 1, 1, 1, 1)
    ledger.take([arrived(mistake(), subject=second), settled(first, None, 91)])
    assert counts() == (1, 0, 1, 1, 1, 0), "as if the second had never been"


def exit_on(on: date) -> e.Fact:
    return e.JourneyExited(
        occurred_on=on, recorded_at=noon(on), way="by_plan", organisation=SHOP, situation="employed"
    )


DAYS_AFTER = st.one_of(st.none(), st.integers(0, 3))


@given(st.lists(DAYS_AFTER, min_size=1, max_size=5))
def test_one_of_a_persons_journeys_says_where_the_person_is(exits: list[int | None]) -> None:
    """exits: of each journey, in the order of their starts, on which day; None: it goes on."""
    names = [f"j-{number:026d}" for number in range(len(exits))]
    whole = together(*names, first=names[0])
    left = {
        e.JourneyId(name): EXITED_ON + timedelta(days=on)
        for name, on in zip(names, exits, strict=True)
        if on is not None
    }
    say = [name for name in names if says_now(_one_of(e.JourneyId(name), whole, left))]
    going_on = [name for name in names if name not in left]
    last = max(left, key=lambda one: (left[one], names.index(one)), default=None)
    assert say == [going_on[-1] if going_on else last]


def _one_of(name: e.JourneyId, whole: e.Participation, left: dict[e.JourneyId, date]) -> JourneyFacts:
    passage = begin(referral())
    passage = replace(passage, started_on=REFERRED_ON, exited_on=left.get(name))
    return JourneyFacts(
        programme=whole.municipality,
        passage=passage,
        together=Together(name, whole),
        others_left={one: on for one, on in left.items() if one != name},
        newest_type="",
        newest_at=noon(TODAY),
    )
