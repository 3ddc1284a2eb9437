"""Exit and follow-up as state tables: which way is open when, what each event and timer leads to, and on which day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from services.outcome.consumer import FOLDS, TIMERS
from services.outcome.domain.follow_up import AnswerFollowUp, answer
from services.outcome.domain.journey import Outcome
from services.outcome.domain.leaving import RecordExit, record_exit
from shared.language import events as e
from shared.language.days import start_of
from shared.language.decision import Change, Timer
from shared.language.errors import Conflict, Invalid, Unknown, Unready
from shared.language.passage import Stage
from tests.support.fakes import noon
from tests.support.outcome_programme import (
    AGENCY,
    BAKERY,
    EXITED_ON,
    JOURNEY,
    PROGRAMME,
    PROGRAMMES,
    REFERRED_ON,
    SHOP,
    STARTED_ON,
    TODAY,
    arrived,
    at_stage,
    fold,
    mistake,
    referral,
    start,
)
from tests.support.published import FakeProgrammes

BY_PLAN = RecordExit(way="by_plan", reason="goal_reached", situation="employed", occurred_on=EXITED_ON)
DECEASED = RecordExit(way="deceased", occurred_on=EXITED_ON)
NOW = noon(TODAY)
LATER = noon(date(2017, 6, 1))


def leave(state: Outcome, command: RecordExit = BY_PLAN, at: datetime = NOW) -> Change[Outcome]:
    return record_exit(state, command, programme=PROGRAMME, at=at)


def names(events: Sequence[e.Fact]) -> list[str]:
    return [type(event).__name__ for event in events]


def statuses(state: Outcome) -> dict[str, str]:
    return {kind: one.status for kind, one in state.follow_ups.items()}


def fire(state: Outcome, kind: str, command: str, at: datetime) -> Change[Outcome]:
    timer = Timer(f"{JOURNEY}.{kind}:x", at, command, {"kind": kind})
    change: Change[Outcome] = TIMERS[command](state, timer, at, PROGRAMMES)
    return change


def due(state: Outcome, kind: str) -> Outcome:
    on = state.follow_ups[kind].due_on
    return fire(state, kind, "follow_up_due", noon(on)).state


# --- exit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["started", "ready"])
def test_an_exit_plans_every_follow_up_of_the_programme(stage: Stage) -> None:
    change = leave(at_stage(stage))
    (event,) = change.events
    assert event == e.JourneyExited(
        occurred_on=EXITED_ON,
        recorded_at=noon(TODAY),
        way="by_plan",
        organisation=SHOP,
        reason="goal_reached",
        situation="employed",
    )
    assert change.state.passage.stage == "exited"
    assert statuses(change.state) == {"28d": "planned", "6m": "planned"}
    assert [(timer.key, timer.due, timer.command) for timer in change.timers] == [
        (f"{JOURNEY}.28d:due", start_of(date(2016, 6, 28)), "follow_up_due"),
        (f"{JOURNEY}.6m:due", start_of(date(2016, 11, 30)), "follow_up_due"),
    ]


@pytest.mark.parametrize(
    ("exited_on", "after_28_days", "after_6_months"),
    [
        (date(2024, 2, 29), date(2024, 3, 28), date(2024, 8, 29)),
        (date(2024, 8, 31), date(2024, 9, 28), date(2025, 2, 28)),
        (date(2023, 8, 31), date(2023, 9, 28), date(2024, 2, 29)),
        (date(2016, 12, 31), date(2017, 1, 28), date(2017, 6, 30)),
    ],
)
def test_follow_ups_fall_on_the_28th_calendar_day_and_on_the_same_day_six_months_later(
    exited_on: date, after_28_days: date, after_6_months: date
) -> None:
    state = leave(at_stage("started"), replace(BY_PLAN, occurred_on=exited_on), noon(date(2025, 6, 1))).state
    assert {kind: one.due_on for kind, one in state.follow_ups.items()} == {
        "28d": after_28_days,
        "6m": after_6_months,
    }


@pytest.mark.parametrize("stage", ["received", "accepted", "declined", "withdrawn", "mistake"])
@pytest.mark.parametrize(
    "command", [replace(BY_PLAN, occurred_on=TODAY), replace(DECEASED, occurred_on=TODAY)]
)
def test_nobody_leaves_who_does_not_take_part(stage: Stage, command: RecordExit) -> None:
    with pytest.raises(Conflict, match="wrong-stage"):
        leave(at_stage(stage), command)


def test_the_same_exit_again_changes_nothing() -> None:
    first = leave(at_stage("started")).state
    assert leave(first) == Change(first)


@pytest.mark.parametrize(
    "other",
    [
        replace(BY_PLAN, way="interrupted", reason=None),
        replace(BY_PLAN, occurred_on=TODAY),
        replace(BY_PLAN, situation="student"),
    ],
)
def test_another_exit_after_an_exit_is_refused(other: RecordExit) -> None:
    with pytest.raises(Conflict, match="wrong-stage"):
        leave(leave(at_stage("started")).state, other)


def test_the_deceased_are_not_followed_up_and_the_journey_closes() -> None:
    change = leave(at_stage("started"), DECEASED)
    assert names(change.events) == ["JourneyExited", "JourneyClosed"]
    assert (change.state.passage.stage, change.timers, dict(change.state.follow_ups)) == ("closed", (), {})


def test_death_outranks_an_earlier_exit_and_cancels_what_is_open() -> None:
    left = due(leave(at_stage("started")).state, "28d")
    change = leave(left, DECEASED)
    assert names(change.events) == ["JourneyExited", "FollowUpDue", "JourneyClosed"]
    assert change.events[1].correction == "voids"  # type: ignore[attr-defined]
    assert statuses(change.state) == {"28d": "cancelled", "6m": "cancelled"}
    assert (change.state.passage.exit_way, change.state.passage.stage) == ("deceased", "closed")
    assert set(change.cancels) == {
        f"{JOURNEY}.{end}" for end in ("28d:due", "28d:missed", "6m:due", "6m:missed")
    }
    assert {row.body["status"] for row in change.rows} == {"cancelled"}


def test_death_after_the_closing_closes_no_second_time() -> None:
    change = leave(at_stage("closed"), DECEASED)
    assert names(change.events) == ["JourneyExited"]
    assert change.state.passage.exit_way == "deceased"


def test_an_exit_is_not_repeated_for_what_was_a_mistake() -> None:
    with pytest.raises(Conflict, match="wrong-stage"):
        leave(fold(leave(at_stage("started")).state, mistake()))


def test_nothing_outranks_death() -> None:
    dead = leave(at_stage("started"), DECEASED).state
    with pytest.raises(Conflict, match="wrong-stage"):
        leave(dead)
    assert leave(dead, DECEASED) == Change(dead)


def test_without_follow_ups_the_journey_closes_with_the_exit() -> None:
    change = record_exit(
        at_stage("started"), BY_PLAN, programme=replace(PROGRAMME, follow_ups=()), at=noon(TODAY)
    )
    assert names(change.events) == ["JourneyExited", "JourneyClosed"]
    assert change.state.passage.stage == "closed"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"way": "vanished", "reason": None}, "way"),
        ({"reason": "broke_off"}, "reason"),
        ({"reason": "no_such"}, "reason"),
        ({"situation": "retired"}, "situation"),
        ({"occurred_on": date(2016, 6, 16)}, "occurred_on"),
        ({"occurred_on": STARTED_ON - timedelta(days=1)}, "occurred_on"),
        ({"way": "deceased", "reason": None}, "situation"),
    ],
)
def test_a_wrong_exit_is_refused_with_the_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        leave(at_stage("started"), replace(BY_PLAN, **wrong))
    assert set(refused.value.errors or {}) == {field}


def test_the_exit_names_who_was_responsible_when_it_was_recorded() -> None:
    handover = e.HandoverAccepted(
        occurred_on=STARTED_ON,
        recorded_at=noon(STARTED_ON),
        handover=e.HandoverId(f"{JOURNEY}.h1"),
        kind="provider_to_provider",
        from_organisation=SHOP,
        to_organisation=BAKERY,
        offered_on=STARTED_ON,
    )
    (event,) = leave(fold(at_stage("started"), handover)).events
    assert isinstance(event, e.JourneyExited)
    assert event.organisation == BAKERY
    crossed = fold(leave(at_stage("started")).state, handover)
    assert (crossed.passage.responsible, crossed.passage.stage) == (SHOP, "exited")


# --- follow-ups ----------------------------------------------------------------------------------------------


def test_a_follow_up_lives_from_planned_to_answered() -> None:
    left = leave(at_stage("started")).state
    first = fire(left, "28d", "follow_up_due", noon(date(2016, 6, 28)))
    assert first.events == (
        e.FollowUpDue(
            occurred_on=date(2016, 6, 28),
            recorded_at=noon(date(2016, 6, 28)),
            follow_up=e.FollowUpId(f"{JOURNEY}.28d"),
            kind="28d",
            answer_by=date(2016, 7, 28),
        ),
    )
    (missed,) = first.timers
    assert (missed.key, missed.due) == (f"{JOURNEY}.28d:missed", start_of(date(2016, 7, 29)))
    second = answer(
        first.state, "28d", AnswerFollowUp(situation="employed"), by=SHOP, at=noon(date(2016, 7, 28))
    )
    assert names(second.events) == ["FollowUpAnswered"]
    assert second.cancels == (f"{JOURNEY}.28d:missed",)
    assert statuses(second.state) == {"28d": "answered", "6m": "planned"}
    third = answer(
        due(second.state, "6m"),
        "6m",
        AnswerFollowUp(situation="student"),
        by=SHOP,
        at=noon(date(2016, 12, 1)),
    )
    assert names(third.events) == ["FollowUpAnswered", "JourneyClosed"]
    assert third.state.passage.stage == "closed"


def test_an_unanswered_follow_up_is_missed_and_the_last_one_closes_the_journey() -> None:
    state = due(leave(at_stage("started")).state, "28d")
    change = fire(state, "28d", "follow_up_missed", noon(date(2016, 7, 29)))
    assert names(change.events) == ["FollowUpMissed"]
    assert change.events[0].occurred_on == date(2016, 7, 29)
    last = fire(due(change.state, "6m"), "6m", "follow_up_missed", LATER)
    assert names(last.events) == ["FollowUpMissed", "JourneyClosed"]


@pytest.mark.parametrize(
    ("recorded_on", "answer_by"),
    [
        (date(2016, 6, 1), date(2016, 7, 28)),
        (date(2016, 6, 28), date(2016, 7, 28)),
        (date(2016, 6, 29), date(2016, 7, 29)),
        (date(2017, 3, 1), date(2017, 3, 31)),
    ],
)
def test_an_exit_recorded_late_takes_nobodys_time_to_answer(recorded_on: date, answer_by: date) -> None:
    state = leave(at_stage("started"), BY_PLAN, noon(recorded_on)).state
    change = fire(state, "28d", "follow_up_due", noon(date(2017, 3, 1)))
    (event,) = change.events
    assert isinstance(event, e.FollowUpDue)
    assert (event.occurred_on, event.answer_by) == (date(2016, 6, 28), answer_by)


def test_a_follow_up_cannot_be_answered_before_its_day() -> None:
    with pytest.raises(Conflict, match="follow-up-not-due"):
        answer(
            leave(at_stage("started")).state,
            "28d",
            AnswerFollowUp(situation="employed"),
            by=SHOP,
            at=noon(TODAY),
        )


def test_one_whose_day_has_just_come_is_told_so() -> None:
    state, at = leave(at_stage("started")).state, noon(date(2016, 7, 28))
    with pytest.raises(Conflict, match="That day has come"):
        answer(state, "28d", AnswerFollowUp(situation="employed"), by=SHOP, at=at)


@pytest.mark.parametrize("end", ["missed", "answered otherwise", "cancelled", "past its last day"])
def test_a_follow_up_that_has_ended_takes_no_answer(end: str) -> None:
    state, at = due(leave(at_stage("started")).state, "28d"), noon(date(2016, 7, 28))
    if end == "missed":
        state = fire(state, "28d", "follow_up_missed", LATER).state
    elif end == "answered otherwise":
        state = answer(state, "28d", AnswerFollowUp(situation="inactive"), by=SHOP, at=at).state
    elif end == "cancelled":
        state = leave(state, DECEASED, at).state
    else:
        at = noon(date(2016, 7, 29))
    with pytest.raises(Conflict, match="follow-up-closed") as refused:
        answer(state, "28d", AnswerFollowUp(situation="employed"), by=SHOP, at=at)
    assert ("until 2016-07-28" in refused.value.detail) == (end == "past its last day")
    assert "is due" not in refused.value.detail


def test_the_same_answer_again_changes_nothing() -> None:
    state = due(leave(at_stage("started")).state, "28d")
    said = AnswerFollowUp(situation="employed", occurred_on=date(2016, 6, 29))
    once = answer(state, "28d", said, by=SHOP, at=noon(date(2016, 7, 1))).state
    assert answer(once, "28d", said, by=SHOP, at=LATER) == Change(once)
    with pytest.raises(Conflict, match="follow-up-closed"):
        answer(once, "28d", said, by=AGENCY, at=LATER)


@pytest.mark.parametrize("on", [date(2016, 6, 27), date(2016, 7, 3)])
def test_an_answer_is_about_the_day_not_from_before_it_and_not_from_the_future(on: date) -> None:
    state = due(leave(at_stage("started")).state, "28d")
    with pytest.raises(Invalid) as refused:
        answer(
            state,
            "28d",
            AnswerFollowUp(situation="employed", occurred_on=on),
            by=SHOP,
            at=noon(date(2016, 7, 2)),
        )
    assert set(refused.value.errors or {}) == {"occurred_on"}


def test_a_kind_that_the_journey_has_not_is_unknown() -> None:
    with pytest.raises(Unknown):
        answer(at_stage("started"), "28d", AnswerFollowUp(situation="employed"), by=SHOP, at=noon(TODAY))


@pytest.mark.parametrize("command", ["follow_up_due", "follow_up_missed"])
@pytest.mark.parametrize("end", ["answered", "cancelled", "never planned"])
def test_a_timer_that_comes_too_late_does_nothing(command: str, end: str) -> None:
    state = at_stage("started")
    if end != "never planned":
        state = due(leave(state).state, "28d")
        if end == "answered":
            state = answer(
                state, "28d", AnswerFollowUp(situation="student"), by=SHOP, at=noon(date(2016, 7, 1))
            ).state
        else:
            state = fold(state, mistake())
    assert fire(state, "28d", command, LATER) == Change(state)


def test_a_mistake_cancels_timers_and_asks_nobody() -> None:
    left = leave(at_stage("started")).state
    change = FOLDS[e.JourneyRegisteredByMistake](left, arrived(mistake()), PROGRAMMES)
    assert len(change.cancels) == 4
    assert statuses(change.state) == {"28d": "cancelled", "6m": "cancelled"}
    assert change.state.passage.stage == "mistake"
    assert change.events == ()


def test_those_who_may_answer_find_it_by_organisation() -> None:
    rows = {row.key: row.body for row in leave(at_stage("started")).rows}
    assert rows[f"{JOURNEY}.28d"] == {
        "order": f"2016-06-28|{JOURNEY}.28d",
        "journey_id": JOURNEY,
        "organisations": ["agency", "shop"],
        "status": "planned",
        "programme_key": "small@1",
    }


def test_the_first_event_waits_for_its_programme_and_no_other_comes_first() -> None:
    with pytest.raises(Unready):
        FOLDS[e.ReferralReceived](None, arrived(referral()), FakeProgrammes())
    with pytest.raises(ValueError, match="before the referral"):
        FOLDS[e.JourneyStarted](None, arrived(start()), PROGRAMMES)
    assert (
        FOLDS[e.ReferralReceived](None, arrived(referral()), PROGRAMMES).state.passage.referred_on
        == REFERRED_ON
    )
