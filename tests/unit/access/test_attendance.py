"""The register of a day: who is expected at a unit, right for any day whatever was recorded since."""

from datetime import date
from typing import Any

import pytest

from shared.language.events import SessionLogged
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, INTAKE, OUTCOMES, House, house
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

MONDAY, TUESDAY, HANDED, LAST, NEXT_MONDAY = (date(2016, 6, day) for day in (6, 7, 10, 14, 20))
MORNING = {"weekday": 1, "starts_at": "09:00", "ends_at": "12:00"}
WEEK = [{**MORNING, "weekday": weekday} for weekday in range(1, 6)]


def planned(world: House, journey: str, who: str, **said: Any) -> Any:
    # That Monday is a holiday, the National Day.
    body = {"activity": "work_training", "first_on": MONDAY.isoformat(), "hours": WEEK, "on_holidays": True}
    body |= said
    return world.ask(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/activities", who, body)


def expected(world: House, who: str, on: date | None = None) -> list[str]:
    path = "/attendance" if on is None else f"/attendance?day={on}"
    return [one["journey_id"] for one in world.done(ACTIVITY_TRACKING, "GET", path, who)["expected"]]


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def test_whoever_is_planned_is_there_without_anybody_making_a_register(world: House) -> None:
    journey = started(world)
    made = planned(world, journey, SHOP)
    assert made.status_code == 201, made.text
    assert (made.json["hours"], made.json["minutes_a_week"]) == (WEEK, 900)
    shown = world.done(ACTIVITY_TRACKING, "GET", "/attendance", SHOP)
    assert shown == {
        "unit": SHOP,
        "day": "2016-06-06",
        "closed": False,
        "holiday": True,
        "expected": [
            {
                "journey_id": journey,
                "plan": "a1",
                "hour": "09:00",
                "activity": "work_training",
                "starts_at": "2016-06-06T07:00:00Z",
                "ends_at": "2016-06-06T10:00:00Z",
                "minutes": 180,
                "group": None,
                "leader": None,
                "room": None,
                "overlaps": False,
                "mark": None,
            }
        ],
        "not_marked": 1,
    }
    assert expected(world, SHOP, date(2016, 6, 11)) == [], "a Saturday"
    assert expected(world, SHOP, date(2017, 1, 2)) == [journey], "as far ahead as one likes"
    assert expected(world, SHOP, date(2016, 6, 3)) == [], "before the start"
    assert expected(world, CAFE) == [], "another unit's register"


def test_the_calendar_ends_without_an_error(world: House) -> None:
    nights = [{"weekday": day, "starts_at": "22:00", "ends_at": "06:00"} for day in range(1, 8)]
    journey = started(world)
    assert planned(world, journey, SHOP, hours=nights).status_code == 201
    assert expected(world, SHOP, date(9999, 12, 30)) == [journey]
    assert expected(world, SHOP, date.max) == []


def test_a_pause_takes_a_person_off_and_gives_them_back(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    days = {"first_on": "2016-06-07", "last_on": "2016-06-17"}
    pause = world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, days)
    assert [expected(world, SHOP, on) for on in (MONDAY, TUESDAY, NEXT_MONDAY)] == [[journey], [], [journey]]
    path = f"/journeys/{journey}/pauses/{pause['pause']}/correction"
    body = {"why": "They came back sooner.", **days, "last_on": "2016-06-07"}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)
    assert [expected(world, SHOP, on) for on in (TUESDAY, HANDED)] == [[], [journey]]
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "No pause.", "void": True})
    assert expected(world, SHOP, TUESDAY) == [journey]
    again = world.ask(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "No pause.", "void": True})
    assert again.status_code == 404


def test_who_has_left_or_was_handed_over_is_on_the_registers_of_before(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(HANDED)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", CAFE)
    planned(world, journey, CAFE, first_on=HANDED.isoformat())
    world.pass_to(LAST)
    assert [expected(world, SHOP, on) for on in (MONDAY, HANDED, LAST)] == [[journey], [journey], []]
    assert [expected(world, CAFE, on) for on in (MONDAY, HANDED, LAST)] == [[], [journey], [journey]]
    world.done(OUTCOMES, "POST", f"/journeys/{journey}/exit", CAFE, {"way": "by_plan"})
    world.pass_to(NEXT_MONDAY)
    assert [expected(world, CAFE, on) for on in (LAST, NEXT_MONDAY)] == [[journey], []]
    rows = world.rooms[ACTIVITY_TRACKING].memory.table
    untils = sorted(row["until"][:10] for (name, _), row in rows.items() if name == "activities_planned")
    assert untils == [HANDED.isoformat(), LAST.isoformat()], "what has ended is passed over by the index"


def test_a_plan_taken_back_and_a_mistake_are_on_no_register(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    path = f"/journeys/{journey}/activities/a1/correction"
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, {"why": "Not agreed.", "void": True})
    assert expected(world, SHOP) == []
    planned(world, journey, SHOP)
    assert expected(world, SHOP) == [journey]
    world.done(INTAKE, "POST", f"/journeys/{journey}/mistake", SHOP, {"reason": "wrong_person"})
    assert expected(world, SHOP) == []


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"hours": [{**MORNING, "weekday": 8}]}, {"hours"}),
        ({"hours": [{**MORNING, "ends_at": "9:00"}]}, {"hours"}),
        ({"hours": [{**MORNING, "ends_at": "24:00"}]}, {"hours"}),
        ({"hours": [MORNING, MORNING]}, {"hours"}),
        ({"hours": [{**MORNING, "ends_at": "09:00"}]}, {"hours"}),
        ({"hours": [MORNING] * 15}, {"hours"}),
        ({"hours": "mornings"}, {"hours"}),
        ({"hours": [{**MORNING, "room": "3"}]}, {"hours"}),
    ],
)
def test_hours_that_say_nothing_are_refused_with_their_field(
    world: House, said: dict[str, Any], fields: set[str]
) -> None:
    refused = planned(world, started(world), SHOP, **said)
    assert refused.status_code == 422
    assert {name.partition(".")[0] for name in refused.json["errors"]} == fields


def test_only_who_logs_activity_reads_a_register(world: House) -> None:
    refused = world.ask(ACTIVITY_TRACKING, "GET", "/attendance", AGENCY)
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")


def marked(world: House, who: str, *marks: dict[str, Any], **said: Any) -> list[dict[str, Any]]:
    body = {"marks": list(marks), **said}
    found: list[dict[str, Any]] = world.done(ACTIVITY_TRACKING, "POST", "/attendance", who, body)["results"]
    return found


def line(journey: str, presence: str, **said: Any) -> dict[str, Any]:
    return {"journey_id": journey, "plan": "a1", "hour": "09:00", "presence": presence, **said}


def marks_of(world: House, who: str, on: date = MONDAY) -> list[Any]:
    shown = world.done(ACTIVITY_TRACKING, "GET", f"/attendance?day={on}", who)["expected"]
    return [one["mark"] and (one["mark"]["attendance"], one["mark"]["minutes"]) for one in shown]


def counts(world: House, journey: str) -> tuple[int, int, int]:
    found = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}", SHOP)["session_counts"]
    return found["attended"], found["missed"], found["minutes"]


def test_a_whole_register_is_marked_in_one_request_and_the_same_again_changes_nothing(world: House) -> None:
    first, other = started(world), started(world, "AF-2")
    for one in (first, other):
        planned(world, one, SHOP)
    taken = marked(world, SHOP, line(other, "absent", reason="ill"), rest="present")
    assert [(one["journey_id"], one["changed"], one["minutes"]) for one in taken] == [
        (other, True, 0),
        (first, True, 180),
    ]
    assert marks_of(world, SHOP) == [("yes", 180), ("no", 0)]
    said = len(world.rooms[ACTIVITY_TRACKING].memory.said)
    assert marked(world, SHOP, rest="present") == [], "marking the rest touches only what nobody has marked"
    again = marked(world, SHOP, line(other, "absent", reason="ill"), line(first, "present"))
    assert [(one["status"], one["changed"]) for one in again] == [(200, False), (200, False)]
    assert len(world.rooms[ACTIVITY_TRACKING].memory.said) == said
    assert (counts(world, first), counts(world, other)) == ((1, 0, 180), (0, 1, 0))


def test_the_later_mark_wins_and_both_stay_in_the_history(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    marked(world, SHOP, line(journey, "absent", reason="unknown", marked_at="2016-06-06T09:31:00+02:00"))
    marked(world, SHOP, line(journey, "present", came_at="09:20", marked_at="2016-06-06T09:05:00+02:00"))
    assert marks_of(world, SHOP) == [("late", 160)]
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", SHOP)["sessions"]
    assert [one["attendance"] for one in sessions] == ["no", "late"]
    assert sessions[1]["corrects"] == sessions[0]["session_id"]
    assert [one["held"]["marked_at"] for one in sessions] == ["2016-06-06T07:31:00Z", "2016-06-06T07:05:00Z"]
    marked(world, SHOP, line(journey, "unmarked"))
    assert (marks_of(world, SHOP), counts(world, journey)) == ([None], (0, 0, 0))
    assert marked(world, SHOP, line(journey, "unmarked"))[0]["changed"] is False
    marked(world, SHOP, line(journey, "present", left_at="11:00"))
    (shown,) = world.done(ACTIVITY_TRACKING, "GET", "/attendance", SHOP)["expected"]
    assert (shown["mark"]["left_early"], shown["mark"]["left_at"]) == (True, "2016-06-06T09:00:00Z")
    assert (marks_of(world, SHOP), counts(world, journey)) == ([("yes", 120)], (1, 0, 120))


def test_a_session_corrected_elsewhere_is_the_mark(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    session = marked(world, SHOP, line(journey, "present"))[0]["session_id"]
    path = f"/journeys/{journey}/sessions/{session}/correction"
    said = {"activity": "work_training", "occurred_on": "2016-06-06", "attendance": "yes", "minutes": 30}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert marks_of(world, SHOP) == [("yes", 30)]
    assert marked(world, SHOP, line(journey, "present"))[0]["changed"] is True
    assert marks_of(world, SHOP) == [("yes", 180)]


@pytest.mark.parametrize(
    ("mark", "code", "fields"),
    [
        ({"presence": "absent"}, "invalid-fields", {"reason"}),
        ({"presence": "absent", "reason": "lazy"}, "invalid-fields", {"reason"}),
        ({"presence": "absent", "reason": "ill", "came_at": "09:00"}, "invalid-fields", {"came_at"}),
        ({"presence": "present", "reason": "ill"}, "invalid-fields", {"reason"}),
        ({"presence": "present", "came_at": "11:00", "left_at": "10:00"}, "invalid-fields", {"left_at"}),
        ({"presence": "present", "left_at": "04:30"}, "invalid-fields", {"left_at"}),
        ({"presence": "present", "came_at": "21:30"}, "invalid-fields", {"came_at"}),
        ({"presence": "present", "hour": "10:00"}, "not-found", set()),
        ({"presence": "present", "plan": "a9"}, "not-found", set()),
    ],
)
def test_what_one_line_is_refused_for_keeps_no_other_from_being_taken(
    world: House, mark: dict[str, Any], code: str, fields: set[str]
) -> None:
    journey, other = started(world), started(world, "AF-2")
    for one in (journey, other):
        planned(world, one, SHOP)
    refused, taken = marked(world, SHOP, {**line(journey, "present"), **mark}, line(other, "present"))
    assert (refused["problem"]["code"], set(refused["problem"]["errors"] or {})) == (code, fields)
    assert (taken["changed"], taken["problem"], counts(world, journey)) == (True, None, (0, 0, 0))


def test_a_line_that_is_marked_twice_is_refused_whole(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    body = {"marks": [line(journey, "present"), line(journey, "absent", reason="ill")]}
    refused = world.ask(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["marks"])
    assert marks_of(world, SHOP) == [None]


def test_a_reason_of_nobody_is_refused_whole(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    body = {"marks": [line(journey, "present")], "reason": "ill"}
    refused = world.ask(ACTIVITY_TRACKING, "POST", "/attendance", SHOP, body)
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["reason"])
    assert marks_of(world, SHOP) == [None]


def test_the_day_of_a_former_holder_is_marked_as_long_as_the_programme_says(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(HANDED)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", CAFE)
    world.pass_to(LAST)
    assert marked(world, SHOP, line(journey, "present"), day="2016-06-06")[0]["changed"] is True
    assert (
        marked(world, SHOP, line(journey, "present"), day="2016-06-13")[0]["problem"]["code"] == "not-found"
    )
    world.pass_to(date(2016, 8, 1))
    late = marked(world, SHOP, line(journey, "absent", reason="ill"), day="2016-06-06")
    assert (late[0]["status"], late[0]["problem"]["code"]) == (403, "too-late")


def test_nothing_is_marked_of_a_day_to_come(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    refused = marked(world, SHOP, line(journey, "present"), day="2016-06-07")
    assert (refused[0]["status"], set(refused[0]["problem"]["errors"])) == (422, {"occurred_on"})


def test_a_mark_moved_to_another_day_leaves_its_line_unmarked(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    world.pass_to(TUESDAY)
    session = marked(world, SHOP, line(journey, "present"), day="2016-06-06")[0]["session_id"]
    path = f"/journeys/{journey}/sessions/{session}/correction"
    said = {"activity": "work_training", "occurred_on": "2016-06-07", "attendance": "yes", "minutes": 30}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert (marks_of(world, SHOP), counts(world, journey)) == ([None], (1, 0, 30))
    assert marked(world, SHOP, line(journey, "present"), day="2016-06-06")[0]["changed"] is True
    assert counts(world, journey) == (2, 0, 210)


def test_what_was_marked_stays_in_view_when_the_plan_or_a_pause_changes(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    marked(world, SHOP, line(journey, "present"))
    later = [{**one, "starts_at": "10:00", "ends_at": "13:00"} for one in WEEK]
    path = f"/journeys/{journey}/activities/a1/correction"
    said = {"why": "They begin later.", "activity": "work_training", "first_on": "2016-06-06", "hours": later}
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, said)
    assert marks_of(world, SHOP) == [("yes", 180), None]
    assert marked(world, SHOP, rest="present") == [], "it would lie across what is marked"
    days = {"first_on": "2016-06-06", "last_on": "2016-06-07"}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, days)
    assert marks_of(world, SHOP) == [("yes", 180)]
    assert marked(world, SHOP, line(journey, "unmarked"))[0]["changed"] is True
    assert (marks_of(world, SHOP), counts(world, journey)) == ([], (0, 0, 0))


def test_a_correction_that_says_no_hours_keeps_them(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    path = f"/journeys/{journey}/activities/a1/correction"
    body = {"why": "It ends.", "activity": "work_training", "first_on": "2016-06-06", "last_on": "2016-06-30"}
    assert world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)["hours"] == WEEK


def handed(world: House, journey: str, giver: str, taker: str, number: int) -> None:
    offer = {"kind": "provider_to_provider", "to_organisation": taker, "deadline_on": "2016-06-30"}
    world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", giver, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{journey}.h{number}/acceptance", taker)


def test_who_held_it_between_two_others_marks_its_own_days(world: House) -> None:
    journey = started(world)
    world.pass_to(TUESDAY)
    handed(world, journey, SHOP, CAFE, 1)
    planned(world, journey, CAFE, first_on=TUESDAY.isoformat())
    world.pass_to(HANDED)
    consent = {"purpose": "sharing", "given": True, "organisations": [CAFE, SHOP], "last_day": "2017-01-01"}
    world.done(INTAKE, "POST", f"/journeys/{journey}/consents", CAFE, consent)
    handed(world, journey, CAFE, SHOP, 2)
    path = f"/journeys/{journey}/activities/a1/correction"
    body = {
        "why": "It ended.",
        "activity": "work_training",
        "first_on": "2016-06-07",
        "last_on": "2016-06-10",
    }
    world.done(ACTIVITY_TRACKING, "POST", path, SHOP, body)
    world.pass_to(LAST)
    assert [expected(world, CAFE, on) for on in (TUESDAY, LAST)] == [[journey], []]
    assert marked(world, CAFE, line(journey, "present"), day="2016-06-07")[0]["changed"] is True
    assert marks_of(world, CAFE, TUESDAY) == [("yes", 180)]


def test_a_referral_that_was_withdrawn_is_on_no_register(world: House) -> None:
    person = world.done(INTAKE, "POST", "/participants", AGENCY, {"name": "Kim", "personnummer": None})
    body = {"participant_id": person["participant_id"], "programme": "coactive", "municipality": "2482"}
    referred = {**body, "reference": "AF-9", "provider": SHOP}
    journey = world.done(INTAKE, "POST", "/referrals", AGENCY, referred)["journey_id"]
    world.done(INTAKE, "POST", f"/referrals/{journey}/acceptance", SHOP)
    planned(world, journey, SHOP)
    world.done(INTAKE, "POST", f"/referrals/{journey}/withdrawal", AGENCY, {"reason": "other_effort"})
    rows = world.rooms[ACTIVITY_TRACKING].memory.table
    assert [row.get("until") for (name, _), row in rows.items() if name == "activities_planned"] == [None]


def test_the_rest_of_two_plans_at_one_time_is_marked_once(world: House) -> None:
    journey = started(world)
    planned(world, journey, SHOP)
    planned(world, journey, SHOP, hours=[{**one, "starts_at": "11:00", "ends_at": "14:00"} for one in WEEK])
    assert len(expected(world, SHOP)) == 2
    assert [one["hour"] for one in marked(world, SHOP, rest="present")] == ["09:00"]
    assert counts(world, journey) == (1, 0, 180)


def test_a_stretch_of_the_night_in_which_clocks_go_back_is_a_day_at_most() -> None:
    world = house(COACTIVE, today=date(2016, 10, 29))
    journey = started(world)
    nearly_a_day = [{"weekday": 6, "starts_at": "04:00", "ends_at": "03:59"}]
    planned(world, journey, SHOP, first_on="2016-10-29", hours=nearly_a_day)
    world.pass_to(date(2016, 10, 31))
    away = {**line(journey, "absent", reason="unknown"), "hour": "04:00"}
    (taken,) = marked(world, SHOP, away, day="2016-10-29")
    assert taken["changed"] is True
    (logged,) = [one for one in world.heard if isinstance(one, SessionLogged)]
    assert logged.planned_minutes == 1440
