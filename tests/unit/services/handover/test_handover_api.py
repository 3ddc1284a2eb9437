"""The routes of handover, on a store in memory: who may, what is answered, in which pages."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from services.handover.api import blueprints
from services.handover.consumer import FOLDS
from services.handover.repository import Handovers
from tests.support.fakes import FakeWork, noon, web
from tests.support.small_programme import (
    EMPLOYER,
    JOURNEY,
    PROVIDER,
    READY_ON,
    RECEIVER,
    REFERRER,
    SUBJECT,
    exited,
)

BLUEPRINTS = blueprints()

OFFERS = f"/journeys/{JOURNEY}/handovers"
OFFER = {
    "kind": "provider_to_provider",
    "to_organisation": RECEIVER,
    "deadline_on": (READY_ON + timedelta(days=14)).isoformat(),
}


class Caller:
    """Sends requests as the organisation named, each POST under a new key."""

    def __init__(self, memory: FakeWork) -> None:
        self._client = web(memory, BLUEPRINTS)
        self._keys = 0

    def post(self, who: str, path: str, body: Any, *, duty: str = "caseworker") -> Any:
        self._keys += 1
        headers = {"Authorization": f"Bearer {who}:{duty}", "Idempotency-Key": f"key-{self._keys}"}
        return self._client.post(
            path, data=json.dumps(body), headers=headers, content_type="application/json"
        )

    def get(self, who: str, path: str) -> Any:
        return self._client.get(path, headers={"Authorization": f"Bearer {who}:caseworker"})


@pytest.fixture(name="caller")
def _caller(memory: FakeWork) -> Caller:
    return Caller(memory)


def said(memory: FakeWork) -> list[str]:
    return [type(event).__name__ for event in memory.events]


def test_an_offer_is_seen_by_its_receiver_and_accepted(caller: Caller, memory: FakeWork) -> None:
    made = caller.post(PROVIDER, OFFERS, OFFER)
    assert (made.status_code, made.json["handover_id"], made.json["status"]) == (201, f"{JOURNEY}.h1", "open")
    received = caller.get(RECEIVER, "/handovers").json
    assert [one["handover_id"] for one in received["handovers"]] == [f"{JOURNEY}.h1"]
    assert caller.get(EMPLOYER, "/handovers").json["handovers"] == []
    path = f"/handovers/{JOURNEY}.h1"
    for _ in range(2):
        accepted = caller.post(RECEIVER, f"{path}/acceptance", {})
        assert (accepted.status_code, accepted.json["status"]) == (200, "accepted")
    assert said(memory) == ["HandoverOffered", "HandoverAccepted"]
    assert caller.get(RECEIVER, "/handovers").json["handovers"] == []
    assert len(caller.get(RECEIVER, "/handovers?status=accepted").json["handovers"]) == 1
    assert (
        caller.post(PROVIDER, f"{path}/recall", {"reason": "other_receiver"}).json["code"] == "offer-closed"
    )
    assert caller.post(RECEIVER, f"{path}/decline", {"reason": "no_capacity"}).json["code"] == "offer-closed"
    for who in (PROVIDER, RECEIVER, REFERRER):
        assert caller.get(who, path).json["ended_on"] == READY_ON.isoformat()


@pytest.mark.parametrize(
    ("who", "duty", "route", "status", "code"),
    [
        (PROVIDER, "caseworker", "acceptance", 403, "not-your-journey"),
        (EMPLOYER, "caseworker", "acceptance", 404, "not-found"),
        (REFERRER, "caseworker", "acceptance", 403, "not-allowed"),
        (RECEIVER, "analyst", "acceptance", 403, "wrong-duty"),
        (EMPLOYER, "caseworker", "decline", 404, "not-found"),
        (RECEIVER, "caseworker", "recall", 403, "not-your-journey"),
        (REFERRER, "caseworker", "recall", 403, "not-allowed"),
        (RECEIVER, "supervisor", "acceptance", 200, None),
        (PROVIDER, "supervisor", "recall", 200, None),
    ],
)
def test_only_the_receiver_answers_and_only_the_one_who_offered_recalls(
    caller: Caller, memory: FakeWork, who: str, duty: str, route: str, status: int, code: str | None
) -> None:
    caller.post(PROVIDER, OFFERS, OFFER)
    body = {"decline": {"reason": "no_capacity"}, "recall": {"reason": "other_receiver"}}.get(route, {})
    answer = caller.post(who, f"/handovers/{JOURNEY}.h1/{route}", body, duty=duty)
    assert (answer.status_code, answer.json.get("code")) == (status, code)
    assert len(memory.events) == 1 + (status == 200)


@pytest.mark.parametrize(
    ("who", "status"), [(RECEIVER, 404), (EMPLOYER, 404), (REFERRER, 403), ("stranger", 404)]
)
def test_only_the_responsible_organisation_offers(
    caller: Caller, memory: FakeWork, who: str, status: int
) -> None:
    answer = caller.post(who, OFFERS, {**OFFER, "to_organisation": EMPLOYER})
    assert answer.status_code == status
    assert not memory.events


def test_a_journey_s_offers_come_in_pages(caller: Caller, memory: FakeWork) -> None:
    for number in range(1, 4):
        caller.post(PROVIDER, OFFERS, OFFER)
        caller.post(RECEIVER, f"/handovers/{JOURNEY}.h{number}/decline", {"reason": "no_capacity"})
    first = caller.get(REFERRER, f"{OFFERS}?limit=2").json
    assert ([one["number"] for one in first["handovers"]], first["next_cursor"]) == ([1, 2], "2")
    second = caller.get(REFERRER, f"{OFFERS}?limit=2&cursor=2").json
    assert ([one["number"] for one in second["handovers"]], second["next_cursor"]) == ([3], None)
    assert second["handovers"][0]["reason"] == "no_capacity"
    assert caller.get("stranger", OFFERS).status_code == 404
    assert caller.get("stranger", "/handovers").json["code"] == "not-allowed"


def test_after_the_exit_is_known_an_answer_is_refused(caller: Caller, memory: FakeWork) -> None:
    caller.post(PROVIDER, OFFERS, OFFER)
    memory.apply_fact(FOLDS, SUBJECT, [exited(READY_ON)])
    answer = caller.post(RECEIVER, f"/handovers/{JOURNEY}.h1/acceptance", {})
    assert (answer.status_code, answer.json["code"]) == (409, "offer-closed")
    assert said(memory) == ["HandoverOffered", "HandoverRecalled"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"kind", "to_organisation", "deadline_on"}),
        ({**OFFER, "kind": "gift"}, {"kind"}),
        ({**OFFER, "mood": 1}, {"mood"}),
        ({**OFFER, "deadline_on": "soon"}, {"deadline_on"}),
        ({**OFFER, "to_organisation": "Ö"}, {"to_organisation"}),
        ({**OFFER, "deadline_on": date(2020, 1, 1).isoformat()}, {"deadline_on"}),
    ],
)
def test_a_wrong_body_is_refused_field_by_field(
    caller: Caller, memory: FakeWork, body: Any, wrong: set[str]
) -> None:
    answer = caller.post(PROVIDER, OFFERS, body)
    assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)
    assert not memory.events


@pytest.mark.parametrize("handover", ["nonsense", f"{JOURNEY}.h0", f"{JOURNEY}.h9", f"{JOURNEY}", "j-1.h1"])
def test_what_does_not_exist_is_not_found(caller: Caller, handover: str) -> None:
    assert caller.get(PROVIDER, f"/handovers/{handover}").json["code"] == "not-found"
    assert caller.post(PROVIDER, f"/handovers/{handover}/acceptance", {}).status_code == 404


def test_a_state_survives_its_document(caller: Caller, memory: FakeWork) -> None:
    caller.post(PROVIDER, OFFERS, OFFER)
    memory.at = noon(READY_ON)
    state = memory.get(SUBJECT)
    assert state.open is not None
    assert Handovers().read(SUBJECT, Handovers().write(state)) == state
