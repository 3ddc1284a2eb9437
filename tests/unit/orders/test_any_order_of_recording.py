"""What happened on which day makes the figures, and not which of it was recorded first.

A journey is told through the routes of all four services: it has started, and then the same facts are recorded in every
order. What is refused is said again at the end, as whoever was refused would: a day that lay outside participation may
lie inside once its bounds are corrected.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES
from tests.support.told import CAFE, SHOP, STARTED_ON, Told, started

DAYS = st.integers(min_value=-5, max_value=60).map(lambda days: STARTED_ON + timedelta(days=days))

Fact = Callable[[Told], bool]


def session(on: date, minutes: int) -> Fact:
    def say(told: Told) -> bool:
        body = {"activity": "work_training", "attendance": "yes", "minutes": minutes, "occurred_on": f"{on}"}
        return told.say(ACTIVITY_TRACKING, "POST", "/journeys/{journey}/sessions", **body)

    return say


def ready(on: date) -> Fact:
    return lambda told: told.say(
        ACTIVITY_TRACKING, "POST", "/journeys/{journey}/readiness", occurred_on=f"{on}"
    )


def left(on: date) -> Fact:
    body = {"way": "by_plan", "situation": "employed", "occurred_on": f"{on}"}
    return lambda told: told.say(OUTCOMES, "POST", "/journeys/{journey}/exit", **body)


def left_corrected(on: date) -> Fact:
    body = {"why": "The wrong day.", "way": "interrupted", "occurred_on": f"{on}"}
    return lambda told: told.say(OUTCOMES, "POST", "/journeys/{journey}/exit/correction", **body)


def start_corrected(on: date) -> Fact:
    body = {"why": "The wrong day.", "occurred_on": f"{on}"}
    return lambda told: told.say(INTAKE, "POST", "/journeys/{journey}/start/correction", **body)


def entered(born_on: date) -> Fact:
    body = {"gender": "woman", "born_on": f"{born_on}", "employment": "unemployed", "isced": 3}
    return lambda told: told.say(OUTCOMES, "PUT", "/journeys/{journey}/entry", **body)


def asked(on: date, given: bool) -> Fact:
    yes = {"organisations": [CAFE], "last_day": "2018-01-01"} if given else {}
    body = {"purpose": "sharing", "given": given, "occurred_on": f"{on}", **yes}
    return lambda told: told.say(INTAKE, "POST", "/journeys/{journey}/consents", **body)


def measured(on: date) -> Fact:
    body = {"round": 1, "answers": {"network": 3}, "occurred_on": f"{on}"}
    return lambda told: told.say(ACTIVITY_TRACKING, "POST", "/journeys/{journey}/progress", **body)


def handed_over(on: date) -> Fact:
    """Offered and accepted on that day."""

    def say(told: Told) -> bool:
        body = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
        place = "/journeys/{journey}/handovers"
        if not told.say(HANDOVERS, "POST", place, **body, occurred_on=f"{on}"):
            return False
        path = f"/handovers/{told.journey}.h1/acceptance"
        return bool(
            told.house.ask(HANDOVERS, "POST", path, CAFE, {"occurred_on": f"{on}"}).status_code == 200
        )

    return say


def recorded(facts: Sequence[Fact]) -> Told:
    """All of them in this order; what is refused is said again, as long as anything is taken."""
    told = started()
    waiting = list(facts)
    while True:
        refused = [fact for fact in waiting if not fact(told)]
        if len(refused) in (0, len(waiting)):
            return told
        waiting = refused


FACTS = st.tuples(
    st.lists(st.builds(session, DAYS, st.integers(min_value=1, max_value=300)), min_size=1, max_size=3),
    DAYS.map(ready),
    DAYS.map(left),
    st.sampled_from([date(1990, 5, 1), STARTED_ON, STARTED_ON + timedelta(days=3)]).map(entered),
    DAYS.map(measured),
)


@given(FACTS, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_same_facts_recorded_in_any_order_make_the_same_figures(facts: Any, chance: Any) -> None:
    sessions, *others = facts
    one = [*sessions, *others]
    other = list(one)
    chance.shuffle(other)
    assert recorded(one).cells() == recorded(other).cells()


@given(
    FACTS,
    st.integers(min_value=0, max_value=60),
    st.integers(min_value=0, max_value=60),
    st.integers(min_value=-7, max_value=0),
    st.randoms(use_true_random=False),
)
@settings(max_examples=25)
def test_corrected_bounds_make_the_same_figures_whenever_they_are_corrected(
    facts: Any, leaves: int, left_after: int, started_before: int, chance: Any
) -> None:
    """What was refused for a wrong day is taken once the day is right, and what was taken counts as it should."""
    sessions, get_ready, _, enter, measure = facts
    bounds = [
        left(STARTED_ON + timedelta(days=leaves)),
        left_corrected(STARTED_ON + timedelta(days=left_after)),
        start_corrected(STARTED_ON + timedelta(days=started_before)),
    ]
    one = [*sessions, get_ready, enter, measure, *bounds]
    other = list(one)
    chance.shuffle(other)
    assert recorded(one).cells() == recorded(other).cells()


LATER = STARTED_ON + timedelta(days=30)
SOONER = STARTED_ON + timedelta(days=10)


@pytest.mark.parametrize(
    "late",
    [
        pytest.param(session(LATER, 60), id="a session"),
        pytest.param(ready(LATER), id="readiness"),
        pytest.param(handed_over(LATER), id="a handover"),
        pytest.param(measured(LATER), id="a measure"),
    ],
)
def test_what_is_dated_after_the_exit_counts_nowhere_in_either_order(late: Fact) -> None:
    alone = recorded([left(SOONER)]).cells()
    assert recorded([late, left(SOONER)]).cells() == alone
    assert recorded([left(SOONER), late]).cells() == alone


@pytest.mark.parametrize(
    "on_time",
    [
        pytest.param(session(SOONER, 60), id="a session"),
        pytest.param(ready(SOONER), id="readiness"),
        pytest.param(measured(SOONER), id="a measure"),
        pytest.param(entered(date(1990, 5, 1)), id="entry answers"),
    ],
)
def test_what_lies_in_participation_counts_also_when_it_is_recorded_after_the_exit(on_time: Fact) -> None:
    before, after = recorded([on_time, left(LATER)]), recorded([left(LATER), on_time])
    assert len(after.done) == 2
    assert after.cells() == before.cells()


def test_a_session_counts_again_once_the_exit_day_is_corrected() -> None:
    told = recorded([session(LATER, 60), left(SOONER)])
    assert told.cells()["session/minutes"] == 0
    left_corrected(LATER)(told)
    assert told.cells()["session/minutes"] == 60


def test_the_last_answer_on_consent_by_its_own_day_stands() -> None:
    yes, no = asked(SOONER, given=True), asked(LATER, given=False)
    for order in ([yes, no], [no, yes]):
        told = recorded(order)
        assert len(told.done) == 2
        told.house.ask(HANDOVERS, "GET", f"/journeys/{told.journey}/handovers", SHOP)
        body = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
        assert not told.say(HANDOVERS, "POST", "/journeys/{journey}/handovers", **body)


def test_entry_answers_that_the_start_contradicts_count_in_neither_order() -> None:
    told = recorded(
        [entered(STARTED_ON - timedelta(days=2)), start_corrected(STARTED_ON - timedelta(days=3))]
    )
    other = recorded(
        [start_corrected(STARTED_ON - timedelta(days=3)), entered(STARTED_ON - timedelta(days=2))]
    )
    assert told.cells() == other.cells()
    assert told.cells()["started@gender=not_known"] == 1


def asked_anew(on: date) -> Fact:
    """The yes was said on that day."""
    body = {"given": True, "organisations": [CAFE], "last_day": "2018-01-01", "why": "The wrong day."}
    place = "/journeys/{journey}/consents/sharing/correction"
    return lambda told: told.say(INTAKE, "POST", place, **body, occurred_on=f"{on}")


@pytest.mark.parametrize("taken_back", [False, True])
def test_a_yes_corrected_to_before_a_no_does_not_stand_against_it(taken_back: bool) -> None:
    no, yes = asked(SOONER, given=False), asked(LATER, given=True)
    body = {"why": "A slip.", "void": True}
    place = "/journeys/{journey}/consents/sharing/correction"
    void: Fact = lambda told: told.say(INTAKE, "POST", place, **body)  # noqa: E731 - a fact as the others
    anew = void if taken_back else asked_anew(STARTED_ON)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-20"}
    for order in ([no, yes, anew], [yes, no, anew]):
        told = recorded(order)
        assert len(told.done) == 3
        assert not told.say(HANDOVERS, "POST", "/journeys/{journey}/handovers", **offer)
        assert yes(told), "and is no hindrance to a yes that is said later"
        assert told.say(HANDOVERS, "POST", "/journeys/{journey}/handovers", **offer)
