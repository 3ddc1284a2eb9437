"""The commands of plans with hours, pauses, extents, closures, groups and a day's register, of `every_command`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from tests.support.bad_input import Baseline

WHY = "They came back sooner."
WEEK: list[dict[str, Any]] = [
    {"weekday": day, "starts_at": "09:00", "ends_at": "12:00"} for day in range(1, 8)
]
"""Every day, so that the story has a register whatever day it is told on."""


class Handles(Protocol):
    """What names the things of one run."""

    def __getitem__(self, name: str, /) -> str:
        """The handle of that name."""

    def day(self, ago: int) -> str:
        """The calendar day so many days before today."""


JOINT_PLAN = {
    "code": "joint_plan",
    "kind": "joint_plan",
    "sent_within_working_days": 10,
    "within_working_days": 5,
    "shows": ["goals", "plan"],
}
"""A duty of the programme's, beside those of CoActive."""


def pause(handles: Handles) -> Baseline:
    """Two days within the plan."""
    body = {"first_on": handles.day(88), "last_on": handles.day(87)}
    return Baseline(path={"journeyId": handles["whole"]}, body=body)


def pause_anew(handles: Handles) -> Baseline:
    """A day more."""
    body = {"why": WHY, "first_on": handles.day(88), "last_on": handles.day(86)}
    return Baseline(path={"journeyId": handles["whole"], "pause": handles["pause"]}, body=body)


def extent(handles: Handles) -> Baseline:
    """Half time."""
    body = {"from_on": handles.day(90), "percent": 50}
    return Baseline(path={"journeyId": handles["whole"]}, body=body)


def extent_anew(handles: Handles) -> Baseline:
    """A quarter."""
    body = {"why": WHY, "from_on": handles.day(90), "percent": 25}
    return Baseline(path={"journeyId": handles["whole"], "extent": handles["extent"]}, body=body)


def marks(handles: Handles) -> Baseline:
    """One line, of who came late: a fault in it is told of it, and nothing else is stored."""
    mark = {"journey_id": handles["whole"], "plan": "a1", "hour": "09:00", "presence": "present"}
    mark |= {"came_at": "09:20", "left_at": "12:00"}
    return Baseline(path={}, body={"day": handles.day(89), "marks": [mark]})


def acknowledgement(handles: Handles) -> Baseline:
    """The referrer has the report of who came late."""
    return Baseline(path={"reportId": f"{handles['whole']}.r1"}, body={})


def report_to_send(handles: Handles) -> Baseline:
    """The joint plan of the person who has begun."""
    return Baseline(path={"reportId": f"{handles['whole']}.w1"}, body={"text": "Vi börjar med halva dagar."})


def mark_file(handles: Handles) -> Baseline:
    """A file of one row, of the day after."""
    row = {"day": handles.day(85), "journey_id": handles["whole"], "plan": "a1", "hour": "09:00"}
    return Baseline(text=json.dumps({**row, "presence": "present", "left_at": "11:00"}).encode())


def closure(handles: Handles) -> Baseline:
    """A week within the plan."""
    body = {"first_on": handles.day(85), "last_on": handles.day(79), "weekdays": [1, 2, 3, 4, 5, 6, 7]}
    return Baseline(path={}, body=body)


def closure_anew(handles: Handles) -> Baseline:
    """A day less."""
    body = {"why": WHY, "first_on": handles.day(85), "last_on": handles.day(80)}
    return Baseline(path={"closureId": handles["closure"]}, body=body)


def group(programme: str) -> Callable[[Handles], Baseline]:
    """A course of that programme on a day of the week and on a single day."""

    def make(handles: Handles) -> Baseline:
        hours = {"starts_at": "17:00", "ends_at": "18:00"}
        days = {"first_on": handles.day(95), "last_on": handles.day(61), "cancelled": [handles.day(84)]}
        where = {"leader": "h-12", "room": "Snickeriet", "dates": [{**hours, "day": handles.day(83)}]}
        of = {"programme": programme, "activity": "work_training", "hours": [{**hours, "weekday": 3}]}
        return Baseline(path={}, body={**of, **days, **where})

    return make


def group_anew(handles: Handles) -> Baseline:
    """A week more, in another room."""
    body = {"why": WHY, "first_on": handles.day(95), "last_on": handles.day(54), "room": "Köket"}
    return Baseline(path={"groupId": handles["unit_group"]}, body=body)


def joining(handles: Handles) -> Baseline:
    """A participant for a part of the group's days."""
    body = {"group": handles["unit_group"], "first_on": handles.day(90), "last_on": handles.day(62)}
    said = {**body, "occurred_on": handles.day(96), "except_on": [handles.day(83)]}
    return Baseline(path={"journeyId": handles["whole"]}, body=said)
