"""Reports that the provider writes: due by the journey's days, sent with words of its own, told, overdue, corrected."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language import events as e
from shared.language.programmes import ReportDuty
from tests.support.house import ACTIVITY_TRACKING, INTAKE, OUTCOMES, House, house
from tests.unit.access.test_attendance import handed
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started
from tests.unit.access.test_reports import listed, read, told

WEDNESDAY = date(2016, 6, 1)
WORDS = "Vi börjar med tre förmiddagar i veckan, och följer upp i augusti."
JOINT = ReportDuty(
    code="plan",
    kind="joint_plan",
    within_working_days=5,
    sent_within_working_days=10,
    shows=("goals", "plan"),
)
PERIODIC = replace(JOINT, code="periods", kind="periodic_report", every_months=3, shows=("hours", "progress"))
FINAL = replace(JOINT, code="final", kind="final_report", shows=("competences", "hours"))


@pytest.fixture(name="world")
def _world() -> House:
    return house(replace(COACTIVE, report_duties=(JOINT, PERIODIC, FINAL)), today=WEDNESDAY)


def begun(world: House) -> str:
    journey = started(world)
    world.pass_to(WEDNESDAY)
    return journey


def waiting(world: House, who: str = SHOP) -> list[tuple[str, str, bool]]:
    """What waits to be sent: the report, its last day, and whether that has passed."""
    found = world.done(ACTIVITY_TRACKING, "GET", "/waiting", who)["waiting"]
    return [
        (one["subject"].rpartition(".")[2], one["due"], one["overdue"])
        for one in found
        if one["kind"] == "report_to_send"
    ]


def sent(world: House, report: str, who: str = SHOP, text: str = WORDS) -> Any:
    return world.ask(ACTIVITY_TRACKING, "POST", f"/reports/{report}/submission", who, {"text": text})


def messages(world: House) -> list[tuple[str, str, str | None]]:
    return [
        (one.kind, one.report_id.rpartition(".")[2], one.corrects and one.corrects.rpartition(".")[2])
        for _, one in told(world)
    ]


def test_a_joint_plan_waits_at_the_provider_from_the_start_and_is_told_when_sent(world: House) -> None:
    journey = begun(world)
    report = f"{journey}.w1"
    assert waiting(world) == [("w1", "2016-06-16", False)], "ten working days; the National Day is none"
    assert (told(world), listed(world, AGENCY, part="referrer")) == ([], [])
    assert world.ask(ACTIVITY_TRACKING, "GET", f"/reports/{report}", AGENCY).status_code == 404
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/goals", SHOP, {"text": "Eget arbete"})
    answer = sent(world, report)
    assert (answer.status_code, answer.json["due_on"]) == (200, "2016-06-09")
    assert WORDS not in answer.text, "answers to commands are stored"
    assert (messages(world), waiting(world)) == ([("joint_plan", "w1", None)], [])
    assert WORDS not in repr([*world.heard, *world.rooms[INTAKE].memory.replies])
    for who in (SHOP, AGENCY):
        found = read(world, report, who)
        assert (found["text"], len(found["journey"]["goals"])) == (WORDS, 1)
        assert (found["journey"]["progress"], found["weeks"], found["month"]) == ([], [], None)
    assert read(world, report, AGENCY)["journey"]["goals"][0]["text"] is None, "the reader's own view holds"
    world.done(ACTIVITY_TRACKING, "POST", f"/reports/{report}/acknowledgement", AGENCY)
    assert listed(world, AGENCY, part="referrer") == []


def test_who_may_send_it_and_who_may_not(world: House) -> None:
    report = f"{begun(world)}.w1"
    assert [sent(world, report, who).status_code for who in (AGENCY, CAFE, SHOP)] == [403, 404, 200]
    assert sent(world, report.replace("w1", "w2")).status_code == 404
    assert sent(world, report, text="").status_code == 422


def test_the_same_words_again_change_nothing_and_others_correct_it(world: House) -> None:
    report = f"{begun(world)}.w1"
    first = sent(world, report).json
    assert sent(world, report).json == first
    anew = sent(world, report, text="Fyra förmiddagar.").json
    assert messages(world) == [("joint_plan", "w1", None), ("joint_plan", "r1", "w1")]
    assert read(world, anew["report_id"], AGENCY)["text"] == "Fyra förmiddagar."
    assert sent(world, report, text="Fem.").status_code == 409, "it was corrected"
    assert sent(world, anew["report_id"], text="Fem.").status_code == 200


def test_what_is_not_sent_in_time_is_overdue_at_the_provider(world: House) -> None:
    journey = begun(world)
    world.pass_to(date(2016, 6, 16))
    assert not [one for one in world.heard if isinstance(one, e.ReportOverdue)]
    world.pass_to(date(2016, 6, 17))
    (late,) = [one for one in world.heard if isinstance(one, e.ReportOverdue)]
    assert (late.report, late.kind, late.provider, late.unsent) == (f"{journey}.w1", "joint_plan", SHOP, True)
    assert (waiting(world), told(world)) == ([("w1", "2016-06-16", True)], [])
    sent(world, f"{journey}.w1")
    world.pass_to(date(2016, 6, 28))
    last = [one for one in world.heard if isinstance(one, e.ReportOverdue)][-1]
    assert (last.report, last.unsent) == (f"{journey}.w1", False), "now the agency has not acknowledged it"


def test_a_periodic_report_falls_due_after_each_period_until_the_exit(world: House) -> None:
    journey = begun(world)
    world.pass_to(date(2016, 8, 31))
    assert [one for one, _, _ in waiting(world)] == ["w1"]
    world.pass_to(date(2016, 12, 1))
    assert [one for one, _, _ in waiting(world)] == ["w1", "w2", "w3"]
    sent(world, f"{journey}.w2")
    found = read(world, f"{journey}.w2", AGENCY)
    assert (found["day"], found["weeks"][0]["first_on"], found["weeks"][-1]["last_on"]) == (
        "2016-08-31",
        "2016-06-01",
        "2016-08-31",
    )
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(date(2017, 6, 1))
    assert [one for one, _, _ in waiting(world)] == ["w1", "w3", "w4"]
    assert sent(world, f"{journey}.w4").json["kind"] == "final_report"


def test_what_is_not_due_any_more_waits_no_longer(world: House) -> None:
    journey = begun(world)
    world.done(INTAKE, "POST", f"/journeys/{journey}/mistake", SHOP, {"reason": "wrong_person"})
    world.pass_to(date(2016, 6, 2))
    assert (waiting(world), sent(world, f"{journey}.w1").status_code) == ([], 404)
    world.pass_to(date(2017, 1, 10))
    assert [one for one in world.heard if isinstance(one, e.ReportOverdue)] == []


def test_after_a_handover_it_waits_at_who_holds_the_journey(world: House) -> None:
    journey = begun(world)
    handed(world, journey, SHOP, CAFE, 1)
    world.pass_to(date(2016, 6, 2))
    assert (waiting(world), waiting(world, CAFE)) == ([], [("w1", "2016-06-16", False)])
    assert sent(world, f"{journey}.w1").status_code == 403
    assert sent(world, f"{journey}.w1", CAFE).json["provider"] == CAFE
