"""Groups of a unit: one calendar, leader and room for all who take part, who join and leave on days."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.activity_tracking.attendance import mark_register, read_register
from services.activity_tracking.counting import open_registers
from services.activity_tracking.domain.counted import RECOUNT
from services.activity_tracking.domain.groups import GROUPS, MEMBERS
from services.activity_tracking.domain.marks import MarkRegister
from shared.language.access import Actor
from shared.language.decision import subject_of
from tests.support.fakes import FakeWork
from tests.support.house import ACTIVITY_TRACKING, OUTCOMES, House, house
from tests.unit.access.test_attendance import counts, expected, marked, marks_of
from tests.unit.access.test_marks_by_file import sent
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started
from tests.unit.access.test_open_registers import again, unfilled

MONDAY, TUESDAY, WEDNESDAY, NEXT_MONDAY, AFTER = (date(2016, 6, day) for day in (13, 14, 15, 20, 27))
MIDSUMMER_EVE = date(2016, 6, 24)
COURSE: dict[str, Any] = {
    "programme": "coactive",
    "activity": "work_training",
    "first_on": "2016-06-13",
    "leader": "h-12",
    "room": "Snickeriet, rum 2",
    "hours": [{"weekday": 1, "starts_at": "09:00", "ends_at": "12:00"}],
}


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def made(world: House, who: str = SHOP, **said: Any) -> Any:
    return world.ask(ACTIVITY_TRACKING, "POST", "/groups", who, {**COURSE, **said})


def group_of(world: House, **said: Any) -> str:
    answer = made(world, **said)
    assert answer.status_code == 201, answer.text
    return str(answer.json["group_id"])


def joined(world: House, group: str, journey: str, who: str = SHOP, **said: Any) -> Any:
    body = {"group": group, "first_on": "2016-06-13", **said}
    return world.ask(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/groups", who, body)


def joins(world: House, group: str, journey: str, **said: Any) -> str:
    answer = joined(world, group, journey, **said)
    assert answer.status_code == 201, answer.text
    return str(answer.json["plan"])


def anew(world: House, group: str, who: str = SHOP, **said: Any) -> Any:
    body = {"why": "It moved.", "first_on": "2016-06-13", **said}
    return world.ask(ACTIVITY_TRACKING, "POST", f"/groups/{group}/correction", who, body)


def leaves(world: House, journey: str, plan: str, **said: Any) -> Any:
    body = {"why": "They left.", "first_on": "2016-06-13", **said}
    return world.ask(
        ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities/{plan}/correction", SHOP, body
    )


def lines(world: House, on: date) -> list[tuple[Any, ...]]:
    shown = world.done(ACTIVITY_TRACKING, "GET", f"/attendance?day={on}", SHOP)["expected"]
    return [(one["plan"], one["hour"], one["minutes"], one["group"]) for one in shown]


def of_group(journey: str, group: str, **said: Any) -> dict[str, Any]:
    return {"journey_id": journey, "group": group, "hour": "09:00", "presence": "present", **said}


def recounted(world: House) -> list[tuple[str, str]]:
    """Which days are to be counted again."""
    timers = world.rooms[ACTIVITY_TRACKING].memory.timers.values()
    return [(one.body["first_on"], one.body["last_on"]) for _, one in timers if one.command == RECOUNT]


def fields_of(answer: Any) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {name.partition(".")[0] for name in answer.json["errors"]}


def test_whoever_joins_is_expected_at_the_hours_of_the_group(world: House) -> None:
    journey, other = started(world), started(world, "AF-2")
    group = group_of(world)
    assert lines(world, MONDAY) == []
    answer = joined(world, group, journey).json
    assert (answer["plan"], answer["activity"], answer["hours"], answer["group"]) == (
        *("a1", "work_training"),
        *([], group),
    )
    joins(world, group, other, first_on="2016-06-20")
    (shown,) = world.done(ACTIVITY_TRACKING, "GET", "/attendance", SHOP)["expected"]
    assert (shown["group"], shown["leader"], shown["room"]) == (group, "h-12", "Snickeriet, rum 2")
    assert (shown["minutes"], shown["activity"]) == (180, "work_training")
    assert lines(world, TUESDAY) == []
    assert sorted(expected(world, SHOP, NEXT_MONDAY)) == sorted([journey, other])
    (taken,) = marked(world, SHOP, {**of_group(journey, group), "plan": "a1", "group": None})
    assert (taken["changed"], taken["minutes"]) == (True, 180)
    overview = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", SHOP)["plan"]
    assert [one["group"] for one in overview] == [group]
    outside = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", AGENCY)["plan"]
    assert [(one["group"], one["activity"]) for one in outside] == [(None, None)]
    (session,) = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", SHOP)["sessions"]
    assert session["held"]["group"] == group
    (session,) = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", AGENCY)["sessions"]
    assert session["held"]["group"] is None, "who were in one group is not told"


def test_a_lesson_that_moves_moves_for_everybody(world: House) -> None:
    group = group_of(world)
    for reference in ("AF-1", "AF-2"):
        joins(world, group, started(world, reference))
    own = {"day": "2016-06-20", "starts_at": "13:00", "ends_at": "15:00"}
    moved = anew(world, group, dates=[own, {**own, "day": "2016-06-24"}], cancelled=["2016-06-27"], room="3")
    assert (moved.status_code, moved.json["room"], moved.json["leader"]) == (200, "3", "h-12")
    assert lines(world, MONDAY) == [("a1", "09:00", 180, group)] * 2
    assert lines(world, NEXT_MONDAY) == [("a1", "13:00", 120, group)] * 2, "its own hours, and no others"
    assert lines(world, MIDSUMMER_EVE) == [("a1", "13:00", 120, group)] * 2, "a single day, though a holiday"
    assert lines(world, AFTER) == []
    anew(world, group, dates=[], cancelled=[], last_on="2016-06-20")
    assert [len(lines(world, on)) for on in (MONDAY, NEXT_MONDAY, AFTER)] == [2, 2, 0]
    told = world.done(ACTIVITY_TRACKING, "GET", f"/groups/{group}/corrections", SHOP)["corrections"]
    assert [(one["said"]["room"], one["said"]["cancelled"]) for one in told] == [
        ("Snickeriet, rum 2", []),
        ("3", ["2016-06-27"]),
    ]


def test_who_leaves_is_expected_until_then_and_may_join_again(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    plan = joins(world, group, journey, except_on=["2016-06-20"])
    assert [len(lines(world, on)) for on in (MONDAY, NEXT_MONDAY, AFTER)] == [1, 0, 1]
    assert fields_of(joined(world, group, journey, first_on="2016-06-27")) == {"first_on"}
    assert leaves(world, journey, plan, last_on="2016-06-20").json["last_on"] == "2016-06-20"
    assert lines(world, AFTER) == []
    assert joins(world, group, journey, first_on="2016-06-27") == "a2"
    assert fields_of(leaves(world, journey, plan, last_on="2016-06-27")) == {"first_on"}, "twice on a day"
    assert leaves(world, journey, plan, void=True, first_on=None).status_code == 200
    assert [lines(world, on) for on in (MONDAY, AFTER)] == [[], [("a2", "09:00", 180, group)]]


def test_hours_of_who_takes_part_are_the_groups_to_say(world: House) -> None:
    journey = started(world)
    plan = joins(world, group_of(world), journey)
    said = {"activity": "placement", "hours": COURSE["hours"], "on_holidays": True}
    assert fields_of(leaves(world, journey, plan, **said)) == set(said)
    assert leaves(world, journey, plan, activity="work_training", hours=[]).status_code == 200


def test_days_that_a_correction_moves_are_counted_again(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    joins(world, group, journey)
    world.pass_to(TUESDAY)
    assert unfilled(world) == [(13, 1, 1)]
    anew(world, group, cancelled=["2016-06-13"])
    again(world)
    assert unfilled(world) == []
    anew(world, group, cancelled=[])
    joins(world, group, started(world, "AF-2"), first_on="2016-06-14")
    again(world)
    assert unfilled(world) == [(13, 1, 1)]
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", SHOP, {"way": "by_plan"})
    world.pass_to(date(2016, 6, 21))
    assert unfilled(world) == [(13, 1, 1), (20, 1, 1)]


def test_only_the_days_that_move_are_counted_again(world: House) -> None:
    group = group_of(world, last_on="2016-07-29")
    joins(world, group, started(world))
    world.pass_to(AFTER)
    single = {"day": "2016-06-14", "starts_at": "13:00", "ends_at": "15:00"}
    for said, days in (
        ({"last_on": "2016-07-29", "room": "3"}, []),
        ({"last_on": "2016-07-29", "cancelled": ["2016-07-04"]}, []),
        ({"last_on": "2016-07-29", "cancelled": ["2016-06-20"]}, [("2016-06-20", "2016-06-26")]),
        ({"last_on": "2016-07-29", "dates": [single]}, [("2016-06-14", "2016-06-14")]),
        ({"last_on": "2016-07-01"}, [("2016-06-13", "2016-06-26")]),
    ):
        again(world)
        assert anew(world, group, **said).status_code == 200, said
        assert recounted(world) == days, said


class Asking(FakeWork):
    """Counts the questions about groups: a fetch of new keys is one, as is a row that was not fetched."""

    def __init__(self, memory: FakeWork) -> None:
        vars(self).update(vars(memory))
        self.questions = 0
        self.known: set[str] = set()

    def fetch(self, collection: str, keys: Collection[str]) -> None:
        """Know these from now on."""
        if collection == GROUPS and not self.known.issuperset(keys):
            self.questions += 1
            self.known |= set(keys)

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """The row."""
        if collection == GROUPS:
            self.fetch(collection, [key])
        return super().row(collection, key)


def test_the_groups_of_a_register_are_asked_for_at_once(world: House) -> None:
    for number in range(3):
        group = group_of(world)
        for other in range(3):
            joins(world, group, started(world, f"AF-{number}-{other}"))
    shop, memory = Actor("kim", SHOP, "caseworker"), world.rooms[ACTIVITY_TRACKING].memory
    reading, marking, counting = (Asking(memory.branch()) for _ in range(3))
    assert len(read_register(reading, shop, None).lines) == 9
    assert len(mark_register(marking, shop, MarkRegister(rest="present")).results) == 9
    (register,) = open_registers(counting, SHOP, first_on=MONDAY, last_on=MONDAY, limit=9)
    assert register.expected == 9
    assert [one.questions for one in (reading, marking, counting)] == [1, 1, 1]


def test_what_was_marked_before_a_lesson_moved_stays_in_view(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    plan = joins(world, group, journey)
    marked(world, SHOP, {"journey_id": journey, "plan": plan, "hour": "09:00", "presence": "present"})
    own = {"day": "2016-06-13", "starts_at": "13:00", "ends_at": "15:00"}
    anew(world, group, dates=[own])
    assert lines(world, MONDAY) == [("a1", "09:00", 180, group), ("a1", "13:00", 120, group)]
    assert marks_of(world, SHOP, MONDAY) == [("yes", 180), None]


def test_who_turns_up_at_a_group_has_its_hours(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    (taken,) = marked(world, SHOP, of_group(journey, group, came_at="09:20"))
    assert (taken["changed"], taken["group"], taken["minutes"]) == (True, group, 160)
    assert lines(world, MONDAY) == [(None, "09:00", 180, group)]
    assert marked(world, SHOP, of_group(journey, group, came_at="09:20"))[0]["changed"] is False
    assert marked(world, SHOP, of_group(journey, group))[0]["minutes"] == 180
    assert counts(world, journey) == (1, 0, 180)
    anew(world, group, cancelled=["2016-06-13"])
    assert lines(world, MONDAY) == [(None, "09:00", 180, group)], "who was there, was there"
    assert marked(world, SHOP, of_group(journey, group, presence="unmarked"))[0]["changed"] is True
    assert (lines(world, MONDAY), counts(world, journey)) == ([], (0, 0, 0))


def test_a_file_says_the_same_as_a_register(world: House) -> None:
    journey, other = started(world), started(world, "AF-2")
    group = group_of(world)
    plan = joins(world, group, journey)
    member = {
        "day": "2016-06-13",
        "journey_id": journey,
        "plan": plan,
        "hour": "09:00",
        "presence": "present",
    }
    came = {"day": "2016-06-13", **of_group(other, group)}
    results = sent(world, SHOP, member, came, came, {**came, "hour": "10:00"})
    assert [(one["status"], one.get("changed"), one.get("minutes")) for one in results] == [
        *((200, True, 180), (200, True, 180), (200, False, 180)),
        (422, None, None),
    ]
    assert sorted(one[3] for one in lines(world, MONDAY)) == [group, group]


def test_a_mark_that_names_a_group_is_refused_on_its_line(world: House) -> None:
    journey, other = started(world), started(world, "AF-2")
    group, cafes = group_of(world), made(world, CAFE).json["group_id"]
    wrong: list[tuple[dict[str, Any], set[str]]] = [
        ({"group": cafes}, {"group"}),
        ({"group": "g-" + "1" * 26}, {"group"}),
        ({"hour": "10:00"}, {"hour"}),
        ({"ends_at": "12:00"}, {"ends_at"}),
        ({"activity": "placement"}, {"activity"}),
        ({"plan": "a1"}, {"group"}),
    ]
    for said, fields in wrong:
        mark = of_group(journey, group) | said
        refused, taken = marked(world, SHOP, mark, of_group(other, group))
        assert set(refused["problem"]["errors"]) == fields, said
        assert taken["status"] == 200


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"programme": "none"}, {"programme"}),
        ({"activity": "no_such"}, {"activity"}),
        ({"leader": "Anna Svensson"}, {"leader"}),
        ({"leader": "Anna"}, {"leader"}),
        ({"leader": "19121212-1212"}, {"leader"}),
        ({"room": "r" * 61}, {"room"}),
        ({"room": ""}, {"room"}),
        ({"hours": []}, {"hours"}),
        ({"hours": COURSE["hours"] * 2}, {"hours"}),
        ({"last_on": "2016-06-12"}, {"last_on"}),
        ({"dates": [{"day": "2016-06-12", "starts_at": "09:00", "ends_at": "10:00"}]}, {"dates"}),
        ({"dates": [{"day": "2016-06-14", "starts_at": "09:00", "ends_at": "09:00"}]}, {"dates"}),
        ({"dates": [{"day": "2016-06-14", "starts_at": "09:00", "ends_at": "10:00"}] * 2}, {"dates"}),
        ({"dates": [{"day": "2016-06-14", "starts_at": "9", "ends_at": "10:00"}]}, {"dates"}),
        ({"cancelled": ["2016-06-13"] * 121}, {"cancelled"}),
    ],
)
def test_a_group_that_cannot_meet_is_refused_with_its_field(
    world: House, said: dict[str, Any], fields: set[str]
) -> None:
    assert fields_of(made(world, **said)) == fields


def test_who_joins_lies_within_the_group_and_its_programme(world: House) -> None:
    journey = started(world)
    group = group_of(world, last_on="2016-06-30")
    assert fields_of(joined(world, group, journey, first_on="2016-07-01")) == {"first_on"}
    later = group_of(world, first_on="2016-07-01", leader=None, room=None)
    assert fields_of(joined(world, later, journey, last_on="2016-06-30")) == {"last_on"}
    assert joined(world, group, "j-" + "1" * 26).status_code == 404
    assert (joined(world, group, journey, CAFE).status_code, made(world, AGENCY).status_code) == (404, 403)
    for other in ("g-" + "1" * 26, made(world, CAFE).json["group_id"]):
        assert fields_of(joined(world, other, journey)) == {"group"}


def test_a_group_is_of_one_programme(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    memory = world.rooms[ACTIVITY_TRACKING].memory
    subject = subject_of("group", group)
    memory.states[subject] = replace(memory.states[subject], programme="another")
    memory.table[GROUPS, group] = {**memory.table[GROUPS, group], "programme": "another"}
    assert fields_of(joined(world, group, journey)) == {"group"}
    assert set(marked(world, SHOP, of_group(journey, group))[0]["problem"]["errors"]) == {"group"}


def test_a_group_takes_so_many_and_no_more(world: House) -> None:
    group = group_of(world)
    first, other = started(world), started(world, "AF-2")
    plan = joins(world, group, first)
    memory = world.rooms[ACTIVITY_TRACKING].memory
    row = memory.table["activities_planned", f"{first}.{plan}"]
    for number in range(MEMBERS - 1):
        memory.table["activities_planned", f"x{number}.a1"] = {**row, "journey_id": f"x{number}"}
    full = joined(world, group, other)
    assert (full.status_code, full.json["code"]) == (409, "group-full")
    assert leaves(world, first, plan, last_on="2016-06-13").status_code == 200
    assert joins(world, group, other, first_on="2016-06-14") == "a1"
    full = leaves(world, first, plan, last_on="2016-06-20")
    assert (full.status_code, full.json["code"]) == (409, "group-full")


def test_only_an_empty_group_is_taken_back(world: House) -> None:
    journey = started(world)
    group = group_of(world)
    plan = joins(world, group, journey)
    void: dict[str, Any] = {"void": True, "first_on": None}
    refused = anew(world, group, **void)
    assert (refused.status_code, refused.json["code"]) == (409, "group-in-use")
    assert leaves(world, journey, plan, void=True, first_on=None).status_code == 200
    assert anew(world, group, **void).json["void"] is True
    assert anew(world, group, **void).status_code == 404
    assert fields_of(joined(world, group, journey)) == {"group"}
    assert set(marked(world, SHOP, of_group(journey, group))[0]["problem"]["errors"]) == {"group"}
    refused = anew(world, group_of(world), CAFE)
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")


def test_groups_that_have_not_ended_are_listed_in_pages(world: House) -> None:
    for last in ("2016-06-30", "2016-06-20", None, "2016-06-14"):
        group_of(world, last_on=last)
    made(world, CAFE)
    world.pass_to(WEDNESDAY)

    def listed(query: str) -> list[str | None]:
        found: list[str | None] = []
        cursor = ""
        while True:
            page = world.done(ACTIVITY_TRACKING, "GET", f"/groups?limit=2{query}{cursor}", SHOP)
            found += [one["last_on"] for one in page["groups"]]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"

    assert listed("") == ["2016-06-20", "2016-06-30", None]
    assert listed("&from=2016-06-13") == ["2016-06-14", "2016-06-20", "2016-06-30", None]
    second = world.done(ACTIVITY_TRACKING, "GET", "/groups?limit=2&page=2", SHOP)["groups"]
    assert [one["last_on"] for one in second] == [None]
