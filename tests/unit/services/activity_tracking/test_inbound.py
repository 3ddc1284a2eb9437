"""Marks on organisations' topics: judged as a row of a file is, one answer each, nothing kept of a bad one."""

import json
from typing import Any

import pytest

from services.activity_tracking.inbound import MARKS
from shared.edge.headers import NDJSON
from shared.edge.inbound import Answer
from shared.language.errors import Halt
from shared.language.mark_replies import MarkAccepted, MarkRejected
from shared.language.messages import encode_message
from shared.runtime.arrived import Arrived
from tests.support.house import ACTIVITY_TRACKING, House, house
from tests.unit.access.test_attendance import MONDAY, TUESDAY, planned
from tests.unit.access.test_on_the_day import CAFE, COACTIVE, SHOP, started

EVENT = {"specversion": "1.0", "id": "e-7", "source": "urn:shop:register", "type": "se.shop.marked.v1"}


def record(said: Any, *headers: tuple[str, bytes], by: str = SHOP, offset: int = 7) -> Arrived:
    value = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Arrived(f"inbound.{by}.attendance.v1", 0, offset, list(headers), value)


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def joined(world: House, *references: str) -> list[str]:
    journeys = [started(world, one) for one in references]
    for one in journeys:
        assert planned(world, one, SHOP).status_code == 201
    world.pass_to(TUESDAY)
    return journeys


def row(journey: str, presence: str = "present", **said: Any) -> dict[str, Any]:
    place = {"day": "2016-06-06", "journey_id": journey, "plan": "a1", "hour": "09:00"}
    return {**place, "presence": presence, **said}


def received(world: House, arrived: Arrived) -> Answer:
    return world.rooms[ACTIVITY_TRACKING].memory.in_unit(lambda work: MARKS.receive(work, arrived))


def plain(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_message(answer.body))
    return found


def by_file(world: House, one: Any, who: str = SHOP) -> dict[str, Any]:
    """What a file of this one row comes to."""
    headers = {"Content-Type": NDJSON}
    body = one.decode() if isinstance(one, bytes) else json.dumps(one)
    answer = world.ask(ACTIVITY_TRACKING, "POST", "/attendance/marks", who, body, **headers)
    found: dict[str, Any] = answer.json["results"][0]
    return found


def test_a_record_marks_and_the_same_again_changes_nothing(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    first = received(world, record(row(journey, came_at="09:20"), ("ce_id", b"e-7")))
    assert isinstance(first.body, MarkAccepted)
    said = plain(first)
    assert said.pop("session_id").startswith("s-")
    assert said == {
        "status": "accepted",
        "topic": f"inbound.{SHOP}.attendance.v1",
        "partition": 0,
        "offset": 7,
        "key": None,
        "headers": {"ce_id": "e-7"},
        "journey_id": journey,
        "plan": "a1",
        "day": "2016-06-06",
        "hour": "09:00",
        "changed": True,
        "attendance": "late",
        "minutes": 160,
    }
    assert (first.organisation, first.subject) == (SHOP, f"journey/{journey}")
    events = len(world.rooms[ACTIVITY_TRACKING].memory.said)
    again = plain(received(world, record(row(journey, came_at="09:20"), offset=8)))
    assert (again["changed"], again["minutes"], again["offset"]) == (False, 160, 8)
    assert by_file(world, row(journey, came_at="09:20"))["changed"] is False, "whichever way it comes"
    assert len(world.rooms[ACTIVITY_TRACKING].memory.said) == events
    taken_back = plain(received(world, record(row(journey, "unmarked"))))
    assert (taken_back["changed"], taken_back["session_id"], taken_back["minutes"]) == (True, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"presence": "absent"},
        {"presence": "absent", "reason": "lazy"},
        {"presence": "absent", "reason": "ill", "came_at": "09:00"},
        {"reason": "ill"},
        {"came_at": "11:00", "left_at": "10:00"},
        {"day": "2016-06-08"},
        {"day": "2016-06-11"},
        {"day": "6/6"},
        {"hour": "10:00"},
        {"hour": "9"},
        {"plan": "a9"},
        {"presence": "maybe"},
        {"journey_id": f"j-{'1' * 26}"},
        {"marked_at": "yesterday"},
        {"mood": "fine"},
    ],
)
def test_what_a_record_is_refused_for_is_what_a_row_is_refused_for(
    world: House, wrong: dict[str, Any]
) -> None:
    (journey,) = joined(world, "AF-1")
    before = len(world.rooms[ACTIVITY_TRACKING].memory.said)
    told = received(world, record({**row(journey), **wrong}))
    problem = by_file(world, {**row(journey), **wrong})["problem"]
    assert isinstance(told.body, MarkRejected)
    said = plain(told)
    assert (said["code"], said["detail"], said["errors"]) == (
        problem["code"],
        problem["detail"],
        problem["errors"] or {},
    )
    assert told.subject == f"record/inbound.{SHOP}.attendance.v1:0:7"
    assert len(world.rooms[ACTIVITY_TRACKING].memory.said) == before


@pytest.mark.parametrize("value", [b"{", b"[]", b"", b"\xff", b'{"day": "2016-06-06", "day": "2016-06-07"}'])
def test_what_cannot_be_read_is_answered_too(world: House, value: bytes) -> None:
    assert received(world, record(value)).code in ("unreadable-body", "invalid-fields")


def test_who_marks_is_the_topic_and_never_what_the_record_says(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    assert plain(received(world, record(row(journey), by=CAFE)))["code"] == "not-found"
    assert plain(received(world, record({**row(journey), "organisation": SHOP}, by=CAFE)))[
        "errors"
    ].keys() == {"organisation"}
    with pytest.raises(Halt):
        received(world, Arrived(f"inbound.{SHOP}.referrals.v1", 0, 7, [], b"{}"))


def test_a_cloud_event_around_a_mark_is_taken_and_its_identity_repeated(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    said = plain(received(world, record({**EVENT, "data": row(journey)})))
    assert (said["status"], said["headers"]) == (
        "accepted",
        {"ce_id": "e-7", "ce_source": "urn:shop:register"},
    )
    bare = plain(received(world, record({**EVENT, "data": [1]})))
    assert (bare["code"], bare["errors"]) == ("invalid-fields", {"data": ["Must be a JSON object."]})
    empty = plain(received(world, record(EVENT, ("content-type", b"application/cloudevents+json"))))
    assert empty["errors"] == {"data": ["Takes the mark, as data or as data_base64."]}
