"""The main job: three years of CoActive through the public interfaces, every service process killed on the way.

What the player counted for itself and what the report says must agree in every figure, whatever died. Then the same
stack is asked what an operator asks: follow one journey through all logs, and one command through all services.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.player.joining import ANSWERED_WITHIN_SECONDS
from clients.player.newcomer import UNIT
from tests.support.awaiting import until
from tests.support.stack import own_port_base
from tools.stack import Settings, Stack
from tools.stack.processes import EVERYTHING, SERVICE_PROCESSES

ROOT = Path(__file__).resolve().parents[2]
PLAY_SECONDS = 900.0

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@dataclass
class Played:
    """A stack on which the play has been played."""

    stack: Stack
    status: int
    said: str
    killed: list[str]


def _events(stack: Stack) -> int:
    """How many events activity tracking has recorded so far; nothing while its process is being started again."""
    try:
        answer = httpx.get(f"{stack.health_url('activity-tracking-consume')}/progress", timeout=10)
        return int(answer.json().get("emitted", 0))
    except httpx.HTTPError:
        return 0


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    with tempfile.TemporaryDirectory(prefix="journey-demo-") as folder:
        settings = Settings(own_port_base(), Path(folder), log_level="INFO")
        with Stack(settings, EVERYTHING, restart=True) as stack:
            environment = {
                **os.environ,
                "STACK_PORT_BASE": str(settings.port_base),
                "STACK_DIR": folder,
                "ONCE": "1",
                "COLUMNS": "160",
            }
            with subprocess.Popen(
                [sys.executable, "-m", "clients.player"],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as player:
                try:
                    killed = _kill_each(stack, player)
                    said, _ = player.communicate(timeout=PLAY_SECONDS)
                finally:
                    player.kill()
            yield Played(stack, player.returncode, said, killed)


def _kill_each(stack: Stack, player: "subprocess.Popen[str]") -> list[str]:
    killed = []
    for name in SERVICE_PROCESSES:
        mark = _events(stack)
        until(
            lambda mark=mark: player.poll() is not None or _events(stack) > mark + 100,  # type: ignore[misc]
            "the play going on",
            PLAY_SECONDS,
        )
        if player.poll() is not None:
            break
        restarts = stack.entries()[name].restarts
        stack.kill(name, signal.SIGKILL)
        killed.append(name)
        until(
            lambda name=name, before=restarts: (  # type: ignore[misc]
                stack.entries()[name].restarts > before and stack.entries()[name].state == "ready"
            ),
            f"{name} started again",
        )
    return killed


def test_every_figure_agrees_with_the_players_own_count_although_every_process_died(played: Played) -> None:
    assert played.status == 0, played.said[-4000:]
    assert played.killed == list(SERVICE_PROCESSES)


def test_an_agency_joined_while_it_played_and_was_answered_and_nothing_else_was_started_again(
    played: Played,
) -> None:
    said = re.search(
        rf"^{UNIT} joined on the way: its first record was answered after ([0-9.]+) s\. "
        r"Processes started again meanwhile: (.+)\.$",
        played.said,
        re.MULTILINE,
    )
    assert said, played.said[-4000:]
    assert float(said[1]) < ANSWERED_WITHIN_SECONDS
    assert set(said[2].split(", ")) <= {"none", *played.killed}
    restarts = {name: entry.restarts for name, entry in played.stack.entries().items()}
    assert restarts == {name: int(name in played.killed) for name in restarts}


class Caller:
    """One person of one organisation, who carries along what the answers say they have seen."""

    def __init__(self, stack: Stack, organisation: str, duty: str) -> None:
        self._stack = stack
        self._token = stack.token(organisation, duty)

    def send(self, method: str, process: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": uuid.uuid4().hex, **headers}
        return httpx.request(method, f"{self._stack.url(process)}{path}", json=body, headers=told, timeout=20)


def _lines(stack: Stack, containing: str) -> list[Mapping[str, Any]]:
    found = []
    for file in sorted((stack.settings.folder / "logs").glob("*.log")):
        lines = file.read_text(encoding="utf-8").splitlines()
        found += [json.loads(line) for line in lines if containing in line and line.startswith("{")]
    return found


def _refer(stack: Stack, trace: str) -> str:
    agency = Caller(stack, "arbetsformedlingen-skelleftea", "caseworker")
    person = agency.send(
        "POST", "intake-web", "/participants", {"name": "Kim Exempel", "personnummer": None}
    ).json()["participant_id"]
    answer = agency.send(
        "POST",
        "intake-web",
        "/referrals",
        {
            "reference": f"log-{uuid.uuid4().hex[:8]}",
            "participant_id": person,
            "programme": "coactive",
            "municipality": "2482",
            "provider": "urkraft",
            "occurred_on": "2018-01-10",
        },
        traceparent=f"00-{trace}-00f067aa0ba902b7-01",
    )
    assert answer.status_code == 201, answer.text
    journey: str = answer.json()["journey_id"]
    return journey


def _start(stack: Stack, journey: str) -> str:
    provider = Caller(stack, "urkraft", "supervisor")
    steps = (
        (f"/referrals/{journey}/acceptance", {"occurred_on": "2018-01-12"}),
        (
            f"/journeys/{journey}/consents",
            {"purpose": "sharing", "given": False, "occurred_on": "2018-01-12"},
        ),
        (f"/journeys/{journey}/start", {"occurred_on": "2018-01-15"}),
    )
    vector = ""
    for path, body in steps:
        answer = provider.send("POST", "intake-web", path, body)
        assert answer.status_code < 300, answer.text
        vector = answer.headers["Journey-Vector"]
    return vector


def test_one_journey_and_one_command_can_be_followed_through_the_logs_of_all_four(played: Played) -> None:
    trace = uuid.uuid4().hex
    journey = _refer(played.stack, trace)
    vector = _start(played.stack, journey)
    provider = Caller(played.stack, "urkraft", "supervisor")
    session = {"activity": "work_training", "occurred_on": "2018-01-16", "attendance": "yes", "minutes": 60}
    path = f"/journeys/{journey}/sessions"
    answer = provider.send("POST", "activity-tracking-web", path, session, **{"Journey-Vector": vector})
    assert answer.status_code == 201, answer.text
    everybody = {"intake", "activity_tracking", "handover", "outcome"}
    until(
        lambda: {line["service"] for line in _lines(played.stack, journey)} == everybody, "all four name it"
    )
    until(
        lambda: {line["service"] for line in _lines(played.stack, trace)} == everybody,
        "all four name the trace",
    )
    assert not _lines(played.stack, "Kim Exempel")


def test_no_log_names_a_participant(played: Played) -> None:
    handle = re.compile(r"\bp-[0-9a-hjkmnp-tv-z]{26}\b")
    for file in (played.stack.settings.folder / "logs").glob("*-*.log"):
        assert not handle.search(file.read_text(encoding="utf-8")), file.name


def test_the_others_go_on_while_one_service_is_down_and_it_catches_up(played: Played) -> None:
    stack = played.stack
    stack.stop("outcome-consume")
    stack.stop("outcome-web")
    journey = _refer(stack, uuid.uuid4().hex)
    vector = _start(stack, journey)
    stack.start("outcome-consume", "outcome-web")
    provider = Caller(stack, "urkraft", "supervisor")
    answer = until(
        lambda: _answered(
            provider.send("GET", "outcome-web", f"/journeys/{journey}", **{"Journey-Vector": vector})
        ),
        "outcome caught up",
    )
    assert answer["journey_id"] == journey


def _answered(answer: httpx.Response) -> Any:
    return answer.json() if answer.status_code == 200 else None
