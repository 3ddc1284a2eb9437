"""The rows of a file on a real MongoDB: many in one transaction, each for itself, found again by their references."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from pymongo import MongoClient

from shared.language import events as e
from shared.language.decision import Change, Row
from shared.language.errors import Busy, Conflict, Forbidden, Refused, Unknown
from shared.runtime.commands import ROWS_IN_ROUND, Answer
from shared.runtime.many import OneOfMany, Wanted
from shared.runtime.unit import Apart
from tests.support import toy
from tests.support.asked import Asked
from tests.support.toy import Toy
from tests.support.toybench import Bench, bench

__all__ = ["bench"]


def _referred(bench: Bench, n: int, says: str = "") -> OneOfMany:
    """A row with a reference, which names a note of what the row said: as the sessions of a file."""
    subject, name = bench.subject(n % 5), f"r{n}"

    def use_case(work: Any) -> dict[str, Any]:
        state = work.find(subject) or Toy()
        named = work.row("names", name)
        if named is not None:
            said = work.row("notes", named["note"])["says"]
            if said != says:
                raise Conflict("already-logged", f"It names {named['note']}.")
            return {"note": named["note"]}
        note = work.new_id("n")
        rows = (Row("names", name, {"note": note}), Row("notes", note, {"says": says}))
        fact = e.EntryRecorded(occurred_on=toy.DAY, recorded_at=toy.NOW, complete=True)
        work.save(subject, Change(Toy(minutes=state.minutes + 1), events=(fact,), rows=rows))
        return {"note": note}

    return OneOfMany(use_case, subject, (Wanted("names", name, leads=("notes", "note")),))


def _bodies(outcomes: Iterable[Answer | Refused | Busy]) -> list[Any]:
    return [one.body if isinstance(one, Answer) else repr(one) for one in outcomes]


def test_rows_share_transactions_and_sending_them_again_costs_no_more(bench: Bench, stack: Any) -> None:
    asked = Asked()
    with MongoClient[dict[str, Any]](
        stack.admin_mongo_uri, tz_aware=True, w="majority", event_listeners=[asked]
    ) as client:
        commands = replace(bench, client=client).commands()
        rows = [_referred(bench, n) for n in range(600)]
        _bodies(commands.run_rows([_referred(bench, 1_000)]))  # a first transaction asks for more
        asked.names.clear()
        first = _bodies(commands.run_rows(rows))
        sent = asked.names.copy()
        asked.names.clear()
        again = _bodies(commands.run_rows(rows))
    assert first == again
    rounds = -(-600 // ROWS_IN_ROUND)
    assert sent["commitTransaction"] == asked.names["commitTransaction"] == rounds
    # Subjects, names, and the notes that these lead to, a round.
    assert asked.names["find"] <= 3 * rounds
    assert asked.names.total() <= sent.total(), (sent, asked.names)
    assert bench.db["events"].count_documents({}) == 601
    assert bench.db["commands"].count_documents({}) == 0


def test_a_row_of_the_same_reference_that_says_something_else_is_told_what_stands(bench: Bench) -> None:
    commands = bench.commands()
    rows = [_referred(bench, 1), _referred(bench, 1), _referred(bench, 1, "other"), _referred(bench, 2)]
    first, second, other, last = commands.run_rows(rows)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert first.body == second.body
    assert isinstance(other, Conflict)
    assert (other.code, other.detail) == ("already-logged", f"It names {first.body['note']}.")
    assert isinstance(last, Answer)


def test_rows_that_are_tried_come_to_what_they_would_and_leave_nothing(bench: Bench) -> None:
    commands = bench.commands()
    # The last ones stand in another round than what they repeat or contradict.
    rows = [_referred(bench, n) for n in range(ROWS_IN_ROUND + 1)]
    rows += [_referred(bench, 0), _referred(bench, 1, "other"), _referred(bench, 1_000)]
    tried = list(commands.run_rows(rows, trial=True))
    assert [type(one) for one in tried] == [Answer] * (ROWS_IN_ROUND + 2) + [Conflict, Answer]
    assert all(
        bench.db[name].count_documents({}) == 0 for name in ("events", "toys", "names", "notes", "commands")
    )
    real = list(commands.run_rows(rows))
    assert [type(one) for one in real] == [type(one) for one in tried]
    assert bench.db["events"].count_documents({}) == ROWS_IN_ROUND + 2
    again = list(commands.run_rows([_referred(bench, 2, "other"), _referred(bench, 3)], trial=True))
    assert [type(one) for one in again] == [Conflict, Answer]


def test_a_row_that_fails_alone_is_tried_alone_and_leaves_nothing_either(bench: Bench) -> None:
    commands, calls = bench.commands(), []

    def beyond(work: Any) -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 1:
            raise Apart
        return _referred(bench, 1).use_case(work)

    (one,) = commands.run_rows([OneOfMany(beyond, bench.subject(1))], trial=True)
    assert isinstance(one, Answer)
    assert len(calls) == 2
    assert bench.db["events"].count_documents({}) == 0
    assert bench.state(bench.subject(1)) is None


@pytest.mark.parametrize("refusal", [Forbidden("wrong-duty", "no"), Unknown("journey")])
def test_a_row_without_the_right_is_refused_by_itself(bench: Bench, refusal: Refused) -> None:
    def refused(_: Any) -> dict[str, Any]:
        raise refusal

    rows = [_referred(bench, 1), OneOfMany(refused, bench.subject()), _referred(bench, 2)]
    assert list(bench.commands().run_rows(rows))[1] is refusal
