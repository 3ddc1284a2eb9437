"""The figures converge: in every order of arrival, the sum of what was added is what the truth says."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.outcome.figures.projection import project
from services.outcome.figures.report import build
from services.outcome.figures.state import Figures, JourneyFigures
from services.outcome.repository import FigureJourneys
from shared.language import events as e
from shared.language.decision import Add, Received, Subject
from tests.support.fakes import noon
from tests.support.figure_cells import contributions
from tests.support.outcome_programme import (
    PROGRAMME,
    PROGRAMMES,
    SHOP,
    SUBJECT,
    TODAY,
    arrived,
    mistake,
    referral,
    start,
)
from tests.support.random_journeys import RandomJourney, Truth, arrivals

SEEDS = st.integers(min_value=0, max_value=2**32)
AS_OF = noon(date(2018, 1, 1))


class Ledger:
    """Projects events as the runtime does: states by subject, sums of adds by cell."""

    def __init__(self) -> None:
        self.states: dict[Subject, Figures] = {}
        self.sums: Counter[str] = Counter()
        self.days: Counter[tuple[str, str, str, str]] = Counter()

    def take(self, events: Iterable[Received]) -> "Ledger":
        for received in events:
            change = project(self.states.get(received.subject), received, PROGRAMMES)
            self.states[received.subject] = change.state
            for add in change.adds:
                if add.collection == "cells":
                    assert add.key == f"{PROGRAMME.id}|{add.also['cell']}"
                    self.sums[add.also["cell"]] += add.cells["n"]
                else:
                    self._take_day(add)
        return self

    def _take_day(self, add: Add) -> None:
        day, provider, municipality = (add.also[name] for name in ("day", "provider", "municipality"))
        assert add.key == f"{PROGRAMME.id}|{day}|{provider}|{municipality}"
        for name, amount in add.cells.items():
            self.days[day, provider, municipality, name.removeprefix("n.")] += amount

    @property
    def cells(self) -> dict[str, int]:
        return {cell: n for cell, n in self.sums.items() if n}


def told(seed: int) -> Ledger:
    random = Random(seed)
    return Ledger().take(arrivals(RandomJourney(1, random), random))


@given(SEEDS)
@settings(max_examples=300)
def test_what_was_added_is_what_the_last_state_contributes(seed: int) -> None:
    ledger = told(seed)
    (state,) = ledger.states.values()
    assert ledger.cells == dict(contributions(state))


@given(SEEDS, SEEDS)
@settings(max_examples=300)
def test_every_order_that_causality_allows_leads_to_the_same_figures(seed: int, order: int) -> None:
    journey = RandomJourney(1, Random(seed))
    one = Ledger().take(arrivals(journey, Random(order)))
    other = Ledger().take(arrivals(journey, Random(order + 1)))
    assert one.cells == other.cells
    assert +one.days == +other.days


@given(SEEDS, st.integers(min_value=0, max_value=30))
@settings(max_examples=200)
def test_a_mistake_whenever_it_comes_leaves_nothing(seed: int, moment: int) -> None:
    random = Random(seed)
    events = list(arrivals(RandomJourney(1, random), random))
    if any(isinstance(one.body, e.JourneyRegisteredByMistake) for one in events):
        events = [one for one in events if not isinstance(one.body, e.JourneyRegisteredByMistake)]
        events = [one for one in events if not isinstance(one.body, e.SessionsRecounted)]
    at = 1 + moment % len(events)
    last = arrived(mistake(), subject=events[0].subject)
    assert Ledger().take([*events[:at], last, *events[at:]]).cells == {}


@given(st.lists(SEEDS, max_size=25))
@settings(max_examples=100)
def test_the_report_agrees_with_a_plain_recount(seeds: list[int]) -> None:
    journeys = [RandomJourney(number, Random(seed)) for number, seed in enumerate(seeds)]
    ledger = Ledger()
    for journey in journeys:
        ledger.take(arrivals(journey, Random(len(seeds))))
    report = build(ledger.cells, PROGRAMME, AS_OF)
    expected = recount([journey.truth for journey in journeys if not journey.truth.mistake])
    assert {name: report[name] for name in expected} == expected


def test_the_stories_are_rich_enough_to_prove_something() -> None:
    truths = [RandomJourney(number, Random(number)).truth for number in range(400)]
    assert sum(one.mistake for one in truths) > 10
    assert sum(one.way == "deceased" for one in truths) > 10
    assert sum(bool(one.moves) for one in truths) > 10
    crossed = [one for one in truths if one.offers.count("accepted") > len(one.moves)]
    assert len(crossed) > 5
    assert sum(one.corrections for one in truths) > 50


# --- the recount, which shares nothing with the code under test -------------------------------------------


def recount(truths: list[Truth]) -> dict[str, Any]:
    """The figures as someone with pen and paper would count them. Source: docs/field.md, Who is counted."""
    sessions = [session for truth in truths for session in truth.sessions]
    present = [(attendance, minutes) for attendance, minutes, *_ in sessions if attendance != "no"]
    planned = [(minutes, plan) for _, minutes, plan, _ in sessions if plan is not None]
    offers = [answer for truth in truths for answer in truth.offers]
    left = [truth for truth in truths if truth.exited_on and truth.way != "deceased"]
    known = [truth.situation for truth in left if truth.situation]
    return {
        "figures": {
            **_person_counts(truths),
            "exits": {
                **{
                    way: len([truth for truth in truths if truth.way == way])
                    for way in ("by_plan", "interrupted", "moved", "deceased")
                },
                "restated": 0,
            },
            "entries_complete": len([truth for truth in truths if truth.complete]),
            "handovers": {
                "offered": len(offers),
                **{one: offers.count(one) for one in ("accepted", "declined", "expired", "recalled")},
            },
            "sessions": {
                "logged": len(sessions),
                "attended": len(present),
                "late": len([one for one in sessions if one[0] == "late"]),
                "missed": len([one for one in sessions if one[0] == "no"]),
                "corrected": sum(truth.corrections for truth in truths),
                "minutes": sum(minutes for _, minutes in present),
                "planned_minutes": sum(plan for _, plan in planned),
                "marked_minutes": sum(minutes for minutes, _ in planned),
                "reached": _share(sum(minutes for minutes, _ in planned), sum(plan for _, plan in planned)),
                "registers": 0,
                "registers_open": 0,
            },
            "employed_at_exit": {
                "employed": known.count("employed"),
                "known": len(known),
                "missing": len(left) - len(known),
                "rate": _share(known.count("employed"), len(known)),
                "missing_share": _share(len(left) - len(known), len(left)),
            },
            "follow_ups": {kind: _follow_up(truths, kind) for kind in ("28d", "6m")},
        },
        "by_gender": {
            gender: _grouped([truth for truth in truths if truth.gender == gender])
            for gender in ("woman", "man", "non_binary", "not_known")
        },
        "by_municipality": {
            place: _grouped([truth for truth in truths if truth.municipality == place])
            for place in ("2482", "2417")
        },
        "where_now": _where(truths),
        "steps": [
            _step("answer", [(truth.referred_on, truth.accepted_on) for truth in truths]),
            _step("start", [(truth.accepted_on, truth.started_on) for truth in truths]),
            _step("ready", [(truth.started_on, truth.ready_on) for truth in truths]),
            _median_of("handover", [days for truth in truths for days in truth.moves]),
            _step("exit", [(truth.started_on, truth.exited_on) for truth in truths]),
        ],
    }


def _where(truths: list[Truth]) -> dict[str, int]:
    stages = ("received", "accepted", "started", "ready", "exited", "closed", "declined", "withdrawn")
    found = dict.fromkeys(stages, 0)
    for truth in truths:
        if truth.closed:
            found["closed"] += 1
        elif truth.exited_on:
            found["exited"] += 1
        elif truth.withdrawn:
            found["withdrawn"] += 1
        elif truth.declined:
            found["declined"] += 1
        elif truth.ready_on:
            found["ready"] += 1
        elif truth.started_on:
            found["started"] += 1
        elif truth.accepted_on:
            found["accepted"] += 1
        else:
            found["received"] += 1
    return found


def _person_counts(truths: list[Truth]) -> dict[str, int]:
    return {
        "received": len(truths),
        "declined": len([truth for truth in truths if truth.declined]),
        "withdrawn": len([truth for truth in truths if truth.withdrawn]),
        "accepted": len([truth for truth in truths if truth.accepted_on]),
        "started": len([truth for truth in truths if truth.started_on]),
        "active": len([truth for truth in truths if truth.started_on and not truth.exited_on]),
        "ready": len([truth for truth in truths if truth.ready_on]),
        "handed_over": len([truth for truth in truths if truth.moves]),
        "exited": len([truth for truth in truths if truth.exited_on]),
        "re_referred": len([truth for truth in truths if truth.returns]),
    }


def _grouped(truths: list[Truth]) -> dict[str, int]:
    employed = [truth for truth in truths if truth.situation == "employed" and truth.way != "deceased"]
    return {
        **_person_counts(truths),
        "employed_at_exit_employed": len(employed),
        "employed_28d": len([truth for truth in truths if truth.answers.get("28d") == "employed"]),
        "employed_6m": len([truth for truth in truths if truth.answers.get("6m") == "employed"]),
    }


def _follow_up(truths: list[Truth], kind: str) -> dict[str, Any]:
    statuses = [truth.asked[kind] for truth in truths if kind in truth.asked]
    answered, missed = statuses.count("answered"), statuses.count("missed")
    employed = len([truth for truth in truths if truth.answers.get(kind) == "employed"])
    return {
        "due": len(statuses),
        "answered": answered,
        "missed": missed,
        "employed": employed,
        "rate": _share(employed, answered),
        "missing_share": _share(missed, answered + missed),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _step(step: str, spans: list[tuple[date | None, date | None]]) -> dict[str, Any]:
    return _median_of(step, [(last - first).days for first, last in spans if first and last])


def _median_of(step: str, days: list[int]) -> dict[str, Any]:
    return {
        "step": step,
        "journeys": len(days),
        "median_days": float(statistics.median(days)) if days else None,
    }


# --- single rules -------------------------------------------------------------------------------------------


def output(quantity: int, kind: Callable[..., e.Fact] = e.OutputLogged, **fields: Any) -> Received:
    event = kind(
        occurred_on=TODAY,
        recorded_at=noon(TODAY),
        programme=PROGRAMME.id,
        programme_version=1,
        output="workplace_carved",
        quantity=quantity,
        municipality="2417",
        **fields,
    )
    return arrived(event, subject=Subject("output/o-" + "0" * 26))


@pytest.mark.parametrize(("corrected", "reached"), [(0, 0), (2, 2), (7, 7)])
def test_a_corrected_output_counts_as_corrected(corrected: int, reached: int) -> None:
    ledger = Ledger().take(
        [output(5, organisation=SHOP), output(corrected, e.OutputCorrected, replaced_quantity=5)]
    )
    (figure,) = build(ledger.cells, PROGRAMME, AS_OF)["outputs"]
    assert figure == {
        "output": "workplace_carved",
        "name": {"sv": "workplace_carved", "en": "workplace_carved"},
        "reached": reached,
        "target": 3,
        "by_municipality": {"2482": 0, "2417": reached},
    }


def register(expected: int, not_marked: int, day: date = TODAY) -> Received:
    event = e.RegisterCounted(
        occurred_on=day,
        recorded_at=noon(TODAY),
        organisation=SHOP,
        programme=PROGRAMME.id,
        municipality="2417",
        expected=expected,
        not_marked=not_marked,
        replaced_expected=0,
        replaced_not_marked=0,
    )
    return arrived(event, subject=Subject(f"register/{SHOP}@{day.isoformat()}@{PROGRAMME.id}@2417"))


@pytest.mark.parametrize(
    ("counts", "registers", "unfilled"),
    [([(5, 2)], 1, 1), ([(5, 2), (5, 0)], 1, 0), ([(5, 2), (5, 0), (5, 1)], 1, 1), ([(5, 2), (0, 0)], 0, 0)],
)
def test_a_register_counts_as_it_was_counted_last(
    counts: list[tuple[int, int]], registers: int, unfilled: int
) -> None:
    other = register(3, 3, date(2016, 4, 4))
    ledger = Ledger().take([*(register(*one) for one in counts), other])
    found = build(ledger.cells, PROGRAMME, AS_OF)["figures"]["sessions"]
    assert (found["registers"], found["registers_open"]) == (registers + 1, unfilled + 1)


def test_an_event_before_the_first_is_an_error_not_a_figure() -> None:
    with pytest.raises(ValueError, match="began"):
        project(None, arrived(start()), PROGRAMMES)
    with pytest.raises(ValueError, match="began"):
        project(None, output(1, e.OutputCorrected, replaced_quantity=5), PROGRAMMES)


def test_what_changed_last_is_the_latest_recorded_in_any_order() -> None:
    late = e.ParticipantReady(occurred_on=TODAY, recorded_at=noon(TODAY) + timedelta(hours=1))
    early = e.GoalSet(occurred_on=TODAY, recorded_at=noon(TODAY), goal="g1")
    for order in ((late, early), (early, late)):
        state: Figures = project(None, arrived(referral()), PROGRAMMES).state
        for event in order:
            state = project(state, arrived(event), PROGRAMMES).state
        assert isinstance(state, JourneyFigures)
        assert (state.newest_type, state.newest_at) == (
            "journey.activity-tracking.participant-ready.v1",
            late.recorded_at,
        )


@given(SEEDS)
@settings(max_examples=50)
def test_a_state_survives_its_document(seed: int) -> None:
    repository = FigureJourneys()
    (state,) = told(seed).states.values()
    subject = Subject("journey/j-" + "0" * 26)
    document = repository.write(state)
    assert repository.read(subject, document) == state
    made = Ledger().take([output(5, organisation=SHOP)]).states
    ((subject, kept),) = made.items()
    assert repository.read(subject, repository.write(kept)) == kept


def test_the_journey_state_does_not_grow_with_its_sessions() -> None:
    state: Figures = project(None, arrived(referral()), PROGRAMMES).state
    before = len(repr(state))
    session = e.SessionLogged(
        occurred_on=TODAY,
        recorded_at=noon(TODAY),
        session=e.SessionId("s-1"),
        organisation=SHOP,
        attendance="yes",
        minutes=60,
    )
    for seq in range(500):
        state = project(state, arrived(session, subject=SUBJECT, seq=seq), PROGRAMMES).state
    assert len(repr(state)) - before < 100
