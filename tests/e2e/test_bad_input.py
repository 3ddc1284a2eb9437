"""Bad input changes nothing anywhere: every kind, on every command, at a moment when the command would succeed.

Before each command of the story all its bad inputs are sent, and every collection and every topic's end is as it was.
Then the command itself succeeds; sent again with its key it answers the same, and with another content it is refused.
"""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from shared.language.messages import MESSAGES
from tests.support.attendance_commands import JOINT_PLAN
from tests.support.bad_input import Baseline, commands, inbound_faults
from tests.support.bad_input_trial import DOCUMENTS, Finding, Trial, stored
from tests.support.every_command import AGENCY, DRIFT, PROGRAMME, STEPS, Handles, Step
from tests.support.watching import Moment, Watch
from tools.contracts.inbound import referral_schema
from tools.contracts.messages import schema
from tools.stack import Stack
from tools.stack.processes import EVERYTHING

ROOT = Path(__file__).resolve().parents[2]


TRIED = [step.operation for step in STEPS if step.tried]


NEEDED = [name for name in EVERYTHING if not name.endswith("-stream")]


pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def trial(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    stack.start(*NEEDED)
    publish(stack, tmp_path_factory.mktemp("programme") / "programme.yaml")
    watch = Watch(stack)
    told = httpx.get(
        f"{stack.url('intake-web')}/clock",
        headers={"Authorization": f"Bearer {stack.token(AGENCY, 'operator')}"},
    ).json()
    handles = Handles(date.fromisoformat(told["at"][:10]), {"run": uuid.uuid4().hex[:8]})
    found = Trial(stack, watch, handles)
    yield found
    found.client.close()
    watch.close()


def publish(stack: Stack, path: Path) -> None:
    """Publish CoActive's content under a name of this test's own, valid on whatever day the stack has."""
    programme = yaml.safe_load((ROOT / "programmes" / "coactive.yaml").read_text(encoding="utf-8"))
    programme |= {"id": PROGRAMME, "starts_on": date(2000, 1, 1), "ends_on": date(2099, 12, 31)}
    programme["report_duties"].append(JOINT_PLAN)
    path.write_text(yaml.safe_dump(programme, allow_unicode=True), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "services.intake.programmes", "publish", str(path)],
        env=stack.env_for("intake", "consume") | {"PATH": ""},
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def findings(trial: Trial) -> Mapping[str, Finding]:
    """The whole story, as far as it goes: each command's first trial by its name."""
    found: dict[str, Finding] = {}
    for step in STEPS:
        finding = trial.give(step)
        if step.tried:
            found[step.operation] = finding
        if finding.broke:
            break
    return found


def test_the_story_reaches_its_end(findings: Mapping[str, Finding]) -> None:
    assert [f"{name}: {finding.broke}" for name, finding in findings.items() if finding.broke] == []
    assert list(findings) == TRIED


def test_the_story_gives_every_command_there_is() -> None:
    there = {one["operationId"] for document in DOCUMENTS.values() for _, _, one in commands(document)}
    assert set(TRIED) == there


@pytest.mark.parametrize("operation", TRIED)
def test_every_kind_of_bad_input_is_refused_for_its_reason(
    operation: str, findings: Mapping[str, Finding]
) -> None:
    assert findings[operation].sent >= 10
    assert findings[operation].surprises == []


@pytest.mark.parametrize("operation", TRIED)
def test_bad_input_stores_nothing_and_publishes_nothing(
    operation: str, findings: Mapping[str, Finding]
) -> None:
    assert findings[operation].changes == []


@pytest.mark.parametrize("operation", TRIED)
def test_a_command_given_again_is_done_once(operation: str, findings: Mapping[str, Finding]) -> None:
    finding = findings[operation]
    assert (finding.repeated, finding.reused) == ("", "")
    assert finding.changes_by_repeating == []


BAD_QUERIES = (
    "on=2016-6-1",
    "on=x",
    "on=1899-12-31",
    "limit=0",
    "limit=201",
    "cursor=*",
    "page=0",
    "until=2016-06-01",
)


def test_who_asks_wrongly_who_could_is_told_so_and_changes_nothing(
    trial: Trial, findings: Mapping[str, Finding]
) -> None:
    assert findings
    base = f"{trial.stack.url('intake-web')}/journeys"
    journey, stranger = trial.handles["whole"], f"j-{'z' * 26}"

    def asked(path: str, organisation: str, duty: str) -> tuple[int, str]:
        token = {"Authorization": f"Bearer {trial.stack.token(organisation, duty)}"}
        answer = trial.client.get(f"{base}/{path}", headers=token)
        return answer.status_code, str(answer.json().get("code", ""))

    trial.watch.rest()
    before = trial.watch.moment()
    assert asked(f"{journey}/rights/start_journey", DRIFT, "operator") == (200, "")
    for query in BAD_QUERIES:
        path = f"{journey}/rights/start_journey?{query}"
        assert asked(path, DRIFT, "operator") == (422, "invalid-fields"), query
    for path in (
        f"{journey}/rights/take_over",
        f"{journey}/rights/Start_Journey",
        f"{journey}/rights/%00",
        f"{stranger}/rights/start_journey",
        "x/rights/start_journey",
    ):
        assert asked(path, DRIFT, "operator") == (404, "not-found"), path
    for organisation, duty, code in (
        (AGENCY, "caseworker", "wrong-duty"),
        (AGENCY, "registrar", "not-allowed"),
        (AGENCY, "operator", "not-allowed"),
        ("nobody-of-this-programme", "registrar", "not-allowed"),
    ):
        assert asked(f"{journey}/rights/start_journey", organisation, duty) == (403, code)
        assert asked(f"{stranger}/rights/start_journey", organisation, duty) == (403, code)
    assert trial.client.get(f"{base}/{journey}/rights/start_journey").status_code == 401
    assert before.changes(trial.watch.moment()) == []


def test_bad_records_are_rejected_by_name_and_the_next_goes_on(trial: Trial) -> None:
    guest = Baseline(body={"name": "Test Testman", "personnummer": None})
    person = Step(
        "intake",
        "register_participant",
        AGENCY,
        lambda _: guest,
        {"guest": "participant_id"},
        tried=False,
    )
    assert not trial.give(person).broke
    good = {
        "reference": f"topic-{trial.handles['run']}",
        "participant_id": trial.handles["guest"],
        "programme": PROGRAMME,
        "municipality": "2482",
        "occurred_on": trial.handles.day(30),
    }
    bad = list(inbound_faults(referral_schema(), good))
    trial.watch.rest()
    before = trial.watch.moment()
    replies = exchange(trial.stack, [record for _, record in bad])
    trial.watch.rest()
    assert stored(before.changes(trial.watch.moment())) == []
    for (kind, _), reply in zip(bad, replies, strict=True):
        assert reply["status"] == "rejected", f"{kind}: {reply}"
        assert reply["code"] in ("invalid-fields", "unreadable-body", "body-too-large"), kind
        check_reply("journey.intake.record-rejected.v1", reply)
    offsets = [reply["offset"] for reply in replies]
    assert offsets == list(range(offsets[0], offsets[0] + len(bad)))

    (accepted,) = exchange(trial.stack, [json.dumps(good).encode()])
    check_reply("journey.intake.record-accepted.v1", accepted)
    assert accepted["reference"] == good["reference"]
    trial.watch.rest()


def exchange(stack: Stack, records: list[bytes]) -> list[dict[str, Any]]:
    """Publish records as the agency and read the answer to each, in order."""
    replies = KafkaConsumer(**stack.kafka_config(AGENCY), group_id=None, enable_auto_commit=False)
    place = TopicPartition(f"inbound.{AGENCY}.replies.v1", 0)
    replies.assign([place])
    replies.seek_to_end(place)
    replies.position(place)
    producer = KafkaProducer(**stack.kafka_config(AGENCY), acks="all")
    sent = [producer.send(f"inbound.{AGENCY}.referrals.v1", value=record) for record in records]
    producer.flush(timeout=30)
    wanted = {one.get(timeout=30).offset for one in sent}
    producer.close()
    found: dict[int, dict[str, Any]] = {}
    empty = 0
    while wanted - found.keys():
        polled = replies.poll(timeout_ms=1000)
        empty = 0 if polled else empty + 1
        assert empty < 30, f"no answer to {sorted(wanted - found.keys())}"
        for record in (one for batch in polled.values() for one in batch):
            body = json.loads(record.value)
            if dict(record.headers)["ce_type"].startswith(b"journey.intake.record-"):
                found[body["offset"]] = body
    replies.close()
    return [found[offset] for offset in sorted(wanted)]


def check_reply(kind: str, reply: Mapping[str, Any]) -> None:
    """The reply fits what is published of it, and says nothing else."""
    validator = Draft202012Validator({**schema(MESSAGES[kind]), "additionalProperties": False})
    assert [error.message for error in validator.iter_errors(dict(reply))] == []


def test_two_moments_show_what_changed() -> None:
    before = Moment({"a.b": {"1": "x", "2": "y"}}, {"t": 1})
    after = Moment({"a.b": {"1": "z", "3": "y"}}, {"t": 2})
    assert before.changes(after) == ["a.b 1: changed", "a.b 2: gone", "a.b 3: new", "t: 1 -> 2"]
    assert before.changes(before) == []
