"""What waits for whom: one shape in every service, for who may do the act and for nobody else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language.register import Certificate
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES, House, house
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

MONDAY = date(2016, 6, 6)


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def waiting(world: House, service: str, who: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.done(service, "GET", f"/waiting{query}", who)["waiting"]
    return found


def measures(world: House, who: str, query: str = "") -> list[dict[str, Any]]:
    """What waits at activity tracking, but for reports to the referrer (test_reports.py)."""
    found = waiting(world, ACTIVITY_TRACKING, who, query)
    return [one for one in found if one["kind"] == "measure"]


def referred(world: House, provider: str | None) -> str:
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    body = {
        "reference": f"AF-{provider}",
        "participant_id": person["participant_id"],
        "programme": "coactive",
        "municipality": "2482",
        "provider": provider,
    }
    return str(world.done(INTAKE, "POST", "/referrals", AGENCY, body)["journey_id"])


def test_a_referral_waits_for_who_may_answer_it_until_it_is_answered(world: House) -> None:
    named, anybody = referred(world, SHOP), referred(world, None)
    first, second = waiting(world, INTAKE, SHOP)
    assert [one["subject"] for one in (first, second)] == [named, anybody]
    act = {"method": "POST", "path": f"/v1/referrals/{named}/acceptance"}
    assert (first["kind"], first["since"], first["overdue"], first["act"]) == (
        "referral",
        "2016-06-06",
        False,
        act,
    )
    assert [one["subject"] for one in waiting(world, INTAKE, CAFE)] == [anybody]
    assert waiting(world, INTAKE, CAFE, f"?journey={named}") == []
    assert [one["subject"] for one in waiting(world, INTAKE, SHOP, f"?journey={named}")] == [named]
    page = world.done(INTAKE, "GET", "/waiting?limit=1", SHOP)
    rest = world.done(INTAKE, "GET", f"/waiting?limit=1&cursor={page['next_cursor']}", SHOP)
    assert [one["subject"] for one in (*page["waiting"], *rest["waiting"])] == [named, anybody]
    world.done(INTAKE, "POST", f"/referrals/{named}/acceptance", SHOP)
    assert [one["subject"] for one in waiting(world, INTAKE, SHOP)] == [anybody]


def test_a_certificate_waits_from_sixty_days_before_it_ends(world: House) -> None:
    register = world.programmes.register
    unit = register.unit(SHOP)
    assert unit is not None
    later, soon, over = (
        Certificate(code=c, last_day=date(2016, m, 1)) for c, m in zip("abc", (9, 7, 5), strict=True)
    )
    register.put(replace(unit, certificates=(later, soon, over)))
    found = waiting(world, INTAKE, SHOP)
    assert [(one["kind"], one["subject"], one["due"], one["overdue"]) for one in found] == [
        ("certificate", "c", "2016-05-01", True),
        ("certificate", "b", "2016-07-01", False),
    ]
    assert waiting(world, INTAKE, CAFE) == []


def test_an_offer_waits_for_its_receiver_alone(world: House) -> None:
    journey = started(world)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    (one,) = waiting(world, HANDOVERS, CAFE)
    assert (one["kind"], one["subject"], one["due"]) == ("offer", made["handover_id"], "2016-06-30")
    assert one["act"]["path"] == f"/v1/handovers/{made['handover_id']}/acceptance"
    assert waiting(world, HANDOVERS, CAFE, f"?journey={journey}") == [one]
    assert waiting(world, HANDOVERS, SHOP) == waiting(world, HANDOVERS, SHOP, f"?journey={journey}") == []
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", CAFE)
    assert waiting(world, HANDOVERS, CAFE) == []


def test_a_follow_up_waits_from_its_day_on_for_all_who_may_answer(world: House) -> None:
    journey = started(world)
    said = {"way": "by_plan", "reason": "plan_completed", "situation": "employed"}
    answer = world.ask(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, said)
    assert answer.status_code == 200, answer.text
    assert waiting(world, OUTCOMES, SHOP) == []
    world.pass_to(date(2016, 7, 4))
    (one,) = waiting(world, OUTCOMES, SHOP)
    assert (one["kind"], one["subject"], one["since"]) == ("follow-up", f"{journey}.28d", "2016-07-04")
    assert waiting(world, OUTCOMES, SHOP, f"?journey={journey}") == [one]
    assert [each["subject"] for each in waiting(world, OUTCOMES, AGENCY)] == [one["subject"]]
    assert waiting(world, OUTCOMES, CAFE, f"?journey={journey}") == []


def test_a_measure_waits_when_its_months_have_passed_and_no_longer_once_it_is_taken(world: House) -> None:
    journey = started(world)
    world.pass_to(date(2016, 9, 5))
    assert measures(world, SHOP) == []
    world.pass_to(date(2016, 9, 6))
    (one,) = measures(world, SHOP)
    assert (one["kind"], one["due"], one["overdue"]) == ("measure", "2016-09-06", False)
    assert one["act"] == {"method": "POST", "path": f"/v1/journeys/{journey}/progress"}
    assert measures(world, SHOP, f"?journey={journey}") == [one]
    assert measures(world, CAFE) == []
    assert measures(world, CAFE, f"?journey={journey}") == []
    world.pass_to(date(2016, 9, 7))
    assert measures(world, SHOP)[0]["overdue"]
    answers = {"round": 1, "answers": {"network": 3}}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/progress", SHOP, answers)
    assert measures(world, SHOP) == []
    world.pass_to(date(2016, 12, 7))
    assert [each["due"] for each in measures(world, SHOP)] == ["2016-12-07"]


def test_a_measure_due_at_the_end_of_a_shorter_month_waits_on_its_day(world: House) -> None:
    world.pass_to(date(2016, 8, 31))
    started(world)
    world.pass_to(date(2016, 11, 29))
    assert measures(world, SHOP) == []
    world.pass_to(date(2016, 11, 30))
    assert [one["due"] for one in measures(world, SHOP)] == ["2016-11-30"]


def test_who_has_left_has_no_measure_waiting(world: House) -> None:
    journey = started(world)
    world.pass_to(date(2016, 9, 7))
    said = {"way": "by_plan", "reason": "plan_completed", "situation": "employed"}
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, said)
    world.spread()
    assert measures(world, SHOP) == []
    assert measures(world, SHOP, f"?journey={journey}") == []


def test_a_workplace_that_holds_the_journey_is_told_of_no_measure(world: House) -> None:
    journey, hotel = started(world), "hotell-statt"
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE, hotel], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    offer = {"kind": "provider_to_employer", "to_organisation": hotel, "deadline_on": "2016-06-30"}
    world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{journey}.h1/acceptance", hotel)
    world.pass_to(date(2016, 9, 7))
    for who in (SHOP, hotel):
        assert measures(world, who) == []
        assert measures(world, who, f"?journey={journey}") == []


def test_a_register_waits_from_its_day_on_until_it_is_filled_in(world: House) -> None:
    journey = started(world)
    hours = [{"weekday": day, "starts_at": "09:00", "ends_at": "12:00"} for day in (1, 2)]
    body = {"activity": "work_training", "first_on": "2016-06-06", "hours": hours}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities", SHOP, body)
    assert waiting(world, ACTIVITY_TRACKING, SHOP) == [], "the sixth of June is a holiday"
    world.pass_to(date(2016, 6, 13))
    _, today = waiting(world, ACTIVITY_TRACKING, SHOP)
    assert (today["kind"], today["journey_id"], today["since"], today["overdue"]) == (
        "register",
        None,
        "2016-06-13",
        False,
    )
    assert today["act"] == {"method": "POST", "path": "/v1/attendance"}
    world.pass_to(date(2016, 6, 15))
    found = waiting(world, ACTIVITY_TRACKING, SHOP)
    assert [(one["due"], one["overdue"]) for one in found] == [
        ("2016-06-07", True),
        ("2016-06-13", True),
        ("2016-06-14", True),
    ]
    page = world.done(ACTIVITY_TRACKING, "GET", "/waiting?limit=1", SHOP)
    rest = world.done(ACTIVITY_TRACKING, "GET", f"/waiting?cursor={page['next_cursor']}", SHOP)
    assert page["waiting"] + rest["waiting"] == found
    assert waiting(world, ACTIVITY_TRACKING, CAFE) == []
    assert waiting(world, ACTIVITY_TRACKING, SHOP, f"?journey={journey}") == []
    for day in ("2016-06-07", "2016-06-13", "2016-06-14"):
        marks = {"day": day, "rest": "present"}
        world.done(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, marks)
    world.pass_to(world.today)
    assert waiting(world, ACTIVITY_TRACKING, SHOP) == []


def test_a_journey_that_is_none_waits_for_nothing(world: House) -> None:
    unknown = "?journey=j-00000000000000000000000099"
    for service in (INTAKE, ACTIVITY_TRACKING, HANDOVERS, OUTCOMES):
        assert waiting(world, service, SHOP, unknown) == []
        answer = world.ask(service, "GET", "/waiting?cursor=nonsense", SHOP)
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["cursor"])
