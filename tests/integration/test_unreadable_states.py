"""A stored state that this release cannot read, on real Kafka and MongoDB: its subject waits, and no other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.language.decision import Change, Subject, Timer
from shared.language.errors import StateUnreadable
from shared.operations.by_hand import drained
from shared.operations.healing import Healer
from shared.operations.mending import Mending
from shared.runtime.clock import Clock
from shared.runtime.timers import AGAIN
from tests.support import toy
from tests.support.awaiting import until
from tests.support.operating import Desk, order, toy_group, toy_parts, web
from tests.support.toy import Toy
from tests.support.toybench import EVERYTHING, Bench, bench, has_applied

__all__ = ["bench"]

NEWER = {"$set": {"state.schema_version": 9}}
OURS = {"$set": {"state.schema_version": 1}}
TORN = {"$unset": {"out": ""}}
WHY = "It is of version 9; this release reads up to version 1."


def mending(bench: Bench) -> Mending:
    group = toy_group(bench.group, EVERYTHING)
    return Mending(toy_parts(bench.client, bench.database, EVERYTHING), {bench.group: group})


def healer(bench: Bench) -> Healer:
    group, parts = toy_group(bench.group, EVERYTHING), toy_parts(bench.client, bench.database, EVERYTHING)
    return Healer(
        client=bench.client,
        database=bench.database,
        asking="outcome",
        group=group,
        progress=None,  # type: ignore[arg-type]
        drain=lambda subject: drained(parts, group, subject),
        stop=bench.stop,
    )


def later() -> datetime:
    """When everything that is parked now has waited long."""
    return datetime.now(UTC) + timedelta(minutes=5)


def document(bench: Bench, subject: Subject) -> dict[str, Any]:
    found: dict[str, Any] = bench.db["toys"].find_one({"_id": subject})
    return found


def parked(bench: Bench, subject: Subject, count: int) -> list[dict[str, Any]]:
    def there() -> list[dict[str, Any]] | None:
        rows = list(bench.db["parked"].find({"subject": subject}, sort=[("seq", 1)]))
        return rows if len(rows) == count else None

    found: list[dict[str, Any]] = until(there, f"{count} parked of {subject}")
    return found


def unreadable(bench: Bench, broken: dict[str, Any]) -> tuple[Subject, Subject]:
    """(A subject that has become unreadable after one session, with two more behind; one that goes on)."""
    ill, well = bench.subject(1), bench.subject(2)
    bench.consume(EVERYTHING)
    bench.publish(bench.say(toy.session(1), ill, 1), bench.say(toy.session(1), well, 1))
    until(lambda: has_applied(bench, ill, 1) and has_applied(bench, well, 1), "both begun")
    bench.db["toys"].update_one({"_id": ill}, broken)
    bench.publish(
        bench.say(toy.session(2), ill, 2),
        bench.say(toy.session(2), well, 2),
        bench.say(toy.session(3), ill, 3),
        bench.say(toy.session(3), well, 3),
    )
    until(lambda: has_applied(bench, well, 3), "the other subject going on")
    return ill, well


@pytest.mark.parametrize("broken", [NEWER, TORN, {"$set": {"state.minutes": "many"}}])
def test_an_unreadable_state_parks_its_subject_and_no_other(bench: Bench, broken: dict[str, Any]) -> None:
    ill, well = unreadable(bench, broken)
    rows = parked(bench, ill, 2)
    assert [row["reason"] for row in rows] == ["unreadable", "unreadable"]
    assert "many" not in rows[0]["error"]
    kept = document(bench, ill)
    assert (kept["waits"], kept["in"], kept["state"]["applied"]) == (
        2,
        {"activity-tracking": 1},
        ["activity-tracking:1"],
    )
    assert bench.consumer is not None
    assert bench.consumer.halted is None
    bench.publish(bench.say(toy.session(4), well, 4))
    until(lambda: has_applied(bench, well, 4), "the other subject, later too")


def test_operators_see_why_and_what_fails(bench: Bench) -> None:
    ill, _ = unreadable(bench, NEWER)
    first, _ = parked(bench, ill, 2)
    parts = toy_parts(bench.client, bench.database, EVERYTHING)
    desk = Desk(web(parts, {bench.group: toy_group(bench.group, EVERYTHING)}))
    (group,) = desk.get("/operations/status")["groups"]
    assert (group["unreadable"], group["poison"], group["blocked"], group["waiting"]) == (2, 0, 0, 0)
    listed = desk.get("/operations/parked?reason=unreadable")["parked"]
    assert {(one["subject"], one["seq"], one["error"]) for one in listed} == {(ill, 2, WHY), (ill, 3, WHY)}
    came = desk.post(f"/operations/parked/{first['_id']}/replay", reason="tried before the release")
    (told,) = came["groups"]
    assert (told["applied"], told["still_parked"]) == (0, 2)
    assert told["fails_at"] == {"source": "activity-tracking", "seq": 2, "error": WHY}
    skipped = desk.post(f"/operations/parked/{first['_id']}/skip", reason="tried before the release")
    assert skipped["code"] == "state-unreadable"
    assert document(bench, ill)["in"] == {"activity-tracking": 1}


def test_a_mended_state_is_drained_by_healing_in_order(bench: Bench) -> None:
    ill, _ = unreadable(bench, NEWER)
    parked(bench, ill, 2)
    before = document(bench, ill)
    healer(bench).look(later())
    assert document(bench, ill) == before
    bench.db["toys"].update_one({"_id": ill}, OURS)
    healer(bench).look(later())
    assert bench.state(ill) == Toy(
        applied=tuple(f"activity-tracking:{n}" for n in (1, 2, 3)), minutes=1 + 2 + 3
    )
    assert bench.db["parked"].count_documents({}) == 0
    assert document(bench, ill)["waits"] == 0


def test_a_document_that_was_restored_without_its_count_is_drained_by_a_replay(bench: Bench) -> None:
    ill, _ = unreadable(bench, TORN)
    parked(bench, ill, 2)
    bench.db["toys"].update_one(
        {"_id": ill}, {"$set": {"out": {"seq": 0, "hlc": 0, "replies": 0}, "waits": 0}}
    )
    (group,) = mending(bench).replay_subject(order("restored"), ill)["groups"]
    assert (group["applied"], group["still_parked"]) == (2, 0)


def test_what_waited_before_its_document_broke_goes_on_waiting(bench: Bench) -> None:
    torn = bench.subject(1)
    bench.consume(EVERYTHING)
    bench.publish(bench.say(toy.session(1), torn, 1), bench.say(toy.session(3), torn, 3))
    (row,) = parked(bench, torn, 1)
    assert row["reason"] == "waiting"
    wait = {"_id": "lacking", "group": bench.group, "source": "activity-tracking", "subject": torn, "seq": 2}
    bench.db["asked"].insert_one(wait | {"at": later(), "times": 1, "next_at": later(), "ends": []})
    bench.db["toys"].update_one({"_id": torn}, {"$unset": {"in": "", "blocked": "", "v": ""}})
    before = document(bench, torn)
    healer(bench).look(later())
    assert document(bench, torn) == before
    assert parked(bench, torn, 1) == [row]


def test_the_next_event_of_a_mended_subject_drains_it_and_a_gap_waits(bench: Bench) -> None:
    ill, _ = unreadable(bench, NEWER)
    parked(bench, ill, 2)
    bench.publish(bench.say(toy.session(6), ill, 6))
    parked(bench, ill, 3)
    bench.db["toys"].update_one({"_id": ill}, OURS)
    bench.publish(bench.say(toy.session(4), ill, 4))
    until(lambda: has_applied(bench, ill, 4), "all up to the gap")
    (row,) = parked(bench, ill, 1)
    assert (row["seq"], row["reason"], row["error"]) == (6, "waiting", "")


def test_a_command_on_it_is_refused_and_stores_nothing(bench: Bench) -> None:
    ill, well = unreadable(bench, NEWER)
    parked(bench, ill, 2)
    commands = bench.commands()

    def use_case(subject: Subject) -> Any:
        def run(work: Any) -> dict[str, Any]:
            work.save(well, Change(work.get(well), events=()))
            work.save(subject, Change(Toy(fired=1)))
            return {}

        return run

    before = document(bench, ill)
    for vector in ({}, {"activity-tracking": 1}):
        with pytest.raises(StateUnreadable) as raised:
            commands.run(use_case(ill), key="k", body=b"", subject=ill, vector=vector)
        assert raised.value.code == "state-unreadable"
    assert document(bench, ill) == before
    assert bench.db["commands"].count_documents({}) == 0
    assert commands.run(use_case(well), key="k2", body=b"", subject=well, vector={}).revision == 1


def test_a_timer_of_it_is_put_off_and_the_others_fire(bench: Bench) -> None:
    ill, well = unreadable(bench, NEWER)
    due = toy.NOW + timedelta(days=1)
    for key, subject, command in (("a", ill, "fire"), ("b", well, "fire"), ("0", well, "of a newer release")):
        timer = Timer(key, due, command)
        row = {"_id": key, "due": timer.due, "subject": subject, "command": timer.command, "body": {}}
        bench.db["timers"].insert_one(row)
    clock = Clock(bench.db, driven=True)
    clock.move(due)
    timers = bench.timers(clock)
    assert timers.fire_due() == 1
    unknown, left = bench.db["timers"].find(sort=[("_id", 1)])
    assert (unknown["_id"], left["_id"], left["due"]) == ("0", "a", due)
    assert unknown[AGAIN] > datetime.now(UTC) + timedelta(seconds=30)
    assert left[AGAIN] > datetime.now(UTC) + timedelta(seconds=30)
    clock.move(due + timedelta(days=1))
    assert timers.fire_due() == 0
    bench.db["toys"].update_one({"_id": ill}, OURS)
    bench.db["timers"].update_one({"_id": "a"}, {"$set": {AGAIN: datetime.now(UTC) - timedelta(seconds=1)}})
    clock.move(due + timedelta(days=2))
    assert timers.fire_due() == 1
    state = bench.state(ill)
    assert state is not None
    assert state.fired == 1
