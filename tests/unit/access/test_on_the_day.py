"""The right to log a fact is its day's: who held the role, and the journey, on that day may log and correct it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language.register import Membership
from tests.support.fakes import noon
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme

AGENCY, SHOP, CAFE = "arbetsformedlingen-skelleftea", "second-hand-skelleftea", "kafe-solrosen"
COACTIVE = read_programme()
BEFORE, HANDED, AFTER = date(2016, 6, 1), date(2016, 6, 10), date(2016, 6, 20)


def ends(world: House, unit: str, last_day: date) -> None:
    """From the day after on the unit has no role in the programme any more."""
    register = world.programmes.register
    (held,) = register.memberships(unit, "coactive")
    register.put(replace(held, last_day=last_day))


def started(world: House, reference: str = "AF-1") -> str:
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    body = {
        "reference": reference,
        "participant_id": person["participant_id"],
        "programme": "coactive",
        "municipality": "2482",
        "provider": SHOP,
    }
    journey = str(world.done(INTAKE, "POST", "/referrals", AGENCY, body)["journey_id"])
    world.done(INTAKE, "POST", f"/referrals/{journey}/acceptance", SHOP)
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    world.done(INTAKE, "POST", f"/journeys/{journey}/start", SHOP)
    return journey


def session(on: date) -> dict[str, Any]:
    return {"activity": "work_training", "occurred_on": on.isoformat(), "attendance": "yes", "minutes": 60}


def log(world: House, journey: str, who: str, on: date) -> Any:
    return world.ask(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", who, session(on))


@pytest.fixture(name="handed")
def _handed() -> tuple[House, str]:
    """A journey that the shop held from BEFORE on, and the café from HANDED on; today is AFTER."""
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    world.pass_to(HANDED)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", CAFE)
    world.pass_to(AFTER)
    return world, journey


@pytest.mark.parametrize(
    ("who", "on", "code"),
    [
        (SHOP, BEFORE, None),
        (SHOP, HANDED, None),
        (SHOP, AFTER, "not-your-journey"),
        (CAFE, BEFORE, "not-your-journey"),
        (CAFE, HANDED, None),
        (CAFE, AFTER, None),
        (AGENCY, BEFORE, "not-allowed"),
        ("urkraft", BEFORE, "not-found"),
    ],
)
def test_who_held_the_journey_on_the_day_logs_it(
    handed: tuple[House, str], who: str, on: date, code: str | None
) -> None:
    world, journey = handed
    answer = log(world, journey, who, on)
    assert (answer.json.get("code") if answer.status_code >= 400 else None) == code, answer.text


def test_only_who_held_the_journey_on_both_days_moves_a_session(handed: tuple[House, str]) -> None:
    world, journey = handed
    made = log(world, journey, SHOP, BEFORE).json["session_id"]
    path = f"/journeys/{journey}/sessions/{made}/correction"

    def corrected(who: str, on: date) -> int:
        said = {"why": "A slip.", **session(on)}
        return int(world.ask(ACTIVITY_TRACKING, "POST", path, who, said).status_code)

    assert corrected(CAFE, BEFORE) == 403
    assert corrected(SHOP, AFTER) == 403
    assert corrected(SHOP, HANDED) == 200


def test_who_no_longer_holds_the_journey_records_within_the_programme_s_days(
    handed: tuple[House, str],
) -> None:
    world, journey = handed
    world.pass_to(date(2016, 7, 10))
    assert log(world, journey, SHOP, HANDED).status_code == 201, "the thirtieth day"
    assert log(world, journey, SHOP, BEFORE).json["code"] == "too-late"
    assert log(world, journey, CAFE, HANDED).status_code == 201, "who holds it still is not held to days"


def test_a_role_that_has_ended_still_logs_its_own_days() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    world.pass_to(AFTER)
    ends(world, SHOP, HANDED)
    assert log(world, journey, SHOP, HANDED).status_code == 201
    assert log(world, journey, SHOP, AFTER).json["code"] == "not-allowed"
    world.pass_to(date(2016, 7, 11))
    assert log(world, journey, SHOP, HANDED).json["code"] == "too-late"


def test_an_output_is_logged_by_who_held_the_role_that_day() -> None:
    world = house(COACTIVE, today=AFTER)
    ends(world, SHOP, HANDED)

    def output(on: date) -> Any:
        body = {
            "output": "manager_trained",
            "quantity": 1,
            "municipality": "2482",
            "occurred_on": on.isoformat(),
        }
        return world.ask(ACTIVITY_TRACKING, "POST", "/programmes/coactive/outputs", SHOP, body)

    assert output(HANDED).status_code == 201
    assert output(AFTER).json["code"] == "not-allowed"
    world.pass_to(date(2016, 7, 11))
    assert output(HANDED).json["code"] == "too-late"


def test_who_has_left_reads_its_own_old_journeys_as_long_as_the_programme_says() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    world.pass_to(AFTER)
    ends(world, SHOP, HANDED)
    reading = [
        (INTAKE, f"/referrals/{journey}"),
        (ACTIVITY_TRACKING, f"/journeys/{journey}"),
        (OUTCOMES, f"/journeys/{journey}"),
        (HANDOVERS, f"/journeys/{journey}/handovers"),
    ]
    for day, status in ((AFTER, 200), (date(2016, 9, 10), 200), (date(2016, 9, 11), 403)):
        world.pass_to(day)
        assert [world.ask(one, "GET", path, SHOP).status_code for one, path in reading] == [status] * 4, day
        listed = world.ask(INTAKE, "GET", "/referrals?part=provider", SHOP)
        assert (listed.status_code, len(listed.json.get("referrals", []))) == (
            (200, 1) if status == 200 else (403, 0)
        )
    world.pass_to(date(2016, 9, 12))
    assert (
        world.ask(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"}).status_code == 403
    )


def test_a_role_in_one_municipality_is_none_in_another() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    register = world.programmes.register
    (held,) = register.memberships(SHOP, "coactive")
    register.put(replace(held, municipalities=("2417",)))
    assert log(world, journey, SHOP, BEFORE).json["code"] == "not-allowed"
    register.put(replace(held, municipalities=("2417", "2482")))
    assert log(world, journey, SHOP, BEFORE).status_code == 201


def test_a_unit_that_came_after_the_journey_began_is_handed_it() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    register = world.programmes.register
    (cafe,) = register.memberships(CAFE, "coactive")
    new = register.unit(CAFE)
    assert new is not None
    register.put(replace(new, id="ny-butik", name="Ny butik"))
    register.put(
        Membership(id="m-1", programme="coactive", unit="ny-butik", roles=cafe.roles, first_day=HANDED)
    )
    world.pass_to(HANDED)
    consent = {"purpose": "sharing", "given": True, "organisations": ["ny-butik"], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, consent)
    offer = {"kind": "provider_to_provider", "to_organisation": "ny-butik", "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", "ny-butik")
    assert log(world, journey, "ny-butik", HANDED).status_code == 201
    assert world.rooms[ACTIVITY_TRACKING].memory.at == noon(HANDED)


def narrowed(world: House, unit: str, *municipalities: str) -> None:
    """From now on the unit has its roles in these municipalities alone."""
    (held,) = world.programmes.register.memberships(unit, "coactive")
    world.programmes.register.put(replace(held, municipalities=municipalities))


def referral(world: House, provider: str | None, **said: str) -> Any:
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    handle = next(value for name, value in person.items() if name in ("handle", "participant_id"))
    body = {
        "reference": f"AF-{len(world.heard)}",
        "participant_id": handle,
        "programme": "coactive",
        "municipality": "2482",
        "provider": provider,
        **said,
    }
    return world.ask(INTAKE, "POST", "/referrals", AGENCY, body)


def test_a_list_shows_nothing_of_a_municipality_in_which_the_reader_has_no_role() -> None:
    world = house(COACTIVE, today=BEFORE)
    narrowed(world, SHOP, "2417")
    made = {place: referral(world, None, municipality=place).json["journey_id"] for place in ("2482", "2417")}
    listed = world.done(INTAKE, "GET", "/referrals?part=provider", SHOP)["referrals"]
    assert [one["journey_id"] for one in listed] == [made["2417"]]
    assert world.ask(INTAKE, "GET", f"/referrals/{made['2417']}", SHOP).status_code == 200
    assert world.ask(INTAKE, "GET", f"/referrals/{made['2482']}", SHOP).status_code == 404


def test_lists_of_offers_and_follow_ups_show_what_may_be_read_one_by_one() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(date(2016, 6, 29))
    lists = [
        (HANDOVERS, "/handovers?status=recalled", CAFE, "handovers"),
        (OUTCOMES, "/follow-ups", SHOP, "follow_ups"),
    ]
    before = [len(world.done(service, "GET", path, who)[name]) for service, path, who, name in lists]
    assert before[1] == 1
    for unit in (CAFE, SHOP):
        narrowed(world, unit, "2417")
    assert [world.done(service, "GET", path, who)[name] for service, path, who, name in lists] == [[], []]


def test_an_output_is_logged_and_corrected_where_the_role_is() -> None:
    world = house(COACTIVE, today=BEFORE)
    body = {"output": "workplace_carved", "quantity": 1, "municipality": "2482"}
    path = "/programmes/coactive/outputs"
    made = world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)["output_id"]
    narrowed(world, SHOP, "2417")
    assert world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, body).json["code"] == "not-allowed"
    mended = world.ask(ACTIVITY_TRACKING, "POST", f"{path}/{made}/correction", SHOP, {"quantity": 2})
    assert mended.json["code"] == "not-allowed"
    assert (
        world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {**body, "municipality": "2417"}).status_code == 201
    )


def test_a_referral_goes_only_where_the_referrer_refers_corrected_or_not() -> None:
    world = house(COACTIVE, today=BEFORE)
    narrowed(world, AGENCY, "2417")
    told = {"municipality": ["Takes a municipality in which your organisation refers."]}
    assert referral(world, None).json["errors"] == told
    journey = referral(world, None, municipality="2417").json["journey_id"]
    anew = {"why": "A slip.", "municipality": "2482", "provider": None}
    assert world.ask(INTAKE, "POST", f"/referrals/{journey}/correction", AGENCY, anew).json["errors"] == told


def test_what_rests_on_who_has_left_since_can_still_be_mended() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = started(world)
    world.pass_to(AFTER)
    for unit in (SHOP, CAFE):
        ends(world, unit, HANDED)
    moved = {"why": "A slip.", "municipality": "2482", "provider": SHOP, "occurred_on": "2016-05-31"}
    answer = world.ask(INTAKE, "POST", f"/referrals/{journey}/correction", AGENCY, moved)
    assert answer.status_code == 200, answer.text
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE], "last_day": "2017-01-01"}
    again = world.ask(INTAKE, "POST", f"/journeys/{journey}/consents", AGENCY, consent)
    assert again.status_code < 300, again.text


def test_who_held_the_journey_before_overwrites_nothing_that_it_does_not_see(
    handed: tuple[House, str],
) -> None:
    world, journey = handed
    made = log(world, journey, CAFE, HANDED).json["session_id"]
    path = f"/journeys/{journey}/sessions/{made}/correction"
    refused = world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "A slip.", **session(HANDED)})
    assert refused.json["code"] == "not-your-journey"


def test_a_corrected_handover_stays_between_its_neighbours(handed: tuple[House, str]) -> None:
    world, journey = handed
    consent = {"purpose": "sharing", "given": True, "organisations": ["urkraft"], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", CAFE, consent)
    offer = {"kind": "provider_to_provider", "to_organisation": "urkraft", "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", CAFE, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", "urkraft")
    world.pass_to(date(2016, 6, 25))
    path = f"/handovers/{journey}.h1/acceptance/correction"
    late = world.ask(HANDOVERS, "POST", path, CAFE, {"why": "A slip.", "occurred_on": "2016-06-22"})
    assert late.json["errors"] == {"occurred_on": ["Lies after the handover after it (2016-06-20)."]}


def test_who_was_only_asked_and_has_left_reads_nothing_more() -> None:
    world = house(COACTIVE, today=BEFORE)
    journey = referral(world, SHOP).json["journey_id"]
    world.pass_to(AFTER)
    ends(world, SHOP, HANDED)
    assert world.ask(INTAKE, "GET", f"/referrals/{journey}", SHOP).status_code == 403
