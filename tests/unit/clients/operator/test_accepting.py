"""`journeys accept` speaks to the groups that have halted over that topic, and to no others."""

import json
from typing import Any

import httpx
from click.testing import CliRunner, Result

from clients.operator.accepting import accept
from clients.operator.desk import Desk
from clients.operator.surroundings import SERVICES, Surroundings
from clients.operator.wire import ROOT, Wire

TOPIC = "journey.handover.v1"


def process(group: str, topic: str | None, *, silent: bool = False) -> dict[str, Any]:
    over = {"group": group, "topic": topic} if topic else None
    return {"silent": silent, "halted": {"cause": "c", "cure": "d", "over": over} if topic else None}


class Platform(Desk):
    """Four services, of which some groups have halted; keeps what was posted."""

    def __init__(self, **processes: list[dict[str, Any]]) -> None:
        super().__init__(as_json=False)
        self.posted: list[tuple[str, Any]] = []
        self._processes = processes

    def wire(self, service: str | None = None) -> Wire:
        here = Surroundings({name: f"http://{name}" for name in SERVICES}, "token")
        return Wire(here, httpx.Client(transport=httpx.MockTransport(self._answer)), pause_seconds=0.0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        host, path = request.url.host, request.url.path.removeprefix(ROOT)
        if request.method == "GET":
            processes = self._processes.get(host.replace("-", "_"), [])
            return httpx.Response(200, json={"groups": [{"group": host, "processes": processes}]})
        group = path.split("/")[3]
        self.posted.append((f"{host}{path}", json.loads(request.content)))
        moved = [{"partition": 2, "stood_at": 9, "reads_from": 0}]
        return httpx.Response(200, json={"group": group, "topic": TOPIC, "moved": moved})


def typed(platform: Platform, *words: str, answer: str = "") -> Result:
    return CliRunner().invoke(accept, [TOPIC, "-m", "restored", *words], obj=platform, input=answer)


def halted() -> Platform:
    return Platform(
        intake=[process("intake", TOPIC), process("intake", TOPIC)],
        activity_tracking=[
            process("activity-tracking", TOPIC, silent=True),
            process("activity-tracking", None),
        ],
        handover=[process("handover", "journey.intake.v1")],
        outcome=[process("outcome", TOPIC), process("figures", TOPIC)],
    )


def test_every_group_that_reports_such_a_halt_is_asked_once() -> None:
    platform = halted()
    assert typed(platform, "--yes").exit_code == 0
    way = "operations/groups/{}/topics/" + TOPIC + "/acceptance"
    assert platform.posted == [
        (f"intake/{way.format('intake')}", {"reason": "restored"}),
        (f"outcome/{way.format('figures')}", {"reason": "restored"}),
        (f"outcome/{way.format('outcome')}", {"reason": "restored"}),
    ]


def test_one_group_alone_and_only_after_a_yes() -> None:
    platform = halted()
    assert "Nothing was changed" in str(typed(platform, "-g", "figures", answer="n\n").exception)
    assert platform.posted == []
    typed(platform, "-g", "figures", answer="y\n")
    assert [path.split("/")[3] for path, _ in platform.posted] == ["figures"]


def test_nothing_to_accept_is_said_and_nothing_is_asked() -> None:
    platform = Platform(handover=[process("handover", "journey.intake.v1")])
    assert "No group has halted over" in str(typed(platform, "--yes").exception)
    assert platform.posted == []
