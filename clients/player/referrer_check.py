"""Checks that every referrer knows where its referrals stand, by HTTP and on its reply topic.

The player's own count is compared with the answers and the last message of each referrer. Source: docs/field.md,
Referral.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

from clients.player.acts import Act, Plan
from clients.player.course import Course
from clients.player.inbound import Agency
from clients.player.ledger import Ledger
from clients.player.programme import Programme
from clients.player.requests import Handles
from clients.player.wire import Wire


class Played(Protocol):
    """A play that has come to its end."""

    wire: Wire
    programme: Programme
    plan: Plan
    agencies: dict[str, Agency]
    handles: Handles
    ledger: Ledger


def differences(play: Played, pool: Executor) -> list[str]:
    """Each referral on which a referrer is told something else than what happened. Blocks."""
    referrals = [act for step in play.plan.steps for act in step.acts if act.deed == "refer"]
    read = pool.map(lambda act: _read(play, act), referrals)
    return [*_told(play, referrals), *(one for found in read for one in found)]


def _told(play: Played, referrals: list[Act]) -> list[str]:
    """Differences between the last message on an agency's reply topic and the player's count."""
    found = []
    for agency in play.agencies.values():
        agency.read_all()
        for act in referrals:
            if act.by != agency.organisation:
                continue
            told = agency.journeys.get(act.says["reference"], {})
            course = _course(play, act)
            own = {"stage": course.stage(play.programme, play.plan.ends_on), "asked": _asked(course)}
            said = {"stage": told.get("stage"), "asked": _asked_told(told)}
            found += [
                f"replies.{act.plan_key}.{what}: {act.by} was told {said[what]}, the player counted {own[what]}"
                for what in own
                if said[what] != own[what]
            ]
    return found


def _read(play: Played, act: Act) -> list[str]:
    """Differences between `GET /referrals/{id}` and the player's count: stage, responsible organisation, exit,
    follow-ups.
    """
    path = f"/referrals/{play.handles.journeys[act.plan_key]}"
    vector = play.handles.vectors.get(act.plan_key)
    answer = play.wire.ask("intake", "GET", path, actor=(act.by, act.duty), vector=vector)
    if answer.status != 200:
        return [f"referral.{act.plan_key}: GET {path} as {act.by} was answered {answer.status} {answer.code}"]
    own, said = _counted(play, _course(play, act)), _said(answer.body)
    return [
        f"referral.{act.plan_key}.{what}: {act.by} reads {said[what]}, the player counted {own[what]}"
        for what in own
        if said[what] != own[what]
    ]


def _counted(play: Played, course: Course) -> dict[str, Any]:
    stage = course.stage(play.programme, play.plan.ends_on)
    if course.mistake:
        return {"stage": stage}
    statuses = {
        one.code: course.follow_up(one.code, play.programme, play.plan.ends_on)
        for one in play.programme.follow_ups
    }
    return {
        "stage": stage,
        "asked": _asked(course),
        "responsible": course.responsible,
        "exit": course.way,
        "follow_ups": {code: status for code, status in statuses.items() if status},
    }


def _said(referral: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": referral["stage"],
        "asked": _asked_told(referral),
        "responsible": referral["responsible"],
        "exit": (referral["exit"] or {}).get("way"),
        "follow_ups": {one["kind"]: one["status"] for one in referral["follow_ups"]},
    }


def _asked(course: Course) -> list[tuple[str | None, ...]]:
    """Who was asked by name or has answered, in their order: what, on which day, and why not."""
    return [(by, answer, on.isoformat(), reason) for by, answer, on, reason in course.asking.answers]


def _asked_told(told: Mapping[str, Any]) -> list[tuple[str | None, ...]]:
    names = ("provider", "answer", "answered_on", "reason")
    return [tuple(one[name] for name in names) for one in told.get("asked", ())]


def _course(play: Played, act: Act) -> Course:
    return play.ledger.courses[act.plan_key]
