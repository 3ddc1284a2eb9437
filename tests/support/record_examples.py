"""Records what routes are really asked and answered, for the OpenAPI documents.

Run it by `python -m tests.support.record_examples` when a route or a field changes.

Each operation of a service is asked on a journey at a point where it succeeds, through its real route, in memory. What
operators' routes answer rests on Kafka; their examples are written by hand, and held to the same test.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared.edge.described import operations
from shared.edge.openapi import document_of
from shared.language.programmes import ReportDuty
from tests.support.access.worlds import (
    AGENCY,
    EMPLOYER,
    OPERATOR,
    ORGANISATIONS,
    SHOP,
    WAYS,
    World,
    request_of,
)
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE
from tests.support.numbering import number
from tests.support.page_server import read_programme
from tests.support.sources import ROOT
from tests.support.told import started
from tools.contracts.services import application, services

HOURS = [{"weekday": 3, "starts_at": "09:00", "ends_at": "12:00"}]
DUTIES = ("caseworker", "supervisor", "analyst", "owner", "registrar")


def rules(service: str) -> dict[str, str]:
    """{operationId: `METHOD rule`} of the service's own operations."""
    app = application(service)
    named = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)): rule.rule
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    return {
        operation["operationId"]: f"{method} {named[method, path]}"
        for method, path, operation in operations(document_of(app))
        if not path.startswith("/operations/") and path != "/api-info"
    }


def lived(world: World, at: str) -> World:
    """The world with an entry of each kind in its journey, where it has come so far, and its changes numbered."""
    number(world.house.rooms[INTAKE].memory)
    if at not in ("strt", "offr"):
        return world
    for rest, body in (
        ("activities", {"activity": "placement", "first_on": "2016-06-01", "hours": HOURS}),
        ("pauses", {"first_on": "2016-07-04", "last_on": "2016-07-29"}),
        ("extents", {"from_on": "2016-06-02", "percent": 50}),
        ("progress", {"round": 1, "answers": {"network": 3}}),
        ("competences", {"competence": "woodwork", "level": 1}),
        ("goals/g1/reached", {}),
        ("readiness", {}),
    ):
        path = world.on("/journeys/{journey}/" + rest)
        world.house.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)
    return world


def attempts(at: str) -> Iterator[tuple[World, str]]:
    """A world, and each caller who may try in it."""
    world = lived(WAYS[at](), at)
    world.house.freeze()
    for organisation in ORGANISATIONS.values():
        for duty in DUTIES:
            yield world, f"{organisation}:{duty}"
    yield world, "urkraft:registrar"
    yield world, OPERATOR


def record() -> dict[str, dict[str, dict[str, Any]]]:
    """{service: {operationId: {"request", "response"}}}, of what succeeded first."""
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in services()}
    # First where most has happened: the fullest answers are the best examples.
    for at in ("strt", "foll", "offr", "empl", "exit", "clos", "acc", "named", "open", "decl", "wdr", "mist"):
        for world, who in attempts(at):
            for service in services():
                for name, route in rules(service).items():
                    if name in found[service]:
                        continue
                    method, path, body, headers = request_of(world, route, world.journey, world.person)
                    answer = world.house.ask(service, method, path, who, body, **headers)
                    if answer.status_code < 300 and answer.is_json:
                        request = {} if method == "GET" else {"request": said(body)}
                        found[service][name] = {**request, "response": answer.json}
    found[HANDOVERS] |= answered_handovers()
    found[ACTIVITY_TRACKING] |= reports_of_an_absence() | a_joint_plan()
    return found


def said(body: Any) -> Any:
    """The body as JSON; of a file of lines, as the array of its rows."""
    return [json.loads(line) for line in body.splitlines()] if isinstance(body, str) else body


def reports_of_an_absence() -> dict[str, dict[str, Any]]:
    """How a report to the referrer is listed, read and acknowledged."""
    world = lived(WAYS["strt"](), "strt")
    ask = world.house.done
    absence = {"presence": "absent", "reason": "transport", "text": "Bussen gick inte."}
    mark = {"journey_id": world.journey, "plan": "a1", "hour": "09:00", **absence}
    ask(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, {"marks": [mark]})
    path = world.on("/reports/{journey}.r1")
    found = {
        "list_referrer_reports": {
            "response": ask(ACTIVITY_TRACKING, "GET", "/reports?part=referrer", AGENCY)
        },
        "read_referrer_report": {"response": ask(ACTIVITY_TRACKING, "GET", path, AGENCY)},
    }
    answer = ask(ACTIVITY_TRACKING, "POST", f"{path}/acknowledgement", AGENCY)
    return {**found, "acknowledge_report": {"request": {}, "response": answer}}


def a_joint_plan() -> dict[str, dict[str, Any]]:
    """How a report that the provider writes is sent."""
    duty = ReportDuty(
        code="joint_plan",
        kind="joint_plan",
        within_working_days=5,
        sent_within_working_days=10,
        shows=("plan",),
    )
    told = started(replace(read_programme(), report_duties=(duty,)))
    told.house.pass_to(told.house.today)
    body = {"text": "Vi börjar med tre förmiddagar i veckan."}
    answer = told.house.done(ACTIVITY_TRACKING, "POST", f"/reports/{told.journey}.w1/submission", SHOP, body)
    return {"send_report": {"request": body, "response": answer}}


def answered_handovers() -> dict[str, dict[str, Any]]:
    """What is asked of a handover that was offered, and of one that was declined or recalled."""
    found = {}
    for answer, who, said in (
        ("decline", EMPLOYER, {"reason": "no_capacity"}),
        ("recall", SHOP, {"reason": "other_receiver"}),
    ):
        world = WAYS["strt"]()
        offer = {"kind": "provider_to_employer", "to_organisation": EMPLOYER, "deadline_on": "2016-06-15"}
        path = world.on("/journeys/{journey}/handovers")
        offered = world.house.done(HANDOVERS, "POST", path, SHOP, offer)
        found["offer_handover"] = {"request": offer, "response": offered}
        path = world.on("/handovers/{journey}.h1/") + answer
        world.house.done(HANDOVERS, "POST", path, who, said)
        body = {"why": "A slip.", "occurred_on": "2016-06-01", **said}
        corrected = world.house.done(HANDOVERS, "POST", f"{path}/correction", who, body)
        found[f"correct_handover_{answer}"] = {"request": body, "response": corrected}
    return found


def main() -> None:
    """Write the files, and name what nothing was recorded of."""
    for service, recorded in record().items():
        target = ROOT / "services" / service / "examples.json"
        text = json.dumps(dict(sorted(recorded.items())), ensure_ascii=False, indent=1)
        target.write_text(f"{text}\n", encoding="utf-8")
        for name in rules(service).keys() - recorded.keys():
            print(f"{service} {name}: nothing recorded")


if __name__ == "__main__":
    main()
