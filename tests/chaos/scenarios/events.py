"""Faults in what arrives: records that nobody can read, a version with a bug, topics behind others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import httpx
from kafka import KafkaProducer

from shared.language.events import PROGRAMMES_TOPIC, TOPICS
from tests.chaos import observe
from tests.chaos.load import OPERATOR, Journey
from tests.chaos.observe import CONSUMING, consuming
from tests.chaos.scenario import scenario
from tests.chaos.together import together
from tests.chaos.world import World

UNHINDERED = {"log_session": 6, "log_sessions": 2, "correct_session": 2, "log_output": 1, "consent": 2}
"""Deeds that need no service which is behind."""

READERS = [one for one in CONSUMING if TOPICS["intake"] in one.topics]


@scenario(19, "records in mid-partition that nobody can read", part=True, recovers_within=30)
def unreadable(world: World) -> None:
    subject = f"journey/j-{world.random.getrandbits(64):026d}"
    world.log.foreign.add(subject)
    whole: dict[str, str] = {
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
        ("a sequence beyond every number", {**whole, "ce_sequence": "9" * 40}, b"{}"),
        ("a sequence before the first", {**whole, "ce_sequence": "-1"}, b"{}"),
        ("a body that is no event", {**whole, "x-odd": "\udcff"}, b"\xfe{"),
    ]
    with world.load():
        world.await_traffic()
        producer = KafkaProducer(**world.kafka, acks="all")
        for _, headers, value in kinds:
            encoded = [(name, text.encode(errors="surrogateescape")) for name, text in headers.items()]
            producer.send(TOPICS["intake"], key=subject.encode(), value=value, headers=encoded)
        producer.flush(timeout=10)
        producer.close(timeout=5)
        world.fault_ended()
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
        world.await_traffic()
    world.record_evidence(
        "parked", f"{len(kinds)} kinds of unreadable records in each of {len(READERS)} groups"
    )


@scenario(28, "one topic far behind the others: effects before causes", part=True, recovers_within=60)
def behind(world: World) -> None:
    seconds = 75 if world.full else 3
    victims = ("outcome-consume", "handover-consume", "outcome-project")
    causes, programmes = (
        world.stack.settings.folder / f"{name}-{world.seed}" for name in ("causes", "programmes")
    )
    with world.load(mix=UNHINDERED):
        world.await_traffic()
        for name in victims:
            faults = f"behind:{TOPICS['intake']}:{causes}", f"behind:{PROGRAMMES_TOPIC}:{programmes}"
            world.stack.run(name, *faults)
        world.publish_next_programme()
        world.party("of the next version").begin(5)
        world.await_traffic()

        ahead = world.until(lambda: _effects_first(world), "effects read without their causes")
        world.rest(seconds)
        causes.touch()
        parked = world.mongo["handover"]["parked"]
        needing = world.until(
            lambda: (now := parked.count_documents({"needs": {"$exists": True}})) > 4 and now,
            "a programme being waited for",
        )
        programmes.touch()
        world.fault_ended()
        world.await_traffic()
    told = ", ".join(f"{count} by {group}" for group, count in ahead.items())
    world.record_evidence("effects came first", f"{told} were read at least {seconds} s before their causes")
    world.record_evidence("the programme came last", f"{needing} events waited for it")


def _effects_first(world: World) -> dict[str, int]:
    """{group: effects that it has read although their causes lie beyond what it was given}; empty while they are few.

    By the log and the stored offsets, whatever the group has made of them.
    """
    world.read_log()
    late = TOPICS["intake"], PROGRAMMES_TOPIC
    ends = {at: end for at, end in world.backlog.ends().items() if at.topic not in late}
    found = {}
    for one in (consuming("outcome"), consuming("handover")):
        world.until(lambda one=one: not world.backlog.lag(ends)[one.group], f"{one.group} having read all")  # type: ignore[misc]
        states = world.mongo[one.database][one.collection].find({}, {"in": 1})
        given = {row["_id"]: row["in"].get("intake", 0) for row in states}
        found[one.group] = sum(
            after.get("intake", 0) > given.get(subject, 0)
            for (subject, source, _), after in world.log.causes.items()
            if source != one.own
        )
    return found if min(found.values()) > 5 else {}


@scenario(20, "a version with a bug in one event type, then the version that mends it", recovers_within=40)
def bug(world: World) -> None:
    victim, fault = "handover-consume", "bug:services.handover.consumer:ConsentGiven"
    parked, states = (world.mongo["handover"][name] for name in ("parked", "handovers"))
    ill = {
        "group": "handover",
        "reason": {"$in": ["poison", "blocked"]},
        "subject": {"$regex": "^journey/", "$nin": list(world.blocked)},
    }
    party = world.party("blocked")
    journeys = party.begin(34)
    first, others = journeys[:5], journeys[5:]
    world.settle()
    subjects = [f"journey/{one.journey}" for one in first]
    world.stack.run(victim, fault)
    world.stack.stop("activity-tracking-consume")
    for journey in first:
        world.sent(party._consent(replace(journey, seen={})))
        world.sent(party.session(replace(journey, seen={})))
    world.until(
        lambda: parked.count_documents({**ill, "reason": "poison"}) == len(first), "the poison parked"
    )
    before = {row["_id"]: row["in"] for row in states.find({"_id": {"$in": subjects}})}
    world.stack.start("activity-tracking-consume")
    world.until(
        lambda: not any(observe.pending(world.mongo).values()) and not any(world.lag().values()),
        "it all read",
    )
    after = {row["_id"]: row["in"] for row in states.find({"_id": {"$in": subjects}})}
    for subject in subjects:
        if after[subject] != before[subject]:
            world.violated(
                "G4", f"{subject} in handover", f"{before[subject]}, behind its poison", f"{after[subject]}"
            )
    blocked = parked.count_documents({**ill, "reason": "blocked"})
    if blocked < len(first):
        world.violated("G4", "blocked in handover", f"at least {len(first)}", str(blocked))
    world.stack.stop(victim)
    together(partial(_consent_one, world, one) for one in others)
    world.stack.run(victim, fault, ready=False)
    halted = world.until(lambda: _halted(world, victim), "the halt", 40)
    aside = parked.count_documents(ill)
    world.stack.run(victim)
    for subject in sorted({row["subject"] for row in parked.find(ill, {"subject": 1})}):
        path, body = (
            f"/operations/subjects/{subject}/replay",
            {"reason": "The version that mends it is deployed."},
        )
        world.sent(world.client().command("replay", "handover-web", path, body, OPERATOR, None))
    world.fault_ended()
    assert parked.count_documents(ill) == 0, "something is parked after the replay"
    world.record_evidence(
        "the breaker halted", f"{halted} {aside} events of {len(first)} journeys were parked, and replayed"
    )


def _consent_one(world: World, journey: Journey) -> None:
    world.sent(world.party("consent")._consent(replace(journey, seen={})), 60)


def _halted(world: World, name: str) -> str:
    answer = httpx.get(f"{world.stack.health_url(name)}/readyz", timeout=5, trust_env=False)
    return str(answer.json().get("cause", "")) if answer.status_code == 503 else ""
