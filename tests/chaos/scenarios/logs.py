"""Faults in Kafka's log itself: damaged, cut off, made anew, given more partitions; and clocks that disagree."""

from __future__ import annotations

import struct
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import httpx
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.local import broker
from shared.events import PROGRAMMES_TOPIC, TOPICS
from tests.chaos import observe
from tests.chaos.archive import republish
from tests.chaos.scenario import scenario
from tests.chaos.surroundings import pid, six_partitions
from tests.chaos.world import World

VICTIM = "handover-consume"
GROUP = "handover"
BATCH_HEAD = struct.Struct(">qi")
SPINNING = 0.5


def _halted(world: World, process: str) -> Mapping[str, str]:
    """Wait until the process says that it has halted; returns its cause and cure."""

    def says() -> dict[str, str] | None:
        answer = httpx.get(f"{world.stack.url(process)}/readyz", timeout=5, trust_env=False)
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


def _flip(folder: Path, at: TopicPartition, offset: int) -> Path:
    """Turn one bit of the batch that holds the offset; again puts it right."""
    segment = folder / f"{at.topic}-{at.partition}" / f"{0:020}.log"
    data = bytearray(segment.read_bytes())
    place = 0
    while True:
        first, length = BATCH_HEAD.unpack_from(data, place)
        following = place + BATCH_HEAD.size + length
        if following >= len(data) or BATCH_HEAD.unpack_from(data, following)[0] > offset >= first:
            break
        place = following
    data[following - 1] ^= 1
    segment.write_bytes(data)
    return segment


@scenario(21, "a batch with a wrong CRC", recovers_within=40)
def wrong_crc(world: World) -> None:
    topic = TOPICS["intake"]
    with world.load():
        world.flowing()
        world.stack.stop(VICTIM)
        world.until(lambda: _behind(world, topic), "something that the victim has not read", 60)
        world.rest(1)
    world.until(lambda: _all_others_done(world), "all others have read everything", 60)
    world.duplicates()
    at, offset = min(_behind(world, topic).items())
    data = broker.folder_of(world.stack.settings, "broker") / "data"
    world.stack.stop("broker")
    _flip(data, at, offset)
    world.stack.start("broker")
    world.stack.set_off(VICTIM)
    said = _halted(world, VICTIM)
    assert f"partition={at.partition}" in said["cause"], f"the cause does not say where: {said['cause']}"
    share = _stands_still(world, VICTIM)
    kept = _stored(world, GROUP, GROUP)[at]
    assert kept == offset, f"it stood at {offset} and stands at {kept}"
    world.stack.stop("broker")
    _flip(data, at, offset)
    world.stack.start("broker")
    world.stack.stop(VICTIM)
    world.stack.start(VICTIM)
    world.over()
    with world.load():
        world.flowing()
    world.struck("halted", f"{said['cause'][:160]} It took {share:.0%} of a core. {said['cure'][:60]}…")


def _take_up_at(world: World, database: str, group: str, starts: Mapping[TopicPartition, int]) -> None:
    """Let the group read these partitions from there on, whatever it had read before."""
    for at, start in starts.items():
        name = f"{group}:{at.topic}:{at.partition}"
        world.mongo[database]["offsets"].update_one(
            {"_id": name}, {"$set": {"next": start}, "$unset": {"topic": 1}}
        )
        world.offsets.values.pop(f"{database}/{name}", None)


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
        world.flowing()
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
    world.stack.stop(VICTIM)
    _take_up_at(world, GROUP, GROUP, {at: ends[at] for at in _behind(world, topic)})
    again = republish(world.mongo, topic)
    world.stack.start(VICTIM)
    world.struck("cut off", f"{said['cause']} It took {share:.0%} of a core; {again} events were republished")


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
    for one in processes:
        world.stack.stop(one)
    for reader in readers:
        starts = {at: 0 for at in _stored(world, reader.database, reader.group) if at.topic == topic}
        _take_up_at(world, reader.database, reader.group, starts)
    world.forget(topic)
    again = republish(world.mongo, topic)
    world.stack.start(*processes)
    world.struck("made anew", f"{len(causes)} groups halted: {causes[0]} {again} events were republished")


def _process(group: str) -> str:
    return "outcome-project" if group == "figures" else f"{group}-consume"


def _clocks_apart(world: World) -> None:
    """One service's web process is five seconds ahead, then five behind, while its outbox is full."""
    web, consume = "activity-tracking-web", "activity-tracking-consume"
    # Sessions alone: whatever else happens, nobody waits for what the stopped process has not read.
    with world.load(mix={"log_session": 1}, inbound=False):
        world.stack.run("intake-web", "clock:-5")
        world.stack.run("outcome-consume", "clock:-5")
        world.stack.run(web, "clock:5")
        world.flowing()
        world.stack.stop(consume)
        world.flowing(10)
        world.stack.run(web, "clock:-5")
        now = time.time_ns() // 1000
        ahead = world.mongo["activity_tracking"]["events"].count_documents(
            {"pend": {"$gte": 0}, "ts": {"$gt": now}}
        )
        world.flowing(10)
        world.stack.run(consume, "clock:5")
        world.over()
        world.flowing()
    assert ahead, "no order key was ahead of this host's clock"
    world.struck(
        "clocks apart", f"{ahead} events bore order keys of the future when the clock went back by 10 s"
    )


@scenario(24, "partitions 6 to 12 under load", builds=six_partitions, fresh=True, recovers_within=60)
def more_partitions(world: World) -> None:
    admin = KafkaAdminClient(**world.kafka)
    topics = [*TOPICS.values(), PROGRAMMES_TOPIC]
    try:
        with world.load():
            world.flowing()
            world.duplicates()
            world.log.partitions_grew = True
            admin.create_partitions(dict.fromkeys(topics, 12))
            # Relays learn of it one by one; two that are started anew know it at once, the others go on as before.
            for one in ("activity-tracking-consume", "handover-consume"):
                world.stack.kill(one)
            world.until(lambda: _in_new(world) > 30, "events in the new partitions", 90)
            world.over()
            world.flowing()
    finally:
        admin.close()
    moved = world.until(lambda: _in_two(world), "a subject whose events lie in two partitions", 60)
    world.struck("partitions grew", f"{_in_new(world)} events in the new ones; {moved} subjects lie in two")


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
