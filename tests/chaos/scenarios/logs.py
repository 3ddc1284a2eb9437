"""Faults in Kafka's log itself: damaged, cut off, made anew, given more partitions; and clocks that disagree."""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import httpx
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from shared.language.events import PROGRAMMES_TOPIC, TOPICS
from tests.chaos import observe
from tests.chaos.archive import republish
from tests.chaos.load import OPERATOR, Journey, Party
from tests.chaos.scenario import scenario
from tests.chaos.surroundings import down, pid, refusals, six_partitions
from tests.chaos.together import together
from tests.chaos.world import World
from tools.stack import broker

VICTIM = "handover-consume"
GROUP = "handover"
GIVER = "activity-tracking"
REFUSED = '"error": "OutOfOrderSequenceNumberError", "event": "relay-failed"'
BATCH_HEAD = struct.Struct(">qi")
SPINNING = 0.5


def _halted(world: World, process: str) -> Mapping[str, str]:
    """Wait until the process says that it has halted; returns its cause and cure."""

    def says() -> dict[str, str] | None:
        answer = httpx.get(f"{world.stack.health_url(process)}/readyz", timeout=5, trust_env=False)
        found: dict[str, str] = answer.json()
        return found if answer.status_code == 503 and found.get("status") == "halted" else None

    said: Mapping[str, str] = world.until(says, f"{process} halting", 90)
    assert world.metric(process, "journey_halted") == 1, "the alert rests on this metric"
    return said


def _stands_still(world: World, process: str) -> float:
    """What a halted process takes of a core."""
    (seen,) = observe.idle({process: pid(world.stack, process)}, 3.0)
    assert seen.cpu < SPINNING, f"{process} has halted and takes {seen.cpu:.0%} of a core"
    return seen.cpu


def _ends(world: World, *topics: str) -> dict[TopicPartition, int]:
    """Where these topics end now."""
    consumer = KafkaConsumer(**world.kafka, group_id=None, enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(topic, one)
            for topic in topics
            for one in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        ends: dict[TopicPartition, int] = consumer.end_offsets(partitions)
        return ends
    finally:
        consumer.close(timeout_ms=500)


def _stored(world: World, database: str, group: str) -> dict[TopicPartition, int]:
    found = {}
    for row in world.mongo[database]["offsets"].find():
        name, topic, partition = str(row["_id"]).rsplit(":", 2)
        if name == group:
            found[TopicPartition(topic, int(partition))] = int(row["next"])
    return found


def _behind(world: World, topic: str) -> dict[TopicPartition, int]:
    """The partitions of the topic of which the victim has something to read, and where it reads on."""
    ends = _ends(world, topic)
    return {
        at: following
        for at, following in _stored(world, GROUP, GROUP).items()
        if at.topic == topic and following < ends[at]
    }


def _all_others_done(world: World) -> bool:
    return not any(lag for group, lag in world.lag().items() if group != GROUP)


def _batches(data: bytes | bytearray) -> list[tuple[int, int, int]]:
    """Every batch of a segment: its first offset, where it begins, and where it ends."""
    found, place = [], 0
    while place + BATCH_HEAD.size <= len(data):
        first, length = BATCH_HEAD.unpack_from(data, place)
        following = place + BATCH_HEAD.size + length
        found.append((first, place, following))
        place = following
    return found


def _segment(world: World, at: TopicPartition) -> Path:
    data = broker.folder_of(world.stack.settings, "broker") / "data"
    return data / f"{at.topic}-{at.partition}" / f"{0:020}.log"


def _flip(segment: Path, offset: int) -> None:
    """Turn one bit of the batch that holds the offset; again puts it right."""
    data = bytearray(segment.read_bytes())
    _, _, end = [one for one in _batches(data) if one[0] <= offset][-1]
    data[end - 1] ^= 1
    segment.write_bytes(data)


def _cut_last(segment: Path) -> int:
    """Lose the last batch; returns its first offset."""
    data = segment.read_bytes()
    first, place, _ = _batches(data)[-1]
    segment.write_bytes(data[:place])
    return first


@scenario(21, "a batch with a wrong CRC", recovers_within=40)
def wrong_crc(world: World) -> None:
    topic = TOPICS["intake"]
    with world.load():
        world.await_traffic()
        world.stack.stop(VICTIM)
        world.until(lambda: _behind(world, topic), "something that the victim has not read", 60)
        world.rest(1)
    world.until(lambda: _all_others_done(world), "all others have read everything", 60)
    world.duplicates()
    at, offset = min(_behind(world, topic).items())
    world.stack.stop("broker")
    _flip(_segment(world, at), offset)
    world.stack.start("broker")
    world.stack.set_off(VICTIM)
    said = _halted(world, VICTIM)
    assert f"{topic}[{at.partition}]" in said["cause"], f"the cause does not say where: {said['cause']}"
    share = _stands_still(world, VICTIM)
    kept = _stored(world, GROUP, GROUP)[at]
    assert kept == offset, f"it stood at {offset} and stands at {kept}"
    world.stack.stop("broker")
    _flip(_segment(world, at), offset)
    world.stack.start("broker")
    world.stack.stop(VICTIM)
    world.stack.start(VICTIM)
    world.fault_ended()
    with world.load():
        world.await_traffic()
    world.record_evidence(
        "halted", f"{said['cause'][:160]} It took {share:.0%} of a core. {said['cure'][:60]}…"
    )


@scenario(
    13, "a batch that Kafka acknowledged and lost: out-of-order sequences, a new epoch", recovers_within=40
)
def out_of_order(world: World) -> None:
    """The broker loses its power, and of one partition the last batch: the relay's next has a number that is too high.

    Nothing less leads there: kafka-python has one batch of a partition under way at a time, so that a refused one is
    never overtaken by its successor. What was lost had been acknowledged and marked; an operator has it said again.
    """
    topic, relay = TOPICS["activity-tracking"], "activity-tracking-consume"
    readers = [_process(one.group) for one in observe.CONSUMING if topic in one.topics]
    party = world.party("logging")
    journeys = party.begin(12)
    world.until(lambda: not any(world.lag().values()), "everything read", 60)
    world.duplicates()
    for one in readers:
        world.stack.stop(one)
    since = _ends(world, topic)
    for _ in range(2):
        # Two batches of one producer in each partition: the first is what the broker knows of it afterwards.
        _log_each(world, party, journeys)
    chosen = [at for at, end in _ends(world, topic).items() if end > since[at]]
    at = world.random.choice(chosen)
    keys = _keys(world, at, since[at])
    again, told = _said(world, relay, REFUSED), refusals(world.stack, "OutOfOrderSequenceException")
    down(world.stack, "broker")
    first = _cut_last(_segment(world, at))
    lost = {key for offset, key in keys.items() if offset >= first}
    assert first >= since[at], "what was lost had been read"
    world.log.lost |= {(key, "activity-tracking") for key in lost}
    world.stack.start("broker")
    world.fault_ended()
    _log_each(world, party, journeys)
    told = refusals(world.stack, "OutOfOrderSequenceException") - told
    again = _said(world, relay, REFUSED) - again
    assert told, "no relay was told OUT_OF_ORDER_SEQUENCE_NUMBER"
    assert again, "no relay sent again what was out of order"
    world.stack.start(*readers)
    for subject in sorted(lost):
        path = f"/operations/subjects/{subject}/republish"
        body = {"reason": "The broker lost its power and the last records."}
        world.sent(world.client().command("republish", f"{GIVER}-web", path, body, OPERATOR, None))
    with world.load():
        world.await_traffic()
    world.record_evidence(
        "out-of-order sequences",
        f"{at.topic}[{at.partition}] lost what it had acknowledged from {first} on; the broker said {told} times that "
        f"a number is out of order, the relay began {again} times anew; {len(lost)} subjects were republished",
    )


def _log_each(world: World, party: Party, journeys: list[Journey]) -> None:
    """A session of each journey, all of them acknowledged by Kafka."""
    together(partial(world.sent, party.session(one)) for one in journeys)
    world.until(lambda: not observe.pending(world.mongo)[GIVER], "they are published", 40)


def _keys(world: World, at: TopicPartition, since: int) -> dict[int, str]:
    """The subjects of the records from that offset on."""
    consumer = KafkaConsumer(**world.kafka, group_id=None, enable_auto_commit=False)
    found: dict[int, str] = {}
    try:
        consumer.assign([at])
        consumer.seek(at, since)
        end = consumer.end_offsets([at])[at]
        while consumer.position(at) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found |= {one.offset: one.key.decode() for one in records}
    finally:
        consumer.close(timeout_ms=500)
    return found


def _said(world: World, process: str, text: str) -> int:
    path = world.stack.settings.folder / "logs" / f"{process}.log"
    return path.read_text(encoding="utf-8", errors="replace").count(text)


def _accept(world: World, group: str, topic: str) -> None:
    """An operator has the group read the topic as it is now, as soon as its process has reported that it halted."""
    web = f"{'outcome' if group == 'figures' else group}-web"
    path, body = f"/operations/groups/{group}/topics/{topic}/acceptance", {"reason": "The log was restored."}

    def accepted() -> bool:
        return world.sent(world.client().command("accept", web, path, body, OPERATOR, None)).status == 200

    world.until(accepted, f"{group} accepting {topic}", 30, 0.5)
    # The one thing that rightly moves a stored offset back.
    for name in [one for one in world.offsets.values if f"/{group}:{topic}:" in one]:
        world.offsets.values.pop(name)


@scenario(
    25,
    "the log cut off below the stored offset, a topic made anew, clocks 10 s apart",
    recovers_within=60,
    seconds=500,
)
def log_and_clocks(world: World) -> None:
    admin = KafkaAdminClient(**world.kafka)
    try:
        _cut_off(world, admin)
        _made_anew(world, admin)
    finally:
        admin.close()
    _clocks_apart(world)


def _cut_off(world: World, admin: KafkaAdminClient) -> None:
    topic = TOPICS["intake"]
    with world.load():
        world.await_traffic()
        world.stack.stop(VICTIM)
        world.until(lambda: len(_behind(world, topic)) > 2, "much that the victim has not read", 60)
        world.rest(1)
    world.until(lambda: _all_others_done(world), "all others have read everything", 60)
    world.duplicates()
    ends = _ends(world, topic)
    admin.delete_records({at: ends[at] for at in _behind(world, topic)})
    world.stack.set_off(VICTIM)
    said = _halted(world, VICTIM)
    share = _stands_still(world, VICTIM)
    _accept(world, GROUP, topic)
    world.stack.stop(VICTIM)
    again = republish(world.mongo, topic)
    world.stack.start(VICTIM)
    world.record_evidence(
        "cut off", f"{said['cause']} It took {share:.0%} of a core; {again} events were republished"
    )


def _made_anew(world: World, admin: KafkaAdminClient) -> None:
    topic = TOPICS["handover"]
    readers = [one for one in observe.CONSUMING if topic in one.topics]
    world.until(lambda: not any(world.lag().values()), "everything read", 90)
    world.duplicates()
    admin.delete_topics([topic])
    world.until(lambda: topic not in admin.list_topics(), "the topic gone")
    admin.create_topics({topic: {"num_partitions": 12, "configs": {"retention.ms": "-1"}}})
    processes = [_process(one.group) for one in readers]
    causes = [_halted(world, one)["cause"] for one in processes]
    for reader in readers:
        _accept(world, reader.group, topic)
    for one in processes:
        world.stack.stop(one)
    world.forget(topic)
    again = republish(world.mongo, topic)
    world.stack.start(*processes)
    world.record_evidence(
        "made anew", f"{len(causes)} groups halted: {causes[0]} {again} events were republished"
    )


def _process(group: str) -> str:
    return "outcome-project" if group == "figures" else f"{group}-consume"


def _clocks_apart(world: World) -> None:
    """One service's web process is five seconds ahead, then five behind, while its outbox is full."""
    web, consume = "activity-tracking-web", "activity-tracking-consume"
    set_back = world.stack.mark("set-back")
    # Sessions alone: whatever else happens, nobody waits for what the stopped process has not read.
    with world.load(mix={"log_session": 1}, inbound=False):
        world.stack.run("intake-web", "clock:-5")
        world.stack.run("outcome-consume", "clock:-5")
        world.stack.run(web, f"clock:5:-5:{set_back}")
        world.await_traffic()
        world.stack.stop(consume)
        world.await_traffic(10)
        set_back.touch()
        now = time.time_ns() // 1000 - 5_000_000
        ahead = world.mongo["activity_tracking"]["events"].count_documents(
            {"pend": {"$gte": 0}, "ts": {"$gt": now}}
        )
        world.await_traffic(10)
        world.stack.run(consume, "clock:5")
        world.fault_ended()
        world.await_traffic()
    assert ahead, "no order key was ahead of that process's clock"
    world.record_evidence(
        "clocks apart", f"{ahead} events bore order keys of the future when the clock went back by 10 s"
    )


@scenario(24, "partitions 6 to 12 under load", builds=six_partitions, fresh=True, recovers_within=60)
def more_partitions(world: World) -> None:
    admin = KafkaAdminClient(**world.kafka)
    topics = [*TOPICS.values(), PROGRAMMES_TOPIC]
    try:
        with world.load():
            world.await_traffic()
            world.duplicates()
            world.log.partitions_grew = True
            admin.create_partitions(dict.fromkeys(topics, 12))
            # Relays learn of it one by one; two that are started anew know it at once, the others go on as before.
            for one in ("activity-tracking-consume", "handover-consume"):
                world.stack.kill(one)
            world.until(lambda: _in_new(world) > 30, "events in the new partitions", 90)
            world.fault_ended()
            world.await_traffic()
    finally:
        admin.close()
    moved = world.until(lambda: _in_two(world), "a subject whose events lie in two partitions", 60)
    world.record_evidence(
        "partitions grew", f"{_in_new(world)} events in the new ones; {moved} subjects lie in two"
    )


def _in_new(world: World) -> int:
    return sum(end for at, end in _ends(world, *TOPICS.values()).items() if at.partition >= 6)


def _in_two(world: World) -> int:
    """Subjects of which the log holds events in more than one partition of a topic."""
    consumer = KafkaConsumer(**world.kafka, group_id=None, enable_auto_commit=False)
    places: defaultdict[tuple[str, bytes], set[int]] = defaultdict(set)
    try:
        ends = {at: end for at, end in _ends(world, *TOPICS.values()).items() if end}
        consumer.assign(list(ends))
        consumer.seek_to_beginning(*ends)
        while any(consumer.position(at) < end for at, end in ends.items()):
            for records in consumer.poll(timeout_ms=500, max_records=5000).values():
                for record in records:
                    places[record.topic, record.key].add(record.partition)
    finally:
        consumer.close(timeout_ms=500)
    return sum(len(partitions) > 1 for partitions in places.values())
