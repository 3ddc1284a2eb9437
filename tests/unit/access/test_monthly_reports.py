"""Monthly reports to the referrer: hours and extent of each month of participation, when it is over."""

from dataclasses import replace
from datetime import date

import pytest

from tests.support.house import HANDOVERS, INTAKE, OUTCOMES, House, house
from tests.unit.access.test_attendance import MONDAY, TUESDAY, line, marked, planned
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started
from tests.unit.access.test_reports import THURSDAY, read, told

EACH_MONTH = replace(
    COACTIVE,
    report_duties=tuple(
        replace(one, referrer=None) if one.kind == "monthly_attendance" else one
        for one in COACTIVE.report_duties
    ),
)
"""CoActive, if every agency asked for each month."""


@pytest.fixture(name="world")
def _world() -> House:
    return house(EACH_MONTH, today=MONDAY)


def test_each_month_of_participation_is_reported_when_it_is_over(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    marked(world, SHOP, line(journey, "present", came_at="09:10"))
    world.pass_to(date(2016, 6, 30))
    assert told(world) == []
    world.pass_to(date(2016, 7, 1))
    ((who, message),) = told(world)
    assert (who, message.kind, message.due_on) == (AGENCY, "monthly_attendance", date(2016, 7, 15))
    found = read(world, message.report_id, AGENCY)
    assert (found["day"], found["month"]["period"]) == ("2016-06-30", "2016-06")
    assert (found["month"]["minutes"], found["month"]["planned_minutes"]) == (170, 180)
    assert [one["activity"] for one in found["month"]["activities"]] == [None], "not without consent"
    own = read(world, message.report_id, SHOP)
    assert [one["activity"] for one in own["month"]["activities"]] == ["work_training"]
    assert sum(one["minutes"] for one in found["weeks"]) == 170
    world.pass_to(date(2016, 9, 2))
    assert [message.report_id[-2:] for _, message in told(world)] == ["r1", "r2", "r3"]


def test_the_month_of_the_exit_is_the_last_and_a_mistake_has_none(world: House) -> None:
    journey, mistaken = started(world), started(world, "AF-2")
    world.done(INTAKE, "POST", f"/journeys/{mistaken}/mistake", SHOP, {"reason": "wrong_person"})
    world.pass_to(date(2016, 7, 10))
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(date(2016, 10, 3))
    assert [(message.journey_id, message.report_id[-2:]) for _, message in told(world)] == [
        (journey, "r1"),
        (journey, "r2"),
    ]
    days = [read(world, f"{journey}.{one}", SHOP)["day"] for one in ("r1", "r2")]
    assert days == ["2016-06-30", "2016-07-31"]


def test_a_start_that_was_earlier_reports_the_months_before(world: House) -> None:
    journey = started(world)
    world.pass_to(TUESDAY)
    anew = {"why": "They came in April.", "occurred_on": "2016-04-18"}
    for fact in (
        "referrals/{}/correction",
        "referrals/{}/acceptance/correction",
        "journeys/{}/start/correction",
    ):
        body = (
            {**anew, "municipality": "2482", "provider": SHOP} if fact.startswith("referrals/{}/c") else anew
        )
        who = AGENCY if fact.startswith("referrals/{}/c") else SHOP
        world.done(INTAKE, "POST", f"/{fact.format(journey)}", who, body)
    world.pass_to(THURSDAY)
    assert [read(world, message.report_id, AGENCY)["day"] for _, message in told(world)] == [
        "2016-04-30",
        "2016-05-31",
    ]


def test_a_workplace_that_owes_a_month_is_told_no_sums_of_it(world: House) -> None:
    journey, hotel = started(world), "hotell-statt"
    planned(world, journey, SHOP)
    marked(world, SHOP, line(journey, "present"))
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE, hotel], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    offer = {"kind": "provider_to_employer", "to_organisation": hotel, "deadline_on": "2016-06-30"}
    world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{journey}.h1/acceptance", hotel)
    world.pass_to(date(2016, 7, 1))
    ((_, message),) = told(world)
    found = read(world, message.report_id, hotel)
    assert (found["month"], found["weeks"]) == (None, [])
    theirs = read(world, message.report_id, AGENCY)
    assert theirs["month"]["minutes"] == 180
