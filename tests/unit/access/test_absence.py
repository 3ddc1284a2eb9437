"""Reasons of absence: flags of the programme, words of their own, the sentence for the person; and overlaps."""

from typing import Any

import pytest

from tests.support.house import ACTIVITY_TRACKING, INTAKE, House, house
from tests.unit.access.test_attendance import MONDAY, WEEK, counts, handed, line, marked, planned
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

WORDS = "The bus was cancelled after the snow"


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def mark_of(world: House, who: str = SHOP) -> dict[str, Any]:
    (one,) = world.done(ACTIVITY_TRACKING, "GET", "/attendance", who)["expected"]
    found: dict[str, Any] = one["mark"]
    return found


def sessions(world: House, journey: str, who: str) -> list[dict[str, Any]]:
    path = f"/journeys/{journey}/sessions"
    found: list[dict[str, Any]] = world.done(ACTIVITY_TRACKING, "GET", path, who)["sessions"]
    return found


def test_an_absence_has_words_of_its_own_and_only_who_sees_the_reason_sees_them(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    (taken,) = marked(world, SHOP, line(journey, "absent", reason="transport", text=WORDS))
    assert WORDS not in str(taken), "answers to commands are stored"
    assert (mark_of(world)["reason"], mark_of(world)["text"]) == ("transport", WORDS)
    assert [one["text"] for one in sessions(world, journey, SHOP)] == [WORDS]
    assert [(one["reason"], one["text"]) for one in sessions(world, journey, AGENCY)] == [(None, None)]
    assert WORDS not in repr([*world.heard, *world.rooms[INTAKE].memory.replies])
    assert marked(world, SHOP, line(journey, "absent", reason="transport"))[0]["changed"] is True
    assert [one["text"] for one in sessions(world, journey, SHOP)] == [WORDS, None], "the history keeps them"


def test_whoever_is_late_or_leaves_early_may_have_a_reason(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    for said in ({"came_at": "09:20"}, {"left_at": "11:30"}):
        marked(world, SHOP, line(journey, "present", reason="transport", text=WORDS, **said))
        assert (mark_of(world)["reason"], mark_of(world)["text"]) == ("transport", WORDS)
    assert counts(world, journey) == (1, 0, 150)


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"presence": "absent", "reason": "other"}, {"text"}),
        ({"presence": "absent", "reason": "other", "text": "\u200b"}, {"marks"}),
        ({"presence": "absent", "reason": "other", "text": "x" * 501}, {"marks"}),
        ({"presence": "absent", "reason": "other", "text": "She is 19900101-0017"}, {"marks"}),
        ({"presence": "absent", "text": WORDS}, {"reason", "text"}),
        ({"presence": "present", "text": WORDS}, {"text"}),
        ({"presence": "present", "came_at": "09:10", "reason": "ill"}, {"reason"}),
        ({"presence": "present", "left_at": "11:45", "reason": "ill"}, {"reason"}),
    ],
)
def test_words_without_a_reason_and_a_reason_without_its_words_are_refused(
    world: House, said: dict[str, Any], fields: set[str]
) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    body = {"marks": [{**line(journey, "present"), **said}]}
    answer = world.ask(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, body)
    found = (
        answer.json["errors"] if answer.status_code == 422 else answer.json["results"][0]["problem"]["errors"]
    )
    assert {name.partition(".")[0] for name in found} == fields
    assert "19900101" not in answer.text and WORDS not in answer.text
    assert counts(world, journey) == (0, 0, 0)


def test_whoever_marks_somebody_ill_gets_the_sentence_to_pass_on(world: House) -> None:
    journey, other = started(world), started(world, "AF-2")
    for one in (journey, other):
        planned(world, one, SHOP)
    ill, there = marked(world, SHOP, line(journey, "absent", reason="ill"), line(other, "present"))
    assert "första dagen" in ill["tell"]["sv"] and "first day" in ill["tell"]["en"]
    assert there["tell"] is None
    body = {
        "activity": "work_training",
        "occurred_on": "2016-06-06",
        "attendance": "no",
        "minutes": 0,
        "reason": "ill",
    }
    path = f"/journeys/{journey}/sessions"
    logged = world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)
    assert logged["tell"] == ill["tell"]
    void = {"void": True, "why": "It was another person"}
    path = f"{path}/{logged['session_id']}/correction"
    assert world.done(ACTIVITY_TRACKING, "POST", path, SHOP, void)["tell"] is None


def test_two_stretches_at_one_time_are_told_and_taken(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    later = [{**one, "starts_at": "11:00", "ends_at": "14:00"} for one in WEEK]
    planned(world, journey, SHOP, hours=later)
    assert overlaps(world, SHOP) == [False, False], "nobody has marked either"
    first = line(journey, "present")
    assert [one["overlaps"] for one in marked(world, SHOP, first)] == [False]
    assert overlaps(world, SHOP) == [False, True], "the person is elsewhere at that time"
    second = {**first, "plan": "a2", "hour": "11:00"}
    assert [one["overlaps"] for one in marked(world, SHOP, second)] == [True]
    assert overlaps(world, SHOP) == [True, True]
    left = marked(world, SHOP, {**first, "left_at": "11:00"}, second)
    assert [(one["status"], one["overlaps"]) for one in left] == [(200, False), (200, False)]
    marked(world, SHOP, {**second, "presence": "absent", "reason": "ill"})
    assert overlaps(world, SHOP) == [False, False], "whoever was away lies across nothing"


def test_what_another_unit_marked_on_the_day_of_a_handover_is_told(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    marked(world, SHOP, line(journey, "present"))
    handed(world, journey, SHOP, CAFE, 1)
    planned(world, journey, CAFE)
    assert overlaps(world, CAFE) == [True]
    taken = marked(world, CAFE, {**line(journey, "present"), "plan": "a2"})
    assert [(one["changed"], one["overlaps"]) for one in taken] == [(True, True)]


def overlaps(world: House, who: str) -> list[bool]:
    return [one["overlaps"] for one in world.done(ACTIVITY_TRACKING, "GET", "/attendance", who)["expected"]]
