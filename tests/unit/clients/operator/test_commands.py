"""What the commands say where there is nothing to do, or nobody to ask."""

import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from clients.operator.commands import replay, status
from clients.operator.desk import Desk
from clients.operator.surroundings import SERVICES, Surroundings
from clients.operator.trouble import HAND_NEEDED, REFUSED, WELL, Trouble
from clients.operator.wire import Wire
from tests.unit.clients.operator.test_assessment import cut_off


class Platform(Desk):
    """Four services that answer every request alike; keeps what was asked."""

    def __init__(self, code: int, body: Any, *, as_json: bool = False) -> None:
        super().__init__(as_json=as_json)
        self.asked: list[str] = []
        self._code, self._body = code, body

    def wire(self, service: str | None = None) -> Wire:
        here = Surroundings({name: f"http://{name}" for name in SERVICES}, "token")
        return Wire(here, httpx.Client(transport=httpx.MockTransport(self._answer)), pause_seconds=0.0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        return httpx.Response(self._code, json=self._body)


def typed(command: Any, platform: Platform, *words: str) -> Result:
    return CliRunner().invoke(command, list(words), obj=platform)


def nothing_parked() -> Platform:
    return Platform(200, {"parked": [], "next_cursor": None})


@pytest.mark.parametrize("reason", ["x", "  x  ", "", "x" * 301])
def test_a_reason_that_says_nothing_is_refused_though_nothing_is_parked(reason: str) -> None:
    platform = nothing_parked()
    done = typed(replay, platform, "--all", "-m", reason)
    assert isinstance(done.exception, Trouble)
    assert (done.exception.status, platform.asked) == (REFUSED, [])
    assert "in 3 to 300 characters" in str(done.exception)


def test_a_replay_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    done = typed(replay, nothing_parked(), "--all", "-m", "mended in release 7")
    assert done.exit_code == WELL
    assert "nothing was replayed" in done.output + capsys.readouterr().out


@pytest.mark.parametrize(
    ("code", "body", "what"),
    [
        (
            200,
            cut_off("intake", pending=1, oldest_seconds=90.0),
            "Kafka at kafka-1:9092, kafka-2:9092 does not answer",
        ),
        (503, {"code": "busy", "detail": "again"}, f"MongoDB does not answer {', '.join(SERVICES)}"),
    ],
)
def test_what_all_services_lack_is_one_finding(
    code: int, body: Any, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = typed(status, Platform(code, body, as_json=True))
    assert done.exit_code == HAND_NEEDED
    told = json.loads(done.output or capsys.readouterr().out)
    assert [one["what"] for one in told["findings"]] == [what]


def test_the_screen_tells_cause_effect_and_cure(capsys: pytest.CaptureFixture[str]) -> None:
    done = typed(status, Platform(200, cut_off("intake", pending=1, oldest_seconds=90.0)))
    said = done.output + capsys.readouterr().out
    assert said.count("HAND NEEDED") == 1
    assert "waits for Kafka" in said
    for line in ("  because  ", "  so       ", "  cure     "):
        assert said.count(line) == 1
