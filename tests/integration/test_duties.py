"""Reports to the referrer on real processes: an agency hears of its own alone, by feed and topic, reads them, and
acknowledges. What is delivered twice is told once.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.test_marked_texts import Caller, publish
from tests.integration.test_persons import Person
from tests.support.attendance_commands import JOINT_PLAN
from tests.support.awaiting import until
from tests.support.callers import Agency
from tools.stack import Stack
from tools.stack.settings import OPERATORS

PROGRAMME, PLACE = "duties", "2482"
AF, FK = "arbetsformedlingen-skelleftea", "forsakringskassan"
WORDS = "Bussen stod still hela morgonen"
TOLD = "journey.intake.report-told.v1"
WEEK = [{"weekday": day, "starts_at": "09:00", "ends_at": "12:00"} for day in range(1, 8)]
WHOLE = {"report_id", "journey_id", "kind", "due_on", "provider", "corrects", "void"}


class Sides:
    """A person whom the employment service referred, and another agency of the programme."""

    def __init__(self, stack: Stack, web: httpx.Client) -> None:
        self.stack, self._web = stack, web
        self.person = Person(stack, web, PROGRAMME)
        self.agency, self.other = Caller(stack, web, AF), Caller(stack, web, FK)
        self.shop = self.person.provider

    def told(self, who: Caller, journey: str) -> list[dict[str, Any]]:
        """What the feed says of reports on that journey, in order."""
        changes = who.ask("intake", "/changes?limit=200").json()["changes"]
        return [
            one["body"] for one in changes if one["kind"] == TOLD and one["body"]["journey_id"] == journey
        ]

    def on_topic(self, organisation: str, journey: str) -> list[dict[str, Any]]:
        """The same, on the organisation's topic."""
        agency = Agency(self.stack, [])
        agency.organisation = organisation
        return [
            body
            for headers, body in agency.replies()
            if headers["ce_type"] == TOLD and body["journey_id"] == journey
        ]

    def mark(self, journey: str, **said: Any) -> dict[str, Any]:
        """The shop marks the person's morning of five days ago."""
        line = {"journey_id": journey, "plan": "a1", "hour": "09:00", **said}
        body = {"day": self.person.ago(5), "marks": [line]}
        (found,) = self.shop.ask("activity-tracking", "/attendance", body).json()["results"]
        assert found["status"] == 200, found
        return dict(found)

    def republish(self, journey: str) -> None:
        """An operator has everything that activity tracking said of the journey delivered once more."""
        url = f"{self.stack.url('activity-tracking-web')}/operations/subjects/journey/{journey}/republish"
        headers = {
            "Authorization": f"Bearer {self.stack.token(OPERATORS, 'operator')}",
            "Idempotency-Key": f"again-{journey}",
        }
        answer = self._web.post(url, json={"reason": "tried on purpose"}, headers=headers)
        assert answer.is_success, answer.text


@pytest.fixture(name="sides", scope="module")
def _sides(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    path = tmp_path_factory.mktemp("programme") / "programme.yaml"
    publish(undisturbed, path, PROGRAMME, JOINT_PLAN)
    with httpx.Client(timeout=20) as web:
        yield Sides(undisturbed, web)


def test_an_absence_reaches_its_referrer_and_no_other(sides: Sides) -> None:
    journey, seen = sides.person.begins(20, PLACE)
    plan = {"activity": "work_training", "first_on": sides.person.ago(20), "hours": WEEK}
    sides.shop.ask("activity-tracking", f"/journeys/{journey}/activities", plan, seen=seen)
    sides.mark(journey, presence="absent", reason="transport", text=WORDS)

    (first,) = until(lambda: sides.told(sides.agency, journey), "the agency hears of the absence")
    assert set(first) == WHOLE
    report = f"{journey}.r1"
    assert (first["report_id"], first["kind"], first["corrects"]) == (report, "deviation", None)
    content = sides.agency.ask("activity-tracking", f"/reports/{report}").json()
    assert (content["reason"], content["text"], content["day"]) == ("transport", WORDS, sides.person.ago(5))
    acknowledged = sides.agency.ask("activity-tracking", f"/reports/{report}/acknowledgement", {}).json()
    assert acknowledged["acknowledged_at"] is not None
    again = sides.agency.ask("activity-tracking", f"/reports/{report}/acknowledgement", {}).json()
    assert again == acknowledged

    sides.republish(journey)
    sides.mark(journey, presence="present", came_at="10:00")
    sides.mark(journey, presence="present")
    until(lambda: len(sides.told(sides.agency, journey)) >= 3, "the corrections are told")
    expected = [
        (report, None, False),
        (f"{journey}.r2", report, False),
        (f"{journey}.r3", f"{journey}.r2", True),
    ]
    told = sides.told(sides.agency, journey)
    assert [(one["report_id"], one["corrects"], one["void"]) for one in told] == expected
    assert sides.on_topic(AF, journey) == told, "one sequence, whichever way it is read"
    assert "transport" not in str(told) and WORDS not in str(told)

    assert sides.told(sides.other, journey) == []
    assert sides.on_topic(FK, journey) == []
    mine = sides.agency.ask("activity-tracking", "/reports?part=referrer&limit=200").json()["reports"]
    assert [one["report_id"] for one in mine if one["journey_id"] == journey] == [f"{journey}.r3"]
    theirs = sides.other.ask("activity-tracking", "/reports?part=referrer&limit=200").json()["reports"]
    assert [one for one in theirs if one["journey_id"] == journey] == []


def test_a_joint_plan_waits_at_its_provider_and_is_told_when_it_is_sent(sides: Sides) -> None:
    journey, seen = sides.person.begins(20, PLACE)

    def waits() -> list[dict[str, Any]]:
        found = sides.shop.ask("activity-tracking", f"/waiting?journey={journey}", seen=seen).json()
        return [one for one in found["waiting"] if one["kind"] == "report_to_send"]

    def told(who: Caller) -> list[dict[str, Any]]:
        return [one for one in sides.told(who, journey) if one["kind"] == "joint_plan"]

    (one,) = until(waits, "the joint plan falls due")
    assert one["act"]["path"].endswith(f"/reports/{journey}.w1/submission")
    assert told(sides.agency) == []
    words = "Vi börjar med tre förmiddagar i veckan"
    sides.shop.ask("activity-tracking", f"/reports/{journey}.w1/submission", {"text": words})
    (heard,) = until(lambda: told(sides.agency), "the agency hears of the joint plan")
    assert heard["report_id"] == f"{journey}.w1" and words not in str(heard)
    content = sides.agency.ask("activity-tracking", f"/reports/{journey}.w1").json()
    assert (content["text"], content["journey"]["journey_id"]) == (words, journey)
    assert waits() == [] and told(sides.other) == []
