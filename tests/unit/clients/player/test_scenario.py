"""The plan is worth playing: large enough, repeatable, in order, and with everything that goes wrong."""

from collections import defaultdict
from datetime import date

import pytest

from clients.player.acts import Act, Plan, has_own_day, step_from
from clients.player.incidents import incidents
from clients.player.ledger import Ledger
from clients.player.newcomer import UNIT
from clients.player.programme import Programme
from clients.player.scenario import build
from tests.support.player_programme import CODES, INBOUND

SEEDS = (1, 7, 2016)
NAMED_IN_THE_ISSUE = (
    "late log",
    "correction",
    "void correction",
    "no-show",
    "declined referral",
    "referral passed on",
    "silence passed on",
    "referral returned unanswered",
    "withdrawn referral",
    "broken off",
    "moved",
    "deceased",
    "consent withdrawn",
    "handover declined",
    "handover expired",
    "handover recalled",
    "re-referral",
    "mistake before start",
    "mistake after start",
    "follow-up never answered",
    "exit before answer",
    "entry corrected",
    "erased",
    "two handles merged",
    "merge taken back",
    "record rejected",
)


@pytest.fixture(params=SEEDS, scope="module")
def plan(request: pytest.FixtureRequest) -> Plan:
    return build(CODES, request.param, inbound=INBOUND)


def ways(plan: Plan) -> dict[str, list[Act]]:
    found: dict[str, list[Act]] = defaultdict(list)
    for step in plan.steps:
        for act in step.acts:
            found[act.plan_key].append(act)
    return found


def counted(plan: Plan, codes: Programme = CODES) -> Ledger:
    ledger = Ledger(codes)
    for step in plan.steps:
        for act in step.acts:
            if not act.refused:
                ledger.do(act)
    return ledger


def test_the_same_seed_gives_the_same_plan_command_for_command() -> None:
    assert build(CODES, 5, inbound=INBOUND) == build(CODES, 5, inbound=INBOUND)
    assert build(CODES, 5, inbound=INBOUND) != build(CODES, 6, inbound=INBOUND)


@pytest.mark.parametrize("what", NAMED_IN_THE_ISSUE)
def test_everything_that_goes_wrong_in_life_is_played_at_least_three_times(plan: Plan, what: str) -> None:
    assert incidents(plan, CODES)[what] >= 3


def test_there_are_at_least_four_thousand_commands_over_three_years(plan: Plan) -> None:
    assert plan.commands >= 4000
    assert plan.commands == sum(len(step.acts) + len(step.bad_records) for step in plan.steps)
    assert (plan.ends_on - plan.steps[0].on).days > 3 * 365


def test_the_programme_reaches_its_targets(plan: Plan) -> None:
    ledger = counted(plan)
    report = ledger.report(plan.ends_on)
    journeys = sum(not one.mistake for one in ledger.courses.values())
    assert 150 <= report["figures"]["received"] < journeys, "persons, some of whom came back"
    for target in report["targets"]:
        assert target["reached"] >= target["target"], target["figure"]


def test_everything_is_closed_at_the_end(plan: Plan) -> None:
    where = counted(plan).report(plan.ends_on)["where_now"]
    assert {stage for stage, count in where.items() if count} <= {"closed", "declined", "withdrawn"}


def test_most_groups_are_large_enough_to_be_shown(plan: Plan) -> None:
    report = counted(plan).report(plan.ends_on)
    groups = [report["by_gender"][one] for one in ("woman", "man", "non_binary")]
    groups += report["by_municipality"].values()
    assert all(group["started"] >= 5 for group in groups)


def test_something_is_recorded_only_on_step_days_and_never_before_it_happened(plan: Plan) -> None:
    for step in plan.steps:
        own_day = step.on != step_from(step.on)
        assert not own_day or has_own_day(step.on)
        for act in step.acts:
            assert act.occurred_on <= act.recorded_on == step.on, act
            assert not own_day or act.deed == "mark_register", act


def test_each_way_is_told_in_an_order_that_the_field_allows(plan: Plan) -> None:
    needs = {
        "accept": "refer",
        "decline": "refer",
        "pass_on": "refer",
        "withdraw": "refer",
        "consent": "accept",
        "start": "consent",
        "record_entry": "start",
        "log_session": "start",
        "judge_ready": "start",
        "offer": "start",
        "record_exit": "start",
        "answer_follow_up": "record_exit",
        "correct_output": "log_output",
    }
    for way, acts in ways(plan).items():
        done: set[str] = set()
        for act in acts:
            assert needs.get(act.deed) is None or needs[act.deed] in done, (way, act)
            done.add(act.deed)


def test_days_within_a_journey_follow_one_another(plan: Plan) -> None:
    for way, acts in ways(plan).items():
        days: dict[str, date] = {act.deed: act.occurred_on for act in acts}
        order = [
            days[deed] for deed in ("refer", "accept", "consent", "start", "record_exit") if deed in days
        ]
        assert order == sorted(order), way
        for act in acts:
            if act.deed in (
                "log_session",
                "correct_session",
                "judge_ready",
                "reach_goal",
                "measure",
                "validate",
            ):
                assert act.occurred_on >= days["start"], act
                assert act.occurred_on <= days.get("record_exit", act.occurred_on), act


def test_whoever_logs_is_responsible_on_the_day_of_recording(plan: Plan) -> None:
    for acts in ways(plan).values():
        responsible = None
        for act in acts:
            if act.refused:
                continue
            if act.deed in ("accept", "accept_offer"):
                responsible = act.by
            if act.deed in (
                "log_session",
                "correct_session",
                "measure",
                "judge_ready",
                "offer",
                "record_exit",
            ):
                assert act.by == responsible, act
                action = "log_activity" if "session" in act.deed else None
                assert action is None or action in CODES.may[act.by]


def test_offers_are_answered_before_their_deadline_and_never_two_at_once(plan: Plan) -> None:
    for acts in ways(plan).values():
        open_until: date | None = None
        for act in acts:
            if open_until is not None and act.recorded_on > open_until:
                open_until = None
            if act.deed == "offer":
                assert open_until is None
                assert act.recorded_on <= act.says["deadline_on"]
                assert (act.says["deadline_on"] - act.recorded_on).days <= CODES.handover_max_days
                open_until = act.says["deadline_on"]
            if act.deed in ("accept_offer", "decline_offer", "recall_offer"):
                assert act.refused is (open_until is None)
                open_until = None
            if act.deed in ("record_exit", "withdraw_consent"):
                open_until = None


def test_a_follow_up_is_answered_a_whole_step_after_it_fell_due_and_in_time(plan: Plan) -> None:
    for acts in ways(plan).values():
        exited_on = next((act.occurred_on for act in acts if act.deed == "record_exit"), None)
        for act in acts:
            if act.deed == "answer_follow_up":
                assert exited_on is not None
                kind = CODES.follow_up(act.says["follow_up"])
                assert kind.due_on(exited_on) < act.recorded_on <= kind.answer_by(exited_on)
                steps_between = [
                    one.on for one in plan.steps if kind.due_on(exited_on) <= one.on < act.recorded_on
                ]
                assert steps_between


def test_a_correction_says_something_else_and_corrects_what_stands(plan: Plan) -> None:
    for acts in ways(plan).values():
        standing: dict[str, tuple[str, int]] = {}
        for act in acts:
            says = act.says
            if act.deed == "correct_session":
                before = standing.pop(says["corrects"])
                assert says["void"] or (says["attendance"], says["minutes"]) != before
            if act.deed in ("log_session", "correct_session") and not says.get("void"):
                standing[says["session"]] = (says["attendance"], says["minutes"])


def test_about_half_of_the_agencies_referrals_go_over_their_topics(plan: Plan) -> None:
    theirs = [
        act for acts in ways(plan).values() for act in acts if act.deed == "refer" and act.by in INBOUND
    ]
    over = [act for act in theirs if act.channel == "inbound"]
    assert 0.3 * len(theirs) < len(over) < 0.7 * len(theirs)
    assert not any(
        act.channel == "inbound" and act.by != UNIT
        for acts in ways(build(CODES, 1, inbound=())).values()
        for act in acts
    )
