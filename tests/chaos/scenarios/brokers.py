"""Faults that strike the brokers, or the way to them."""

from __future__ import annotations

import time
from collections import Counter

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from shared.runtime.messages import SHARDS
from shared.runtime.quarantine import quarantined_keys
from tests.chaos.scenario import scenario
from tests.chaos.surroundings import behind_proxy, down, proxy_of, refusals, said, three_brokers
from tests.chaos.world import World

RELAYS = ("intake-consume", "activity-tracking-consume", "handover-consume", "outcome-consume")
BUSY_TOPIC = "journey.activity-tracking.v1"
DELIVERY_SECONDS = 6.0


def _failures(world: World) -> float:
    """How often the relays had to send again, by the services' own logs, which outlive a process."""
    return float(sum(said(world.stack, process, "relay-failed") for process in RELAYS))


def _answers(world: World, since: float, until: float) -> tuple[Counter[str], list[str]]:
    """Commands that succeeded between the two moments, by web process, and those that failed on our side."""
    attempts = [
        (one, attempt)
        for one in list(world.records.commands)
        for attempt in list(one.attempts)
        if since <= attempt.at <= until
    ]
    good = Counter(one.process for one, attempt in attempts if 200 <= attempt.status < 300)
    bad = [
        f"{one.deed} {attempt.status} {attempt.why}"
        for one, attempt in attempts
        if attempt.status == 0 or attempt.status >= 500
    ]
    return good, bad


@scenario(10, "all brokers down 2 minutes under HTTP load", part=True, recovers_within=40, seconds=420)
def all_brokers_down(world: World) -> None:
    """Each client keeps to one service: what another service did is rightly not seen anywhere until Kafka is back."""
    lasts = 120.0 if world.full else 15.0
    failures = _failures(world)
    with (
        world.load(clients=2, mix={"log_session": 6, "log_sessions": 1, "correct_session": 2}),
        world.load(clients=1, mix={"consent": 1}, inbound=False),
        world.load(clients=1, mix={"offer": 1, "answer": 2}, inbound=False),
    ):
        world.await_traffic()
        down(world.stack, "broker")
        began = time.monotonic()
        world.rest(lasts)
        good, bad = _answers(world, began, time.monotonic())
        pending = sum(
            world.mongo[one]["events"].count_documents({"pend": {"$gte": 0}})
            for one in ("intake", "activity_tracking", "handover", "outcome")
        )
        world.stack.start("broker")
        world.fault_ended()
        world.await_traffic()
    assert not bad, f"commands failed while the brokers were down: {bad[:5]}"
    assert good.total() > lasts, f"only {good.total()} commands succeeded in {lasts:.0f} s without a broker"
    for web in ("intake-web", "activity-tracking-web", "handover-web"):
        assert good[web] > lasts / 6, f"only {good[web]} succeeded at {web} in {lasts:.0f} s without a broker"
    again = _failures(world) - failures
    assert again, "no relay noticed"
    world.record_evidence(
        f"no broker for {lasts:.0f} s",
        f"{good.total()} commands succeeded meanwhile, {pending} events waited, relays failed {again:.0f} times",
    )


@scenario(11, "lost produce responses", builds=behind_proxy, recovers_within=40)
def lost_produce_responses(world: World) -> None:
    proxy = proxy_of(world.stack)
    failures = _failures(world)
    before, doubled = proxy.lost, world.duplicates()
    with world.load():
        world.await_traffic()
        proxy.lose(40)
        world.until(lambda: proxy.lost - before >= 40, "forty responses lost", 120)
        world.fault_ended()
        world.await_traffic()
    world.record_evidence(
        "responses lost",
        f"{proxy.lost - before} batches that Kafka had taken were not acknowledged; relays sent again "
        f"{_failures(world) - failures:.0f} times, {world.duplicates() - doubled} duplicates in the log",
    )


@scenario(12, "NOT_ENOUGH_REPLICAS past the delivery timeout", builds=three_brokers, recovers_within=60)
def not_enough_replicas(world: World) -> None:
    failures = _failures(world)
    refused = refusals(world.stack, "NotEnoughReplicasException")
    with world.load():
        world.await_traffic()
        world.stack.stop("broker-2")
        world.stack.stop("broker-3")
        began = time.monotonic()
        world.rest(4 * DELIVERY_SECONDS)
        good, bad = _answers(world, began, time.monotonic())
        world.stack.start("broker-2", "broker-3")
        world.fault_ended()
        world.await_traffic()
    assert not bad, f"commands failed while replicas were missing: {bad[:5]}"
    times = refusals(world.stack, "NotEnoughReplicasException") - refused
    again = _failures(world) - failures
    assert times, "no relay was told NOT_ENOUGH_REPLICAS"
    assert again, "no chunk passed its delivery timeout"
    world.record_evidence(
        "one replica of three",
        f"NOT_ENOUGH_REPLICAS {times} times, {again:.0f} chunks past the delivery timeout, {good.total()} commands "
        "succeeded",
    )


@scenario(14, "a non-retriable produce error", part=True, recovers_within=45)
def refused_by_the_broker(world: World) -> None:
    """The topic takes no large record for a while: sessions fit in, corrections of them do not."""
    admin = KafkaAdminClient(**world.kafka)
    try:
        with world.load():
            world.await_traffic()
            failures = _failures(world)
            _set(admin, BUSY_TOPIC, {"max.message.bytes": "800"})
            lanes = world.until(
                lambda: quarantined_keys(world.mongo["activity_tracking"], SHARDS), "an event refused", 60
            )
            relayed = world.metric("activity-tracking-consume", "journey_relayed_total")
            world.await_traffic()
            world.until(
                lambda: world.metric("activity-tracking-consume", "journey_relayed_total") > relayed + 20,
                "the other subjects' events going out",
            )
            aside = world.metric("activity-tracking-consume", "journey_outbox_refused")
            again = _failures(world) - failures
            _set(admin, BUSY_TOPIC, {"max.message.bytes": str(1 << 20)})
            world.fault_ended()
            world.await_traffic()
    finally:
        _set(admin, BUSY_TOPIC, {"max.message.bytes": str(1 << 20)})
        admin.close()
    assert again == 0, f"a refusal counted as {again:.0f} failures of the relay: two alerts for one cause"
    first = lanes[0]
    world.record_evidence(
        "refused for good", f"{first['error']} of {first['type']}; {aside:.0f} events set aside"
    )


def _set(admin: KafkaAdminClient, topic: str, config: dict[str, str]) -> bool:
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    return True
