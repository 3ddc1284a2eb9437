"""Which webhooks have a turn: those with something to be sent, found by an index; an idle one costs nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from services.intake.domain.webhook import WEBHOOKS
from services.intake.repository import INDEXES
from services.intake.sending import AFTER_A_FAULT, AT_A_TURN, WORKERS, Courier, Sending
from services.intake.sequencing import CHANGES, numbering
from shared.language.decision import Change, Reply, Subject
from shared.runtime.messages import REPLIES
from shared.runtime.published import Published
from shared.runtime.restored import SEQUENCES
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from tests.support.awaiting import until
from tests.support.intake_work import VAULT
from tests.support.toy import Toy, ToyRepository
from tests.support.toybench import Bench, bench
from tests.support.webhook_rows import NOW, Time, kept, put, told
from tests.support.work_suite import ACCEPTED

__all__ = ["bench"]
IDLE, LATER = 3_000, NOW + timedelta(hours=1)


@pytest.fixture(name="indexed")
def _indexed(bench: Bench) -> Bench:
    for collection in (WEBHOOKS, SEQUENCES, CHANGES, REPLIES):
        bench.db[collection].create_indexes(INDEXES[collection])
    return bench


class Taker:
    """Takes what is posted, in the place of a `Poster`. meanwhile: happens once, while the first is being sent."""

    def __init__(self, meanwhile: Any = None) -> None:
        self.came: list[str] = []
        self._meanwhile = meanwhile

    def post(self, address: str, secret: bytes, identity: str, at: int, body: bytes) -> tuple[str, int]:
        if self._meanwhile is not None:
            self._meanwhile()
        self._meanwhile = None
        self.came.append(identity)
        return "taken", 200


def sending(bench: Bench, poster: Any, time: Time | None = None) -> Sending:
    parts: Any = SimpleNamespace(
        client=bench.client,
        service=SimpleNamespace(database=bench.database),
        stop=bench.stop,
        settings=SimpleNamespace(webhook_inside=None),
    )
    return Sending(parts, VAULT, poster=poster, now=(time or Time()).now, jitter=lambda: 1.0)


def courier(bench: Bench, poster: Any) -> Courier:
    return Courier(bench.db, VAULT, poster, Time().now, lambda: 1.0, bench.stop)


def head(bench: Bench, organisation: str = "af") -> dict[str, Any]:
    found: dict[str, Any] = bench.db[SEQUENCES].find_one({"_id": organisation})
    return found


def tell(bench: Bench, *organisations: str, at: datetime = NOW) -> None:
    """Tell these something, and give it a number."""
    replies = tuple(Reply(one, ACCEPTED) for one in organisations)

    def say(session: Any) -> None:
        unit = Unit(bench.db, session, ToyRepository(), Published(bench.db), "intake", lambda: at)
        unit.save(Subject("journey/a"), Change(Toy(), replies=replies))
        unit.flush()

    transact(bench.client, say)
    transact(bench.client, numbering(bench.db, (), at))


@contextmanager
def watched(bench: Bench) -> Iterator[list[dict[str, Any]]]:
    """What the database did meanwhile with webhooks, their sequences and changes, as its profiler tells."""
    found: list[dict[str, Any]] = []
    bench.db.command("profile", 2)
    try:
        yield found
    finally:
        bench.db.command("profile", 0)
        names = [f"{bench.database}.{one}" for one in (WEBHOOKS, SEQUENCES, CHANGES)]
        found += bench.db["system.profile"].find({"ns": {"$in": names}})
        bench.db.drop_collection("system.profile")


def test_a_look_reads_what_is_due_and_nothing_else(indexed: Bench) -> None:
    for n in range(IDLE):
        put(indexed, f"idle-{n}", "https://idle.example/", due=False)
    for name in ("af", "fk", "sb"):
        put(indexed, name, "https://due.example/")
        told(indexed, name, 2)
    put(indexed, "fails", "https://fails.example/")
    indexed.db[SEQUENCES].update_one({"_id": "fails"}, {"$set": {"n": 5, "send_at": LATER}})
    taker = Taker()
    one = sending(indexed, taker)
    with watched(indexed) as done, ThreadPoolExecutor(4) as workers:
        assert one.look(workers) == 3
    assert sorted(taker.came) == ["af:1", "af:2", "fk:1", "fk:2", "sb:1", "sb:2"]
    assert "COLLSCAN" not in str([entry.get("planSummary") for entry in done])
    looks = [entry for entry in done if entry["op"] == "query" and "changes" not in entry["ns"]]
    assert looks
    assert all(entry["docsExamined"] <= entry["nreturned"] for entry in looks), looks
    assert all(entry.get("docsExamined", 0) <= 2 for entry in done if entry["op"] != "query"), done

    with watched(indexed) as done, ThreadPoolExecutor(1) as workers:
        assert one.look(workers) == 0
    assert [entry["docsExamined"] for entry in done] == [0]
    assert done[0]["keysExamined"] <= 1


def test_no_more_turns_are_under_way_than_workers_can_take_soon(indexed: Bench) -> None:
    for n in range(5 * WORKERS):
        put(indexed, f"due-{n}", "https://due.example/")
        told(indexed, f"due-{n}", 1)
    taker = Taker()
    one = sending(indexed, taker)
    looked = 0
    with ThreadPoolExecutor(WORKERS) as workers:
        while len(taker.came) < 5 * WORKERS:
            assert one.look(workers) <= 2 * WORKERS
            looked += 1
            assert looked < 1_000
    assert len(set(taker.came)) == len(taker.came)
    assert indexed.db[SEQUENCES].count_documents({"send_at": {"$exists": True}}) == 0


def test_a_number_gives_a_turn_to_an_idle_webhook_and_to_nobody_else(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/", due=False)
    tell(indexed, "af", "fk")
    assert (head(indexed)["n"], head(indexed)["send_at"]) == (1, NOW)
    assert "send_at" not in head(indexed, "fk")
    assert courier(indexed, Taker()).turn(kept(indexed)) == 1
    assert "send_at" not in head(indexed)


def test_what_is_numbered_while_the_last_is_sent_is_not_forgotten(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    tell(indexed, "af")
    taker = Taker(meanwhile=lambda: tell(indexed, "af"))
    assert courier(indexed, taker).turn(kept(indexed)) == 1
    assert (head(indexed)["n"], "send_at" in head(indexed)) == (2, True)
    assert courier(indexed, taker).turn(kept(indexed)) == 1
    assert (taker.came, "send_at" in head(indexed)) == (["af:1", "af:2"], False)


def test_a_number_does_not_shorten_the_pause_after_a_failure(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    tell(indexed, "af")

    class Refuser(Taker):
        def post(self, *said: Any) -> tuple[str, int]:
            return "refused", 500

    courier(indexed, Refuser()).turn(kept(indexed))
    pause = head(indexed)["send_at"]
    assert pause == kept(indexed).next_at > NOW
    tell(indexed, "af")
    assert head(indexed)["send_at"] == pause


def test_one_that_is_far_behind_goes_on_behind_the_others(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    told(indexed, "af", AT_A_TURN + 1)
    assert courier(indexed, Taker()).turn(kept(indexed)) == AT_A_TURN
    assert head(indexed)["send_at"] == NOW
    assert courier(indexed, Taker()).turn(kept(indexed)) == 1
    assert "send_at" not in head(indexed)


def test_what_is_no_longer_kept_is_not_waited_for(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    told(indexed, "af", 3)
    indexed.db[CHANGES].delete_many({})
    assert courier(indexed, Taker()).turn(kept(indexed)) == 0
    assert "send_at" not in head(indexed)


def test_another_putting_keeps_its_turn_whatever_the_earlier_comes_to(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    told(indexed, "af", 1)
    before = kept(indexed)
    indexed.db[SEQUENCES].update_one({"_id": "af"}, {"$set": {"webhook": "w-2"}})
    courier(indexed, Taker()).turn(before)
    assert "send_at" in head(indexed)


def test_a_fault_of_our_own_lets_the_others_go_first(indexed: Bench) -> None:
    put(indexed, "af", "https://agency.example/")
    told(indexed, "af", 1)

    class Broken(Taker):
        def post(self, *said: Any) -> tuple[str, int]:
            raise RuntimeError("not foreseen")

    time = Time()
    one = sending(indexed, Broken(), time)
    with ThreadPoolExecutor(1) as workers:
        assert one.look(workers) == 1
        until(lambda: head(indexed)["send_at"] == NOW + AFTER_A_FAULT, "its turn put off")
        assert one.look(workers) == 0
        time.at += AFTER_A_FAULT
        until(lambda: one.look(workers) == 1, "its next turn")
