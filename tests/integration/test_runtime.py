"""The runtime on real Kafka and MongoDB: once, in order, causes before effects, and nothing lost on the way."""

import contextlib
import json
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared.language import codec
from shared.language import events as e
from shared.language.decision import Change, Subject, Timer
from shared.runtime.clock import Clock
from shared.runtime.kafka import Partition
from shared.runtime.published import Published
from shared.runtime.relay import Relay
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from shared.telemetry.metrics import metric
from tests.support import toy
from tests.support.awaiting import until
from tests.support.toy import Toy, ToyRepository
from tests.support.toybench import EVERYTHING, Bench, bench, has_applied, published

__all__ = ["bench"]


def test_shuffled_and_doubled_events_are_applied_once_and_in_order(bench: Bench) -> None:
    subjects = [bench.subject(n) for n in range(20)]
    records = [bench.say(toy.session(n), subject, n) for subject in subjects for n in range(1, 31)]
    shuffled = records + random.Random(7).sample(records, 200)
    random.Random(8).shuffle(shuffled)
    bench.publish(*shuffled)
    bench.consume(EVERYTHING)
    expected = tuple(f"activity-tracking:{n}" for n in range(1, 31))
    for subject in subjects:
        until(partial(has_applied, bench, subject, 30), subject)
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
    published = Published(bench.db)
    body = json.loads(json.dumps(PROGRAMME))

    def publish(session: Any) -> None:
        unit = Unit(bench.db, session, ToyRepository(), published, "intake", lambda: datetime.now(UTC))
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
    consumer._membership.joined().begin(
        {**consumer._positions.next, Partition(first.topic, first.partition): 0}
    )
    bench.publish(bench.say(toy.session(2), subject, 2))
    until(partial(has_applied, bench, subject, 2), "what was said after it")
    assert consumer.halted is None
    offset = bench.db["offsets"].find_one({"_id": f"{bench.group}:{first.topic}:{first.partition}"})
    assert offset["next"] == first.offset + 2


def test_one_who_always_writes_between_its_read_and_its_write_does_not_starve_the_consumer(
    bench: Bench,
) -> None:
    """In every attempt somebody changes the document after the fold has read it, unless the fold holds it by then."""
    subject, attempts = bench.subject(), 0

    def overtaken(*arguments: Any) -> Any:
        nonlocal attempts
        if arguments[0] is not None:
            attempts += 1
            with contextlib.suppress(PyMongoError), pymongo.timeout(0.2):
                bench.db["toys"].update_one({"_id": subject}, {"$inc": {"v": 1}})
        return toy.note(*arguments)

    bench.consume(EVERYTHING | {e.SessionLogged: overtaken})
    bench.publish(bench.say(toy.session(1), subject, 1))
    until(partial(has_applied, bench, subject, 1), "the first event")
    bench.publish(bench.say(toy.session(1), subject, 2))
    until(partial(has_applied, bench, subject, 2), "the event that somebody was always before")
    assert attempts == 2, "the second time it has it first"


def test_two_consumers_of_one_group_share_the_work_and_apply_once(bench: Bench) -> None:
    subjects = [bench.subject(n) for n in range(40)]
    bench.consume(EVERYTHING)
    bench.publish(*[bench.say(toy.session(1), subject, n) for subject in subjects for n in range(1, 11)])
    bench.consume(EVERYTHING)
    bench.publish(*[bench.say(toy.session(1), subject, n) for subject in subjects for n in range(11, 21)])
    for subject in subjects:
        until(partial(has_applied, bench, subject, 20), subject)
    assert all(len(bench.state(subject).applied) == 20 for subject in subjects)  # type: ignore[union-attr]


def test_what_is_emitted_reaches_kafka_numbered_without_holes_and_after_its_cause(bench: Bench) -> None:
    subject = bench.subject()
    relay = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    bench.start(relay.run)
    bench.consume({e.SessionLogged: toy.echo})
    bench.publish(*[bench.say(toy.session(1), subject, n) for n in range(1, 51)])
    found = until(lambda: published(bench, subject, 50), "fifty echoes")
    sequences = [int(dict(headers)["ce_sequence"]) for headers in found]
    assert sequences == list(range(1, 51))
    assert [dict(headers)["ce_after"].decode() for headers in found] == [
        f"activity-tracking={n}" for n in range(1, 51)
    ]
    until(lambda: bench.db["events"].count_documents({"pend": {"$exists": True}}) == 0, "nothing pending")


def test_a_shard_is_published_by_one_relay_at_a_time(bench: Bench) -> None:
    first = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    second = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    held = first._leases.hold()[0]
    assert len(held) == 4
    assert second._leases.hold()[0] == []
    first._leases.release()
    second._leases._until = 0.0
    assert len(second._leases.hold()[0]) == 4


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
        timers = bench.timers(clock)
        bench.start(timers.run)
    assert bench.state(subject) == Toy()
    clock.move(toy.NOW + timedelta(days=2))
    until(lambda: bench.db["timers"].count_documents({}) == 0, "every timer gone")
    assert bench.state(subject) == Toy(fired=30)


class BehindInTransactions(Clock):
    """A driven clock that a transaction reads as it was before the last move, as long as `behind` says so."""

    behind: timedelta = timedelta(days=3)

    def now(self, session: ClientSession | None = None) -> datetime:
        return super().now(session) - (self.behind if session else timedelta())


def test_a_timer_waits_for_the_transaction_s_own_clock(bench: Bench) -> None:
    subject, clock = bench.subject(), BehindInTransactions(bench.db, driven=True)
    due = toy.NOW + timedelta(days=1)

    def use_case(work: Any) -> dict[str, Any]:
        work.save(subject, Change(Toy(), timers=(Timer("late", due, "fire"),)))
        return {}

    bench.commands().run(use_case, key="k", body=b"", subject=subject, vector={})
    timers = bench.timers(clock)
    clock.move(due + timedelta(days=1))
    assert timers.fire_due() == 0
    assert bench.db["timers"].count_documents({}) == 1, "its moment has not come in the transaction"
    clock.behind = timedelta()
    clock.move(due + timedelta(days=2))
    assert timers.fire_due() == 1
    assert bench.state(subject) == Toy(fired=1)


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
