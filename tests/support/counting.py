"""A state of two numbers, so that the bench measures the runtime and not a service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.language import events as e
from shared.language.decision import Change, Received, Subject
from shared.language.programmes import Programmes


@dataclass(frozen=True, slots=True)
class Counted:
    """How many events were applied, and the minutes in them."""

    n: int = 0
    minutes: int = 0


class CountingRepository:
    """Satisfies `change.Repository`."""

    collection = "states"

    def write(self, state: Counted) -> dict[str, Any]:
        return {"n": state.n, "minutes": state.minutes}

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Counted:
        return Counted(document["n"], document["minutes"])


def count(state: Counted | None, received: Received, programmes: Programmes) -> Change[Counted]:
    """Count a session."""
    assert isinstance(received.body, e.SessionLogged)
    now = state or Counted()
    return Change(Counted(now.n + 1, now.minutes + received.body.minutes))


def echo_count(state: Counted | None, received: Received, programmes: Programmes) -> Change[Counted]:
    """Count a session and say something for it."""
    fact = e.EntryRecorded(
        occurred_on=received.body.occurred_on, recorded_at=received.body.recorded_at, complete=True
    )
    return Change(count(state, received, programmes).state, events=(fact,))
