"""A journey at each of the points that the table of rights names, told through the routes of all four services."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.intake.domain.participant import HANDLES, HELD, held_key
from shared.language.programmes import Programme
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES, House, house
from tests.support.page_server import read_programme

AGENCY = "arbetsformedlingen-skelleftea"
SHOP = "second-hand-skelleftea"
EMPLOYER = "skellefte-tra"
ORGANISATIONS: Mapping[str, str] = {
    "agency": AGENCY,
    "shop": SHOP,
    "cafe": "kafe-solrosen",
    "tra": EMPLOYER,
    "fk": "forsakringskassan",
    "hotel": "hotell-statt",
    "esf": "esf-radet",
    "out": "nobody-of-this-programme",
}
OTHERS = ("fk", "hotel", "esf", "out")
PURPOSED = re.compile("participants/|/contents")
"""Routes that ask why they read."""
OPERATOR = "drift:operator"
RESTS = re.compile("PUT /register/|POST /register/.*/end")
"""Routes whose changes name what they rest on."""
NO_SESSION = "s-" + "1" * 26


@dataclass
class World:
    """A journey at one point, and what else a request may name.

    double: another handle of the agency's, merged with the person; twin: one that is not.
    """

    house: House
    person: str = ""
    double: str = ""
    twin: str = ""
    journey: str = ""
    session: str = NO_SESSION
    output: str = ""
    closure: str = ""
    group: str = ""

    def on(self, path: str) -> str:
        return path.format(journey=self.journey)

    def handle_of(self, organisation: str) -> str:
        """The organisation's own handle of the person; the agency's where it has none."""
        memory = self.house.rooms[INTAKE].memory
        home = memory.row(HANDLES, self.person)
        held = None if home is None else memory.row(HELD, held_key(home["home"], organisation))
        return self.person if held is None else str(held["handle"])


def _each_month() -> Programme:
    """CoActive, in which every referrer is owed a report of each month: the first one that a journey has."""
    coactive = read_programme()
    duties = [
        replace(one, referrer=None) if one.kind == "monthly_attendance" else one
        for one in coactive.report_duties
    ]
    return replace(coactive, report_duties=tuple(duties))


def _referred(provider: str | None = SHOP) -> World:
    world = World(house(_each_month(), today=date(2016, 6, 1)))
    world.house.keep_register()
    world.house.done(
        INTAKE, "POST", "/register/legal-persons", OPERATOR, BODIES["POST /register/legal-persons"]
    )
    world.output = world.house.done(
        ACTIVITY_TRACKING,
        "POST",
        "/programmes/coactive/outputs",
        SHOP,
        {"output": "workplace_carved", "quantity": 1, "municipality": "2482"},
    )["output_id"]
    days = {"first_on": "2016-12-27", "last_on": "2016-12-30"}
    made = world.house.done(ACTIVITY_TRACKING, "POST", "/closures", SHOP, days)
    world.closure = made["closure_id"]
    made = world.house.done(ACTIVITY_TRACKING, "POST", "/groups", SHOP, GROUP)
    world.group = made["group_id"]
    for organisation in ("agency", "fk", "shop", "cafe", "tra", "hotel"):
        world.house.done(INTAKE, "PUT", "/webhook", f"{ORGANISATIONS[organisation]}:registrar", WEBHOOK)
    body = {"name": "Kim Exempel", "personnummer": None}
    world.person, world.double, world.twin = (
        world.house.done(INTAKE, "POST", "/participants", AGENCY, body)["participant_id"] for _ in range(3)
    )
    merge = {"participant_id": world.double, "why": "The same person."}
    world.house.done(INTAKE, "POST", f"/participants/{world.person}/merge", AGENCY, merge)
    referral = {
        "reference": "AF-1",
        "participant_id": world.person,
        "programme": "coactive",
        "municipality": "2482",
        "provider": provider,
    }
    world.journey = world.house.done(INTAKE, "POST", "/referrals", AGENCY, referral)["journey_id"]
    world.house.done(INTAKE, "PUT", world.on("/referrals/{journey}/contents"), AGENCY, CONTENTS)
    return world


def _accepted() -> World:
    world = _referred()
    world.house.done(INTAKE, "POST", world.on("/referrals/{journey}/acceptance"), SHOP)
    return world


def _declined() -> World:
    world = _referred()
    world.house.done(INTAKE, "POST", world.on("/referrals/{journey}/decline"), SHOP, {"reason": "no_place"})
    return world


def _withdrawn() -> World:
    world = _accepted()
    path = world.on("/referrals/{journey}/withdrawal")
    world.house.done(INTAKE, "POST", path, AGENCY, {"reason": "other_effort"})
    return world


def _started() -> World:
    world = _accepted()
    consent = {"purpose": "sharing", "given": True, "organisations": [EMPLOYER], "last_day": "2018-01-01"}
    world.house.done(INTAKE, "POST", world.on("/journeys/{journey}/consents"), SHOP, consent)
    world.house.done(INTAKE, "POST", world.on("/journeys/{journey}/start"), SHOP)
    came = {"activity": "work_training", "occurred_on": "2016-06-01", "attendance": "yes", "minutes": 60}
    logged = world.house.done(ACTIVITY_TRACKING, "POST", world.on("/journeys/{journey}/sessions"), SHOP, came)
    world.session = logged["session_id"]
    world.house.done(
        ACTIVITY_TRACKING, "POST", world.on("/journeys/{journey}/goals"), SHOP, {"text": "Truckkort"}
    )
    return world


def _offered() -> World:
    world = _started()
    body = {"kind": "provider_to_employer", "to_organisation": EMPLOYER, "deadline_on": "2016-06-15"}
    world.house.done(HANDOVERS, "POST", world.on("/journeys/{journey}/handovers"), SHOP, body)
    return world


def _employed() -> World:
    world = _offered()
    world.house.done(HANDOVERS, "POST", world.on("/handovers/{journey}.h1/acceptance"), EMPLOYER)
    return world


def _exited() -> World:
    world = _employed()
    left = {"way": "by_plan", "situation": "employed"}
    world.house.done(OUTCOMES, "POST", world.on("/journeys/{journey}/exit"), EMPLOYER, left)
    return world


def _asked() -> World:
    world = _exited()
    world.house.pass_to(date(2016, 6, 29))
    return world


def _closed() -> World:
    world = _asked()
    said = {"situation": "employed"}
    world.house.done(OUTCOMES, "POST", world.on("/follow-ups/{journey}.28d/answer"), EMPLOYER, said)
    world.house.pass_to(date(2016, 12, 1))
    world.house.done(OUTCOMES, "POST", world.on("/follow-ups/{journey}.6m/answer"), EMPLOYER, said)
    return world


def _gone() -> World:
    world = _closed()
    world.house.pass_to(date(2017, 4, 1))
    return world


def _mistaken() -> World:
    world = _started()
    path = world.on("/journeys/{journey}/mistake")
    world.house.done(INTAKE, "POST", path, AGENCY, {"reason": "wrong_person"})
    return world


WAYS: Mapping[str, Callable[[], World]] = {
    "open": lambda: _referred(None),
    "named": _referred,
    "acc": _accepted,
    "decl": _declined,
    "wdr": _withdrawn,
    "strt": _started,
    "offr": _offered,
    "empl": _employed,
    "exit": _exited,
    "foll": _asked,
    "clos": _closed,
    "gone": _gone,
    "mist": _mistaken,
}

SESSION = {"activity": "work_training", "occurred_on": "2016-06-01", "attendance": "yes", "minutes": 60}
MARK = {"day": "2016-06-01", "plan": "a1", "hour": "09:00", "presence": "present"}
MENDED = {"why": "A slip.", "occurred_on": "2016-06-01"}
TAKEN_BACK = {"why": "A slip.", "void": True}
CONTENTS = {
    "person_knows": True,
    "needs": "Lugn plats, hjälp med svenskan.",
    "aims": "Jag vill arbeta i kök.",
    "languages": ["ti", "sv"],
    "interpreter": "ti",
    "extent": {"percent": 50},
    "reach": {"how": "telephone", "when": "Helst före tolv."},
}
GROUP = {
    "programme": "coactive",
    "activity": "work_training",
    "first_on": "2016-06-01",
    "last_on": "2016-12-16",
    "leader": "h-12",
    "room": "Snickeriet",
    "hours": [{"weekday": 3, "starts_at": "13:00", "ends_at": "15:00"}],
    "dates": [{"day": "2016-06-09", "starts_at": "13:00", "ends_at": "15:00"}],
    "cancelled": ["2016-06-08"],
}
AGREED = "Nytt avtal."
UNIT = {
    "name": "Hotell Statt",
    "kind": "employer",
    "first_day": "2016-02-01",
    "legal_person": "butiksbolaget",
    "site": {"municipality": "2482", "address": "Stationsgatan 8"},
    "function_address": "reception@example.org",
    "capacities": [{"activity": "placement", "people": 2, "first_day": "2016-02-01"}],
    "certificates": [{"code": "first_aid", "last_day": "2018-12-31"}],
    "why": AGREED,
}
MEMBERSHIP = {"roles": ["receiver"], "first_day": "2016-02-01", "why": AGREED}
LEAVES = {"last_day": "2016-12-31", "why": "The agreement ends."}
WEBHOOK = {"address": "https://agency.example/journeys"}
BODIES: Mapping[str, Any] = {
    "PUT /webhook": WEBHOOK,
    "PUT /referrals/<string:journeyId>/contents": CONTENTS,
    "POST /referrals/<string:journeyId>/decline": {"reason": "no_place"},
    "POST /referrals/<string:journeyId>/withdrawal": {"reason": "other_effort"},
    "POST /journeys/<string:journeyId>/consents": {"purpose": "sharing", "given": False},
    "POST /journeys/<string:journeyId>/mistake": {"reason": "wrong_person"},
    "POST /journeys/<string:journeyId>/activities": {"activity": "placement", "first_on": "2016-06-02"},
    "POST /journeys/<string:journeyId>/pauses": {"first_on": "2016-07-04", "last_on": "2016-07-29"},
    "POST /journeys/<string:journeyId>/pauses/<string:pause>/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/extents": {"from_on": "2016-06-02", "percent": 50},
    "POST /journeys/<string:journeyId>/extents/<string:extent>/correction": TAKEN_BACK,
    "POST /groups": GROUP,
    "POST /groups/<string:groupId>/correction": TAKEN_BACK,
    "POST /closures": {"first_on": "2016-07-18", "last_on": "2016-07-29"},
    "POST /closures/<string:closureId>/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/goals": {"text": "Svenska"},
    "POST /journeys/<string:journeyId>/sessions": SESSION,
    "POST /journeys/<string:journeyId>/sessions/<string:sessionId>/correction": {**SESSION, "minutes": 90},
    "POST /journeys/<string:journeyId>/progress": {"round": 1, "answers": {"network": 3}},
    "POST /journeys/<string:journeyId>/competences": {"competence": "woodwork", "level": 1},
    "POST /journeys/<string:journeyId>/handovers": {
        "kind": "provider_to_provider",
        "to_organisation": "kafe-solrosen",
        "deadline_on": "2016-06-20",
    },
    "POST /handovers/<string:handoverId>/decline": {"reason": "no_capacity"},
    "POST /handovers/<string:handoverId>/recall": {"reason": "other_receiver"},
    "PUT /journeys/<string:journeyId>/entry": {"gender": "woman"},
    "POST /journeys/<string:journeyId>/exit": {"way": "by_plan"},
    "POST /follow-ups/<string:followUpId>/answer": {"situation": "employed"},
    "POST /participants": {"name": "Robin Exempel", "personnummer": None},
    "POST /programmes/<string:programmeId>/outputs": {
        "output": "workplace_carved",
        "quantity": 1,
        "municipality": "2482",
    },
    "POST /programmes/<string:programmeId>/outputs/<string:outputId>/correction": {"quantity": 2},
    "POST /participants/<string:participantId>/correction": {
        "why": "A slip.",
        "name": "Kim Exempelsson",
        "personnummer": None,
    },
    "POST /referrals/<string:journeyId>/correction": {"why": "A slip.", "municipality": "2417"},
    "POST /referrals/<string:journeyId>/acceptance/correction": MENDED,
    "POST /referrals/<string:journeyId>/decline/correction": {**MENDED, "reason": "no_place"},
    "POST /referrals/<string:journeyId>/withdrawal/correction": {**MENDED, "reason": "other_effort"},
    "POST /journeys/<string:journeyId>/consents/<string:purpose>/correction": {**MENDED, "given": False},
    "POST /journeys/<string:journeyId>/start/correction": MENDED,
    "POST /journeys/<string:journeyId>/mistake/correction": {**MENDED, "reason": "wrong_person"},
    "POST /journeys/<string:journeyId>/activities/<string:plan>/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/goals/<string:goal>/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/goals/<string:goal>/reached/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/readiness/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/progress/<string:round>/correction": TAKEN_BACK,
    "POST /journeys/<string:journeyId>/competences/<string:competence>/<string:level>/correction": TAKEN_BACK,
    "POST /handovers/<string:handoverId>/acceptance/correction": MENDED,
    "POST /handovers/<string:handoverId>/decline/correction": {**MENDED, "reason": "no_capacity"},
    "POST /handovers/<string:handoverId>/recall/correction": {**MENDED, "reason": "other_receiver"},
    "POST /journeys/<string:journeyId>/exit/correction": {"why": "A slip.", "way": "moved"},
    "POST /register/legal-persons": {
        "legal_person_id": "butiksbolaget",
        "name": "Butiksbolaget AB",
        "number": "5560360793",
        "why": AGREED,
    },
    "PUT /register/legal-persons/<string:legalPersonId>": {
        "name": "Bolaget AB",
        "number": "5560360793",
        "why": AGREED,
    },
    "POST /register/units": {"unit_id": "ny-butik", **UNIT},
    "PUT /register/units/<string:unitId>": UNIT,
    "POST /register/units/<string:unitId>/end": LEAVES,
    "POST /register/memberships": {
        "unit": "hotell-statt",
        "programme": "coactive",
        "membership_id": "hotell-statt@coactive",
        **MEMBERSHIP,
    },
    "PUT /register/memberships/<string:membershipId>": {**MEMBERSHIP, "shared_with": ["kafe-solrosen"]},
    "POST /register/memberships/<string:membershipId>/end": LEAVES,
    "POST /reports/<string:reportId>/submission": {"text": "Half days to begin with."},
    "POST /follow-ups/<string:followUpId>/answer/correction": {"why": "A slip.", "situation": "student"},
}
"""What each command says; an empty object for those that need no words."""


def request_of(world: World, route: str, journey: str, person: str) -> tuple[str, str, Any, dict[str, str]]:
    """Method, path, body and headers of the request on that journey and person."""
    method, _, rule = route.partition(" ")
    named = {
        "journeyId": journey,
        "participantId": person,
        "handoverId": f"{journey}.h1",
        "reportId": f"{journey}.r1",
        "followUpId": f"{journey}.28d",
        "sessionId": world.session,
        "goal": "g1",
        "plan": "a1",
        "pause": "u1",
        "extent": "e1",
        "competence": "woodwork",
        "level": "1",
        "round": "1",
        "purpose": "sharing",
        "action": "start_journey",
        "programmeId": "coactive",
        "outputId": world.output,
        "closureId": world.closure,
        "groupId": world.group,
        "legalPersonId": "butiksbolaget",
        "unitId": "hotell-statt",
        "membershipId": "hotell-statt@coactive",
    }
    path = re.sub(r"<string:(\w+)>", lambda found: named[found[1]], rule)
    body: Any = BODIES.get(route, {})
    headers = {"Purpose": "to call about a place"} if PURPOSED.search(rule) else {}
    headers |= {"If-Match": "*"} if RESTS.match(route) else {}
    for act, other in (("merge", world.twin), ("separation", world.double)):
        if route == f"POST /participants/<string:participantId>/{act}":
            body = {"participant_id": other, "why": "As they say themselves."}
    if route == "POST /referrals":
        body = {
            "reference": "AF-2",
            "participant_id": person,
            "programme": "coactive",
            "municipality": "2482",
        }
    if route == "POST /journeys/<string:journeyId>/groups":
        body = {"group": world.group, "first_on": "2016-06-01"}
    if route == "POST /sessions":
        body = json.dumps({**SESSION, "journey_id": journey, "reference": "row-1"})
        headers["Content-Type"] = "application/x-ndjson"
    if route == "POST /attendance/marks":
        body = json.dumps({**MARK, "journey_id": journey})
        headers["Content-Type"] = "application/x-ndjson"
    if route == "POST /register/imports":
        row = {"unit_id": "rad-butik", **UNIT, "programme": "coactive", "roles": ["provider"]}
        body = json.dumps(row)
        headers["Content-Type"] = "application/x-ndjson"
    return method, path, body, headers
