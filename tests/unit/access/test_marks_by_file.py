"""Marks of many days in one file: each row as the register takes it, and no bad row in a good one's way."""

import json
from datetime import date
from typing import Any

import pytest

from services.activity_tracking.api.mark_bulk import FILE
from shared.edge.headers import NDJSON
from shared.edge.row_files import CSV
from tests.support.house import ACTIVITY_TRACKING, HANDOVERS, House, house
from tests.unit.access.test_attendance import HANDED, LAST, MONDAY, TUESDAY, counts, line, marks_of, planned
from tests.unit.access.test_attendance import marked as marked_together
from tests.unit.access.test_on_the_day import AGENCY, CAFE, COACTIVE, SHOP, started

PATH = "/attendance/marks"


@pytest.fixture(name="world")
def _world() -> House:
    return house(COACTIVE, today=MONDAY)


def row(journey: str, presence: str, day: str = "2016-06-06", **said: Any) -> dict[str, Any]:
    return {"day": day, **line(journey, presence), **said}


def sent(world: House, who: str, *rows: Any, dry: bool = False) -> list[dict[str, Any]]:
    """The results of a file of NDJSON."""
    body = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows)
    path = f"{PATH}?dry_run=true" if dry else PATH
    headers = {"Content-Type": NDJSON}
    found: list[dict[str, Any]] = world.done(ACTIVITY_TRACKING, "POST", path, who, body, **headers)["results"]
    return found


def told(results: list[dict[str, Any]]) -> list[tuple[int, Any]]:
    return [(one["status"], one["problem"]["code"] if one["problem"] else one["changed"]) for one in results]


def joined(world: House, *references: str) -> list[str]:
    journeys = [started(world, one) for one in references]
    for one in journeys:
        assert planned(world, one, SHOP).status_code == 201
    world.pass_to(TUESDAY)
    return journeys


def test_a_file_marks_many_days_and_the_same_again_changes_nothing(world: House) -> None:
    first, other = joined(world, "AF-1", "AF-2")
    rows = [
        row(first, "present"),
        row(first, "present", "2016-06-07", came_at="09:20", marked_at="2016-06-07T09:21:00+02:00"),
        row(other, "absent", reason="ill"),
    ]
    results = sent(world, SHOP, *rows)
    assert [(one["changed"], one["attendance"], one["minutes"]) for one in results] == [
        (True, "yes", 180),
        (True, "late", 160),
        (True, "no", 0),
    ]
    assert [(one["journey_id"], one["plan"], one["day"], one["hour"]) for one in results] == [
        (first, "a1", "2016-06-06", "09:00"),
        (first, "a1", "2016-06-07", "09:00"),
        (other, "a1", "2016-06-06", "09:00"),
    ]
    said = len(world.rooms[ACTIVITY_TRACKING].memory.said)
    again = sent(world, SHOP, *rows)
    assert again == [{**one, "changed": False} for one in results], "under another key"
    assert len(world.rooms[ACTIVITY_TRACKING].memory.said) == said
    assert (counts(world, first), counts(world, other)) == ((2, 0, 340), (0, 1, 0))
    assert marks_of(world, SHOP) == [("yes", 180), ("no", 0)], "as on the register"


def test_a_row_and_the_register_mark_the_same_stretch(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    marked_together(world, SHOP, line(journey, "absent", reason="ill"), day="2016-06-06")
    (later,) = sent(world, SHOP, row(journey, "present", left_at="11:00"))
    assert (later["changed"], later["minutes"]) == (True, 120)
    sessions = world.done(ACTIVITY_TRACKING, "GET", f"/journeys/{journey}/sessions", SHOP)["sessions"]
    assert [one["attendance"] for one in sessions] == ["no", "yes"]
    assert sessions[1]["corrects"] == sessions[0]["session_id"]
    (taken_back,) = sent(world, SHOP, row(journey, "unmarked"))
    assert (taken_back["changed"], taken_back["session_id"]) == (True, None)
    assert sent(world, SHOP, row(journey, "unmarked"))[0]["changed"] is False
    assert (marks_of(world, SHOP), counts(world, journey)) == ([None], (0, 0, 0))


def test_a_stretch_that_a_file_marks_twice_is_as_its_last_row_says(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    results = sent(world, SHOP, row(journey, "present"), row(journey, "absent", reason="ill"))
    assert told(results) == [(200, True), (200, True)]
    assert marks_of(world, SHOP) == [("no", 0)]


def test_no_bad_row_blocks_a_good_one_and_each_says_its_fields(world: House) -> None:
    journey, other = joined(world, "AF-1", "AF-2")
    good = row(journey, "present")
    rows: list[Any] = [
        {**good, "presence": "absent"},
        {**good, "presence": "absent", "reason": "lazy"},
        {**good, "presence": "absent", "reason": "ill", "came_at": "09:00"},
        {**good, "reason": "ill"},
        {**good, "came_at": "11:00", "left_at": "10:00"},
        {**good, "day": "2016-06-08"},
        {**good, "hour": "10:00"},
        {**good, "plan": "a9"},
        {**good, "journey_id": f"j-{'1' * 26}"},
        {**good, "day": "2016-06-11"},
        {**good, "hour": "9", "mood": "fine"},
        {name: said for name, said in good.items() if name != "day"},
        "{broken",
        row(other, "present"),
    ]
    results = sent(world, SHOP, *rows)
    found = [(one["status"], one["problem"] and sorted(one["problem"]["errors"] or ())) for one in results]
    assert found == [
        (422, ["reason"]),
        (422, ["reason"]),
        (422, ["came_at"]),
        (422, ["reason"]),
        (422, ["left_at"]),
        (422, ["occurred_on"]),
        (404, []),
        (404, []),
        (404, []),
        (404, []),
        (422, ["hour", "mood"]),
        (422, ["day"]),
        (400, []),
        (200, None),
    ]
    assert results[10]["hour"] is None, "what is no time of day is not repeated"
    assert (marks_of(world, SHOP), counts(world, other)) == ([None, ("yes", 180)], (1, 0, 180))


def test_a_dry_run_judges_each_row_after_those_before_it_and_keeps_nothing(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    said = len(world.rooms[ACTIVITY_TRACKING].memory.said)
    results = sent(world, SHOP, row(journey, "present"), row(journey, "absent"), dry=True)
    assert [(one["status"], one.get("changed")) for one in results] == [(200, None), (422, None)]
    assert (marks_of(world, SHOP), len(world.rooms[ACTIVITY_TRACKING].memory.said)) == ([None], said)


SHEET = """dag;deltagarväg;planerad aktivitet;klockslag;närvaro;kom;gick;orsak;markerad
2016-06-06;{first};a1;9:00;här;9.20;12:00:00;;
2016-06-06;{other};a1;09:00;Borta;;;ill;
2016-06-07;{other};a1;09.00;borta;;;;
"""


def test_a_sheet_in_swedish_is_taken_and_its_refused_rows_come_back_as_one(world: House) -> None:
    first, other = joined(world, "AF-1", "AF-2")
    body = SHEET.format(first=first, other=other)
    headers = {"Content-Type": CSV, "Accept": CSV}
    answer = world.ask(ACTIVITY_TRACKING, "POST", PATH, SHOP, body, **headers)
    assert answer.status_code == 200, answer.text
    head, *refused = answer.get_data(as_text=True).removeprefix("\ufeff").splitlines()
    assert head == f"{';'.join(FILE.columns.all)};line;row;status;code;wrong"
    assert [one.split(";")[:5] for one in refused] == [["2016-06-07", other, "a1", "09:00", "absent"]]
    assert marks_of(world, SHOP) == [("late", 160), ("no", 0)]
    mended = answer.get_data(as_text=True).replace(";absent;;;", ";absent;;;ill")
    again = world.done(ACTIVITY_TRACKING, "POST", PATH, SHOP, mended, **{"Content-Type": CSV})
    assert (again["taken"], again["refused"]) == (1, 0)


def test_a_former_holder_marks_its_own_days_and_no_other_unit_marks_any(world: House) -> None:
    (journey,) = joined(world, "AF-1")
    world.pass_to(HANDED)
    offer = {"kind": "provider_to_provider", "to_organisation": CAFE, "deadline_on": "2016-06-30"}
    made = world.done(HANDOVERS, "POST", f"/journeys/{journey}/handovers", SHOP, offer)
    world.done(HANDOVERS, "POST", f"/handovers/{made['handover_id']}/acceptance", CAFE)
    world.pass_to(LAST)
    rows = [row(journey, "present"), row(journey, "present", "2016-06-13")]
    assert told(sent(world, CAFE, *rows)) == [(404, "not-found"), (404, "not-found")], "not its plan"
    assert told(sent(world, SHOP, *rows)) == [(200, True), (404, "not-found")]
    assert told(sent(world, CAFE, rows[0])) == [(404, "not-found")], "nor its mark"
    world.pass_to(date(2016, 8, 1))
    assert told(sent(world, SHOP, row(journey, "absent", reason="ill"))) == [(403, "too-late")]
    refused = world.ask(ACTIVITY_TRACKING, "POST", PATH, AGENCY, "{}", **{"Content-Type": NDJSON})
    assert (refused.status_code, refused.json["code"]) == (403, "not-allowed")


def test_a_pause_takes_the_person_off_for_a_row_too_and_what_was_marked_can_be_taken_back(
    world: House,
) -> None:
    (journey,) = joined(world, "AF-1")
    sent(world, SHOP, row(journey, "present"))
    days = {"first_on": MONDAY.isoformat(), "last_on": TUESDAY.isoformat()}
    world.done(ACTIVITY_TRACKING, "POST", f"/journeys/{journey}/pauses", SHOP, days)
    results = sent(world, SHOP, row(journey, "present", "2016-06-07"), row(journey, "unmarked"))
    assert told(results) == [(404, "not-found"), (200, True)]
