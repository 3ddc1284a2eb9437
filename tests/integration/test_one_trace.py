"""On real processes: one trace id leads, in the logs alone, from an exit to what it causes 28 days later."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.language.days import day_of
from tests.integration.test_marked_texts import AGENCY, PROVIDER, Caller, publish, seen_in
from tests.support.awaiting import until
from tests.support.stack import fresh_stack
from tools.stack import Stack

PROGRAMME = "one-trace"
SERVICES = ("intake", "outcome")


@pytest.fixture(name="running", scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of its own, because its clock is moved on."""
    with fresh_stack() as stack:
        stack.start("issuer")
        publish(stack, tmp_path_factory.mktemp("programme") / "programme.yaml", PROGRAMME)
        stack.start(*(f"{service}-{role}" for service in SERVICES for role in ("web", "consume")))
        yield stack


def lines_of(stack: Stack, trace_id: str) -> list[dict[str, Any]]:
    """Every line of every service's log that carries the trace id, with `process` added."""
    return [
        {**json.loads(line), "process": path.stem}
        for path in sorted((stack.settings.folder / "logs").glob("*-*.log"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if trace_id in line and line.startswith("{")
    ]


def test_what_an_exit_causes_28_days_later_carries_its_trace(running: Stack) -> None:
    with httpx.Client(timeout=20) as web:
        agency, provider = Caller(running, web, AGENCY), Caller(running, web, PROVIDER)
        operator = {"Authorization": f"Bearer {running.token('plattform', 'operator')}"}
        now = datetime.fromisoformat(
            web.get(f"{running.url('intake-web')}/clock", headers=operator).json()["at"]
        )
        today = day_of(now)

        def ago(days: int) -> str:
            return (today - timedelta(days=days)).isoformat()

        person = agency.ask("intake", "/participants", {"name": "Kim Exempel", "personnummer": None}).json()
        referral = {
            "reference": "traced",
            "participant_id": person["participant_id"],
            "programme": PROGRAMME,
            "municipality": "2482",
            "provider": PROVIDER,
            "occurred_on": ago(30),
        }
        journey = agency.ask("intake", "/referrals", referral).json()["journey_id"]
        place = f"/journeys/{journey}"
        provider.ask("intake", f"/referrals/{journey}/acceptance", {"occurred_on": ago(29)})
        consent = {"purpose": "sharing", "given": False, "occurred_on": ago(28)}
        provider.ask("intake", f"{place}/consents", consent)
        seen = seen_in(provider.ask("intake", f"{place}/start", {"occurred_on": ago(28)}))
        left = {"way": "by_plan", "occurred_on": ago(0)}
        trace_id = provider.ask("outcome", f"{place}/exit", left, seen).headers["Trace-Id"]
        assert re.fullmatch("[0-9a-f]{32}", trace_id)

        def found(process: str, event: str, **wanted: str) -> list[dict[str, Any]]:
            return [
                line
                for line in lines_of(running, trace_id)
                if (line["process"], line["event"]) == (process, event)
                and all(str(line.get(name)).startswith(value) for name, value in wanted.items())
            ]

        until(lambda: found("intake-consume", "applied", type="journey.outcome.journey-exited"), "the exit")
        (answered,) = found("outcome-web", "answered")
        assert answered["emitted"][0].startswith("journey.outcome.journey-exited")
        due = "journey.outcome.follow-up-due"
        assert not found("outcome-consume", "published", type=due)

        for service in SERVICES:
            moved = web.post(
                f"{running.url(f'{service}-web')}/clock",
                json={"at": (now + timedelta(days=29)).isoformat()},
                headers={**operator, "Idempotency-Key": "29-days-later"},
            )
            assert moved.status_code == 200, moved.text
        until(lambda: found("outcome-consume", "timer-fired", command="follow_up_due"), "the timer")
        until(
            lambda: found("outcome-consume", "published", type=due, subject=f"journey/{journey}"), "the event"
        )
        until(
            lambda: found("intake-consume", "applied", type=due, subject=f"journey/{journey}"), "its effect"
        )
        until(
            lambda: len(found("intake-consume", "published", topic=f"inbound.{AGENCY}.replies.v1")) >= 2,
            lambda: f"the agency's replies to exit and follow-up\n{lines_of(running, trace_id)}",
        )
