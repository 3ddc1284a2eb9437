"""Who takes part by the newest version, what lists show, to whom an open referral is open, and who operates."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.language.access import Actor, authorise_operator
from shared.language.errors import Forbidden
from shared.language.programmes import Programme, Role
from tests.support.house import ACTIVITY_TRACKING, INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme
from tests.support.published import FakeProgrammes

AGENCY = "arbetsformedlingen-skelleftea"
SHOP = "second-hand-skelleftea"
CAFE = "kafe-solrosen"
EMPLOYER = "skellefte-tra"
CLINIC = "psykiatrin-skelleftea"
HANDOVER = "handover"
COACTIVE = read_programme()


def without(organisation: str, version: int = 2) -> Programme:
    left = tuple(one for one in COACTIVE.organisations if one.id != organisation)
    return replace(COACTIVE, version=version, organisations=left)


def may_not(role: str, *actions: str, version: int = 1) -> Programme:
    roles: tuple[Role, ...] = tuple(
        replace(one, may=tuple(may for may in one.may if may not in actions)) if one.code == role else one
        for one in COACTIVE.roles
    )
    return replace(COACTIVE, version=version, roles=roles)


def republish(world: House, *programmes: Programme) -> None:
    """From now on these are published, beside what journeys keep."""
    world.programmes = FakeProgrammes(*programmes)
    for room in world.rooms.values():
        room.memory.programmes = world.programmes


def referred(world: House, provider: str | None = SHOP, reference: str = "AF-1") -> str:
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    body = {
        "reference": reference,
        "participant_id": person["participant_id"],
        "programme": "coactive",
        "municipality": "2482",
        "provider": provider,
    }
    return str(world.done(INTAKE, "POST", "/referrals", AGENCY, body)["journey_id"])


def started(world: House) -> str:
    journey = referred(world)
    world.done(INTAKE, "POST", f"/referrals/{journey}/acceptance", SHOP)
    consent = {"purpose": "sharing", "given": True, "organisations": [EMPLOYER, CAFE]}
    body = {**consent, "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", SHOP, body)
    world.done(INTAKE, "POST", f"/journeys/{journey}/start", SHOP)
    return journey


def offer(world: House, journey: str, to: str, kind: str) -> Any:
    body = {"kind": kind, "to_organisation": to, "deadline_on": "2016-06-15"}
    return world.ask(HANDOVER, "POST", f"/journeys/{journey}/handovers", SHOP, body)


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=date(2016, 6, 1))


# --- the newest version says whether an organisation is still in ---------------------------------------------------


def test_an_organisation_taken_out_loses_its_journeys_and_its_lists(world: House) -> None:
    journey = started(world)
    assert offer(world, journey, EMPLOYER, "provider_to_employer").status_code == 201
    session = {"activity": "placement", "occurred_on": "2016-06-01", "attendance": "yes", "minutes": 60}
    republish(world, COACTIVE, without(SHOP), replace(COACTIVE, id="elsewhere"))
    for service, method, path, body in (
        (INTAKE, "GET", f"/referrals/{journey}", None),
        (ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", None),
        (ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/sessions", session),
        (HANDOVER, "GET", f"/handovers/{journey}.h1", None),
        (HANDOVER, "POST", f"/handovers/{journey}.h1/recall", {"reason": "other_receiver"}),
        (OUTCOMES, "POST", f"/journeys/{journey}/exit", {"way": "by_plan"}),
    ):
        answer = world.ask(service, method, path, SHOP, body)
        assert (answer.status_code, answer.json["code"]) == (403, "not-allowed"), path
        assert world.ask(service, method, path, CLINIC, body).status_code == 404, path
    assert world.done(INTAKE, "GET", "/referrals?part=provider", SHOP)["referrals"] == []
    assert world.done(INTAKE, "GET", f"/referrals/{journey}", AGENCY)["stage"] == "started"


def test_nothing_is_offered_to_an_organisation_taken_out(world: House) -> None:
    journey = started(world)
    republish(world, COACTIVE, without(CAFE))
    refused = offer(world, journey, CAFE, "provider_to_provider")
    told = "Takes the code of an organisation that answers handovers in the programme."
    assert refused.json["errors"] == {"to_organisation": [told]}


# --- lists show what reading would ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [1, 2])
def test_lists_show_only_what_may_be_read_one_by_one(version: int) -> None:
    """Whether the journey's own version leaves the right out; the newest says only who takes part."""
    own = may_not("referrer", "read_journey")
    other = replace(COACTIVE, id="elsewhere")
    world = house(own, other, today=date(2016, 6, 1))
    journey = referred(world)
    if version == 2:
        republish(world, own, replace(COACTIVE, version=2), other)
    assert world.ask(INTAKE, "GET", f"/referrals/{journey}", AGENCY).status_code == 403
    assert world.done(INTAKE, "GET", "/referrals", AGENCY)["referrals"] == []
    assert len(world.done(INTAKE, "GET", "/referrals?part=provider", SHOP)["referrals"]) == 1


def test_a_receiver_s_list_shows_only_offers_that_it_may_read() -> None:
    own = may_not("receiver", "read_journey")
    world = house(own, replace(COACTIVE, id="elsewhere"), today=date(2016, 6, 1))
    journey = started(world)
    assert offer(world, journey, EMPLOYER, "provider_to_employer").status_code == 201
    assert world.ask(HANDOVER, "GET", f"/handovers/{journey}.h1", EMPLOYER).status_code == 403
    assert world.done(HANDOVER, "GET", "/handovers", EMPLOYER)["handovers"] == []


def test_a_list_of_follow_ups_shows_only_those_that_may_be_read() -> None:
    own = may_not("referrer", "read_journey")
    world = house(own, replace(COACTIVE, id="elsewhere"), today=date(2016, 6, 1))
    journey = started(world)
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(date(2016, 6, 29))
    assert world.ask(OUTCOMES, "GET", f"/follow-ups/{journey}.28d", AGENCY).status_code == 403
    assert world.done(OUTCOMES, "GET", "/follow-ups", AGENCY)["follow_ups"] == []
    assert len(world.done(OUTCOMES, "GET", "/follow-ups", SHOP)["follow_ups"]) == 1


def test_a_page_is_full_although_others_are_left_out_before_it() -> None:
    """What may not be read is left out by the query: no page is short and says that it is the last."""
    hidden = may_not("referrer", "read_journey")
    shown = replace(COACTIVE, version=2)
    world = house(hidden, today=date(2016, 6, 1))
    for number in range(5):
        referred(world, reference=f"A-{number}")
    republish(world, hidden, shown)
    seen = [referred(world, reference=f"B-{number}") for number in range(3)]
    first = world.done(INTAKE, "GET", "/referrals?limit=2", AGENCY)
    rest = world.done(INTAKE, "GET", f"/referrals?limit=2&cursor={first['next_cursor']}", AGENCY)
    assert len(first["referrals"]) == 2
    assert {one["journey_id"] for one in first["referrals"] + rest["referrals"]} == set(seen)


# --- an open referral -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["withdrawn", "declined", "accepted", "mistake"])
def test_a_referral_that_names_nobody_is_open_while_it_awaits_an_answer(world: House, end: str) -> None:
    journey = referred(world, provider=None)
    path = f"/referrals/{journey}"
    assert world.ask(INTAKE, "GET", path, CAFE).status_code == 200
    for stranger in (EMPLOYER, "esf-radet", "nobody-here"):
        assert world.ask(INTAKE, "GET", path, stranger).status_code == 404
    by, ending, body = {
        "withdrawn": (AGENCY, f"{path}/withdrawal", {"reason": "other_effort"}),
        "declined": (SHOP, f"{path}/decline", {"reason": "participant_declined"}),
        "accepted": (SHOP, f"{path}/acceptance", {}),
        "mistake": (AGENCY, f"/journeys/{journey}/mistake", {"reason": "duplicate"}),
    }[end]
    first = world.done(INTAKE, "POST", ending, by, body)
    for service, one in (
        (INTAKE, path),
        (ACTIVITY_TRACKING, f"/journeys/{journey}"),
        (HANDOVER, f"/journeys/{journey}/handovers"),
        (OUTCOMES, f"/journeys/{journey}"),
    ):
        assert world.ask(service, "GET", one, CAFE).status_code == 404
    assert world.done(INTAKE, "GET", "/referrals?part=provider", CAFE)["referrals"] == []
    assert world.done(INTAKE, "POST", ending, by, body) == first, "who decided may repeat it"
    late = world.ask(INTAKE, "POST", ending, CAFE, body)
    assert (late.status_code, late.json["code"]) == (
        (409, "already-taken") if end == "accepted" else (404, "not-found")
    )


# --- who operates the platform --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("organisation", "duty", "configured", "code"),
    [
        ("plattform", "operator", {"plattform"}, None),
        ("forsakringskassan", "operator", {"plattform"}, "not-allowed"),
        ("plattform", "caseworker", {"plattform"}, "wrong-duty"),
        ("plattform", "operator", set(), "not-allowed"),
        ("plattform", "operator", {"platt"}, "not-allowed"),
    ],
)
def test_operators_are_those_of_the_organisations_that_are_configured(
    organisation: str, duty: Any, configured: set[str], code: str | None
) -> None:
    actor = Actor("somebody", organisation, duty)
    if code is None:
        authorise_operator(actor, configured)
        return
    with pytest.raises(Forbidden) as refused:
        authorise_operator(actor, configured)
    assert refused.value.code == code


def test_a_list_is_read_by_page_and_by_cursor_alike() -> None:
    world = house(COACTIVE, today=date(2016, 6, 1))
    made = [referred(world, reference=f"A-{number}") for number in range(5)]
    pages = [
        world.done(INTAKE, "GET", f"/referrals?limit=2&page={number}", AGENCY)["referrals"]
        for number in (1, 2, 3, 4)
    ]
    assert [[one["journey_id"] for one in page] for page in pages] == [made[:2], made[2:4], made[4:], []]
    first = world.done(INTAKE, "GET", "/referrals?limit=2&page=1", AGENCY)
    second = world.done(INTAKE, "GET", f"/referrals?limit=2&cursor={first['next_cursor']}", AGENCY)
    assert second["referrals"] == pages[1]
    for asked, field in (("limit=201", "limit"), ("page=501", "page"), ("cursor=!", "cursor")):
        refused = world.ask(INTAKE, "GET", f"/referrals?{asked}", AGENCY)
        assert (refused.status_code, set(refused.json["errors"])) == (422, {field})


def test_a_corrected_day_moves_nothing_in_a_list_that_is_being_read() -> None:
    world = house(COACTIVE, today=date(2016, 6, 1))
    made = [referred(world, reference=f"A-{number}") for number in range(4)]
    first = world.done(INTAKE, "GET", "/referrals?limit=2", AGENCY)
    assert [one["journey_id"] for one in first["referrals"]] == made[:2]
    for journey, day in ((made[1], "2016-06-01"), (made[2], "2016-05-02")):
        told = world.done(INTAKE, "GET", f"/referrals/{journey}", AGENCY)
        anew = {
            "why": "A slip.",
            "occurred_on": day,
            **{name: told[name] for name in ("municipality", "provider")},
        }
        world.done(INTAKE, "POST", f"/referrals/{journey}/correction", AGENCY, anew)
    second = world.done(INTAKE, "GET", f"/referrals?limit=2&cursor={first['next_cursor']}", AGENCY)
    assert [one["journey_id"] for one in second["referrals"]] == made[2:]
    page = world.done(INTAKE, "GET", "/referrals?limit=2&page=2", AGENCY)
    assert page["referrals"] == second["referrals"]
