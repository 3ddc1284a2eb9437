"""Faults that strike commands: many writers on few journeys, the same key at once, lost answers, races with events."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

from tests.chaos.client import Command
from tests.chaos.load import Journey, Party
from tests.chaos.scenario import scenario
from tests.chaos.together import together
from tests.chaos.world import World

WEB, CONSUMER = "activity-tracking-web", "activity-tracking-consume"
RENEWAL_SECONDS = 3.0
"""A relay may use a lease that it holds for so long before it renews it."""


@scenario(17, "fifty writers on ten journeys, and a backlog", recovers_within=60)
def many_writers(world: World) -> None:
    journeys = world.party("before").begin(10)
    with world.load(clients=1, inbound=False):
        world.stack.stop(CONSUMER)
        party = world.party("backlog")
        consents = [
            party._consent(replace(journeys[n % 10], seen={})) for n in range(300 if world.full else 120)
        ]
        together(partial(_send_all, world, consents[n::6]) for n in range(6))
        conflicts = world.conflicts()
        writers = [(world.party(f"writer-{n}"), replace(journeys[n % 10], seen={})) for n in range(50)]

        caught_up = threading.Event()

        def applied() -> float:
            return world.metric(CONSUMER, "journey_events_applied_total", group="activity-tracking")

        def take_over() -> None:
            try:
                world.stack.start(CONSUMER)
                world.fault_ended()
                world.until(lambda: applied() >= len(consents), "the backlog applied while they wrote", 90)
            finally:
                caught_up.set()

        together([take_over, *(partial(_write, world, *one, caught_up) for one in writers)])
        took = world.until(world.recovered_seconds, "rest", 90)
    conflicts = world.conflicts() - conflicts
    assert conflicts > 0, "nobody met anybody"
    world.record_evidence(
        "writers met",
        f"{conflicts} transactions aborted by conflicts; backlog of {applied():.0f} applied in {took:.1f} s",
    )


def _send_all(world: World, commands: list[Command]) -> None:
    client = world.client()
    for one in commands:
        world.sent(one, 60, client)
    client.close()


def _write(world: World, party: Party, journey: Journey, enough: threading.Event) -> None:
    client = world.client()
    while not enough.is_set():
        world.sent(party.session(journey), 90, client)
    client.close()


@scenario(22, "the same key ten times at once, and with the answer lost", part=True)
def same_key(world: World) -> None:
    party = world.party("once")
    journeys = party.begin(4)
    repeated, lost = 0, 0
    for journey in journeys:
        first = world.sent(party.session(journey))
        journey.learn(first)
        for _ in range(3):
            repeated += _ten_at_once(world, party.session(journey))
        for _ in range(3):
            lost += _answer_lost(world, party.session(journey))
    restarted = _killed_before_answering(world, party, journeys[0])
    world.fault_ended()
    assert repeated >= 50, f"only {repeated} of the repetitions were answered alike"
    world.record_evidence("ten at once", f"{repeated} repetitions were given the first one's answer")
    world.record_evidence("answers lost", f"{lost} connections cut before the answer; {restarted}")


def _ten_at_once(world: World, command: Command) -> int:
    """Ten clients send it under one key. Returns how many were given an answer, which must be the same for all."""
    ten = [command] + [replace(command, says=None, attempts=[]) for _ in range(9)]
    together([partial(world.sent, one) for one in ten])
    answers = {json.dumps([one.status, one.answer], sort_keys=True) for one in ten}
    assert len(answers) == 1, f"one key, {len(answers)} answers: {sorted(answers)[:2]}"
    assert ten[0].status == 201, f"answered {ten[0].status} {ten[0].answer}"
    return len(ten) - 1


def _answer_lost(world: World, command: Command) -> int:
    """Send it and hang up without reading, then ask again with the key."""
    where = urlsplit(world.stack.url(command.process))
    token = world.stack.token(*command.actor)
    head = (
        f"POST {where.path}{command.path} HTTP/1.1\r\nHost: {where.hostname}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {command.key}\r\ntraceparent: 00-{command.trace}-00f067aa0ba902b7-01\r\n"
        f"Content-Type: {command.media}\r\nContent-Length: {len(command.body)}\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
        connection.sendall(head.encode() + command.body)
    world.sent(command)
    return 1


def _killed_before_answering(world: World, party: Party, journey: Journey) -> str:
    """The web process dies between the commit and its answer; the client asks again with the key."""
    world.stack.run(WEB, "kill:after-commit:any:1")
    command = world.sent(party.session(journey), 60)
    assert command.attempts[0].status == 0, f"it was answered: {command.attempts[0]}"
    said = world.died(WEB)
    return f"killed after the commit ({said}), answered {command.status} at attempt {len(command.attempts)}"


@scenario(
    23, "commands racing events on one journey, with clocks ten seconds apart", part=True, recovers_within=30
)
def racing(world: World) -> None:
    world.stack.run("handover-web", "clock:5")
    world.stack.run("handover-consume", "clock:-5")
    party = world.party("racing")
    journeys = party.begin(6)
    conflicts = world.conflicts()
    with world.load(clients=1, inbound=False):
        together(
            [partial(_log_many, world, one) for one in journeys]
            + [partial(_consent_many, world, one) for one in journeys]
        )
        crossed = _recalled_out_of_clock_order(world, party, journeys)
        world.fault_ended()
        world.await_traffic()
    conflicts = world.conflicts() - conflicts
    assert conflicts > 0, "no command met an event"
    world.record_evidence("commands met events", f"{conflicts} transactions aborted by conflicts")
    world.record_evidence("clocks apart", crossed)


def _log_many(world: World, journey: Journey) -> None:
    client, party = world.client(), world.party("sessions")
    for _ in range(15):
        world.sent(party.session(replace(journey, seen={})), 60, client)
    client.close()


def _consent_many(world: World, journey: Journey) -> None:
    client, party = world.client(), world.party("consents")
    for _ in range(15):
        world.sent(party._consent(replace(journey, seen={})), 60, client)
    client.close()


def _recalled_out_of_clock_order(world: World, party: Party, journeys: list[Journey]) -> str:
    """An offer by the web process, whose clock is ahead, falls by an event in the consumer, whose clock is behind.

    A relay that died with its lease lets both wait in the outbox together.
    """
    leases, outbox = (world.mongo["handover"][name] for name in ("leases", "events"))
    leases.update_many({}, {"$set": {"owner": "dead", "until": datetime.now(UTC) + timedelta(seconds=30)}})
    world.rest(RENEWAL_SECONDS)
    for journey in journeys:
        offer = party._deed("offer", replace(journey, offer=""), party._today.isoformat())
        assert offer is not None, "nothing is offered yet"
        world.sent(offer, 40)
        assert offer.status == 201, f"the offer was answered {offer.status} {offer.answer}"
        path = f"/journeys/{journey.journey}/consents/sharing/withdrawal"
        said = "journey.intake.consent-withdrawn.v1"
        world.sent(
            party._client.command(
                "withdraw", "intake-web", path, {}, (journey.responsible, "supervisor"), said
            )
        )
    types = [f"journey.handover.handover-{one}.v1" for one in ("offered", "recalled")]
    keys = [f"journey/{one.journey}" for one in journeys]
    both = {"key": {"$in": keys}, "type": {"$in": types}, "pend": {"$exists": True}}
    count = 2 * len(journeys)
    world.until(lambda: outbox.count_documents(both) == count, "offers and recalls waiting together", 25)
    leases.update_many({"owner": "dead"}, {"$set": {"owner": None}})
    return f"{len(journeys)} offers by the fast clock and their recalls by the slow one waited together"
