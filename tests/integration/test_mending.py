"""What operators mend, on real Kafka and MongoDB: replayed in order, skipped with a reason, republished, once each."""

import hashlib
import threading
from typing import Any

import pytest
import structlog

from shared.language import events as e
from shared.language.decision import Subject
from shared.language.errors import Conflict, Refused, Unknown
from shared.operations.mending import Mending
from shared.runtime.relay import Relay
from shared.runtime.transaction import transact
from shared.telemetry.traces import start_trace, trace_id
from tests.support import toy
from tests.support.awaiting import until
from tests.support.operating import Desk, order, toy_group, toy_parts, web
from tests.support.toy import Toy
from tests.support.toybench import EVERYTHING, Bench, bench, published

__all__ = ["bench"]

FIXED = {e.ReferralAccepted: toy.mended, e.SessionLogged: toy.mended}


def mending(bench: Bench, folds: Any = None) -> Mending:
    folds = folds or FIXED
    return Mending(
        toy_parts(bench.client, bench.database, folds), {bench.group: toy_group(bench.group, folds)}
    )


def desk(bench: Bench, folds: Any = None) -> Desk:
    folds = folds or FIXED
    parts = toy_parts(bench.client, bench.database, folds)
    return Desk(web(parts, {bench.group: toy_group(bench.group, folds)}))


def parked(bench: Bench, subject: Subject, count: int) -> list[dict[str, Any]]:
    def all_there() -> list[dict[str, Any]] | None:
        rows = list(bench.db["parked"].find({"subject": subject}, sort=[("source", 1), ("seq", 1)]))
        return rows if len(rows) == count else None

    found: list[dict[str, Any]] = until(all_there, f"{count} parked of {subject}")
    return found


def ill(bench: Bench, subject: Subject) -> list[dict[str, Any]]:
    """The subject behind a poisoned second session: one applied, three parked."""
    bench.consume(EVERYTHING)
    bench.publish(
        bench.say(toy.session(1), subject, 1),
        bench.say(toy.session(666), subject, 2),
        bench.say(toy.session(3), subject, 3),
    )
    parked(bench, subject, 2)
    bench.publish(bench.say(toy.accepted(), subject, 1))
    return parked(bench, subject, 3)


def chain_of(records: Any) -> int:
    """The chain over these records, reckoned anew: what is skipped is in it like any other."""
    link = 0
    for _, headers, value in records:
        seen = link.to_bytes(8, "big", signed=True) + dict(headers)["ce_id"] + value
        link = int.from_bytes(hashlib.blake2b(seen, digest_size=8).digest(), "big", signed=True)
    return link


WHOLE = Toy(
    applied=("activity-tracking:1", "activity-tracking:2", "activity-tracking:3", "intake:1"), minutes=670
)


def test_a_replay_by_the_mended_rule_makes_the_subject_whole_in_order(bench: Bench) -> None:
    subject = bench.subject()
    rows = ill(bench, subject)
    (poison,) = [row["_id"] for row in rows if row["reason"] == "poison"]
    came = mending(bench).replay(order("bug 7 mended"), poison)
    assert came["groups"] == [{"group": bench.group, "applied": 3, "still_parked": 0, "fails_at": None}]
    assert bench.state(subject) == WHOLE
    assert bench.db["parked"].count_documents({}) == 0
    document = bench.db["toys"].find_one({"_id": subject})
    assert (document["waits"], document["blocked"]) == (0, False)
    (audit,) = bench.audit.find()
    assert (audit["did"], audit["person"], audit["reason"]) == ("replay", "duty-officer-7", "bug 7 mended")
    bench.publish(bench.say(toy.session(4), subject, 4))
    until(lambda: bench.state(subject).minutes == 674, "what comes after the replay")  # type: ignore[union-attr]


def test_a_replay_is_logged_in_the_operator_s_trace_with_a_link_to_the_event_s(bench: Bench) -> None:
    theirs, own = (f"00-{sign * 32}-{sign * 16}-01" for sign in "ab")
    subject = bench.subject()
    bench.consume(EVERYTHING)
    topic, key, headers, value = bench.say(toy.session(666), subject, 1)
    traced = [(name, theirs.encode() if name == "traceparent" else said) for name, said in headers]
    bench.publish((topic, key, traced, value))
    parked(bench, subject, 1)
    start_trace(own)
    with structlog.testing.capture_logs() as told:
        mending(bench).replay_subject(order(), subject)
    assert trace_id() == "b" * 32
    lines = [one for one in told if one["event"] == "applied-by-hand"]
    assert [(one["subject"], one["seq"], one["link"]) for one in lines] == [(subject, 1, "a" * 32)]


def test_a_replay_that_fails_again_leaves_everything_parked_and_says_where(bench: Bench) -> None:
    subject = bench.subject()
    ill(bench, subject)
    came = mending(bench, EVERYTHING).replay_subject(order(), subject)
    (group,) = came["groups"]
    assert (group["applied"], group["still_parked"]) == (0, 3)
    assert group["fails_at"] == {
        "source": "activity-tracking",
        "seq": 2,
        "error": "ArithmeticError: a bug of this version",
    }
    assert bench.state(subject) == Toy(applied=("activity-tracking:1",), minutes=1)
    assert bench.db["toys"].find_one({"_id": subject})["blocked"] is True


def test_a_replay_once_per_key(bench: Bench) -> None:
    subject = bench.subject()
    ill(bench, subject)
    same = order(key="k")
    first = mending(bench).replay_subject(same, subject)
    assert mending(bench).replay_subject(same, subject) == first
    assert bench.audit.count_documents({}) == 1
    with pytest.raises(Refused, match="idempotency-key-reused"):
        mending(bench).replay_subject(order(key="k", fingerprint="of another"), subject)


def test_a_skipped_event_counts_as_applied_without_its_effect_and_what_waited_follows(bench: Bench) -> None:
    subject = bench.subject()
    rows = ill(bench, subject)
    by_reason = {(row["reason"], row["seq"]): row["_id"] for row in rows}
    with pytest.raises(Conflict, match="earlier-event-first"):
        mending(bench).skip(order(), by_reason["blocked", 3])
    came = mending(bench).skip(order("registered twice by hand"), by_reason["poison", 2])
    assert came["groups"] == [{"group": bench.group, "applied": 2, "still_parked": 0, "fails_at": None}]
    assert bench.state(subject) == Toy(
        applied=("activity-tracking:1", "activity-tracking:3", "intake:1"), minutes=4
    )
    document = bench.db["toys"].find_one({"_id": subject})
    assert document["in"] == {"activity-tracking": 3, "intake": 1}
    assert document["chain"]["activity-tracking"] == chain_of(
        toy.record(toy.session(minutes), subject, n) for n, minutes in enumerate((1, 666, 3), 1)
    )
    (audit,) = bench.audit.find()
    assert (audit["did"], audit["reason"], audit["came_to"]["parked_id"]) == (
        "skip",
        "registered twice by hand",
        by_reason["poison", 2],
    )


def test_a_skip_under_another_poison_leaves_the_subject_blocked(bench: Bench) -> None:
    subject = bench.subject()
    ill(bench, subject)
    (other,) = [row["_id"] for row in bench.db["parked"].find({"source": "intake"})]
    mending(bench).skip(order(), other)
    assert bench.state(subject) == Toy(applied=("activity-tracking:1",), minutes=1)
    document = bench.db["toys"].find_one({"_id": subject})
    assert (document["blocked"], document["waits"], document["in"]["intake"]) == (True, 2, 1)


def test_what_a_replay_frees_but_cannot_apply_waits_for_its_cause(bench: Bench) -> None:
    subject = bench.subject()
    bench.consume(EVERYTHING)
    bench.publish(
        bench.say(toy.session(666), subject, 1), bench.say(toy.session(2), subject, 2, after={"intake": 1})
    )
    parked(bench, subject, 2)
    mending(bench).replay_subject(order(), subject)
    (left,) = bench.db["parked"].find()
    assert (left["reason"], left["seq"]) == ("waiting", 2)
    bench.publish(bench.say(toy.accepted(), subject, 1))
    until(lambda: len(bench.state(subject).applied) == 3, "the cause, then the effect")  # type: ignore[union-attr]


def test_a_record_that_nobody_can_read_is_skipped_and_never_replayed(bench: Bench) -> None:
    bench.consume(EVERYTHING)
    topic, _, value = toy.record(toy.session(), bench.subject(), 1)
    bench.db["parked"].insert_one(
        {
            "_id": "0" * 32,
            "group": bench.group,
            "subject": f"unreadable/{topic}:0:1",
            "reason": "poison",
            "error": "The header 'ce_id' is missing.",
            "at": order().at,
        }
    )
    with pytest.raises(Conflict, match="record-unreadable"):
        mending(bench).replay(order(), "0" * 32)
    assert mending(bench).skip(order(), "0" * 32)["groups"] == []
    assert bench.db["parked"].count_documents({}) == 0
    with pytest.raises(Unknown):
        mending(bench).skip(order(), "0" * 32)
    assert value


def test_a_replay_and_the_consumer_exclude_each_other_and_lose_nothing(bench: Bench) -> None:
    """Fifteen subjects are replayed while their next events pour in: each event is applied once, in order."""
    subjects = [bench.subject(n) for n in range(15)]
    bench.consume({e.SessionLogged: _fails_on_the_second})
    bench.publish(*[bench.say(toy.session(1), one, n) for n in (1, 2, 3) for one in subjects])
    for one in subjects:
        parked(bench, one, 2)
    pouring = [bench.say(toy.session(1), one, n) for n in range(4, 24) for one in subjects]
    thread = threading.Thread(target=bench.publish, args=pouring)
    thread.start()
    for one in subjects:
        mending(bench).replay_subject(order(), one)
    thread.join()
    expected = tuple(f"activity-tracking:{n}" for n in range(1, 24))
    for one in subjects:
        until(lambda one=one: len(bench.state(one).applied) == 23, one)  # type: ignore[union-attr, misc]
        assert bench.state(one).applied == expected  # type: ignore[union-attr]
    assert bench.db["parked"].count_documents({}) == 0


def _fails_on_the_second(state: Any, received: Any, programmes: Any) -> Any:
    """The release with the bug: the second of every subject fails, and no other."""
    if received.seq == 2:
        raise ArithmeticError("a bug of this version")
    return toy.note(state, received, programmes)


def test_what_is_republished_comes_again_in_order_(bench: Bench) -> None:
    subject = bench.subject()
    relay = Relay(client=bench.client, database=bench.database, kafka_options=bench.kafka, stop=bench.stop)
    bench.consume({e.SessionLogged: toy.echo})
    bench.publish(*[bench.say(toy.session(1), subject, n) for n in range(1, 6)])
    until(lambda: bench.db["events"].count_documents({"pend": {"$exists": True}}) == 5, "five echoes")
    assert relay.publish_once() == 5
    came = mending(bench).republish(order("a reader lost its disk"), subject, 3)
    assert came == {"subject": subject, "events": 3, "from_seq": 3, "to_seq": 5, "more": False}
    assert relay.publish_once() == 3
    assert bench.db["events"].count_documents({"pend": {"$exists": True}}) == 0
    (audit,) = bench.audit.find()
    assert (audit["did"], audit["came_to"]["events"]) == ("republish", 3)
    with pytest.raises(Unknown):
        mending(bench).republish(order(), subject, 6)
    said = published(bench, subject, 8)
    assert [int(dict(headers)["ce_sequence"]) for headers in said or ()] == [1, 2, 3, 4, 5, 3, 4, 5]


def test_an_operator_sees_what_stands_still_and_nothing_of_a_person(bench: Bench) -> None:
    subject, here = bench.subject(), desk(bench)
    ill(bench, subject)
    page = here.get("/operations/parked?reason=poison")
    (poison,) = page["parked"]
    assert (poison["subject"], poison["seq"], poison["reason"]) == (subject, 2, "poison")
    assert page["next_cursor"] is None
    detail = here.get(f"/operations/parked/{poison['parked_id']}")
    assert detail["facts"]["shown"]["session"] == "s-1"
    assert detail["facts"]["withheld"] == ["attendance", "minutes"]
    assert detail["stands"]["applied"] == {"activity-tracking": 1}
    assert detail["stands"]["missing"] == []
    assert "value" not in str(detail)
    first = here.get("/operations/parked?limit=2")
    second = here.get(f"/operations/parked?limit=2&cursor={first['next_cursor']}")
    assert [len(first["parked"]), len(second["parked"])] == [2, 1]
    ids = {one["parked_id"] for one in first["parked"] + second["parked"]}
    assert len(ids) == 3
    assert here.get("/operations/parked?group=nobody")["code"] == "not-found"
    assert here.get(f"/operations/parked/{'0' * 32}")["code"] == "not-found"
    came = here.post(f"/operations/parked/{poison['parked_id']}/replay", reason="mended")
    assert came["groups"][0]["applied"] == 3
    (row,) = here.get("/operations/audit")["audit"]
    assert (row["did"], row["organisation"], row["reason"]) == ("replay", "drift", "mended")


def test_a_participant_s_handle_is_withheld_everywhere(bench: Bench) -> None:
    handle = f"p-{'0' * 26}"
    here, parts = desk(bench), toy_parts(bench.client, bench.database, FIXED)
    row = {
        "_id": "1" * 32,
        "group": bench.group,
        "subject": f"participant/{handle}",
        "source": "intake",
        "seq": 1,
        "type": "journey.intake.participant-erased.v1",
        "reason": "poison",
        "headers": {
            "ce_id": f"intake:participant/{handle}:1",
            "ce_type": "journey.intake.participant-erased.v1",
            "ce_source": "intake",
            "ce_subject": f"participant/{handle}",
            "ce_sequence": "1",
            "ce_after": "",
        },
        "value": b'{"occurred_on": "2016-01-01", "recorded_at": "2016-01-01T00:00:00Z"}',
        "error": f"KeyError: '{handle}' 198507099805",
        "at": order().at,
    }
    bench.db["parked"].insert_one(row)
    transact(bench.client, lambda session: _touched(parts, session, bench, row["subject"]))
    told = [here.get("/operations/parked"), here.get(f"/operations/parked/{'1' * 32}")]
    told += [here.post(f"/operations/parked/{'1' * 32}/skip", reason="erased twice")]
    told += [here.get("/operations/audit")]
    assert handle not in str(told)
    assert "9805" not in str(told)
    assert bench.db["parked"].count_documents({}) == 0
    assert bench.db["toys"].find_one({"_id": row["subject"]})["in"] == {"intake": 1}


def _touched(parts: Any, session: Any, bench: Bench, subject: Any) -> None:
    """The state as the consumer leaves it when it parks an event of a subject it does not know."""
    unit = parts.unit(session)
    held = unit.held(subject)
    held.waits, held.blocked, held.dirty = 1, True, True
    unit.flush()


def test_a_reason_names_nobody(bench: Bench) -> None:
    answer = desk(bench).post(f"/operations/parked/{'0' * 32}/skip", reason="gäller 850709-9805")
    assert answer["code"] == "invalid-fields"
    assert "9805" not in str({**answer, "trace_id": ""})
