"""The routes of activity tracking, on a store in memory: who may, what is answered, what is never shown."""

from datetime import timedelta
from typing import Any

import pytest

from services.activity_tracking.api import blueprints
from services.activity_tracking.consumer import FOLDS
from services.activity_tracking.repository import Activities
from shared.language.events import ConsentGiven
from tests.support.fakes import Caller, FakeWork
from tests.support.small_programme import (
    EMPLOYER,
    JOURNEY,
    OWNER,
    PROVIDER,
    RECEIVER,
    REFERRER,
    STARTED_ON,
    SUBJECT,
    TODAY,
    consent,
    exited,
)

BLUEPRINTS = blueprints()

SESSION = {
    "activity": "work_training",
    "occurred_on": STARTED_ON.isoformat(),
    "attendance": "yes",
    "minutes": 60,
}
JOURNEYS = f"/journeys/{JOURNEY}"


@pytest.fixture(name="caller")
def _caller(memory: FakeWork) -> Caller:
    return Caller(memory, BLUEPRINTS, PROVIDER)


def test_a_whole_journey_by_http(caller: Caller, memory: FakeWork) -> None:
    first_on = TODAY.isoformat()
    planned = caller.post(f"{JOURNEYS}/activities", {"activity": "work_training", "first_on": first_on})
    assert (planned.status_code, planned.json["plan"]) == (201, "a1")
    goal = caller.post(f"{JOURNEYS}/goals", {"text": "Bli snickare"})
    assert (goal.status_code, goal.json["goal"], goal.json["text"]) == (201, "g1", None)
    assert caller.post(f"{JOURNEYS}/goals/g1/reached", {}).json["reached_on"] == TODAY.isoformat()
    session = caller.post(f"{JOURNEYS}/sessions", SESSION)
    assert session.status_code == 201
    path = f"{JOURNEYS}/sessions/{session.json['session_id']}/correction"
    corrected = caller.post(path, {**SESSION, "minutes": 90})
    assert (corrected.status_code, corrected.json["corrects"]) == (200, session.json["session_id"])
    superseded = caller.post(path, {**SESSION, "minutes": 5})
    assert superseded.json["code"] == "superseded"
    assert all(one.data.endswith(b"}\n") for one in (session, superseded)), (
        "a terminal's next line is its own"
    )
    measured = caller.post(f"{JOURNEYS}/progress", {"round": 1, "answers": {"network": 4}})
    assert (measured.status_code, measured.json["answered"], measured.json["answers"]) == (201, 1, None)
    competence = caller.post(f"{JOURNEYS}/competences", {"competence": "woodwork", "level": 2})
    assert competence.status_code == 201
    ready = caller.post(f"{JOURNEYS}/readiness", {})
    assert (ready.status_code, ready.json["stage"]) == (200, "ready")
    shown = caller.get(JOURNEYS).json
    assert [one["text"] for one in shown["goals"]] == ["Bli snickare"]
    assert shown["progress"][0]["answers"] == {"network": 4}
    assert shown["session_counts"] == {
        "logged": 1,
        "attended": 1,
        "late": 0,
        "missed": 0,
        "minutes": 90,
        "planned_minutes": 0,
        "marked_minutes": 0,
        "corrected": 1,
    }
    assert [type(event).__name__ for event in memory.events] == [
        "ActivityPlanned",
        "GoalSet",
        "GoalReached",
        "SessionLogged",
        "SessionCorrected",
        "ProgressMeasured",
        "CompetenceValidated",
        "ParticipantReady",
    ]


def test_sessions_come_in_pages(caller: Caller) -> None:
    for day in range(5):
        on = (STARTED_ON + timedelta(days=day)).isoformat()
        assert caller.post(f"{JOURNEYS}/sessions", {**SESSION, "occurred_on": on}).status_code == 201
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = caller.get(f"{JOURNEYS}/sessions?limit=2{cursor and '&cursor=' + cursor}").json
        seen += [one["number"] for one in page["sessions"]]
        cursor = page["next_cursor"]
    assert seen == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "cursor", ["yesterday", "-1", "0", str(2**63), str(2**64), "9" * 5000, "1.5", "%00", "o-1"]
)
def test_a_cursor_that_no_page_gave_is_refused(caller: Caller, cursor: str) -> None:
    for lists in (f"{JOURNEYS}/sessions", "/programmes/coactive/outputs"):
        answer = caller.get(f"{lists}?cursor={cursor}")
        assert answer.status_code == 422
        assert set(answer.json["errors"]) == {"cursor"}


@pytest.mark.parametrize(
    ("organisation", "duty", "status", "code"),
    [
        (PROVIDER, "supervisor", 201, None),
        (PROVIDER, "analyst", 403, "wrong-duty"),
        (REFERRER, "caseworker", 403, "not-allowed"),
        (RECEIVER, "caseworker", 404, "not-found"),
        ("stranger", "caseworker", 404, "not-found"),
        ("stranger", "analyst", 403, "wrong-duty"),
    ],
)
def test_only_the_responsible_organisation_logs(
    caller: Caller, memory: FakeWork, organisation: str, duty: str, status: int, code: str | None
) -> None:
    answer = caller.become(organisation, duty).post(f"{JOURNEYS}/sessions", SESSION)
    assert (answer.status_code, answer.json.get("code")) == (status, code)
    assert len(memory.events) == (status == 201)


def test_the_others_see_neither_words_nor_answers_nor_what_reveals_health(
    caller: Caller, memory: FakeWork
) -> None:
    caller.post(f"{JOURNEYS}/goals", {"text": "Bli snickare"})
    caller.post(f"{JOURNEYS}/progress", {"round": 1, "answers": {"network": 4}})
    absence = {**SESSION, "activity": "health_effort", "attendance": "no", "minutes": 0, "reason": "ill"}
    caller.post(f"{JOURNEYS}/sessions", {**absence, "reference": "w7"})
    caller.post(f"{JOURNEYS}/activities", {"activity": "health_effort", "first_on": TODAY.isoformat()})
    caller.become(REFERRER)
    journey, listed = caller.get(JOURNEYS), caller.get(f"{JOURNEYS}/sessions")
    assert (journey.status_code, listed.status_code) == (200, 200)
    for hidden in ("snickare", "network", "health_effort", '"ill"', "w7"):
        assert hidden not in journey.text + listed.text
    memory.apply_fact(FOLDS, SUBJECT, [consent(REFERRER)])
    assert "snickare" in caller.get(JOURNEYS).text
    expired: ConsentGiven = consent(REFERRER, last_day=TODAY - timedelta(days=1))
    memory.apply_fact(FOLDS, SUBJECT, [expired])
    assert "snickare" not in caller.get(JOURNEYS).text


@pytest.mark.parametrize(
    ("path", "body", "wrong"),
    [
        ("goals", {"text": "x", "mood": 1}, {"mood"}),
        ("goals", {"text": "\ud800"}, None),
        ("goals", {"text": 7}, {"text"}),
        ("sessions", {**SESSION, "minutes": "60"}, {"minutes"}),
        ("sessions", {**SESSION, "minutes": 1e400}, None),
        ("sessions", {**SESSION, "occurred_on": "2016-02-30"}, {"occurred_on"}),
        ("sessions", {**SESSION, "attendance": "maybe", "activity": "A B"}, {"attendance", "activity"}),
        ("sessions", {**SESSION, "reference": "196408233234"}, {"reference"}),
        ("sessions", {}, {"activity", "occurred_on", "attendance", "minutes"}),
        ("progress", {"round": 1, "answers": {"network": 10**30}}, {"answers"}),
        ("progress", {"round": 1, "answers": [1]}, {"answers"}),
        ("readiness", {"occurred_on": (TODAY + timedelta(days=1)).isoformat()}, {"occurred_on"}),
    ],
)
def test_a_wrong_body_is_refused_field_by_field_and_stores_nothing(
    caller: Caller, memory: FakeWork, path: str, body: Any, wrong: set[str] | None
) -> None:
    before = dict(memory.table)
    answer = caller.post(f"{JOURNEYS}/{path}", body)
    if wrong is None:
        assert (answer.status_code, answer.json["code"]) == (400, "unreadable-body")
    else:
        assert (answer.status_code, set(answer.json["errors"])) == (422, wrong)
    assert (memory.table, memory.events) == (before, [])


@pytest.mark.parametrize(
    "path",
    [
        "/journeys/j-nonsense/sessions",
        f"/journeys/j-{'1' * 26}/sessions",
        f"{JOURNEYS}/sessions/s-{'1' * 26}/correction",
        f"{JOURNEYS}/sessions/nonsense/correction",
        f"{JOURNEYS}/goals/g9/reached",
    ],
)
def test_what_does_not_exist_is_not_found(caller: Caller, path: str) -> None:
    body = {} if path.endswith("reached") else SESSION
    answer = caller.post(path, body)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_a_session_of_another_journey_is_not_found(caller: Caller, memory: FakeWork) -> None:
    made = caller.post(f"{JOURNEYS}/sessions", SESSION).json["session_id"]
    row = memory.table["sessions", made]
    memory.table["sessions", made] = {**row, "journey_id": f"j-{'1' * 26}"}
    assert caller.post(f"{JOURNEYS}/sessions/{made}/correction", SESSION).status_code == 404


def test_outputs_are_logged_corrected_and_listed(caller: Caller, memory: FakeWork) -> None:
    body = {"output": "workplace_carved", "quantity": 2, "municipality": "2482"}
    made = caller.post("/programmes/small/outputs", body)
    assert made.status_code == 201
    path = f"/programmes/small/outputs/{made.json['output_id']}/correction"
    assert caller.post(path, {"quantity": 1}).json["quantity"] == 1
    assert caller.become(OWNER).post(path, {"quantity": 3}).json["code"] == "not-allowed"
    listed = caller.get("/programmes/small/outputs").json
    assert [(one["output"], one["quantity"]) for one in listed["outputs"]] == [("workplace_carved", 1)]
    assert caller.post("/programmes/nowhere/outputs", body).json["code"] == "not-found"
    assert caller.become(EMPLOYER).get("/programmes/small/outputs").json["code"] == "not-allowed"
    assert [type(event).__name__ for event in memory.events] == ["OutputLogged", "OutputCorrected"]


def test_every_state_survives_its_document(caller: Caller, memory: FakeWork) -> None:
    caller.post(f"{JOURNEYS}/sessions", SESSION)
    caller.post(f"{JOURNEYS}/goals", {"text": "x"})
    caller.post(
        "/programmes/small/outputs", {"output": "manager_trained", "quantity": 1, "municipality": "2417"}
    )
    memory.apply_fact(FOLDS, SUBJECT, [exited()])
    assert len(memory.states) == 2
    for subject, state in memory.states.items():
        assert Activities().read(subject, Activities().write(state)) == state
