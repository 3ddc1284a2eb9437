"""The routes of outcome, on a store in memory: a whole way, who may, what is never shown."""

import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from services.outcome.api import blueprints
from services.outcome.consumer import FOLDS, TIMERS
from services.outcome.figures.report import as_csv
from services.outcome.repository import Outcomes
from shared.language.decision import subject_of
from tests.support.fakes import Caller, FakeWork, noon
from tests.support.outcome_programme import (
    AGENCY,
    BAKERY,
    EXITED_ON,
    JOURNEY,
    OWNER,
    PROGRAMME,
    SHOP,
    SUBJECT,
    TODAY,
    WAYS,
)
from tests.support.published import FakeProgrammes

BLUEPRINTS = blueprints()

JOURNEYS = f"/journeys/{JOURNEY}"
ENTRY = {
    "gender": "woman",
    "born_on": "1980-05-01",
    "employment": "unemployed",
    "isced": 3,
    "minority": "yes",
}
EXIT = {
    "way": "by_plan",
    "reason": "goal_reached",
    "situation": "employed",
    "occurred_on": EXITED_ON.isoformat(),
}


@pytest.fixture(name="memory")
def _memory() -> FakeWork:
    """A store with one journey that has started."""
    memory = FakeWork(FakeProgrammes(PROGRAMME), noon(TODAY))
    memory.apply_fact(FOLDS, SUBJECT, WAYS["started"])
    memory.revisions.clear()
    return memory


@pytest.fixture(name="caller")
def _caller(memory: FakeWork) -> Caller:
    return Caller(memory, BLUEPRINTS, SHOP)


def pass_to(memory: FakeWork, on: date) -> None:
    memory.at = noon(on)
    while memory.fire_due(TIMERS):
        pass


def test_a_whole_way_by_http(caller: Caller, memory: FakeWork) -> None:
    entry = caller.put(f"{JOURNEYS}/entry", ENTRY)
    assert (entry.status_code, entry.json["entry"]) == (
        200,
        {"recorded_on": TODAY.isoformat(), "complete": True, "contradicts_start": []},
    )
    left = caller.post(f"{JOURNEYS}/exit", EXIT)
    assert (left.status_code, left.json["stage"]) == (200, "exited")
    assert [one["status"] for one in left.json["follow_ups"]] == ["planned", "planned"]
    pass_to(memory, date(2016, 6, 28))
    page = caller.get("/follow-ups").json
    assert page["next_cursor"] is None
    (asked,) = page["follow_ups"]
    assert (asked["follow_up_id"], asked["status"], asked["answer_by"]) == (
        f"{JOURNEY}.28d",
        "due",
        "2016-07-28",
    )
    answered = caller.post(f"/follow-ups/{JOURNEY}.28d/answer", {"situation": "employed"})
    assert (answered.status_code, answered.json["status"]) == (200, "answered")
    assert caller.get("/follow-ups").json["follow_ups"] == []
    pass_to(memory, date(2017, 2, 1))
    journey = caller.get(JOURNEYS).json
    assert (journey["stage"], journey["closed_on"]) == ("closed", "2017-01-15")
    assert [one["status"] for one in journey["follow_ups"]] == ["answered", "missed"]
    assert journey["exit"] == {
        "on": EXITED_ON.isoformat(),
        "way": "by_plan",
        "reason": "goal_reached",
        "situation": "employed",
    }


def test_no_answer_repeats_an_entry_answer(caller: Caller) -> None:
    texts = [caller.put(f"{JOURNEYS}/entry", ENTRY).text, caller.get(JOURNEYS).text]
    for text in texts:
        assert not {"woman", "1980-05-01", "minority", "isced"} & set(text.replace('"', " ").split())


def test_an_entry_is_replaced_only_by_who_has_seen_it(caller: Caller, memory: FakeWork) -> None:
    other = {**ENTRY, "gender": "man"}
    assert caller.put(f"{JOURNEYS}/entry", ENTRY).status_code == 200
    assert caller.put(f"{JOURNEYS}/entry", ENTRY).status_code == 200
    assert caller.put(f"{JOURNEYS}/entry", other).json["code"] == "revision-missing"
    assert caller.put(f"{JOURNEYS}/entry", other, rests_on=9).json["code"] == "stale-revision"
    assert caller.put(f"{JOURNEYS}/entry", other, rests_on=1).status_code == 200
    assert memory.row("entries", JOURNEY) == {
        "_id": JOURNEY,
        "gender": "man",
        "complete": True,
        "first_gender": "not_known",
    }


@pytest.mark.parametrize(
    ("organisation", "duty", "code"),
    [
        (BAKERY, "caseworker", "not-found"),
        (AGENCY, "caseworker", "not-allowed"),
        (SHOP, "analyst", "wrong-duty"),
        ("stranger", "caseworker", "not-found"),
    ],
)
def test_only_the_responsible_provider_records(
    caller: Caller, memory: FakeWork, organisation: str, duty: str, code: str
) -> None:
    caller.become(organisation, duty)
    before = memory.states[SUBJECT]
    assert caller.put(f"{JOURNEYS}/entry", ENTRY).json["code"] == code
    assert caller.post(f"{JOURNEYS}/exit", EXIT).json["code"] == code
    assert caller.post(f"/follow-ups/{JOURNEY}.28d/answer", {"situation": "student"}).json["code"] == code
    assert memory.states[SUBJECT] == before


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("exit", {}, {"way"}),
        ("exit", {**EXIT, "way": "gone", "situation": "rich"}, {"way", "situation"}),
        ("exit", {**EXIT, "extra": 1}, {"extra"}),
        ("exit", {**EXIT, "occurred_on": "2016-06-16"}, {"occurred_on"}),
        ("exit", {**EXIT, "occurred_on": "yesterday"}, {"occurred_on"}),
    ],
)
def test_a_wrong_exit_names_every_field(
    caller: Caller, memory: FakeWork, path: str, body: Mapping[str, Any], fields: set[str]
) -> None:
    answer = caller.post(f"{JOURNEYS}/{path}", body)
    assert (answer.status_code, set(answer.json["errors"])) == (422, fields)
    assert memory.events == []


@pytest.mark.parametrize(
    "path",
    [
        "/journeys/j-unknown",
        f"/journeys/j-{'1' * 26}",
        f"/follow-ups/{JOURNEY}",
        f"/follow-ups/{JOURNEY}.28d",
        "/follow-ups/x.28d",
        "/programmes/nowhere/report",
    ],
)
def test_what_is_not_there_is_not_found(caller: Caller, path: str) -> None:
    answer = caller.get(path)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")


def test_head_answers_as_get_does_without_a_body(caller: Caller) -> None:
    for path in (JOURNEYS, "/follow-ups", "/programmes/small/report"):
        answer = caller.head(path)
        assert (answer.status_code, answer.data) == (caller.get(path).status_code, b"")


def test_a_list_leaves_out_a_journey_whose_state_cannot_be_read(caller: Caller, memory: FakeWork) -> None:
    caller.post(f"{JOURNEYS}/exit", EXIT)
    assert len(caller.get("/follow-ups?status=planned").json["follow_ups"]) == 2
    memory.unreadable = frozenset({subject_of("journey", JOURNEY)})
    for limit in (1, 20):
        page = caller.get(f"/follow-ups?status=planned&limit={limit}").json
        assert page == {"follow_ups": [], "next_cursor": None}


def test_follow_ups_come_in_pages_the_earliest_day_first(caller: Caller) -> None:
    caller.post(f"{JOURNEYS}/exit", EXIT)
    first = caller.get("/follow-ups?status=planned&limit=1").json
    assert [one["kind"] for one in first["follow_ups"]] == ["28d"]
    second = caller.get(f"/follow-ups?status=planned&limit=1&cursor={first['next_cursor']}").json
    assert [one["kind"] for one in second["follow_ups"]] == ["6m"]
    caller.become(BAKERY)
    assert caller.get("/follow-ups?status=planned").json["follow_ups"] == []


def counted(memory: FakeWork) -> None:
    cells = {"started": 7, "started@municipality=2417": 3, "days/start/4": 2, "days/start/9": 1}
    for cell, n in cells.items():
        memory.table["cells", f"small|{cell}|0"] = {"programme": "small", "cell": cell, "shard": 0, "n": n}
    memory.table["cells", "small|started|3"] = {"programme": "small", "cell": "started", "shard": 3, "n": 2}
    memory.table["cells", "other|started|3"] = {"programme": "other", "cell": "started", "shard": 3, "n": 99}


def test_the_report_sums_the_shards_of_its_own_programme(caller: Caller, memory: FakeWork) -> None:
    counted(memory)
    report = caller.become(OWNER, "analyst").get("/programmes/small/report").json
    assert report["figures"]["started"] == 9
    assert report["by_municipality"]["2417"]["started"] == 3
    assert report["targets"][0] == {"figure": "started", "municipality": None, "target": 140, "reached": 9}
    assert report["targets"][-1] == {"figure": "started", "municipality": "2417", "target": 10, "reached": 3}
    assert report["steps"][1] == {"step": "start", "journeys": 3, "median_days": 4.0}
    assert report["figures"]["employed_at_exit"]["rate"] is None


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/programmes/small/report?format=csv", "*/*"),
        ("/programmes/small/report?format=csv", "image/png"),
        ("/programmes/small/report", "text/csv"),
        ("/programmes/small/report", "text/csv; charset=utf-8"),
        ("/programmes/small/report", "text/csv;q=0.9, application/json;q=0.1"),
    ],
)
def test_the_report_is_had_as_csv(caller: Caller, memory: FakeWork, path: str, accept: str) -> None:
    counted(memory)
    answer = caller.become(OWNER, "analyst").get(path, accept=accept)
    assert answer.content_type == "text/csv; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == "programme,as_of,section,group,figure,value"
    assert f"small,{noon(TODAY).isoformat()},figures,,started,9" in lines
    assert f"small,{noon(TODAY).isoformat()},employed_at_exit,,rate," in lines
    assert f"small,{noon(TODAY).isoformat()},steps,start,median_days,4.0" in lines


def test_the_report_is_had_as_an_excel_with_swedish_settings_opens_it(
    caller: Caller, memory: FakeWork
) -> None:
    counted(memory)
    answer = caller.become(OWNER, "analyst").get("/programmes/small/report?format=csv-sv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbfprogramme;as_of;section;group;figure;value\r\n")
    lines = answer.text.splitlines()
    assert f"small;{noon(TODAY).isoformat()};steps;start;median_days;4,0" in lines
    assert all(line.count(";") == 5 for line in lines)
    plain = list(csv.reader(io.StringIO(caller.get("/programmes/small/report?format=csv").text)))
    swedish = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert [[*row[:5], row[5].replace(",", ".")] for row in swedish] == plain


def test_a_report_in_no_acceptable_form_is_said_so(caller: Caller, memory: FakeWork) -> None:
    counted(memory)
    answer = caller.become(OWNER, "analyst").get("/programmes/small/report", accept="image/png")
    assert (answer.status_code, answer.json["code"]) == (406, "not-acceptable")


def test_no_text_of_a_report_is_a_formula() -> None:
    report: dict[str, Any] = {"programme": "=1+1", "as_of": "+x", "figures": {"@a": -1}, "where_now": {}}
    report |= {name: {} for name in ("by_gender", "by_municipality")}
    report |= {name: [] for name in ("outputs", "targets", "steps")}
    assert as_csv(report).splitlines()[1] == "'=1+1,'+x,figures,,'@a,-1"


def test_a_command_rests_on_the_revision_that_it_names(caller: Caller, memory: FakeWork) -> None:
    leaving = {"way": "interrupted", "situation": "inactive"}
    assert caller.put(f"{JOURNEYS}/entry", ENTRY).headers["ETag"] == '"1"'
    for asked in ('"7"', 'W/"1"'):
        refused = caller.post(f"{JOURNEYS}/exit", leaving, rests_on=asked)
        assert (refused.status_code, refused.json["code"]) == (412, "stale-revision")
    assert caller.get(JOURNEYS).json["exit"] is None
    assert caller.post(f"{JOURNEYS}/exit", leaving, rests_on="3").json["code"] == "invalid-header"
    assert caller.post(f"{JOURNEYS}/exit", leaving, rests_on='"0", "1"').status_code == 200


def test_who_may_not_do_it_learns_nothing_of_the_revision(caller: Caller) -> None:
    stranger = caller.become("stranger")
    asked, plain = (
        stranger.post(f"{JOURNEYS}/exit", {"way": "moved"}, rests_on=one) for one in ('"7"', None)
    )
    assert (asked.status_code, asked.json["code"]) == (plain.status_code, plain.json["code"])
    assert asked.status_code in (403, 404)


@pytest.mark.parametrize(
    ("if_match", "code"),
    [
        ('W/"1"', "stale-revision"),
        ('"9"', "stale-revision"),
        ('"9", "1"', None),
        ("*", None),
        ("1", "invalid-header"),
    ],
)
def test_an_entry_is_replaced_as_if_match_says(caller: Caller, if_match: str, code: str | None) -> None:
    caller.put(f"{JOURNEYS}/entry", ENTRY)
    answer = caller.put(f"{JOURNEYS}/entry", {**ENTRY, "gender": "man"}, rests_on=if_match)
    assert answer.json.get("code") == code


def test_the_report_is_not_for_those_whose_role_does_not_include_it(caller: Caller) -> None:
    assert caller.get("/programmes/small/report").json["code"] == "not-allowed"
    assert caller.become(OWNER, "operator").get("/programmes/small/report").json["code"] == "wrong-duty"


def test_a_state_survives_its_document(caller: Caller, memory: FakeWork) -> None:
    caller.put(f"{JOURNEYS}/entry", ENTRY)
    caller.post(f"{JOURNEYS}/exit", EXIT)
    pass_to(memory, date(2016, 6, 28))
    state = memory.states[SUBJECT]
    assert Outcomes().read(SUBJECT, Outcomes().write(state)) == state
