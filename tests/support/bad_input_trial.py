"""Gives commands to a running stack, with all that is wrong with each, and compares what is stored before and after."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import httpx
from joserfc.jwk import RSAKey
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from pymongo import MongoClient

from services.intake.sequencing import CHANGES
from shared.edge.openapi import document_of
from shared.language.errors import CODES
from shared.runtime.messages import REPLIES
from shared.runtime.restored import SEQUENCES
from tests.support.awaiting import until
from tests.support.bad_input import Baseline, Bearer, Case, cases, commands
from tests.support.every_command import AGENCY, CUT_OFF, DRIFT, STOOD_AT, Handles, Step
from tests.support.watching import Watch
from tools.contracts.services import application, services
from tools.stack import Stack
from tools.stack.issuer import sign

DOCUMENTS = {name: document_of(application(name)) for name in services()}


WEB = {name: f"{name.replace('_', '-')}-web" for name in services()}


BY_LINE = ("mark_attendance",)
"""Commands that are answered line by line: what is wrong with one is said of that line."""
KEPT_ANSWER = ".commands "


NEED_PARKED = ("replay_parked", "skip_parked")


@dataclass
class Finding:
    """What one command's trial came to."""

    sent: int = 0
    surprises: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    broke: str = ""
    repeated: str = ""
    reused: str = ""
    changes_by_repeating: list[str] = field(default_factory=list)


class Trial:
    """Sends the story's commands, and everything that is wrong with them."""

    def __init__(self, stack: Stack, watch: Watch, handles: Handles) -> None:
        self.stack = stack
        self.watch = watch
        self.handles = handles
        self.client = httpx.Client(timeout=20)
        self._tokens: dict[tuple[tuple[str, str], Bearer], str] = {}
        self._halts: tuple[str, ...] = ()

    def give(self, step: Step) -> Finding:
        """Try a command, give it, and give it again."""
        finding = Finding()
        if step.operation in NEED_PARKED and "parked" not in self.handles.names:
            self._set_aside()
        if step.operation == "accept_topic":
            self._cut_off()
        if step.operation == "skip_record":
            self._stand_at_a_record()
        baseline = step.baseline(self.handles)
        self._rest()
        before = self.watch.moment()
        if step.tried:
            for case in cases(DOCUMENTS[step.service], step.operation, baseline):
                finding.sent += 1
                finding.surprises += self._surprise(step, case)
        finding.changes = before.changes(self.watch.moment())
        if step.operation in BY_LINE:
            # A request whose lines were refused was answered, and its answer is kept.
            finding.changes = [one for one in finding.changes if KEPT_ANSWER not in one]
        key = f"{step.operation}-{uuid.uuid4().hex}"
        given = self._send(step, baseline, key)
        finding.broke = "" if given.is_success else f"{given.status_code} {given.text}"
        if given.is_success:
            self._restart_halted()
            self.handles.names.update({name: given.json()[place] for name, place in step.keeps.items()})
            self._repeat(step, baseline, key, given, finding)
        return finding

    def _repeat(
        self, step: Step, baseline: Baseline, key: str, first: httpx.Response, finding: Finding
    ) -> None:
        self._rest()
        before = self.watch.moment()
        if self._command(step)[0] == "POST":
            again = self._send(step, baseline, key)
            if (again.status_code, _lasting(again)) != (first.status_code, _lasting(first)):
                finding.repeated = f"{again.status_code} {again.text}, first {first.status_code} {first.text}"
            if baseline.body or baseline.text:
                refused = self._send(step, self._otherwise(step, baseline), key)
                if refused.status_code != 422 or refused.json()["code"] != "idempotency-key-reused":
                    finding.reused = f"{refused.status_code} {refused.text}"
        finding.changes_by_repeating = before.changes(self.watch.moment())

    def _otherwise(self, step: Step, baseline: Baseline) -> Baseline:
        """The command with another content that is right by itself."""
        if step.organisation == DRIFT and "why" not in baseline.body:
            change = {"reason": "tried for another reason"}
        elif "why" in baseline.body:
            change = {"why": "Another reason to correct it."}
        elif "name" in baseline.body:
            change = {"name": "Annan Testsson"}
        elif "needs" in baseline.body:
            change = {"needs": "Något annat."}
        elif "percent" in baseline.body:
            change = {"percent": baseline.body["percent"] % 100 + 1}
        elif set(baseline.body) == {"text"}:
            change = {"text": "Hela dagar."}
        elif "marks" in baseline.body:
            change = {"marked_at": "2016-03-01T08:00:00Z"}
        elif "first_on" in baseline.body and "occurred_on" not in baseline.body:
            change = {"last_on": self.handles.day(1)}
        else:
            change = {"occurred_on": self.handles.day(3)}
        text = (
            baseline.text.replace(b'": 60', b'": 61')
            .replace(b"Butik A", b"Butik B")
            .replace(b"11:00", b"11:30")
        )
        return replace(baseline, body={**baseline.body, **change}, text=text)

    def _rest(self) -> None:
        """Wait until nothing moves of itself: no event, and no rebuild."""
        self.watch.rest(without=self._halts)
        until(self.watch.rebuilt, "a rebuild at rest")

    def _cut_off(self) -> None:
        """Have the projector halt: while it is away, what is said is removed from the log before it could read it."""
        self.stack.stop("outcome-project")
        again = Step(
            "outcome",
            "republish_subject",
            DRIFT,
            lambda handles: Baseline(
                path={"kind": "journey", "key": handles["whole"]}, body={"reason": "to be cut off"}
            ),
        )
        assert self._send(again, again.baseline(self.handles), uuid.uuid4().hex).is_success
        self.watch.rest(without=("outcome-project",))
        admin = KafkaAdminClient(**self.stack.kafka_admin_config())
        admin.delete_records(self._end_of(CUT_OFF))
        admin.close()
        self.stack.start("outcome-project")
        until(self._halted, "the projector to halt")
        self._halts = ("outcome-project",)

    def _stand_at_a_record(self) -> None:
        """Have a group that nobody runs stand at the last record of a partition."""
        at, end = max(self._end_of(STOOD_AT).items(), key=lambda one: one[1])
        self.handles.names |= {"partition": str(at.partition), "offset": str(end - 1)}
        with MongoClient[dict[str, Any]](self.stack.admin_mongo_uri) as client:
            row = {"_id": f"nobodys:{at.topic}:{at.partition}", "next": end - 1}
            client["outcome"]["offsets"].insert_one(row)

    def _restart_halted(self) -> None:
        """What the answer to an acceptance asks for; they have taken over when everything is at rest."""
        if not self._halts:
            return
        before = self.watch.holders("outcome", "figures")
        for name in self._halts:
            self.stack.stop(name)
            self.stack.start(name)
        until(
            lambda: self.watch.holders("outcome", "figures").isdisjoint(before), "the projector taking over"
        )
        self._halts = ()

    def _halted(self) -> bool:
        token = {"Authorization": f"Bearer {self._token((DRIFT, 'operator'), 'own')}"}
        told = self.client.get(f"{self.stack.url('outcome-web')}/operations/status", headers=token).json()
        halts = [process["halted"] for group in told["groups"] for process in group["processes"]]
        return any(halt and CUT_OFF in halt["cause"] for halt in halts)

    def _end_of(self, topic: str) -> dict[TopicPartition, int]:
        consumer = KafkaConsumer(**self.stack.kafka_admin_config(), group_id=None)
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends: dict[TopicPartition, int] = consumer.end_offsets(places)
        consumer.close()
        return ends

    def _set_aside(self) -> None:
        """Have outcome park an event: one of a type that this release does not know."""
        subject = f"journey/j-{uuid.uuid4().hex[:26]}"
        headers = {
            "ce_id": f"intake:{subject}:1",
            "ce_type": "journey.intake.of-a-later-release.v1",
            "ce_source": "intake",
            "ce_subject": subject,
            "ce_sequence": "1",
        }
        producer = KafkaProducer(**self.stack.kafka_admin_config(), acks="all")
        record = [(name, text.encode()) for name, text in headers.items()]
        producer.send("journey.intake.v1", key=subject.encode(), value=b"{}", headers=record).get(timeout=20)
        producer.close()
        token = {"Authorization": f"Bearer {self._token((DRIFT, 'operator'), 'own')}"}
        url = f"{self.stack.url('outcome-web')}/operations/parked?group=outcome"
        parked = until(lambda: self.client.get(url, headers=token).json()["parked"], "something parked")
        self.handles.names["parked"] = parked[0]["parked_id"]

    def _surprise(self, step: Step, case: Case) -> list[str]:
        headers = dict(case.headers)
        token = self._token(step.by, case.bearer)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if case.kind == "oversized":
            # What is not read of a body ends the connection, so that nobody else finds it dead.
            headers["Connection"] = "close"
        url = self.stack.url(WEB[step.service]) + quote(case.path, safe="/%'")
        answer = self.client.request(case.method, url, headers=headers, content=case.body)
        problem = answer.json() if answer.headers["content-type"] == "application/problem+json" else {}
        if step.operation in BY_LINE and answer.status_code == 200:
            refused = {(line["problem"] or {}).get("code") for line in answer.json()["results"]}
            return [] if refused <= {*case.codes, "not-found"} else [f"{case.name}: {refused}"]
        code = problem.get("code", "")
        if code not in case.codes or answer.status_code != CODES[code].status:
            return [f"{case.name} {case.body[:120]!r}: {answer.status_code} {answer.text[:160]}"]
        if code == "invalid-fields" and not problem.get("errors"):
            return [f"{case.name}: no field is named"]
        return []

    def _send(self, step: Step, baseline: Baseline, key: str) -> httpx.Response:
        method, template, operation = self._command(step)
        content_type = next(iter(operation["requestBody"]["content"]))
        headers = {
            "Authorization": f"Bearer {self._token(step.by, 'own')}",
            "Content-Type": content_type,
            **baseline.headers,
        }
        if method == "POST":
            headers["Idempotency-Key"] = key
        url = self.stack.url(WEB[step.service]) + template.format(**baseline.path)
        return self.client.request(
            method, url, headers=headers, content=baseline.text or json.dumps(baseline.body).encode()
        )

    def _command(self, step: Step) -> tuple[str, str, Mapping[str, Any]]:
        (found,) = [
            one for one in commands(DOCUMENTS[step.service]) if one[2]["operationId"] == step.operation
        ]
        return found

    def _token(self, by: tuple[str, str], bearer: Bearer) -> str:
        known = self._tokens.get((by, bearer))
        if known is None:
            known = self._tokens[by, bearer] = self._new_token(by, bearer)
        return known

    def _new_token(self, by: tuple[str, str], bearer: Bearer) -> str:
        organisation, duty = by
        match bearer:
            case "none":
                return ""
            case "unreadable":
                return "not.a.token"
            case "other_signer":
                key = RSAKey.generate_key(2048, {"kid": "stranger"})
                return sign(key, self.stack.url("issuer"), [(organisation, "caseworker")])
            case "outsider":
                return self.stack.token("nobody-of-this-programme", "caseworker")
            case "analyst":
                return self.stack.token(organisation, "analyst")
            case "caseworker":
                return self.stack.token(organisation, "caseworker")
            case "own":
                return self.stack.token(organisation, duty)


def stored(changes: list[str]) -> list[str]:
    """What changed besides the answers themselves and the place in the topic."""
    told = tuple(f"intake.{name} " for name in (REPLIES, CHANGES, SEQUENCES))
    answers = (*told, "intake.events change/", "intake.offsets intake-inbound:", f"inbound.{AGENCY}.")
    return [one for one in changes if not one.startswith(answers)]


def _lasting(answer: httpx.Response) -> bytes:
    """What an answer says, but for whether a row has changed anything: of a file sent again, none does."""
    return answer.content.replace(b'"changed":true', b'"changed":false')
