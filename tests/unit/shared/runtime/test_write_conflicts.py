"""What a transaction that others spoil learns from each attempt, on states that change between attempts."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from shared.language.decision import Subject
from shared.runtime.staged import SubjectDocument
from shared.runtime.write_conflicts import WriteConflicts

A, B, C, NEW = (Subject(f"toy/{name}") for name in ("a", "b", "c", "new"))


class States:
    """Stands for the collection of states: what others have made durable, and what the attempt under way holds."""

    def __init__(self) -> None:
        self.v = {A: 1, B: 1, C: 1}
        self.held: list[Subject] = []

    def find(self, condition: Mapping[str, Any], _: object) -> Iterable[dict[str, Any]]:
        return [{"_id": one, "v": self.v[one]} for one in condition["_id"]["$in"] if one in self.v]

    def update_many(self, condition: Mapping[str, Any], _: object, session: object) -> None:
        self.held = sorted(condition["_id"]["$in"])

    def read(self, *subjects: Subject) -> dict[Subject, SubjectDocument]:
        """As the transaction sees them: what it holds, with its own writing to it."""
        return {one: SubjectDocument(one, v=self.v.get(one, 0) + (one in self.held)) for one in subjects}


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def conflicts() -> WriteConflicts:
    return WriteConflicts()


def lose(
    conflicts: WriteConflicts, states: States, *subjects: Subject, to: Subject | None = None
) -> list[Subject]:
    """One attempt that reads these and is spoilt by who writes to one of them. Returns what it locked first."""
    states.held = []
    attempt = conflicts.begin(None)  # type: ignore[arg-type]
    held = list(states.held)
    assert attempt.on_read is not None
    attempt.on_read(states, states.read(*subjects))  # type: ignore[arg-type]
    if to is not None:
        states.v[to] = states.v.get(to, 0) + 1
    conflicts.learn()
    return held


def test_only_what_others_have_changed_is_held(conflicts: WriteConflicts, states: States) -> None:
    assert lose(conflicts, states, A, B, C, to=B) == []
    assert lose(conflicts, states, A, B, C) == [B]


def test_what_it_held_itself_is_not_taken_for_changed_by_others(
    conflicts: WriteConflicts, states: States
) -> None:
    lose(conflicts, states, A, B, C, to=B)
    lose(conflicts, states, A, B, C)
    assert lose(conflicts, states, A, B, C) == [B]


def test_where_another_is_at_a_further_state_each_time_all_are_held(
    conflicts: WriteConflicts, states: States
) -> None:
    lose(conflicts, states, A, B, C, to=A)
    assert lose(conflicts, states, A, B, C, to=B) == [A]
    assert lose(conflicts, states, A, B, C) == [A, B, C]
    assert conflicts.losses == 3


def test_a_state_that_another_created_meanwhile_is_held(conflicts: WriteConflicts, states: States) -> None:
    lose(conflicts, states, A, NEW, to=NEW)
    assert lose(conflicts, states, A, NEW) == [NEW]


def test_a_conflict_elsewhere_holds_no_state(conflicts: WriteConflicts, states: States) -> None:
    for _ in range(5):
        assert lose(conflicts, states, A, B, C) == []


def test_an_attempt_lost_before_it_read_anything_teaches_nothing(
    conflicts: WriteConflicts, states: States
) -> None:
    lose(conflicts, states, A, B, to=A)
    conflicts.begin(None)  # type: ignore[arg-type]
    conflicts.learn()
    assert conflicts.losses == 1
