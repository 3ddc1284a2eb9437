"""The register over HTTP: who may keep which part of it, and the one right answer to each thing that is wrong."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from services.intake.domain.register_rules import MOST_LEVELS, NO_SUCH_UNIT, NUMBER
from shared.language.register_events import MembershipEnded, UnitEnded, UnitRegistered
from tests.support.house import INTAKE, House, house
from tests.support.page_server import read_programme

REGISTRAR, OPERATOR, OTHER = "urkraft:registrar", "drift:operator", "esf-radet:registrar"
SHOP, AGENCY = "second-hand-skelleftea", "arbetsformedlingen-skelleftea"
WHY = "Ny butik enligt avtal."
UNIT: Mapping[str, Any] = {
    "unit_id": "ny-butik",
    "name": "Ny butik",
    "kind": "provider",
    "first_day": "2016-03-01",
    "why": WHY,
}
MEMBERSHIP: Mapping[str, Any] = {
    "unit": "ny-butik",
    "programme": "coactive",
    "roles": ["provider"],
    "first_day": "2016-03-01",
    "why": WHY,
}
PERSON: Mapping[str, Any] = {
    "legal_person_id": "butiksbolaget",
    "name": "Butiksbolaget AB",
    "number": "5560360793",
    "why": WHY,
}
SIX: Mapping[str, Any] = {"activity": "work_training", "people": 6, "first_day": "2016-05-01"}
FIRST_AID: Mapping[str, Any] = {"code": "first_aid", "last_day": "2018-12-31"}


@pytest.fixture(name="world")
def _world() -> House:
    world = house(read_programme(), today=date(2016, 6, 1))
    world.keep_register()
    return world


def post(world: House, path: str, body: Mapping[str, Any], who: str = REGISTRAR, **headers: str) -> Any:
    return world.ask(INTAKE, "POST", f"/register/{path}", who, dict(body), **headers)


def made(world: House, path: str, body: Mapping[str, Any], who: str = REGISTRAR) -> Any:
    answer = post(world, path, body, who)
    assert answer.status_code == 201, answer.text
    return answer.json


def errors(answer: Any) -> Any:
    assert answer.status_code == 422, answer.text
    return answer.json["errors"]


def put(world: House, path: str, body: Mapping[str, Any], who: str = REGISTRAR, tag: str = "*") -> Any:
    return world.ask(INTAKE, "PUT", f"/register/{path}", who, dict(body), **{"If-Match": tag})


def end(world: House, path: str, last_day: str, who: str = REGISTRAR) -> Any:
    return post(world, f"{path}/end", {"last_day": last_day, "why": WHY}, who, **{"If-Match": "*"})


def without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: one for name, one in body.items() if name not in names}


# --- what goes well -------------------------------------------------------------------------------------------------


def test_a_shop_that_is_registered_can_be_handed_to_at_once(world: House) -> None:
    unit = {**UNIT, "legal_person": "butiksbolaget", "parent": "urkraft", "site": {"municipality": "2482"}}
    made(world, "legal-persons", PERSON)
    shown = made(world, "units", unit)
    assert shown["legal_person"] == "butiksbolaget"
    assert shown["site"] == {"municipality": "2482", "address": ""}
    held = made(world, "memberships", MEMBERSHIP)
    assert held["membership_id"] == "ny-butik@coactive"
    assert world.done(INTAKE, "GET", "/register/units/ny-butik", "out:caseworker") == shown
    answer = world.ask(INTAKE, "GET", "/referrals", "ny-butik")
    assert answer.status_code == 200, "the role is held"


def test_a_unit_shows_what_it_has_room_for_and_with_whom_it_shares_a_role(world: House) -> None:
    later = {**SIX, "people": 9, "first_day": "2017-01-01"}
    places = [{**SIX, "last_day": "2016-12-31"}, later]
    said = {
        **UNIT,
        "function_address": "butik@example.org",
        "capacities": places,
        "certificates": [FIRST_AID],
    }
    shown = made(world, "units", said)
    assert shown["capacities"] == [places[0], {**later, "last_day": None}]
    assert (shown["certificates"], shown["function_address"]) == ([FIRST_AID], "butik@example.org")
    shared = made(world, "memberships", {**MEMBERSHIP, "shared_with": [SHOP]})
    assert shared["shared_with"] == [SHOP]


def test_an_organisation_number_may_come_later(world: House) -> None:
    made(world, "legal-persons", {**PERSON, "number": None})
    named = put(world, "legal-persons/butiksbolaget", without(PERSON, "legal_person_id"))
    assert (named.status_code, named.json["number"]) == (200, PERSON["number"])


def test_the_same_again_is_the_same_and_another_is_refused(world: House) -> None:
    first = made(world, "units", UNIT)
    said = len(world.heard)
    assert made(world, "units", {**UNIT, "why": "En gång till."}) == first
    assert len(world.heard) == said
    answer = post(world, "units", {**UNIT, "name": "Annan butik"})
    assert (answer.status_code, answer.json["code"]) == (409, "already-registered")


def test_a_change_names_its_revision_and_the_history_says_why(world: House) -> None:
    made(world, "units", UNIT)
    body = {**without(UNIT, "unit_id"), "name": "Nya butiken", "why": "Nytt namn."}
    assert put(world, "units/ny-butik", body, tag='"7"').json["code"] == "stale-revision"
    missing = world.ask(INTAKE, "PUT", "/register/units/ny-butik", REGISTRAR, body)
    assert (missing.status_code, missing.json["code"]) == (428, "revision-missing")
    changed = put(world, "units/ny-butik", body, tag='"1"')
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert put(world, "units/ny-butik", body, tag='"1"').json == changed.json, (
        "the same again changes nothing"
    )
    history = world.done(INTAKE, "GET", "/register/units/ny-butik/history", REGISTRAR)["history"]
    assert [(one["what"], one["why"], one["said"]["name"]) for one in history] == [
        ("registered", WHY, "Ny butik"),
        ("changed", "Nytt namn.", "Nya butiken"),
    ]
    assert {one["organisation"] for one in history} == {"urkraft"}
    seen = world.done(INTAKE, "GET", "/register/units/ny-butik/history", OPERATOR)["history"]
    assert [one["person"] for one in history + seen] == ["somebody", "somebody", None, None]
    assert not any(WHY in str(fact) or "Nytt namn" in str(fact) for fact in world.heard)


def test_ends_are_said_as_ends(world: House) -> None:
    made(world, "units", UNIT)
    made(world, "memberships", MEMBERSHIP)
    assert end(world, "memberships/ny-butik@coactive", "2016-05-31").status_code == 200
    assert end(world, "units/ny-butik", "2016-05-31").json["last_day"] == "2016-05-31"
    kinds = [type(fact) for fact in world.heard]
    assert kinds[-2:] == [MembershipEnded, UnitEnded]
    assert world.ask(INTAKE, "GET", "/referrals", "ny-butik").status_code == 200, "its own, for some months"


def test_lists_go_by_id_and_can_be_narrowed(world: House) -> None:
    made(world, "units", UNIT)
    made(world, "memberships", MEMBERSHIP)
    page = world.done(INTAKE, "GET", "/register/units?limit=5", AGENCY)
    ids = [one["unit_id"] for one in page["units"]]
    assert ids == sorted(ids)
    rest = world.done(INTAKE, "GET", f"/register/units?limit=200&cursor={page['next_cursor']}", AGENCY)
    assert "ny-butik" in [one["unit_id"] for one in rest["units"]]
    mine = world.done(INTAKE, "GET", "/register/memberships?unit=ny-butik&programme=coactive", AGENCY)
    assert [one["membership_id"] for one in mine["memberships"]] == ["ny-butik@coactive"]
    assert world.done(INTAKE, "GET", "/register/memberships?programme=none", AGENCY)["memberships"] == []


def test_the_history_begins_with_the_programme_s_file(world: House) -> None:
    history = world.done(INTAKE, "GET", f"/register/units/{SHOP}/history", REGISTRAR)["history"]
    assert [(one["why"], one["organisation"]) for one in history] == [
        ("Named in the file of coactive@1.", None)
    ]


# --- who may --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "who", ["urkraft:caseworker", "urkraft:owner", "esf-radet:registrar", "urkraft:operator"]
)
def test_nobody_else_keeps_the_register(world: House, who: str) -> None:
    for path, body in (("units", UNIT), ("legal-persons", PERSON), ("memberships", MEMBERSHIP)):
        answer = post(world, path, body, who)
        assert answer.status_code == 403, f"{path} {who}: {answer.text}"
    assert world.ask(INTAKE, "GET", f"/register/units/{SHOP}/history", who).status_code == 403


def test_a_registrar_keeps_the_units_of_its_own_programmes_alone(world: House) -> None:
    other = {**UNIT, "unit_id": "annans", "name": "Annans"}
    made(world, "units", other, OPERATOR)
    body = {**without(other, "unit_id"), "name": "Min"}
    assert put(world, "units/annans", body).json["code"] == "not-allowed"
    made(world, "memberships", {**MEMBERSHIP, "unit": "annans"})
    assert put(world, "units/annans", body).status_code == 200, "a unit of this programme alone"
    memory = world.rooms[INTAKE].memory
    memory.table["unit_memberships", "annans"] = {"programmes": ["coactive", "another"]}
    assert put(world, "units/annans", {**body, "name": "Min igen"}).json["code"] == "not-allowed"
    assert put(world, "units/annans", {**body, "name": "Drift"}, OPERATOR).status_code == 200


def test_a_registrar_keeps_the_legal_persons_that_it_registered(world: House) -> None:
    made(world, "legal-persons", PERSON, OPERATOR)
    body = without({**PERSON, "name": "Bolaget"}, "legal_person_id")
    assert put(world, "legal-persons/butiksbolaget", body).json["code"] == "not-allowed"
    made(world, "legal-persons", {**PERSON, "legal_person_id": "mitt", "number": None})
    assert put(world, "legal-persons/mitt", {**body, "number": None}).status_code == 200


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "field", "reason"),
    [
        ({"legal_person": "nobody"}, "legal_person", "There is no such legal person in the register."),
        ({"parent": "nobody"}, "parent", NO_SUCH_UNIT),
        ({"parent": "ny-butik"}, "parent", "Would be above itself."),
        ({"last_day": "2016-02-29"}, "last_day", "Lies before the first day (2016-03-01)."),
        (
            {"capacities": [{**SIX, "activity": "flying"}]},
            "capacities",
            "Number 1 is of an activity that no programme has.",
        ),
        (
            {"capacities": [{**SIX, "last_day": "2016-04-01"}]},
            "capacities",
            "The last day of number 1 lies before its first.",
        ),
        (
            {"capacities": [{**SIX, "last_day": "2016-06-01"}, {**SIX, "first_day": "2016-06-01"}]},
            "capacities",
            "Number 2 overlaps number 1, of the same activity.",
        ),
        (
            {"certificates": [FIRST_AID, {**FIRST_AID, "last_day": "2019-01-01"}]},
            "certificates",
            "Names first_aid twice.",
        ),
    ],
)
def test_what_no_unit_can_be(world: House, said: dict[str, Any], field: str, reason: str) -> None:
    assert errors(post(world, "units", {**UNIT, **said})) == {field: [reason]}
    assert world.ask(INTAKE, "GET", "/register/units/ny-butik", AGENCY).status_code == 404


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "shop"}, "kind"),
        ({"site": {"municipality": "24"}}, "site"),
        ({"function_address": "kim"}, "function_address"),
        ({"capacities": [{**SIX, "people": -1}]}, "capacities"),
        ({"certificates": [{"code": "first_aid"}]}, "certificates"),
        ({"why": "x"}, "why"),
    ],
)
def test_what_is_no_value_of_its_field(world: House, said: dict[str, Any], field: str) -> None:
    assert set(errors(post(world, "units", {**UNIT, **said}))) == {field}


def test_a_circle_of_parents_is_found_at_any_distance(world: House) -> None:
    for number in range(MOST_LEVELS + 1):
        above = {"parent": f"led-{number - 1}"} if number else {}
        made(world, "units", {**UNIT, "unit_id": f"led-{number}", **above})
    body = {**without(UNIT, "unit_id"), "parent": f"led-{MOST_LEVELS - 1}"}
    assert errors(put(world, "units/led-0", body)) == {"parent": ["Would be above itself."]}
    deep = {**UNIT, "unit_id": "djupt", "parent": f"led-{MOST_LEVELS}"}
    assert errors(post(world, "units", deep)) == {"parent": [f"Has more than {MOST_LEVELS} units above it."]}


def test_an_organisation_number_is_right_and_belongs_to_one(world: House) -> None:
    wrong = {**PERSON, "number": "5560360794"}
    assert errors(post(world, "legal-persons", wrong)) == {"number": [NUMBER]}
    made(world, "legal-persons", PERSON)
    other = {**PERSON, "legal_person_id": "annat"}
    taken = {"number": ["Is the number of butiksbolaget already."]}
    assert errors(post(world, "legal-persons", other)) == taken
    given_up = {**without(PERSON, "legal_person_id"), "number": None}
    assert put(world, "legal-persons/butiksbolaget", given_up).status_code == 200
    made(world, "legal-persons", other)


@pytest.mark.parametrize(
    ("said", "field", "reason"),
    [
        ({"unit": "nobody"}, "unit", NO_SUCH_UNIT),
        ({"programme": "nothing"}, "programme", "There is no such programme."),
        ({"roles": ["boss"]}, "roles", "Takes one of funder, owner, provider, receiver, referrer, steering."),
        ({"municipalities": ["0180"]}, "municipalities", "Takes one of 2417, 2482."),
        ({"last_day": "2016-02-01"}, "last_day", "Lies before the first day (2016-03-01)."),
        (
            {"first_day": "2016-02-29"},
            "first_day",
            "Lies before the first day of the unit (2016-03-01).",
        ),
        ({"last_day": "2017-01-01"}, "last_day", "Lies after the last day of the unit (2016-12-31)."),
        ({"shared_with": ["nobody"]}, "shared_with", "There is no unit nobody in the register."),
        ({"shared_with": ["ny-butik"]}, "shared_with", "Names the unit itself."),
        ({"shared_with": [SHOP, SHOP]}, "shared_with", f"Names {SHOP} twice."),
    ],
)
def test_what_no_membership_can_be(world: House, said: dict[str, Any], field: str, reason: str) -> None:
    made(world, "units", {**UNIT, "last_day": "2016-12-31"})
    assert errors(post(world, "memberships", {**MEMBERSHIP, **said})) == {field: [reason]}


def test_memberships_of_a_unit_in_a_programme_do_not_overlap(world: House) -> None:
    made(world, "units", UNIT)
    made(world, "memberships", {**MEMBERSHIP, "last_day": "2016-04-30"})
    second = {**MEMBERSHIP, "membership_id": "ny-butik-2", "first_day": "2016-04-30"}
    reason = "Overlaps ny-butik@coactive, which holds from 2016-03-01 to 2016-04-30."
    assert errors(post(world, "memberships", second)) == {"first_day": [reason]}
    made(world, "memberships", {**second, "first_day": "2016-05-01"})
    longer = {**without(MEMBERSHIP, "unit", "programme"), "last_day": "2016-05-01"}
    assert "first_day" in errors(put(world, "memberships/ny-butik@coactive", longer))


def test_a_unit_s_days_hold_the_first_days_of_its_memberships(world: House) -> None:
    made(world, "units", UNIT)
    made(world, "memberships", MEMBERSHIP)
    later = {**without(UNIT, "unit_id"), "first_day": "2016-03-02"}
    reason = "Lies after the first day of ny-butik@coactive (2016-03-01)."
    assert errors(put(world, "units/ny-butik", later)) == {"first_day": [reason]}
    made(world, "units", {**UNIT, "unit_id": "kort", "first_day": "2016-01-01"})
    made(world, "memberships", {**MEMBERSHIP, "unit": "kort"})
    assert set(errors(end(world, "units/kort", "2016-02-01"))) == {"last_day"}


# --- who is still responsible ---------------------------------------------------------------------------------------


@pytest.fixture(name="held")
def _held(world: House) -> House:
    """The shop is responsible for one open journey; the agency for none."""
    body = {"name": "Kim Exempel", "personnummer": None}
    person = world.done(INTAKE, "POST", "/participants", AGENCY, body)["participant_id"]
    referral = {
        "reference": "AF-1",
        "participant_id": person,
        "programme": "coactive",
        "municipality": "2482",
        "provider": SHOP,
    }
    journey = world.done(INTAKE, "POST", "/referrals", AGENCY, referral)["journey_id"]
    world.done(INTAKE, "POST", f"/referrals/{journey}/acceptance", SHOP)
    return world


@pytest.mark.parametrize("path", [f"units/{SHOP}", f"memberships/{SHOP}@coactive"])
def test_who_is_responsible_for_an_open_journey_does_not_end(held: House, path: str) -> None:
    refused = end(held, path, "2016-06-30")
    assert (refused.status_code, refused.json["code"]) == (409, "still-responsible")
    assert refused.json["errors"] == {"open_journeys": ["1"]}
    (journey,) = [one["journey_id"] for one in held.done(INTAKE, "GET", "/referrals", AGENCY)["referrals"]]
    held.done(INTAKE, "POST", f"/journeys/{journey}/mistake", AGENCY, {"reason": "duplicate"})
    assert end(held, path, "2016-06-30").status_code == 200


@pytest.mark.parametrize(
    "said",
    [{"roles": ["receiver"]}, {"municipalities": ["2417"]}, {"first_day": "2016-06-01"}],
)
def test_nor_does_it_lose_what_it_holds_the_journey_by(held: House, said: dict[str, Any]) -> None:
    kept = {"roles": ["provider"], "first_day": "2016-02-01", "why": WHY}
    path = f"memberships/{SHOP}@coactive"
    assert put(held, path, {**kept, **said}).json["code"] == "still-responsible"
    assert put(held, path, {**kept, "roles": ["provider", "receiver"]}).status_code == 200, "more is no less"


def test_a_unit_is_told_to_all_as_it_is_now(world: House) -> None:
    made(world, "units", UNIT)
    assert isinstance(world.heard[-1], UnitRegistered)
    assert world.heard[-1].unit.name == "Ny butik"
