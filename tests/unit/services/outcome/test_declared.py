"""Figures are declared once: what would be missing in silence cannot be, and the lists that others keep agree."""

from collections.abc import Sequence
from dataclasses import fields, replace
from random import Random
from typing import Any

import pytest

from clients.player import periods
from services.outcome.figures.declared import BROKEN_DOWN, FIGURES, SHARES, STEPS
from services.outcome.figures.figure import (
    FEW_ARE_HIDDEN,
    Figure,
    OfHandovers,
    OfJourney,
    OfSessions,
    Share,
    Step,
    WronglyDeclared,
    checked,
)
from services.outcome.figures.projection import project
from services.outcome.figures.relations import figures_of
from services.outcome.figures.report import build
from services.outcome.figures.state import Figures, JourneyFacts, JourneyFigures
from shared.language.figures import EACH, TARGETS, target_names
from shared.language.programmes import Name
from tests.support.fakes import noon
from tests.support.outcome_programme import PROGRAMME, PROGRAMMES, TODAY
from tests.support.random_journeys import RandomJourney, arrivals

MADE_UP = Figure(
    code="made_up",
    section="figures",
    part="made_up",
    source="this test",
    counts="journeys",
    rule=OfJourney(lambda j: True, lambda j: j.passage.referred_on),
    within=("received",),
    name=Name(sv="Påhittad", en="Made up"),
    means=Name(sv="Räknar ingen.", en="Counts nobody."),
)


def with_one_more(figure: Figure) -> Sequence[Figure]:
    return checked((*FIGURES, figure), STEPS)


def test_a_figure_that_keeps_the_rules_is_taken() -> None:
    assert with_one_more(MADE_UP)[-1] == MADE_UP


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"within": ()}, "alone"),
        ({"alone": "it is, and has a relation too"}, "alone"),
        ({"within": ("recieved",)}, "recieved, which is no figure"),
        ({"sum_of": (("started", "unstarted"),)}, "unstarted, which is no figure"),
        ({"rule": OfJourney(lambda j: True)}, "needs a day"),
        ({"no_day": "it has one"}, "needs a day"),
        ({"code": "started"}, "declared twice"),
        ({"rule": OfSessions(lambda sessions: sessions.late)}, "needs shown_with"),
    ],
)
def test_a_figure_that_could_be_reckoned_back_or_would_miss_in_a_period_is_refused(
    wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(WronglyDeclared, match=says):
        with_one_more(replace(MADE_UP, **wrong))


def test_every_count_of_people_is_one_that_disclosure_knows() -> None:
    """Else a small number would be published as it is."""
    report = build({}, PROGRAMME, noon(TODAY))
    known = figures_of(report).values
    for figure in FIGURES:
        if figure.counts in FEW_ARE_HIDDEN:
            for key in [one.code for one in PROGRAMME.follow_ups] if EACH in figure.code else [""]:
                assert figure.code_of(key) in known
                for breakdown, group in (("gender", "woman"), ("municipality", "2482")):
                    grouped = f"{figure.code_of(key)}@{breakdown}={group}" in known
                    assert grouped == (breakdown in figure.by)


def states(journeys: int = 60) -> list[JourneyFigures]:
    found = []
    for number in range(journeys):
        state: Figures | None = None
        random = Random(number)
        for received in arrivals(RandomJourney(number, random), random):
            state = project(state, received, PROGRAMMES).state
        assert isinstance(state, JourneyFigures)
        found.append(state)
    return found


def without_sessions(state: JourneyFigures) -> JourneyFacts:
    """The same journey, of which nobody can ask for its sessions."""
    return JourneyFacts(**{one.name: getattr(state, one.name) for one in fields(JourneyFacts)})


def look(figure: Figure, state: JourneyFacts) -> None:
    """Let the figure's rule see a journey."""
    match figure.rule:
        case OfJourney(holds, on):
            if holds(state) and on is not None:
                on(state)
        case OfHandovers(dated):
            list(dated(state))


@pytest.mark.parametrize("figure", FIGURES, ids=lambda one: one.code)
def test_no_figure_rests_on_sessions_that_is_not_declared_to(figure: Figure) -> None:
    """A session changes the figures of sessions alone; another one that looked at them would stay as it was."""
    for state in states():
        look(figure, without_sessions(state))


def test_a_figure_that_looks_at_sessions_in_secret_is_found() -> None:
    secret = replace(MADE_UP, rule=OfJourney(lambda j: j.sessions.attended > 2))  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="sessions"):
        look(secret, without_sessions(states(1)[0]))


def test_each_figure_of_sessions_adds_up() -> None:
    """Its days are counted one by one, and the whole as one sum: that is right only of sums."""
    one, other = (state.sessions for state in [one for one in states(200) if one.sessions.attended][:2])
    both = replace(
        one, **{part.name: getattr(one, part.name) + getattr(other, part.name) for part in fields(one)}
    )
    rules = [figure.rule for figure in FIGURES if isinstance(figure.rule, OfSessions)]
    assert len(rules) == 8
    for rule in rules:
        assert rule.amount(both) == rule.amount(one) + rule.amount(other)


def test_the_names_that_may_be_targets_are_those_that_are_declared_to_be() -> None:
    declared = [one.code for one in FIGURES if one.may_be_target and one.section != "outputs"]
    assert declared == list(TARGETS)
    assert target_names(["28d", "6m"]) == ["started", "employed_28d", "employed_6m"]
    assert {one.code for one in BROKEN_DOWN} >= set(declared)


def test_both_languages_name_and_explain_every_figure() -> None:
    declared: list[Figure | Share | Step] = [*FIGURES, *SHARES, *STEPS]
    for one in declared:
        for text in (one.name, one.means):
            assert text.sv and text.en
            assert text.sv != text.en or EACH in one.code or text.sv == "{what}" or "{when}" in text.sv


def test_the_player_counts_every_figure_that_is_declared() -> None:
    """It has the list, and the rules from the field: a figure that it does not count fails this, and the demo."""
    dated = {*periods.COUNTED, *periods.FOLLOWED_UP, *periods.OUTPUTS, *periods.ACTIVITIES}
    assert dated == {one.code for one in FIGURES if one.dated}
    assert set(periods.STANDING) == {one.code for one in FIGURES if not one.dated}
    assert {share.code for share in SHARES} == set(periods.SHARES)
    assert {step.code for step in STEPS} == set(periods.WAITS)
