"""The exit and what was answered after it, said anew or taken back: what stands, what falls, what stays readable."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from services.outcome.domain.corrections import CorrectAnswer, CorrectExit, correct_answer, correct_exit
from services.outcome.domain.follow_up import AnswerFollowUp, answer, make_due, miss
from services.outcome.domain.journey import Outcome
from services.outcome.domain.leaving import RecordExit, record_exit
from shared.language import events as e
from shared.language.access import Actor
from shared.language.decision import Change, Timer
from shared.language.errors import Conflict, Invalid
from shared.language.passage import Stage
from tests.support.fakes import noon
from tests.support.outcome_programme import (
    EXITED_ON,
    JOURNEY,
    PROGRAMME,
    PROGRAMMES,
    SHOP,
    STARTED_ON,
    TODAY,
    at_stage,
)

BY = Actor("kim", SHOP, "supervisor")
LATER = date(2016, 7, 15)
DUE_ON = date(2016, 6, 28)


def exited(way: e.ExitWay = "by_plan", on: date = EXITED_ON) -> Outcome:
    command = RecordExit(way=way, occurred_on=on, situation=None if way == "deceased" else "employed")
    return record_exit(at_stage("started"), command, programme=PROGRAMME, at=noon(TODAY)).state


def anew(state: Outcome, on: date = LATER, **said: Any) -> Change[Outcome]:
    command = CorrectExit(why="A slip.", **said)
    return correct_exit(state, command, programme=PROGRAMME, by=BY, at=noon(on))


def due(state: Outcome, kind: str = "28d", on: date = DUE_ON) -> Outcome:
    return make_due(state, Timer("x", noon(on), "x", {"kind": kind}), noon(on), PROGRAMMES).state


def answered(state: Outcome, situation: e.Situation = "employed", on: date = LATER) -> Outcome:
    return answer(state, "28d", AnswerFollowUp(situation=situation), by=SHOP, at=noon(on)).state


def again(state: Outcome, on: date = LATER, **said: Any) -> Change[Outcome]:
    return correct_answer(state, "28d", CorrectAnswer(why="A slip.", **said), by=BY, at=noon(on))


def names(events: Sequence[e.Fact]) -> list[tuple[str, str | None]]:
    return [(type(one).__name__, getattr(one, "correction", None)) for one in events]


def statuses(state: Outcome) -> dict[str, str]:
    return {kind: one.status for kind, one in state.follow_ups.items()}


def test_one_who_was_taken_for_dead_by_a_slip_lives_and_is_followed_up() -> None:
    change = anew(exited("deceased"), way="by_plan", situation="employed")
    assert names(change.events) == [("JourneyExited", "replaces")]
    passage = change.state.passage
    assert (passage.stage, passage.exit_way, passage.closed_on) == ("exited", "by_plan", None)
    assert statuses(change.state) == {"28d": "planned", "6m": "planned"}
    assert [one.key for one in change.timers] == [f"{JOURNEY}.28d:due", f"{JOURNEY}.6m:due"]


def test_one_who_lives_by_a_slip_is_asked_nothing() -> None:
    change = anew(answered(due(exited())), way="deceased")
    assert names(change.events) == [
        ("JourneyExited", "replaces"),
        ("FollowUpDue", "voids"),
        ("JourneyClosed", None),
    ]
    assert change.state.passage.stage == "closed"
    assert statuses(change.state) == {"28d": "cancelled", "6m": "cancelled"}
    assert not change.timers


def test_only_the_situation_said_anew_leaves_what_was_asked_as_it_is() -> None:
    held = answered(due(exited()))
    change = anew(held, way="by_plan", situation="student")
    assert names(change.events) == [("JourneyExited", "replaces")]
    assert change.state.exit_situation == "student"
    assert change.state.follow_ups == held.follow_ups
    assert (change.timers, change.cancels) == ((), ())


def test_another_exit_day_asks_anew_and_an_answer_about_another_day_falls() -> None:
    held = answered(due(exited()))
    moved_on = EXITED_ON + timedelta(days=9)
    change = anew(held, way="by_plan", situation="employed", occurred_on=moved_on)
    assert names(change.events) == [("JourneyExited", "replaces"), ("FollowUpDue", "voids")]
    planned = change.state.follow_ups["28d"]
    assert (planned.status, planned.due_on, planned.situation) == ("planned", date(2016, 7, 7), None)
    kept = [row.body for row in change.rows if row.collection == "superseded"]
    assert [(one["what"], one["said"].get("situation")) for one in kept] == [
        ("exit", "employed"),
        ("follow-up/28d", "employed"),
    ]
    assert change.state.corrections == 2


def test_an_exit_taken_back_leaves_the_person_taking_part() -> None:
    change = anew(answered(due(exited())), void=True)
    assert names(change.events) == [("JourneyExited", "voids"), ("FollowUpDue", "voids")]
    assert change.state.passage.stage == "started"
    assert change.state.exit_situation is None
    assert statuses(change.state) == {"28d": "cancelled", "6m": "cancelled"}
    assert set(change.cancels) == {
        f"{JOURNEY}.{kind}:{what}" for kind in ("28d", "6m") for what in ("due", "missed")
    }
    once_more = record_exit(
        change.state, RecordExit(way="moved", occurred_on=TODAY), programme=PROGRAMME, at=noon(LATER)
    )
    assert statuses(once_more.state) == {"28d": "planned", "6m": "planned"}


def test_the_same_exit_again_changes_nothing() -> None:
    held = exited()
    assert anew(held, way="by_plan", situation="employed") == Change(held)


@pytest.mark.parametrize("stage", ["received", "accepted", "started", "mistake"])
def test_where_nobody_left_there_is_nothing_to_correct(stage: Stage) -> None:
    with pytest.raises(Conflict, match="wrong-stage"):
        anew(at_stage(stage), way="by_plan")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({}, "way"),
        ({"way": "by_plan", "occurred_on": STARTED_ON - timedelta(days=1)}, "occurred_on"),
        ({"way": "by_plan", "occurred_on": LATER + timedelta(days=1)}, "occurred_on"),
        ({"way": "deceased", "situation": "employed"}, "situation"),
        ({"way": "by_plan", "reason": "broke_off"}, "reason"),
    ],
)
def test_a_correction_keeps_the_rules_of_an_exit(said: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        anew(exited(), **said)
    assert set(refused.value.errors or {}) == {field}


def test_a_timer_of_the_day_that_was_corrected_asks_nothing_too_early() -> None:
    moved_on = EXITED_ON + timedelta(days=9)
    held = anew(exited(), way="by_plan", situation="employed", occurred_on=moved_on).state
    timer = Timer("x", noon(DUE_ON), "x", {"kind": "28d"})
    assert make_due(held, timer, noon(DUE_ON), PROGRAMMES) == Change(held)


def test_an_answer_said_anew_stands_and_the_first_stays_readable() -> None:
    held = answered(due(exited()))
    change = again(held, situation="unemployed")
    assert names(change.events) == [("FollowUpAnswered", "replaces")]
    assert change.state.follow_ups["28d"].situation == "unemployed"
    (kept,) = [row.body for row in change.rows if row.collection == "superseded"]
    assert (kept["what"], kept["said"]["situation"], kept["person"]) == ("follow-up/28d", "employed", "kim")
    assert again(change.state, situation="unemployed") == Change(change.state)


def test_an_answer_taken_back_is_asked_again_while_there_is_time() -> None:
    change = again(answered(due(exited())), void=True)
    assert names(change.events) == [("FollowUpAnswered", "voids")]
    assert change.state.follow_ups["28d"].status == "due"
    assert [one.key for one in change.timers] == [f"{JOURNEY}.28d:missed"]


def test_an_answer_taken_back_too_late_is_missing() -> None:
    change = again(answered(due(exited())), on=date(2016, 12, 1), void=True)
    assert names(change.events) == [("FollowUpAnswered", "voids"), ("FollowUpMissed", None)]
    assert change.state.follow_ups["28d"].status == "missed"


def test_the_last_answer_taken_back_opens_the_journey_again() -> None:
    held = answered(due(exited()))
    asked = due(held, "6m", date(2016, 11, 30))
    last = answer(
        asked, "6m", AnswerFollowUp(situation="employed"), by=SHOP, at=noon(date(2016, 12, 5))
    ).state
    assert last.passage.stage == "closed"
    change = correct_answer(
        last, "6m", CorrectAnswer(why="A slip.", void=True), by=BY, at=noon(date(2016, 12, 6))
    )
    assert names(change.events) == [("FollowUpAnswered", "voids"), ("JourneyClosed", "voids")]
    assert change.state.passage.stage == "exited"


def test_what_nobody_answered_has_no_answer_to_correct() -> None:
    asked = due(exited())
    missed = miss(asked, Timer("x", noon(LATER), "x", {"kind": "28d"}), noon(LATER), PROGRAMMES).state
    for held in (exited(), asked, missed):
        with pytest.raises(Conflict, match="no answer to correct"):
            again(held, situation="employed")


def test_an_answer_is_about_its_day_also_when_it_is_corrected() -> None:
    with pytest.raises(Invalid) as refused:
        again(answered(due(exited())), situation="employed", occurred_on=DUE_ON - timedelta(days=1))
    assert set(refused.value.errors or {}) == {"occurred_on"}


def test_a_situation_said_anew_after_the_closing_leaves_it_closed_since_the_same_day() -> None:
    asked = due(answered(due(exited())), "6m", date(2016, 11, 30))
    last = answer(asked, "6m", AnswerFollowUp(situation="employed"), by=SHOP, at=noon(date(2016, 12, 5)))
    change = anew(last.state, on=date(2016, 12, 6), way="by_plan", situation="student")
    assert names(change.events) == [("JourneyExited", "replaces"), ("JourneyClosed", None)]
    assert change.state.passage.closed_on == last.state.passage.closed_on == date(2016, 12, 5)


def test_what_was_asked_before_a_death_that_was_none_is_taken_back_with_it() -> None:
    late = RecordExit(way="deceased", occurred_on=DUE_ON)
    dead = record_exit(due(exited()), late, programme=PROGRAMME, at=noon(LATER)).state
    assert statuses(dead) == {"28d": "cancelled", "6m": "cancelled"}
    assert names(anew(dead, void=True).events) == [("JourneyExited", "voids"), ("FollowUpDue", "voids")]


@pytest.mark.parametrize("missing", [True, False])
def test_a_death_recorded_late_takes_back_what_was_asked_of_the_dead(missing: bool) -> None:
    asked = due(exited())
    held = (
        miss(asked, Timer("x", noon(LATER), "x", {"kind": "28d"}), noon(LATER), PROGRAMMES).state
        if missing
        else asked
    )
    died = RecordExit(way="deceased", occurred_on=DUE_ON - timedelta(days=1))
    change = record_exit(held, died, programme=PROGRAMME, at=noon(LATER))
    assert names(change.events)[:2] == [("JourneyExited", None), ("FollowUpDue", "voids")]
    assert statuses(change.state) == {"28d": "cancelled", "6m": "cancelled"}


def test_an_answer_of_the_dead_that_is_taken_back_is_not_asked_for_again() -> None:
    died = RecordExit(way="deceased", occurred_on=LATER)
    dead = record_exit(answered(due(exited())), died, programme=PROGRAMME, at=noon(LATER)).state
    change = again(dead, void=True)
    assert names(change.events) == [("FollowUpAnswered", "voids")]
    assert (change.state.passage.stage, change.timers) == ("closed", ())
    assert statuses(change.state)["28d"] == "cancelled"
