"""Who could have done something on a journey on a day, and who did: by the register, its history, and events."""

from datetime import date
from typing import Any, get_args

import pytest

from services.intake.domain.acts import ELSEWHERE, TOLD_HERE
from shared.language.programmes import Action
from tests.support.access.worlds import AGENCY, EMPLOYER, SHOP, WAYS, World
from tests.support.house import HANDOVERS, INTAKE

REGISTRAR, OPERATOR, WHY = "urkraft:registrar", "drift:operator", "Nytt avtal."
CAFE = "kafe-solrosen"


@pytest.fixture(name="world")
def _world() -> World:
    """A journey that the agency referred to the shop, and that the shop started and offered, all on 1 June 2016."""
    return WAYS["offr"]()


def asked(world: World, action: str, query: str = "", who: str = REGISTRAR) -> Any:
    return world.house.ask(INTAKE, "GET", world.on("/journeys/{journey}/rights/") + f"{action}?{query}", who)


def told(world: World, action: str, on: str = "2016-06-01") -> dict[str, Any]:
    answer = asked(world, action, f"limit=200&on={on}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def units(found: dict[str, Any]) -> dict[str, Any]:
    return {one["unit"]: one for one in found["could"]}


def register(world: World, path: str, body: dict[str, Any], method: str = "POST") -> None:
    said = {**body, "why": WHY}
    world.house.done(INTAKE, method, f"/register/{path}", REGISTRAR, said, **{"If-Match": "*"})


def test_who_could_is_who_held_a_role_with_the_right_and_one_of_them_the_journey(world: World) -> None:
    found = told(world, "log_activity")
    could = units(found)
    assert {SHOP, CAFE} <= could.keys()
    assert AGENCY not in could
    assert (could[SHOP]["was_responsible"], could[CAFE]["was_responsible"]) == (True, False)
    assert found["responsible"] == sorted([AGENCY, SHOP]), "on the day of the acceptance both held it"
    assert (found["programme"], found["municipality"], found["on"]) == ("coactive", "2482", "2016-06-01")


def test_intake_pretends_nothing_of_what_others_tell(world: World) -> None:
    found = told(world, "log_activity")
    assert found["did"] == []
    assert found["told_by"] == "activity-tracking: GET /journeys/{journeyId}/sessions"
    assert told(world, "read_journey")["told_by"] is None


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("refer", [("referral-received", AGENCY)]),
        ("answer_referral", [("referral-accepted", SHOP)]),
        ("start_journey", [("journey-started", SHOP)]),
        ("record_consent", [("consent-given", SHOP)]),
        ("withdraw_referral", []),
    ],
)
def test_who_did_is_told_by_the_day_of_the_fact(
    world: World, action: str, expected: list[tuple[str, str]]
) -> None:
    found = told(world, action)
    said = [(f"journey.intake.{what}.v1", who) for what, who in expected]
    assert [(one["what"], one["organisation"]) for one in found["did"]] == said
    assert found["told_by"] == "intake"
    assert told(world, action, "2016-05-31")["did"] == []


def test_a_correction_is_told_on_its_own_day_beside_what_was_said_first(world: World) -> None:
    path = world.on("/journeys/{journey}/start/correction")
    world.house.done(INTAKE, "POST", path, SHOP, {"why": "A slip.", "void": True})
    did = [(one["correction"], one["organisation"]) for one in told(world, "start_journey")["did"]]
    assert did == [(None, SHOP), ("voids", SHOP)]


def test_who_did_is_who_asked_for_it_and_not_who_might_have() -> None:
    world = WAYS["acc"]()
    world.house.pass_to(date(2016, 6, 10))
    consent = {"purpose": "sharing", "given": True, "organisations": [EMPLOYER], "last_day": "2018-01-01"}
    path = world.on("/journeys/{journey}/consents")
    for who in (AGENCY, SHOP):
        world.house.done(INTAKE, "POST", path, who, consent)
        consent |= {"last_day": "2018-02-01"}
    reason = {"reason": "wrong_person"}
    world.house.done(INTAKE, "POST", world.on("/journeys/{journey}/mistake"), AGENCY, reason)
    found = told(world, "record_consent", "2016-06-10")
    assert [one["organisation"] for one in found["did"]] == [AGENCY, SHOP]
    assert found["responsible"] == [SHOP]
    (mistake,) = told(world, "register_mistake", "2016-06-10")["did"]
    assert mistake["organisation"] == AGENCY


def test_a_right_that_was_said_only_later_says_so(world: World) -> None:
    world.house.pass_to(date(2016, 6, 20))
    register(world, "units", {"unit_id": "ny", "name": "Ny", "kind": "provider", "first_day": "2016-05-01"})
    member = {"unit": "ny", "programme": "coactive", "roles": ["provider"], "first_day": "2016-05-01"}
    register(world, "memberships", member)
    could = units(told(world, "log_activity"))
    assert could["ny"]["said_later"] is True
    assert could["ny"]["recorded_at"].startswith("2016-06-20")
    assert (could[SHOP]["said_later"], could[SHOP]["recorded_at"][:10]) == (False, "2016-06-01")
    assert units(told(world, "log_activity", "2016-06-20"))["ny"]["said_later"] is False


def test_what_was_taken_back_counts_from_when_it_was_said_again(world: World) -> None:
    for day, first_day in ((10, "2016-06-05"), (20, "2016-03-01")):
        world.house.pass_to(date(2016, 6, day))
        register(
            world, f"memberships/{CAFE}@coactive", {"roles": ["provider"], "first_day": first_day}, "PUT"
        )
        known = units(told(world, "log_activity"))
        assert (CAFE in known) == (day == 20)
    assert known[CAFE]["recorded_at"].startswith("2016-06-20")
    assert known[CAFE]["said_later"] is True


def test_a_role_elsewhere_or_on_other_days_is_none(world: World) -> None:
    elsewhere = {"roles": ["provider"], "first_day": "2016-03-01", "municipalities": ["2417"]}
    register(world, f"memberships/{CAFE}@coactive", elsewhere, "PUT")
    assert CAFE not in units(told(world, "log_activity"))
    assert units(told(world, "log_activity", "2015-01-01")) == {}


def test_the_units_come_in_pages(world: World) -> None:
    whole, found, query = list(units(told(world, "log_activity"))), [], "limit=2"
    for number in range(1, len(whole) + 2):
        page = asked(world, "log_activity", query).json
        found += list(units(page))
        assert page["could"] == asked(world, "log_activity", f"limit=2&page={number}").json["could"]
        if page["next_cursor"] is None:
            break
        query = f"limit=2&cursor={page['next_cursor']}"
    assert found == whole == sorted(whole)


def test_nobody_is_named_and_each_reading_is_noted(world: World) -> None:
    answer = asked(world, "answer_referral", "limit=200", OPERATOR)
    assert answer.status_code == 200
    assert "somebody" not in answer.text
    assert world.person not in answer.text
    readings = world.house.rooms[INTAKE].client.application.extensions["journeys"].readings
    noted = (readings[-1].action, readings[-1].subject, readings[-1].came_to)
    assert noted == ("keep_register", f"journey/{world.journey}", "given")


def test_whoever_else_asks_is_refused_and_bad_input_told(world: World) -> None:
    others = ("esf-radet:registrar", f"{SHOP}:supervisor", f"{AGENCY}:owner", "esf-radet:analyst")
    assert [asked(world, "log_activity", "", who).status_code for who in others] == [403] * 4
    assert asked(world, "take_over").json["code"] == "not-found"
    wrong = {"on": ["Takes a day as yyyy-mm-dd, from 1900-01-01 on."]}
    assert asked(world, "log_activity", "on=2016-6-1").json["errors"] == wrong
    world.journey = f"j-{'1' * 26}"
    assert asked(world, "log_activity").json["code"] == "not-found"


def test_what_is_told_here_and_elsewhere_is_apart() -> None:
    assert not TOLD_HERE.keys() & ELSEWHERE.keys()
    untold = set(get_args(Action)) - TOLD_HERE.keys() - ELSEWHERE.keys()
    silent = {"register_participant", "read_participant", "erase_participant", "read_journey", "read_report"}
    assert untold == silent
    assert HANDOVERS in " ".join(ELSEWHERE.values())
