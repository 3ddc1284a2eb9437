"""Records that hold anything at all, on real Kafka and MongoDB: answered or parked, and the next one goes on."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from kafka.admin import KafkaAdminClient

from shared.language import events as e
from shared.language.decision import Change, Received
from shared.language.programmes import Programmes
from tests.support import toy
from tests.support.awaiting import until
from tests.support.callers import AGENCY, Agency, Callers, referral
from tests.support.operating import Desk, toy_group, toy_parts, web
from tests.support.scrapes import measured
from tests.support.toy import Toy
from tests.support.toybench import EVERYTHING, Bench, bench
from tests.support.wild import Raw, Wild
from tools.stack import Stack

__all__ = ["bench"]

OTHER = "forsakringskassan"
GOAL = e.GoalReached(occurred_on=toy.DAY, recorded_at=toy.NOW, goal="g-1")
REASON = "an agency sent what no version can read"


ODD_HEADERS: dict[str, list[tuple[str, bytes | None]]] = {
    "a null trace": [("traceparent", None)],
    "a trace that is none": [("traceparent", b"x")],
    "a name that is no UTF-8": [(Raw(b"\xff\xfe"), b"x")],
    "names that a database minds": [("$set", b"x"), ("a.b", b""), ("", b""), ("a\0b", b"x"), ("_id", b"x")],
    "a name of a lone surrogate": [(Raw("\ud800".encode("utf-8", "surrogatepass")), b"x")],
    "a huge header": [("x", b"a" * 900_000)],
    "a thousand headers": [(f"h{n % 7}", b"\xff") for n in range(1000)],
}


def send(stack: Stack, by: str, *records: tuple[Any, Any, Any]) -> list[str]:
    """Publish (headers, key, value) on the organisation's own topic. Returns their places."""
    with Wild(stack.kafka_config(by)) as producer:
        return [producer.send(f"inbound.{by}.referrals.v1", *record) for record in records]


def test_whatever_an_agency_sends_is_answered_once_and_nobody_else_waits(
    callers: Callers, stack: Stack
) -> None:
    good = json.dumps(referral(callers.register(), reference="after-all-that")).encode()
    odd: list[tuple[Any, Any, Any]] = [(headers, None, b"{}") for headers in ODD_HEADERS.values()]
    odd += [([], b"\xff\xfe", b"{}"), ([], None, None), ([], b"k", b"\xff"), ([], None, b"[" * 60_000)]
    places = send(stack, AGENCY, *odd, ([("traceparent", None)], None, good))
    (elsewhere,) = send(stack, OTHER, ([], None, b"{}"))
    agency = Agency(stack, [])
    assert agency.reply_to(places[-1])["status"] == "accepted"
    replies = agency.replies()
    for place, (headers, _, _) in zip(places, odd, strict=False):
        (said,) = [body for about, body in replies if about["ce_id"] == f"intake:{place}"]
        unreadable = any(isinstance(name, Raw) for name, _ in headers)
        assert said["status"] == "rejected"
        assert said["code"] != "internal"
        assert (said["code"] == "invalid-header") == unreadable
    assert replied_to(stack, elsewhere)["status"] == "rejected"
    health = stack.url("intake-consume")
    assert httpx.get(f"{health}/readyz").status_code == 200
    assert measured(stack, "intake-consume", "journey_thread_restarts_total") == 0
    assert measured(stack, "intake-consume", "journey_batch_failures_total", group="intake-inbound") == 0


def replied_to(stack: Stack, place: str) -> dict[str, Any]:
    return OtherAgency(stack, []).reply_to(place)


class OtherAgency(Agency):
    """The second agency's system."""

    organisation = OTHER


# --- journey topics ----------------------------------------------------------------------------------------


@pytest.fixture
def topic(bench: Bench) -> Iterator[str]:
    """A topic of the test's own, with one partition."""
    name = f"{bench.group}.v1"
    bench.alone = True
    admin = KafkaAdminClient(**bench.kafka)
    admin.create_topics({name: {"num_partitions": 1}})
    yield name
    admin.delete_topics([name])
    admin.close()


def too_large(state: Toy | None, received: Received, programmes: Programmes) -> Change[Toy]:
    """A version whose state does not fit the database."""
    change = toy.note(state, received, programmes)
    return replace(change, state=replace(change.state, minutes=1 << 70))


def test_whatever_a_service_says_is_parked_and_the_next_goes_on(bench: Bench, topic: str) -> None:
    bench.consume({**EVERYTHING, e.GoalReached: too_large}, topics=[topic])

    def said(n: int, body: e.Fact, *more: tuple[str, bytes | None], seq: int = 1, value: Any = ...) -> Any:
        subject = bench.subject(n)
        _, _, headers, whole = bench.say(body, subject, seq)
        return subject, topic, [*headers, *more], whole if value is ... else value

    odd = [
        said(n, toy.session(n), *headers, seq=1 + n % 2)
        for n, headers in enumerate(ODD_HEADERS.values(), start=100)
    ]
    unreadable = [
        *(
            said(200 + n, toy.session(1), (name, None))
            for n, name in enumerate(("ce_id", "ce_type", "ce_source"))
        ),
        said(210, toy.session(1), ("ce_subject", b"programme/toys@7")),
        said(211, toy.session(1), ("ce_sequence", str(1 << 80).encode())),
        said(212, GOAL),
        said(213, toy.accepted()),
        said(214, toy.accepted(), ("ce_source", b"activity-tracking")),
        said(215, toy.session(1), ("ce_source", b"$where")),
        said(216, toy.session(1), ("ce_source", b"a.b")),
        said(217, toy.session(1), ("ce_source", b"")),
        said(218, toy.session(1), ("ce_subject", b"participant/p-1")),
        # A stranger's word on the subject that goes on below.
        said(1, toy.accepted(), seq=1),
    ]
    poisoned = [
        said(300, toy.session(1), value=None),
        said(301, toy.session(1), value=b'{"minutes": "\xff"}'),
        said(302, toy.session(1), value=b'{"x":' + b"[" * 100_000),
    ]
    with Wild(bench.kafka) as producer:
        for record in (*odd, *unreadable, *poisoned, said(1, toy.session(1)), said(2, toy.session(7))):
            subject, _, headers, value = record
            producer.send(topic, headers, subject.encode(), value)
    until(lambda: bench.state(bench.subject(2)), "the one after all that")
    for document in bench.db["toys"].find():
        assert {*document["in"], *document["chain"], *document["seen"]} <= {*e.SOURCES}
    assert bench.consumer is not None
    assert bench.consumer.halted is None
    parked = list(bench.db["parked"].find())
    aside = [row for row in parked if row["subject"].startswith("unreadable/")]
    raw = [one for one in odd if any(isinstance(name, Raw) for name, _ in one[2])]
    null_trace = 1
    assert len(aside) == len(unreadable) + len(raw) + null_trace
    assert {row["subject"] for row in parked if row["reason"] == "poison"} - {
        row["subject"] for row in aside
    } == {record[0] for record in poisoned}
    assert bench.state(bench.subject(1)) == Toy(applied=("activity-tracking:1",), minutes=1)
    assert bench.db["toys"].find_one({"_id": bench.subject(212)}) is None


def test_a_group_that_cannot_get_past_a_record_halts_alone_and_goes_on_when_it_is_passed_over(
    bench: Bench, topic: str
) -> None:
    folds = {**EVERYTHING, e.GoalReached: too_large}
    consumer = bench.consume(folds, topics=[topic], sets_aside=False)
    _, _, headers, value = bench.say(GOAL, bench.subject(1), 1)
    (bad,) = bench.publish((bench.subject(1), topic, headers, value))
    halt: Any = until(lambda: consumer.halted, "the halt")
    assert f"journeys inbound skip {topic} 0 {bad.offset} -g {bench.group}" in halt.cure
    operator = Desk(
        web(
            toy_parts(bench.client, bench.database, folds, bench.kafka),
            {bench.group: toy_group(bench.group, folds)},
        )
    )
    path = f"/operations/groups/{bench.group}/topics/{topic}/skip"
    for offset in (bad.offset + 1, bad.offset + 7):
        refused = operator.post(path, reason=REASON, partition=0, offset=offset)
        assert refused["code"] == "not-standing-there"
    assert operator.post(path, reason=REASON, partition=1, offset=0)["code"] == "not-found"
    passed = operator.post(path, reason=REASON, partition=0, offset=bad.offset)
    assert passed["reads_from"] == bad.offset + 1
    assert operator.post(path, reason=REASON, partition=0, offset=bad.offset)["code"] == "not-standing-there"
    until(lambda: consumer.halted is None, "the group going on by itself")
    _, _, headers, value = bench.say(toy.session(5), bench.subject(2), 1)
    bench.publish((bench.subject(2), topic, headers, value))
    until(lambda: bench.state(bench.subject(2)), "the next record")
    (audit,) = operator.get("/operations/audit")["audit"]
    assert (audit["did"], audit["subject"]) == ("pass-over", f"record/{topic}:0:{bad.offset}")
    assert audit["reason"] == REASON
