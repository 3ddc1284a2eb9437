"""Checks, each time the clock has moved, whether every referrer sees how long its referral is waited for.

A silence that has just ended may still wait for its timer: then the referral is overdue, and nobody may say otherwise.
Source: docs/field.md, Referral.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from copy import deepcopy
from datetime import date

from clients.player.course import Course
from clients.player.ledger import Ledger
from clients.player.programme import Programme
from clients.player.requests import Handles
from clients.player.wire import Wire

Seen = tuple[str, str | None, str | None, bool]
"""Stage, who is asked by name, the last day of the answer, and whether it is overdue."""


def differences(wire: Wire, handles: Handles, ledger: Ledger, on: date, pool: Executor) -> list[str]:
    """Each referral that awaited an answer before the clock moved, and says something untrue of it now. Blocks."""
    waiting = [(key, one) for key, one in ledger.courses.items() if one.asking.answer_by is not None]

    def read(waits: tuple[str, Course]) -> Iterator[str]:
        plan_key, course = waits
        path = f"/referrals/{handles.journeys[plan_key]}"
        answer = wire.ask("intake", "GET", path, actor=(course.referrer, "caseworker"))
        body = answer.body if answer.status == 200 else {}
        seen = tuple(body.get(name) for name in ("stage", "named_provider", "answer_by", "overdue"))
        expected = list(may_be(course, ledger.programme, on))
        if seen not in expected:
            yield f"on {on}, referral.{plan_key}: {course.referrer} reads {seen}, the player expected {expected}"

    return [one for found in pool.map(lambda waits: list(read(waits)), waiting) for one in found]


def may_be(course: Course, programme: Programme, on: date) -> Iterator[Seen]:
    """What may be read: where the last day has passed, also the state in which the timer has not fired yet."""
    yield _seen(course, programme, on)
    if course.asking.overdue(on):
        later = deepcopy(course)
        later.expire(on)
        yield _seen(later, programme, on)


def _seen(course: Course, programme: Programme, on: date) -> Seen:
    asking, stage = course.asking, course.stage(programme, on)
    named = asking.now if stage == "received" else None
    last = None if asking.answer_by is None else asking.answer_by.isoformat()
    return stage, named, last, asking.overdue(on)
