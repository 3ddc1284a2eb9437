"""`journeys inbound skip` names one record of one group, asks first, and says why."""

import json
from typing import Any

import httpx
from click.testing import CliRunner, Result

from clients.operator.desk import Desk
from clients.operator.inbound import inbound
from clients.operator.surroundings import SERVICES, Surroundings
from clients.operator.wire import ROOT, Wire

TOPIC = "inbound.forsakringskassan.referrals.v1"


class Platform(Desk):
    """Four services; keeps what was posted, and answers as the route does."""

    def __init__(self, *, as_json: bool = False, stands: bool = True, holder: str = "intake") -> None:
        super().__init__(as_json=as_json)
        self.posted: list[tuple[str, Any]] = []
        self._stands = stands
        self._holder = holder

    def wire(self, service: str | None = None) -> Wire:
        here = Surroundings({name: f"http://{name}" for name in SERVICES}, "token")
        return Wire(here, httpx.Client(transport=httpx.MockTransport(self._answer)), pause_seconds=0.0)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        said, path = json.loads(request.content), request.url.path.removeprefix(ROOT)
        self.posted.append((f"{request.url.host}{path}", said))
        if request.url.host != self._holder:
            return httpx.Response(404, json={"code": "not-found", "detail": "There is none."})
        if not self._stands:
            return httpx.Response(409, json={"code": "not-standing-there", "detail": "It does not."})
        group, topic = path.split("/")[3], path.split("/")[5]
        place = {"partition": said["partition"], "offset": said["offset"], "reads_from": said["offset"] + 1}
        return httpx.Response(200, json={"group": group, "topic": topic, **place})


def typed(platform: Platform, *words: str, answer: str = "", topic: str = TOPIC) -> Result:
    return CliRunner().invoke(
        inbound, ["skip", topic, "0", "4711", "-m", "no version reads it", *words], obj=platform, input=answer
    )


def test_one_record_of_intake_s_group_is_named_with_the_reason() -> None:
    platform = Platform()
    assert typed(platform, "--yes").exit_code == 0
    said = {"reason": "no version reads it", "partition": 0, "offset": 4711}
    assert platform.posted == [(f"intake/operations/groups/intake-inbound/topics/{TOPIC}/skip", said)]


def test_a_topic_of_marks_is_passed_over_for_the_group_that_reads_it() -> None:
    platform = Platform(holder="activity-tracking")
    topic = "inbound.urkraft.attendance.v1"
    assert typed(platform, "--yes", topic=topic).exit_code == 0
    path = f"/operations/groups/activity-tracking-inbound/topics/{topic}/skip"
    assert platform.posted[-1][0] == f"activity-tracking{path}"


def test_the_service_that_has_the_group_is_found() -> None:
    platform = Platform(holder="outcome")
    assert typed(platform, "-g", "figures", "--yes").exit_code == 0
    assert platform.posted[-1][0] == f"outcome/operations/groups/figures/topics/{TOPIC}/skip"
    assert "No service has such a group" in str(typed(Platform(holder="nobody"), "--yes").exception)


def test_nothing_is_asked_without_a_yes() -> None:
    platform = Platform()
    assert "Nothing was changed" in str(typed(platform, answer="n\n").exception)
    assert platform.posted == []


def test_a_group_that_stands_elsewhere_is_told() -> None:
    assert "not-standing-there" in str(typed(Platform(stands=False), "--yes").exception)


def test_a_script_is_answered_in_json() -> None:
    told = typed(Platform(as_json=True), "--yes")
    assert json.loads(told.stdout[told.stdout.index("{") :])["reads_from"] == 4712
