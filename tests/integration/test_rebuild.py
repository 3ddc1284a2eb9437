"""A projection rebuilt beside the live one and swapped in under load, on real parts: nothing lost or doubled."""

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from shared.host.connections import RUNTIME_INDEXES
from shared.host.consuming import process_batch
from shared.language import events as e
from shared.language.decision import Fold
from shared.language.errors import Conflict
from shared.operations.by_hand import passed_over
from shared.operations.mending import Mending
from shared.operations.rebuild import BUILDING, SWAPPED, SWAPPING, Rebuilds
from shared.operations.rebuilder import Rebuilder
from shared.runtime.arrived import Arrived
from shared.runtime.breaker import Breaker
from shared.runtime.clock import Clock
from shared.runtime.consumer import Consumer
from shared.runtime.groups import Group
from shared.runtime.progress import Progress
from shared.runtime.transaction import transact
from tests.support import toy
from tests.support.awaiting import until
from tests.support.operating import order, toy_group, toy_parts
from tests.support.toybench import Bench, bench

__all__ = ["bench"]

FOLDS: dict[type[e.Fact], Fold] = {e.SessionLogged: toy.tally, e.ReferralAccepted: toy.tally}
TOPICS = (e.TOPICS["intake"], e.TOPICS["activity-tracking"])
SUBJECTS, EVENTS = 20, 30


class Projector:
    """A projection with a counter that all subjects share, its consumer, and its rebuilder."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.db = bench.db
        self.parts = toy_parts(bench.client, bench.database, FOLDS)
        self.live = toy_group(bench.group, FOLDS, own_source=None, topics=TOPICS, keeps=("sums",))
        self.rebuilds = Rebuilds(bench.client, bench.database, {self.live.name: self.live})
        self.subjects = [bench.subject(n) for n in range(SUBJECTS)]

    def start(self) -> None:
        self.bench.start(self.consumer(self.live, self.bench.stop).run)
        self.bench.start(self.rebuilder().run)

    def consumer(self, group: Group, stop: threading.Event) -> Consumer:
        fold = process_batch(self.parts, group, Breaker())

        def mine(session: Any, records: list[Arrived]) -> Any:
            return fold(session, [one for one in records if self.bench.mine(one)])

        return Consumer(
            group=group.name,
            client=self.bench.client,
            database=self.bench.database,
            kafka_options=self.bench.kafka,
            process_batch=mine,
            stop=stop,
            topics=group.topics,
        )

    def rebuilder(self) -> Rebuilder:
        return Rebuilder(
            client=self.bench.client,
            database=self.bench.database,
            live=self.live,
            consume=self.consumer,
            measure=self.progress,
            skip=lambda group, row: passed_over(self.parts, group, row, datetime.now(UTC)),
            indexes=RUNTIME_INDEXES,
            stop=self.bench.stop,
        )

    def progress(self, group: Group) -> Progress:
        return Progress(
            database=self.db,
            clock=Clock(self.db, driven=False),
            kafka_options=self.bench.kafka,
            group=group.name,
            topics=group.topics,
            own=False,
        )

    def asks(self, what: str, *arguments: Any, **named: Any) -> Any:
        """What an operator asks for, in a transaction."""
        at = datetime.now(UTC)
        asked = getattr(self.rebuilds, what)
        return transact(
            self.bench.client, lambda session: asked(session, self.live.name, *arguments, at, **named)
        )

    def found(self) -> dict[str, Any]:
        found = self.rebuilds.find(self.live.name)
        assert found is not None
        return found

    def caught_up(self) -> bool:
        progress = self.found()["progress"]
        return progress is not None and progress["lag"] == 0

    def pour(self, first: int, last: int) -> None:
        """The events numbered so, of every subject, in turn."""
        for n in range(first, last + 1):
            self.bench.publish(*[self.bench.say(toy.session(n), one, n) for one in self.subjects])

    def is_whole(self, events: int) -> bool:
        """Every event of every subject applied once and in order, and counted once."""
        marks = [f"activity-tracking:{n}" for n in range(1, events + 1)]
        states = list(self.db["toys"].find())
        if len(states) != SUBJECTS or any(len(one["state"]["applied"]) < events for one in states):
            return False
        assert all(one["state"]["applied"] == marks for one in states)
        assert self.sums() == {"minutes": SUBJECTS * sum(range(1, events + 1)), "events": SUBJECTS * events}
        return True

    def sums(self) -> dict[str, int]:
        rows = list(self.db["sums"].find())
        return {name: sum(row[name] for row in rows) for name in ("minutes", "events")}

    def compared(self) -> dict[str, Any]:
        asked = self.asks("ask_to_compare")["compare_asked_at"]

        def done() -> dict[str, Any] | None:
            compared: dict[str, Any] | None = self.found()["compared"]
            # MongoDB keeps milliseconds.
            return (
                compared if compared and abs((compared["asked_at"] - asked).total_seconds()) < 0.002 else None
            )

        found: dict[str, Any] = until(done, "the comparison")
        return found


@pytest.fixture
def projector(bench: Bench) -> Iterator[Projector]:
    yield Projector(bench)
    bench.stop.set()
    for thread in bench.threads:
        thread.join(timeout=20)


def left_of_the_run(db: Any, run: int) -> Sequence[str]:
    collections = [name for name in db.list_collection_names() if name.endswith(f"__r{run}")]
    return collections + [row["_id"] for row in db["offsets"].find() if f"-r{run}:" in row["_id"]]


def test_rebuilt_is_live_and_a_swap_under_load_loses_nothing_and_doubles_nothing(
    projector: Projector,
) -> None:
    projector.start()
    projector.pour(1, 10)
    projector.asks("start", "to be sure")
    pouring = threading.Thread(target=projector.pour, args=(11, EVENTS))
    pouring.start()
    until(projector.caught_up, "the rebuild at the log's end")
    projector.compared()
    compared = projector.found()["compared"]
    assert (compared["different"], compared["differs"]) == (0, False)
    projector.asks("swap", accept=False)
    until(lambda: projector.found()["state"] == SWAPPED, "the swap")
    pouring.join()
    until(partial(projector.is_whole, EVENTS), "every event, once")
    projector.pour(EVENTS + 1, EVENTS + 5)
    until(partial(projector.is_whole, EVENTS + 5), "what comes after the swap")
    assert projector.db["parked"].count_documents({}) == 0
    until(lambda: left_of_the_run(projector.db, 1) == [], "nothing left of the run")


def test_what_is_wrong_in_the_live_one_is_found_and_mended_only_when_accepted(projector: Projector) -> None:
    projector.start()
    projector.pour(1, 5)
    until(partial(projector.is_whole, 5), "the live one")
    wrong = projector.subjects[3]
    projector.db["toys"].update_one({"_id": wrong}, {"$inc": {"state.minutes": 100}})
    projector.db["sums"].update_one({}, {"$inc": {"minutes": 100}})
    projector.asks("start", "figures look wrong")
    with pytest.raises(Conflict, match="rebuild-under-way"):
        projector.asks("start", "again")
    with pytest.raises(Conflict, match="rebuild-uncompared"):
        projector.asks("swap", accept=True)
    until(projector.caught_up, "the rebuild at the log's end")
    compared = projector.compared()
    assert compared["same_place"] is True
    assert (compared["same"], compared["different"]) == (SUBJECTS - 1, 1)
    assert compared["first"] == [{"subject": wrong, "fields": ["state.minutes"]}]
    (counter,) = compared["counters"]["sums"]["first"]
    assert (counter["counter"], counter["live"] - counter["rebuilt"]) == ("all.minutes", 100)
    with pytest.raises(Conflict, match="rebuild-differs"):
        projector.asks("swap", accept=False)
    projector.asks("swap", accept=True)
    until(lambda: projector.found()["state"] == SWAPPED, "the swap")
    assert projector.is_whole(5)


def test_a_swap_that_was_cut_off_is_finished_and_until_then_nothing_moves(projector: Projector) -> None:
    bench, live = projector.bench, projector.live
    bench.start(projector.consumer(live, bench.stop).run)
    projector.pour(1, 5)
    until(partial(projector.is_whole, 5), "the live one")
    projector.asks("start", "to be sure")
    stop = threading.Event()
    rebuilt = live.beside(1)
    building = threading.Thread(target=projector.consumer(rebuilt, stop).run)
    building.start()
    until(
        lambda: len(list(projector.db["toys__r1"].find({"in": {"activity-tracking": 5}}))) == SUBJECTS, "it"
    )
    now = datetime.now(UTC)
    compared = {"at": now, "asked_at": now, "differs": False}
    projector.rebuilds.report(live.name, 1, {"compared": compared, "progress": {"lag": 0}})
    projector.asks("swap", accept=False)
    projector.db["toys__r1"].rename("toys", dropTarget=True)
    before = projector.sums()
    projector.pour(6, 8)
    until(
        lambda: projector.progress(live).measure()["lag"] >= SUBJECTS * 3,
        "the live one stands still behind the log",
    )
    assert projector.found()["state"] == SWAPPING
    assert projector.sums() == before
    for _ in range(2):
        projector.rebuilds.finish_swap(live.name)
    assert projector.found()["state"] == SWAPPED
    until(partial(projector.is_whole, 8), "every event, once")
    stop.set()
    building.join(timeout=20)


def test_what_an_operator_skipped_is_skipped_in_the_rebuilt_one_too(projector: Projector) -> None:
    bench, ill = projector.bench, projector.subjects[0]
    projector.start()
    projector.pour(1, 2)
    unknown = [("ce_type", b"journey.activity-tracking.of-a-later-release.v1")]
    for n in (3, 4):
        subject, topic, headers, value = bench.say(toy.session(), ill, n)
        bench.publish((subject, topic, [one for one in headers if one[0] != "ce_type"] + unknown, value))
    bench.publish(bench.say(toy.session(5), ill, 5))
    mending = Mending(projector.parts, {projector.live.name: projector.live})
    for n in (3, 4):
        row = until(partial(bench.db["parked"].find_one, {"seq": n, "reason": "poison"}), f"{n} parked")
        mending.skip(order(), row["_id"])
    marks = [f"activity-tracking:{n}" for n in (1, 2, 5)]
    until(lambda: bench.db["toys"].find_one({"_id": ill})["state"]["applied"] == marks, "the fifth applied")
    projector.asks("start", "to be sure")
    until(projector.caught_up, "the rebuild at the log's end")
    until(lambda: projector.found()["progress"]["parked"] == {}, "the two skipped again")
    compared = projector.compared()
    assert (compared["same_place"], compared["same"], compared["differs"]) == (True, SUBJECTS, False)


def test_an_abandoned_rebuild_leaves_nothing_and_the_next_begins_anew(projector: Projector) -> None:
    projector.start()
    projector.pour(1, 3)
    projector.asks("start", "to be sure")
    until(projector.caught_up, "the rebuild at the log's end")
    projector.asks("abandon")
    until(lambda: left_of_the_run(projector.db, 1) == [], "nothing left of the run")
    with pytest.raises(Conflict, match="no-rebuild"):
        projector.asks("abandon")
    assert projector.asks("start", "again")["run"] == 2
    until(projector.caught_up, "the second run")
    assert projector.found()["state"] == BUILDING
    until(partial(projector.is_whole, 3), "the live one untouched")
