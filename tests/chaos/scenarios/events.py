"""Faults in what arrives: records that nobody can read, a version with a bug, topics behind others."""

from __future__ import annotations

from functools import partial

import httpx
from kafka import KafkaProducer

from shared.events import TOPICS
from tests.chaos.load import Journey
from tests.chaos.observe import CONSUMING
from tests.chaos.scenario import scenario
from tests.chaos.together import together
from tests.chaos.world import World

OPERATOR = ("plattform", "operator")

READERS = [one for one in CONSUMING if TOPICS["intake"] in one.topics]


@scenario(19, "records in mid-partition that nobody can read", part=True, recovers_within=30)
def unreadable(world: World) -> None:
    subject = f"journey/j-{world.random.getrandbits(64):026d}"
    world.log.foreign.add(subject)
    whole = {
        "ce_type": "journey.intake.referral-accepted.v1",
        "ce_source": "intake",
        "ce_subject": subject,
        "ce_sequence": "1",
        "ce_after": "",
        "ce_id": f"intake:{subject}:1",
    }
    kinds: list[tuple[str, dict[str, str], bytes | None]] = [
        ("without headers", {}, b"\xff\x00 no JSON"),
        ("without a sequence", {name: text for name, text in whole.items() if name != "ce_sequence"}, b"{}"),
        ("a sequence that is no number", {**whole, "ce_sequence": "one"}, b"{}"),
        ("an empty vector's part", {**whole, "ce_after": "intake"}, b"{}"),
        ("a body that is no event", whole, b"\xfe{"),
    ]
    with world.load():
        world.flowing()
        producer = KafkaProducer(**world.kafka, acks="all")
        for _, headers, value in kinds:
            encoded = [(name, text.encode()) for name, text in headers.items()]
            producer.send(TOPICS["intake"], key=subject.encode(), value=value, headers=encoded)
        producer.flush(timeout=10)
        producer.close(timeout=5)
        world.over()
        for one in READERS:
            world.expect_parked(one.group, "poison", len(kinds))
            parked = world.mongo[one.database]["parked"]
            named = {"group": one.group, "reason": "poison"}
            expected = world.expected_parked[one.group, "poison"]
            world.until(
                lambda parked=parked, named=named, expected=expected: (  # type: ignore[misc]
                    parked.count_documents(named) >= expected
                ),
                f"{len(kinds)} records parked by {one.group}",
                20,
            )
        world.blocked.add(subject)
        world.flowing()
    world.struck("parked", f"{len(kinds)} kinds of unreadable records in each of {len(READERS)} groups")


@scenario(28, "one topic far behind the others: effects before causes", part=True, recovers_within=60)
def behind(world: World) -> None:
    seconds = 90 if world.full else 12
    victims = ("outcome-consume", "handover-consume", "outcome-project")
    with world.load():
        world.flowing()
        for name in victims:
            world.stack.run(name, f"behind:{TOPICS['intake']}:{seconds}")
        world.flowing()

        def waited() -> dict[str, int]:
            return {
                one.group: world.mongo[one.database]["parked"].count_documents(
                    {"group": one.group, "reason": "waiting"}
                )
                for one in READERS
            }

        most = world.until(
            lambda: (now := waited())["figures"] > 5 and now["outcome"] and now, "effects waiting"
        )
        world.rest(seconds)
        world.over()
        world.flowing()
    waiting = ", ".join(f"{count} in {group}" for group, count in most.items() if count)
    world.struck("effects came first", f"{waiting} waited for what was {seconds} s behind")


@scenario(20, "a version with a bug in one event type, then the version that mends it", recovers_within=40)
def bug(world: World) -> None:
    victim, fault = "handover-consume", "bug:services.handover.consumer:ReferralReceived"
    parked = world.mongo["handover"]["parked"]
    ill = {
        "group": "handover",
        "reason": {"$in": ["poison", "blocked"]},
        "subject": {"$nin": list(world.blocked)},
    }
    with world.load():
        world.flowing()
        world.stack.run(victim, fault)
        world.until(lambda: parked.count_documents(ill) > 3, "the first events of the ill version parked", 40)
    world.stack.stop(victim)
    together([partial(_refer_many, world, number) for number in range(5)])
    world.stack.run(victim, fault, ready=False)
    halted = world.until(lambda: _halted(world, victim), "the halt", 40)
    aside = parked.count_documents(ill)
    world.stack.run(victim)
    world.over()
    subjects = sorted({row["subject"] for row in parked.find(ill, {"subject": 1})})
    for subject in subjects:
        path = f"/operations/subjects/{subject}/replay"
        body = {"reason": "The version that mends it is deployed."}
        world.sent(world.client().command("replay", "handover-web", path, body, OPERATOR, None))
    world.struck(
        "the breaker halted", f"{halted} {aside} events of {len(subjects)} journeys were parked, and replayed"
    )


def _refer_many(world: World, number: int) -> None:
    party, client = world.party(f"referring-{number}"), world.client()
    for _ in range(9):
        journey = Journey()
        for _ in range(2):
            command = party._next(journey)
            assert command is not None, "a participant, then a referral"
            journey.learn(world.sent(command, 60, client))
    client.close()


def _halted(world: World, name: str) -> str:
    answer = httpx.get(f"{world.stack.url(name)}/readyz", timeout=5, trust_env=False)
    return str(answer.json().get("cause", "")) if answer.status_code == 503 else ""
