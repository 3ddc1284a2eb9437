"""Is the loop closed? Every referrer must know where its referrals stand, by HTTP and on its reply topic.

What the player counted is held against what each referrer reads and was last told. Source: docs/field.md, Referral.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

from clients.player.acts import Act, Plan
from clients.player.codes import Codes
from clients.player.course import Course
from clients.player.inbound import Agency
from clients.player.ledger import Ledger
from clients.player.requests import Handles
from clients.player.wire import Wire


class Played(Protocol):
    """A play that has come to its end."""

    wire: Wire
    codes: Codes
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
    """Where the last word on an agency's reply topic is not where its referral stands."""
    found = []
    for agency in play.agencies.values():
        agency.read_all()
        for act in referrals:
            told = agency.journeys.get(act.says["reference"], {}).get("stage")
            stage = _course(play, act).stage(play.codes, play.plan.ends_on)
            if act.by == agency.organisation and told != stage:
                found.append(f"replies.{act.way}.stage: {act.by} was told {told}, the player counted {stage}")
    return found


def _read(play: Played, act: Act) -> list[str]:
    """Where `GET /referrals/{id}` does not say where the referral stands, with whom, and what came of it."""
    path = f"/referrals/{play.handles.journeys[act.way]}"
    vector = play.handles.vectors.get(act.way)
    answer = play.wire.ask("intake", "GET", path, actor=(act.by, act.duty), vector=vector)
    if answer.status != 200:
        return [f"referral.{act.way}: GET {path} as {act.by} was answered {answer.status} {answer.code}"]
    own, said = _counted(play, _course(play, act)), _said(answer.body)
    return [
        f"referral.{act.way}.{what}: {act.by} reads {said[what]}, the player counted {own[what]}"
        for what in own
        if said[what] != own[what]
    ]


def _counted(play: Played, course: Course) -> dict[str, Any]:
    stage = course.stage(play.codes, play.plan.ends_on)
    if course.mistake:
        return {"stage": stage}
    statuses = {
        one.code: course.follow_up(one.code, play.codes, play.plan.ends_on) for one in play.codes.follow_ups
    }
    return {
        "stage": stage,
        "responsible": course.responsible,
        "exit": course.way,
        "follow_ups": {code: status for code, status in statuses.items() if status},
    }


def _said(referral: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "stage": referral["stage"],
        "responsible": referral["responsible"],
        "exit": (referral["exit"] or {}).get("way"),
        "follow_ups": {one["kind"]: one["status"] for one in referral["follow_ups"]},
    }


def _course(play: Played, act: Act) -> Course:
    return play.ledger.courses[act.way]
