"""A topic made anew under its old name: the group halts, and an operator has it read what is there now."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from shared.host.health import Health
from shared.operations.standing import Reporter
from shared.runtime.consumer import Consumer
from shared.runtime.member import Member
from shared.runtime.progress import Progress
from tests.support import toy
from tests.support.awaiting import until
from tests.support.operating import Desk, toy_group, toy_parts, web
from tests.support.toy import Toy
from tests.support.toybench import EVERYTHING, Bench, bench

__all__ = ["bench"]

PARTITIONS = 3
REASON = "the cluster was restored from a backup"


@pytest.fixture
def topic(bench: Bench) -> Iterator[str]:
    """A topic of the test's own."""
    name = f"{bench.group}.v1"
    _make(bench, name)
    yield name
    _admin(bench, lambda admin: admin.delete_topics([name]))


def _admin(bench: Bench, act: Any) -> None:
    admin = KafkaAdminClient(**bench.kafka)
    try:
        act(admin)
    finally:
        admin.close()


def _make(bench: Bench, topic: str) -> None:
    _admin(bench, lambda admin: admin.create_topics({topic: {"num_partitions": PARTITIONS}}))


def _made_anew(bench: Bench, topic: str) -> None:
    def act(admin: KafkaAdminClient) -> None:
        admin.delete_topics([topic])
        until(lambda: topic not in admin.list_topics(), "the topic gone")

    _admin(bench, act)
    _make(bench, topic)


def say(bench: Bench, topic: str, *seqs: int) -> None:
    """Sessions of one subject, of as many minutes as their numbers."""
    subject = bench.subject()
    said = [bench.say(toy.session(seq), subject, seq) for seq in seqs]
    bench.publish(*[(key, topic, headers, value) for key, _, headers, value in said])


@contextmanager
def consuming(bench: Bench, topic: str) -> Iterator[Consumer]:
    """A process of the group, from its start to its end."""
    process = replace(bench, stop=threading.Event(), threads=[])
    consumer = process.consume(EVERYTHING, topics=[topic])
    try:
        yield consumer
    finally:
        process.stop.set()
        for thread in process.threads:
            thread.join(20)


def reporter(bench: Bench, topic: str, consumer: Consumer) -> Reporter:
    """What tells operators how that process stands."""
    parts = toy_parts(bench.client, bench.database, EVERYTHING)
    progress = Progress(
        database=bench.db,
        clock=parts.clock,
        kafka_options=bench.kafka,
        group=bench.group,
        topics=[topic],
        own=True,
    )
    health = Health(progress, {"consumer": consumer})
    return Reporter(
        database=bench.db,
        progress=progress,
        standing=lambda: {**health.standing(), "failing": 0},
        role="consume",
        stop=threading.Event(),
    )


def desk(bench: Bench) -> Desk:
    parts = toy_parts(bench.client, bench.database, EVERYTHING)
    return Desk(web(parts, {bench.group: toy_group(bench.group, EVERYTHING)}))


def path(bench: Bench, topic: str) -> str:
    return f"/operations/groups/{bench.group}/topics/{topic}/acceptance"


def stored(bench: Bench, topic: str) -> dict[int, int]:
    rows = bench.db["offsets"].find({"_id": {"$regex": f"^{bench.group}:{topic}:"}})
    return {int(row["_id"].rpartition(":")[2]): row["next"] for row in rows}


def test_a_topic_made_anew_is_read_again_once_an_operator_has_accepted_it(bench: Bench, topic: str) -> None:
    say(bench, topic, 1, 2, 3)
    with consuming(bench, topic):
        until(lambda: bench.state(bench.subject()), "the first sessions")
        until(lambda: sum(stored(bench, topic).values()) == 3, "all three read")
    _made_anew(bench, topic)
    say(bench, topic, 2, 3, 4)
    operator = desk(bench)
    with consuming(bench, topic) as consumer:
        halt: Any = until(lambda: consumer.halted, "the halt")
        assert f"journeys accept {topic} -g {bench.group}" in halt.cure
        assert operator.post(path(bench, topic), reason=REASON)["code"] == "not-halted-over-it"
        reporter(bench, topic, consumer).report()
        (process,) = operator.get("/operations/status")["groups"][0]["processes"]
        assert process["halted"]["over"] == {"group": bench.group, "topic": topic}
        assert operator.post(path(bench, "another.v1"), reason=REASON)["code"] == "not-found"
        before = stored(bench, topic)
        accepted = operator.post(path(bench, topic), reason=REASON)
        assert accepted["moved"] == [
            {"partition": one, "stood_at": before[one], "reads_from": 0} for one in range(PARTITIONS)
        ]
        assert set(stored(bench, topic).values()) == {0}
        assert operator.post(path(bench, topic), reason=REASON)["code"] == "not-halted-over-it"
    (audit,) = operator.get("/operations/audit")["audit"]
    assert (audit["did"], audit["subject"], audit["reason"]) == ("accept", f"topic/{topic}", REASON)
    assert audit["came_to"] == {"group": bench.group, "moved": accepted["moved"]}
    with consuming(bench, topic) as consumer:
        until(lambda: sum(stored(bench, topic).values()) == 3, "the new topic read")
        assert consumer.halted is None
    applied = tuple(f"activity-tracking:{seq}" for seq in range(1, 5))
    assert bench.state(bench.subject()) == Toy(applied=applied, minutes=1 + 2 + 3 + 4)


def test_a_log_cut_off_above_the_stored_offset_is_read_on_from_where_it_begins(
    bench: Bench, topic: str
) -> None:
    say(bench, topic, 1)
    with consuming(bench, topic):
        until(lambda: sum(stored(bench, topic).values()) == 1, "the first session read")
    (at,) = [partition for partition, following in stored(bench, topic).items() if following]
    say(bench, topic, 2, 3)
    _admin(bench, lambda admin: admin.delete_records({TopicPartition(topic, at): 3}))
    operator = desk(bench)
    with consuming(bench, topic) as consumer:
        until(lambda: consumer.halted, "the halt")
        reporter(bench, topic, consumer).report()
        accepted = operator.post(path(bench, topic), reason=REASON)
        assert accepted["moved"] == [{"partition": at, "stood_at": 1, "reads_from": 3}]
    say(bench, topic, 2, 3, 4)
    with consuming(bench, topic):
        until(lambda: sum(stored(bench, topic).values()) == 6, "what was said again, and what is new")
    assert bench.state(bench.subject()) == Toy(
        applied=tuple(f"activity-tracking:{seq}" for seq in range(1, 5)), minutes=10
    )


def test_a_process_that_was_moved_on_meanwhile_is_not_moved_back(bench: Bench, topic: str) -> None:
    say(bench, topic, 1)
    with consuming(bench, topic):
        until(lambda: sum(stored(bench, topic).values()) == 1, "the first session read")
    _made_anew(bench, topic)
    with consuming(bench, topic) as consumer:
        until(lambda: consumer.halted, "the halt")
        reporter(bench, topic, consumer).report()
        bench.db["offsets"].update_many({"_id": {"$regex": f":{topic}:"}}, {"$inc": {"next": 5}})
        before = stored(bench, topic)
        assert desk(bench).post(path(bench, topic), reason=REASON)["code"] == "not-halted-over-it"
    assert stored(bench, topic) == before


def test_a_topic_made_anew_under_a_running_consumer_halts_it(bench: Bench, topic: str) -> None:
    say(bench, topic, 1, 2, 3)
    with consuming(bench, topic) as consumer:
        until(lambda: sum(stored(bench, topic).values()) == 3, "all three read")
        _made_anew(bench, topic)
        say(bench, topic, 2, 3, 4)
        halt: Any = until(lambda: consumer.halted, "the halt")
    assert topic in halt.cause


def test_a_member_follows_a_topic_that_is_given_more_partitions(bench: Bench, topic: str) -> None:
    member = Member({**bench.kafka, "metadata_max_age_ms": 200}, bench.group, [topic], wait_seconds=0.05)
    try:
        for partitions in range(PARTITIONS, PARTITIONS + 4):
            if partitions > PARTITIONS:
                _admin(bench, lambda admin, to=partitions: admin.create_partitions({topic: to}))

            def granted(count: int = partitions) -> bool:
                member.poll(1)
                return len(member.granted) == count

            until(granted, f"{partitions} partitions")
    finally:
        member.close()
