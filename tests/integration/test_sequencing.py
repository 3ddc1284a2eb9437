"""Numbers of changes on a real MongoDB: none is skipped or given twice, and each subject keeps its order."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.sequencing import (
    AT_ONCE,
    CHANGES,
    INDEXES,
    numbering,
)
from shared.language.decision import Change, Reply, Subject
from shared.runtime.messages import REPLIES
from shared.runtime.published import Published
from shared.runtime.restored import FLOOR, SEQUENCES
from shared.runtime.transaction import transact
from shared.runtime.unit import Unit
from tests.support.toy import Toy, ToyRepository
from tests.support.toybench import Bench, bench
from tests.support.work_suite import ACCEPTED

__all__ = ["bench"]


@pytest.fixture(name="indexed")
def _indexed(bench: Bench) -> Bench:
    for collection, models in INDEXES.items():
        bench.db[collection].create_indexes(models)
    return bench


def say(bench: Bench, session: Any, subject: str, *organisations: str) -> None:
    """Tell these in a transaction that is not committed yet."""
    unit = Unit(
        bench.db,
        session,
        ToyRepository(),
        Published(bench.db),
        "intake",
        lambda: datetime.now(UTC),
    )
    replies = tuple(Reply(one, ACCEPTED) for one in organisations)
    unit.save(Subject(f"journey/{subject}"), Change(Toy(), replies=replies))
    unit.flush()


def tell(bench: Bench, subject: str, *organisations: str) -> None:
    transact(bench.client, lambda session: say(bench, session, subject, *organisations))


def number(bench: Bench, *on_topic: str) -> int:
    return transact(bench.client, numbering(bench.db, on_topic, datetime.now(UTC)))


def sequence(bench: Bench, organisation: str) -> list[tuple[int, str]]:
    """The number and the subject of each change."""
    rows = bench.db[CHANGES].find({"organisation": organisation}, sort=[("n", 1)])
    return [(row["n"], row["subject"].partition("/")[2]) for row in rows]


def test_each_organisation_has_a_sequence_of_its_own(indexed: Bench) -> None:
    tell(indexed, "a", "af", "fk")
    tell(indexed, "b", "af")
    assert number(indexed, "af") == 3
    assert number(indexed, "af") == 0
    assert sequence(indexed, "af") == [(1, "a"), (2, "b")]
    assert sequence(indexed, "fk") == [(1, "a")]
    assert indexed.db[REPLIES].count_documents({}) == 0
    records = list(indexed.db["events"].find({}, sort=[("ts", 1)]))
    assert [(one["topic"], one["key"], one["headers"]["ce_sequence"]) for one in records] == [
        ("inbound.af.replies.v1", "af", "1"),
        ("inbound.af.replies.v1", "af", "2"),
    ]
    changes = indexed.db[CHANGES].find({"organisation": "af"}, sort=[("n", 1)])
    assert [(one["body"], one["headers"]["ce_id"]) for one in records] == [
        (one["body"], one["id"]) for one in changes
    ]


def test_what_becomes_visible_late_gets_a_later_number(indexed: Bench) -> None:
    """Its order key is the lower one: it was written before the other, and committed after it was numbered."""
    tell(indexed, "first", "af")
    assert number(indexed) == 1
    with indexed.client.start_session() as late, late.start_transaction():
        say(indexed, late, "late", "af")
        tell(indexed, "early", "af")
        assert number(indexed) == 1
        late.commit_transaction()
    assert number(indexed) == 1
    assert sequence(indexed, "af") == [(1, "first"), (2, "early"), (3, "late")]


def test_two_that_number_at_once_skip_no_number_and_give_none_twice(indexed: Bench) -> None:
    """A numberer whose lease ran out may still be at work."""
    for n in range(40):
        tell(indexed, f"s-{n % 5}", "af", "fk")
    counts: list[int] = []
    rest = threading.Event()

    def work() -> None:
        while not rest.is_set():
            counts.append(number(indexed, "af"))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(40, 80):
        tell(indexed, f"s-{n % 5}", "af", "fk")
    while indexed.db[REPLIES].find_one() is not None:
        rest.wait(0.01)
    rest.set()
    for thread in threads:
        thread.join(30)
    assert sum(counts) == 160
    for organisation in ("af", "fk"):
        assert [n for n, _ in sequence(indexed, organisation)] == list(range(1, 81))
    published = indexed.db["events"].find({}, sort=[("ts", 1)])
    assert [int(one["headers"]["ce_sequence"]) for one in published] == list(range(1, 81))
    for subject in {name for _, name in sequence(indexed, "af")}:
        assert order_of(indexed, subject) == sorted(order_of(indexed, subject))


def order_of(bench: Bench, subject: str) -> Sequence[str]:
    """The identities of the changes of a subject, in the order of their numbers: each counts its subject's replies."""
    rows = bench.db[CHANGES].find({"organisation": "af", "subject": f"journey/{subject}"}, sort=[("n", 1)])
    return [row["id"] for row in rows]


def test_more_than_one_transaction_takes_are_numbered_in_order(indexed: Bench) -> None:
    """The order key decides, not the moment at which a row became visible."""
    for n in range(AT_ONCE // 50 + 1):
        tell(indexed, f"s-{n}", *["af"] * 50)
    assert number(indexed) == AT_ONCE
    assert number(indexed) == 50
    assert [n for n, _ in sequence(indexed, "af")] == list(range(1, AT_ONCE + 51))
    subjects = [name for _, name in sequence(indexed, "af")]
    assert subjects == [f"s-{n}" for n in range(AT_ONCE // 50 + 1) for _ in range(50)]
    assert indexed.db[SEQUENCES].find_one({"_id": "af"})["n"] == AT_ONCE + 50


def test_after_a_restore_every_number_lies_above_the_floor(indexed: Bench) -> None:
    """Also that of an organisation which the restored database has told nothing yet."""
    tell(indexed, "a", "af")
    assert number(indexed) == 1
    indexed.db[SEQUENCES].insert_one({"_id": FLOOR, "n": 1_000})
    tell(indexed, "b", "af", "fk")
    tell(indexed, "c", "af")
    assert number(indexed, "af") == 3
    assert sequence(indexed, "af") == [(1, "a"), (1_001, "b"), (1_002, "c")]
    assert sequence(indexed, "fk") == [(1_001, "b")]
    records = indexed.db["events"].find({}, sort=[("ts", 1)])
    assert [one["headers"]["ce_sequence"] for one in records] == ["1001", "1002"], "the topic agrees"
    assert indexed.db[SEQUENCES].find_one({"_id": FLOOR}) == {"_id": FLOOR, "n": 1_000}


def test_changes_are_forgotten_after_90_days_and_every_query_has_an_index(indexed: Bench) -> None:
    assert indexed.db[CHANGES].index_information()["kept_from_1"]["expireAfterSeconds"] == 90 * 24 * 3600
    tell(indexed, "a", "af")
    number(indexed)
    for collection, where, order in (
        (CHANGES, {"organisation": "af", "n": {"$gt": 0}}, "n"),
        (REPLIES, {}, "ts"),
    ):
        plan = indexed.db[collection].find(where, sort=[(order, 1)]).explain()
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
