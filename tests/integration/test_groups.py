"""A group on real processes: who joins is on its registers, a lesson moves for all, and one request marks the line."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.test_marked_texts import publish
from tests.integration.test_persons import Person
from tests.support.awaiting import until
from tools.stack import Stack

PROGRAMME, PLACE, UNIT = "groups", "2482", "kafe-solrosen"
LOGS = "activity-tracking"
WHY = "A slip of the hand."


class Course:
    """A group of the unit, with somebody who takes part and somebody who does not."""

    def __init__(self, stack: Stack, web: httpx.Client) -> None:
        self.member = Person(stack, web, PROGRAMME, UNIT)
        self.unit, self.ago = self.member.provider, self.member.ago
        self.other, self.seen = Person(stack, web, PROGRAMME, UNIT).begins(19, PLACE)
        self.journey, self._seen = self.member.begins(20, PLACE)
        # Single days hold on holidays too, whatever day the stack has.
        self.lessons = [
            {"day": self.ago(days), "starts_at": "13:00", "ends_at": "15:00"} for days in (6, 5, 3)
        ]
        week = [{"weekday": day, "starts_at": "09:00", "ends_at": "12:00"} for day in range(1, 8)]
        said = {"programme": PROGRAMME, "activity": "work_training", "first_on": self.ago(6)}
        calendar = {"hours": week, "dates": self.lessons, "cancelled": [self.ago(4)]}
        where = {"leader": "h-12", "room": "Snickeriet"}
        self.group = self.unit.ask(LOGS, "/groups", {**said, **calendar, **where}).json()["group_id"]

    def join(self) -> str:
        """The person takes part from the first day on."""
        body = {"group": self.group, "first_on": self.ago(6)}
        joined = self.unit.ask(LOGS, f"/journeys/{self.journey}/groups", body, seen=self._seen)
        return str(joined.json()["plan"])

    def lines(self, days: int) -> list[dict[str, Any]]:
        """The unit's register of that day."""
        shown: list[dict[str, Any]] = self.unit.ask(LOGS, f"/attendance?day={self.ago(days)}").json()[
            "expected"
        ]
        return shown

    def not_filled_in(self) -> dict[str, tuple[int, int]]:
        """The registers that are not filled in: by day how many lines they have, and how many nobody has marked."""
        found = self.unit.ask(LOGS, f"/attendance/open?from={self.ago(6)}&to={self.ago(3)}").json()[
            "registers"
        ]
        return {
            one["day"]: (one["expected"], one["not_marked"]) for one in found if one["programme"] == PROGRAMME
        }

    def await_counted(self, *days: int) -> None:
        """Waits until these days alone have one line that nobody has marked."""
        expected = {self.ago(one): (1, 1) for one in days}
        until(lambda: self.not_filled_in() == expected, f"{expected} are not filled in")


@pytest.fixture(name="course", scope="module")
def _course(undisturbed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    publish(undisturbed, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
    with httpx.Client(timeout=20) as web:
        yield Course(undisturbed, web)


def test_who_joins_is_on_the_registers_of_the_group_until_they_leave(course: Course) -> None:
    plan = course.join()
    (line,) = course.lines(5)
    assert (line["journey_id"], line["plan"], line["hour"], line["minutes"]) == (
        *(course.journey, plan),
        *("13:00", 120),
    )
    assert (line["group"], line["leader"], line["room"]) == (course.group, "h-12", "Snickeriet")
    assert course.lines(4) == [], "cancelled"
    course.await_counted(6, 5, 3)

    came = {"journey_id": course.other, "group": course.group, "hour": "13:00", "presence": "present"}
    body = {"day": course.ago(5), "rest": "present", "marks": [came]}
    results = course.unit.ask(LOGS, "/attendance", body, seen=course.seen).json()["results"]
    assert sorted((one["journey_id"], one["status"], one["minutes"]) for one in results) == sorted(
        [(course.journey, 200, 120), (course.other, 200, 120)]
    )
    assert {one["journey_id"]: one["mark"]["minutes"] for one in course.lines(5)} == {
        course.journey: 120,
        course.other: 120,
    }
    course.await_counted(6, 3)

    leaving = {"why": WHY, "first_on": course.ago(6), "last_on": course.ago(5)}
    course.unit.ask(LOGS, f"/journeys/{course.journey}/activities/{plan}/correction", leaving)
    assert course.lines(3) == []
    course.await_counted(6)

    cancelled = {"why": WHY, "first_on": course.ago(6), "cancelled": [course.ago(6), course.ago(5)]}
    moved = course.unit.ask(LOGS, f"/groups/{course.group}/correction", cancelled).json()
    assert (moved["corrections"], moved["dates"]) == (1, course.lessons)
    course.await_counted()
    assert {one["group"] for one in course.lines(5)} == {course.group}, "what was marked stays in view"
