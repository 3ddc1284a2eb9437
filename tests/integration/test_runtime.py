"""The runtime on real Kafka and MongoDB: once, in order, causes before effects, and nothing lost on the way."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from pymongo import MongoClient

from shared import codec
from shared import events as e
from shared.errors import Busy, Refused
from shared.runtime.change import Change, Fold, Subject, Timer
from shared.runtime.clock import Clock
from shared.runtime.commands import Answer, Commands
from shared.runtime.consumer import Consumer
from shared.runtime.fold import Arrived, Batch, Breaker, Tally
from shared.runtime.process import RUNTIME_INDEXES
from shared.runtime.programmes import PublishedProgrammes
from shared.runtime.relay import Relay
from shared.runtime.timers import Timers
from shared.runtime.unit import Unit, transact
from shared.telemetry import metric
from tests.support import toy
from tests.support.toy import Toy, ToyRepository

PATIENCE_SECONDS = 30.0


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait for a condition, asking again and again until it holds or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"never came: {what}"
        pause.wait(0.02)


@dataclass
class Bench:
    """One toy service on the real stack, in a database and on subjects of its own."""

    client: MongoClient[dict[str, Any]]
    database: str
    kafka: dict[str, Any]
    group: str
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    consumer: Consumer | None = None

    @property
    def db(self) -> Any:
        return self.client[self.database]

    def consume(self, folds: dict[type[e.Fact], Fold], *, group: str | None = None) -> Consumer:
        programmes = PublishedProgrammes(self.db)
        breaker = Breaker()
        name = group or self.group

        def absorb(session: Any, records: list[Arrived]) -> Tally:
            unit = Unit(self.db, session, ToyRepository(), programmes, "outcome", lambda: datetime.now(UTC))
            batch = Batch(
                unit,
                self.db,
                session,
                group=name,
                own_source="outcome",
                sources=frozenset(e.SOURCES),
                folds=folds,
                programmes=programmes,
                breaker=breaker,
                enrich=None,
            )
            batch.fold([one for one in records if self.mine(one)])
            unit.flush()
            return batch.tally

        consumer = Consumer(
            group=name,
            client=self.client,
            database=self.database,
            kafka_options=self.kafka,
            absorb=absorb,
            stop=self.stop,
            topics=[e.TOPICS["intake"], e.TOPICS["activity-tracking"], e.PROGRAMMES_TOPIC],
        )
        self.start(consumer.run)
        self.consumer = consumer
        return consumer

    def mine(self, record: Arrived) -> bool:
        """Other tests share the topics; their subjects do not carry this group's name."""
        subject = dict(record.headers).get("ce_subject", b"").decode()
        return self.group in subject or subject.startswith("programme/")

    def start(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.threads.append(thread)

    def subject(self, n: int = 1) -> Subject:
        return Subject(f"journey/{self.group}-{n}")

    def publish(self, *records: tuple[str, str, list[tuple[str, bytes]], bytes]) -> list[Any]:
        producer = KafkaProducer(**self.kafka, acks="all")
        futures = [
            producer.send(topic, key=subject.encode(), value=value, headers=headers)
            for subject, topic, headers, value in records
        ]
        producer.flush(timeout=20)
        sent = [future.get(timeout=0) for future in futures]
        producer.close()
        return sent

    def say(self, body: e.Fact, subject: str, seq: int, after: dict[str, int] | None = None) -> Any:
        topic, headers, value = toy.record(body, subject, seq, after)
        return subject, topic, headers, value

    def state(self, subject: Subject) -> Toy | None:
        document = self.db["toys"].find_one({"_id": subject})
        return (
            None
            if document is None or document["state"] is None
            else ToyRepository().read(subject, document["state"])
        )

    def commands(self) -> Commands:
        return Commands(
            client=self.client,
            database=self.database,
            repository=ToyRepository(),
            programmes=PublishedProgrammes(self.db),
            source="outcome",
            clock=Clock(self.db, driven=True),
            waiters=2,
        )


def _has_applied(bench: Bench, subject: Subject, count: int) -> bool:
    state = bench.state(subject)
    return state is not None and len(state.applied) == count


@pytest.fixture
def bench(stack: Any, request: pytest.FixtureRequest) -> Iterator[Bench]:
    name = (
        "t"
        + "".join(one for one in request.node.name if one.isalnum())[-24:].lower()
        + str(time.time_ns())[-8:]
    )
    client: MongoClient[dict[str, Any]] = MongoClient(stack.admin_mongo_uri, tz_aware=True, w="majority")
    kafka = {**stack.kafka_admin_config(), "api_version": (4, 0)}
    bench = Bench(client, name, kafka, name)
    for collection, models in RUNTIME_INDEXES.items():
        client[name][collection].create_indexes(models)
    yield bench
    bench.stop.set()
    for thread in bench.threads:
        thread.join(timeout=20)
    client.drop_database(name)
    client.close()


EVERYTHING: dict[type[e.Fact], Fold] = {e.ReferralAccepted: toy.note, e.SessionLogged: toy.note}


def test_shuffled_and_doubled_events_are_applied_once_and_in_order(bench: Bench) -> None:
    subjects = [bench.subject(n) for n in range(20)]
    records = [bench.say(toy.session(n), subject, n) for subject in subjects for n in range(1, 31)]
    shuffled = records + random.Random(7).sample(records, 200)
    random.Random(8).shuffle(shuffled)
    bench.publish(*shuffled)
    bench.consume(EVERYTHING)
    expected = tuple(f"activity-tracking:{n}" for n in range(1, 31))
    for subject in subjects:
        until(partial(_has_applied, bench, subject, 30), subject)
        assert bench.state(subject) == Toy(applied=expected, minutes=sum(range(1, 31)))
    assert bench.db["parked"].count_documents({}) == 0
    assert bench.db["toys"].count_documents({"waits": {"$ne": 0}}) == 0


def test_an_effect_waits_for_its_cause_on_another_topic(bench: Bench) -> None:
    subject = bench.subject()
    bench.consume(EVERYTHING)
    bench.publish(bench.say(toy.session(5), subject, 1, after={"intake": 1}))
    until(lambda: bench.db["parked"].find_one({"subject": subject, "reason": "waiting"}), "the effect parked")
    assert bench.state(subject) is None
    bench.publish(bench.say(toy.accepted(), subject, 1))
    until(lambda: len(getattr(bench.state(subject), "applied", ())) == 2, "both applied")
    assert bench.state(subject) == Toy(applied=("intake:1", "activity-tracking:1"), minutes=5)
    assert bench.db["parked"].count_documents({}) == 0


def test_poison_blocks_its_own_subject_and_no_other(bench: Bench) -> None:
    ill, well = bench.subject(1), bench.subject(2)
    bench.consume(EVERYTHING)
    bench.publish(
        bench.say(toy.session(1), ill, 1),
        bench.say(toy.session(666), ill, 2),
        bench.say(toy.session(3), ill, 3),
        bench.say(toy.session(4), well, 1),
    )
    until(lambda: bench.state(well), "the healthy subject")
    until(lambda: bench.db["parked"].find_one({"subject": ill, "reason": "poison"}), "the poison parked")
    bench.publish(bench.say(toy.accepted(), ill, 1))
    until(
        lambda: bench.db["parked"].count_documents({"subject": ill}) == 3, "what is behind the poison parked"
    )
    assert bench.state(ill) == Toy(applied=("activity-tracking:1",), minutes=1)
    reasons = sorted(row["reason"] for row in bench.db["parked"].find({"subject": ill}))
    assert reasons == ["blocked", "blocked", "poison"]
    assert "ArithmeticError" in bench.db["parked"].find_one({"reason": "poison"})["error"]


def test_a_version_that_fails_on_everything_halts_before_it_parks_everything(bench: Bench) -> None:
    records = [bench.say(toy.session(666), bench.subject(n), 1) for n in range(100)]
    bench.publish(*records)
    consumer = bench.consume(EVERYTHING)
    until(lambda: consumer.halted, "the halt")
    assert bench.db["parked"].count_documents({}) <= 21
    assert consumer.halted is not None
    assert "Deploy a version" in consumer.halted.cure


def test_an_event_waits_for_its_programme_and_no_longer(bench: Bench) -> None:
    subject = bench.subject()
    bench.consume({e.ReferralReceived: toy.begin})
    bench.publish(bench.say(toy.referral(), subject, 1))
    until(lambda: bench.db["parked"].find_one({"needs": "toys@7"}), "the referral waits")
    programmes = PublishedProgrammes(bench.db)
    body = json.loads(json.dumps(PROGRAMME))

    def publish(session: Any) -> None:
        unit = Unit(bench.db, session, ToyRepository(), programmes, "intake", lambda: datetime.now(UTC))
        fact = codec.read_body("journey.intake.programme-published.v1", json.dumps(body).encode())
        unit.save(Subject("programme/toys@7"), Change(Toy(), events=(fact,)))
        unit.flush()

    transact(bench.client, publish)
    relay = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    assert relay.publish_once() == 1
    until(lambda: bench.state(subject), "the referral applied")
    assert bench.db["parked"].count_documents({}) == 0


def test_a_consumer_whose_offset_was_moved_by_another_changes_nothing_and_reloads(bench: Bench) -> None:
    subject = bench.subject()
    bench.consume(EVERYTHING)
    (first,) = bench.publish(bench.say(toy.session(1), subject, 1))
    until(lambda: bench.state(subject), "the first event")
    fenced = metric("journey_fenced_total", group=bench.group)._value.get()
    offset = {"_id": f"{bench.group}:{first.topic}:{first.partition}"}
    bench.db["offsets"].update_one(offset, {"$inc": {"next": 1}})
    bench.publish(bench.say(toy.session(2), subject, 2))
    until(lambda: metric("journey_fenced_total", group=bench.group)._value.get() > fenced, "the fence")
    bench.publish(bench.say(toy.accepted(), subject, 1))
    until(lambda: len(bench.state(subject).applied) == 2, "what comes after the fence")  # type: ignore[union-attr]
    assert bench.state(subject) == Toy(applied=("activity-tracking:1", "intake:1"), minutes=1)
    assert bench.db["offsets"].find_one(offset)["next"] == first.offset + 2


def test_a_consumer_that_kafka_sends_back_reads_on_from_what_is_stored_and_does_not_halt(
    bench: Bench,
) -> None:
    subject = bench.subject()
    consumer = bench.consume(EVERYTHING)
    (first,) = bench.publish(bench.say(toy.session(1), subject, 1))
    until(lambda: bench.state(subject), "the first event")
    # What a rebalance does that ends just after the stored offsets were loaded.
    assert consumer._consumer is not None
    consumer._consumer.seek(TopicPartition(first.topic, first.partition), 0)
    bench.publish(bench.say(toy.session(2), subject, 2))
    until(partial(_has_applied, bench, subject, 2), "what was said after it")
    assert consumer.halted is None
    offset = bench.db["offsets"].find_one({"_id": f"{bench.group}:{first.topic}:{first.partition}"})
    assert offset["next"] == first.offset + 2


def test_two_consumers_of_one_group_share_the_work_and_apply_once(bench: Bench) -> None:
    subjects = [bench.subject(n) for n in range(40)]
    bench.consume(EVERYTHING)
    bench.publish(*[bench.say(toy.session(1), subject, n) for subject in subjects for n in range(1, 11)])
    bench.consume(EVERYTHING)
    bench.publish(*[bench.say(toy.session(1), subject, n) for subject in subjects for n in range(11, 21)])
    for subject in subjects:
        until(partial(_has_applied, bench, subject, 20), subject)
    assert all(len(bench.state(subject).applied) == 20 for subject in subjects)  # type: ignore[union-attr]


def test_what_is_emitted_reaches_kafka_numbered_without_holes_and_after_its_cause(bench: Bench) -> None:
    subject = bench.subject()
    relay = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    bench.start(relay.run)
    bench.consume({e.SessionLogged: toy.echo})
    bench.publish(*[bench.say(toy.session(1), subject, n) for n in range(1, 51)])
    found = until(lambda: _published(bench, subject, 50), "fifty echoes")
    sequences = [int(dict(headers)["ce_sequence"]) for headers in found]
    assert sequences == list(range(1, 51))
    assert [dict(headers)["ce_after"].decode() for headers in found] == [
        f"activity-tracking={n}" for n in range(1, 51)
    ]
    until(lambda: bench.db["events"].count_documents({"pend": {"$exists": True}}) == 0, "nothing pending")


def _published(bench: Bench, subject: str, count: int) -> list[Any] | None:
    consumer = KafkaConsumer(**bench.kafka, group_id=None, enable_auto_commit=False)
    topic = e.TOPICS["outcome"]
    partitions = [TopicPartition(topic, one) for one in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    found = []
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(one) < ends[one] for one in partitions):
        for records in consumer.poll(timeout_ms=200).values():
            found += [one.headers for one in records if one.key == subject.encode()]
    consumer.close()
    return found if len(found) >= count else None


def test_a_shard_is_published_by_one_relay_at_a_time(bench: Bench) -> None:
    first = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    second = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    held = first._leases.hold()[0]
    assert len(held) == 4
    assert second._leases.hold()[0] == []
    first._leases.release()
    second._leases._until = 0.0
    assert len(second._leases.hold()[0]) == 4


def _count_up(bench: Bench, subject: Subject) -> Callable[[Any], dict[str, Any]]:
    def use_case(work: Any) -> dict[str, Any]:
        state = work.find(subject) or Toy()
        fact = e.EntryRecorded(occurred_on=toy.DAY, recorded_at=toy.NOW, complete=True)
        after = work.save(subject, Change(Toy(minutes=state.minutes + 1), events=(fact,)))
        return {"minutes": after.minutes}

    return use_case


def test_the_same_key_has_its_effect_once_however_many_callers_send_it_at_once(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    answers: list[Any] = []

    def call() -> None:
        try:
            answers.append(
                commands.run(_count_up(bench, subject), key="k", body=b"1", subject=subject, vector={}).body
            )
        except Busy:
            answers.append(None)

    threads = [threading.Thread(target=call) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {json.dumps(one) for one in answers if one is not None} == {'{"minutes": 1}'}
    assert bench.db["events"].count_documents({}) == 1
    with pytest.raises(Refused, match="idempotency-key-reused"):
        commands.run(_count_up(bench, subject), key="k", body=b"2", subject=subject, vector={})


def test_a_refused_command_leaves_nothing_behind(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()

    def use_case(work: Any) -> dict[str, Any]:
        _count_up(bench, subject)(work)
        raise Refused("wrong-stage", "no")

    with pytest.raises(Refused):
        commands.run(use_case, key="k", body=b"", subject=subject, vector={})
    assert bench.state(subject) is None
    assert bench.db["events"].count_documents({}) == 0
    assert bench.db["commands"].count_documents({}) == 0


def test_commands_that_wait_share_a_transaction_and_a_refused_one_takes_nothing_from_the_others(
    bench: Bench,
) -> None:
    commands = bench.commands()
    asks: ContextVar[int] = ContextVar("asks")
    began, go = threading.Semaphore(0), threading.Event()
    outcomes: dict[int, Any] = {}

    def call(n: int, *, held: bool) -> None:
        asks.set(n)

        def use_case(work: Any) -> dict[str, Any]:
            began.release()
            if held:
                assert go.wait(PATIENCE_SECONDS)
            assert asks.get() == n, "decided in the name of another caller"
            # Two each on one subject: the later one decides on what the earlier one left.
            answer = _count_up(bench, bench.subject(n // 2))(work)
            if n == 7:
                raise Refused("wrong-stage", "no")
            return answer

        try:
            outcomes[n] = commands.run(use_case, key=f"k{n}", body=b"", subject=None, vector={})
        except Refused as refused:
            outcomes[n] = refused

    def started(n: int, *, held: bool) -> threading.Thread:
        thread = threading.Thread(target=call, args=(n,), kwargs={"held": held})
        thread.start()
        return thread

    lone = [started(n, held=True) for n in (100, 200)]
    for _ in lone:
        assert began.acquire(timeout=PATIENCE_SECONDS)
    commits = _commits(bench)
    waiting = [started(n, held=False) for n in range(12)]
    until(lambda: len(commands._queue) == 12, "all of them to wait")
    go.set()
    for thread in lone + waiting:
        thread.join(PATIENCE_SECONDS)
    assert isinstance(outcomes.pop(7), Refused)
    assert all(isinstance(one, Answer) for one in outcomes.values())
    states = [bench.state(bench.subject(n)) for n in range(6)]
    assert [state.minutes if state else None for state in states] == [2, 2, 2, 1, 2, 2]
    assert bench.db["events"].count_documents({}) == 13
    assert bench.db["commands"].count_documents({}) == 13
    # The two lone ones, and one for all that waited; the last of the lone ones may have taken part in no round.
    assert _commits(bench) - commits <= 4


def _commits(bench: Bench) -> int:
    told: int = bench.client.admin.command("serverStatus")["transactions"]["totalCommitted"]
    return told


def test_a_caller_who_knows_more_waits_and_is_then_told_to_come_back(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    with pytest.raises(Refused, match="not-yet-seen"):
        commands.wait(subject, {"intake": 1})
    bench.consume(EVERYTHING)
    bench.publish(bench.say(toy.accepted(), subject, 1))
    until(lambda: bench.state(subject), "the event")
    commands.wait(subject, {"intake": 1})


def test_a_timer_fires_once_however_many_instances_look(bench: Bench) -> None:
    subject, commands = bench.subject(), bench.commands()
    clock = Clock(bench.db, driven=True)
    clock.move(toy.NOW)

    def use_case(work: Any) -> dict[str, Any]:
        timers = tuple(Timer(f"{subject}:{n}", toy.NOW + timedelta(days=1), "fire") for n in range(30))
        work.save(subject, Change(Toy(), timers=timers))
        return {}

    commands.run(use_case, key="k", body=b"", subject=subject, vector={})
    for _ in range(3):
        timers = Timers(
            client=bench.client,
            database=bench.database,
            repository=ToyRepository(),
            programmes=PublishedProgrammes(bench.db),
            source="outcome",
            folds={"fire": toy.fire},
            clock=clock,
            stop=bench.stop,
        )
        bench.start(timers.run)
    assert bench.state(subject) == Toy()
    clock.move(toy.NOW + timedelta(days=2))
    until(lambda: bench.db["timers"].count_documents({}) == 0, "every timer gone")
    assert bench.state(subject) == Toy(fired=30)


PROGRAMME = {
    "occurred_on": "2016-01-01",
    "recorded_at": "2016-01-01T00:00:00Z",
    "programme": {
        "id": "toys",
        "version": 7,
        "name": {"sv": "Leksaker", "en": "Toys"},
        "owner": "urkraft",
        "starts_on": "2016-01-01",
        "ends_on": "2016-12-31",
        "municipalities": [],
        "roles": [],
        "organisations": [],
        "activities": [],
        "competences": [],
        "competence_levels": 3,
        "progress": {"scale_min": 1, "scale_max": 5, "every_months": 3, "indicators": []},
        "handover_kinds": [],
        "handover_max_days": 30,
        "follow_ups": [],
        "outputs": [],
        "targets": [],
        "reasons": {
            "decline": [],
            "withdraw": [],
            "mistake": [],
            "absence": [],
            "handover_decline": [],
            "recall": [],
            "exit": [],
        },
    },
}
