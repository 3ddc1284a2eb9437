"""A stored state says its version; older versions are lifted, and what cannot be read says why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.language.decision import Subject
from shared.language.errors import CODES, StateUnreadable
from shared.language.stored_states import Kind, StoredStates

SUBJECT = Subject("journey/j-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Third:
    """Version 3: minutes became hours and minutes; version 1 had no name."""

    hours: int
    minutes: int
    name: str


def _named(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "name": "unnamed"}


def _in_hours(document: dict[str, Any]) -> dict[str, Any]:
    hours, minutes = divmod(document.pop("minutes"), 60)
    return {**document, "hours": hours, "minutes": minutes}


class Thirds(StoredStates):
    """Their repository."""

    collection = "thirds"
    kinds: Mapping[str, Kind] = {"journey": Kind(Third, (_named, _in_hours))}


STATES = Thirds()


def test_a_document_says_the_newest_version_and_is_read_back() -> None:
    state = Third(hours=1, minutes=30, name="it")
    document = STATES.write(state)
    assert document == {"hours": 1, "minutes": 30, "name": "it", "schema_version": 3}
    assert STATES.read(SUBJECT, document) == state


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"schema_version": 1, "minutes": 90}, "unnamed"),
        ({"schema_version": 2, "minutes": 90, "name": "it"}, "it"),
    ],
)
def test_an_older_document_is_lifted_step_by_step(document: dict[str, Any], name: str) -> None:
    before = dict(document)
    assert STATES.read(SUBJECT, document) == Third(hours=1, minutes=30, name=name)
    assert document == before


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"schema_version": 4}, "It is of version 4; this release reads up to version 3."),
        ({"hours": 1, "minutes": 2, "name": "it"}, "It does not say its version."),
        ({"schema_version": "3", "hours": 1}, "It does not say its version."),
        ({"schema_version": True, "minutes": 1}, "It does not say its version."),
        ({"schema_version": 0}, "It does not say its version."),
        ({"schema_version": 2, "name": "it"}, "It cannot be lifted from version 2: KeyError."),
        ({"schema_version": 3, "hours": "secret", "minutes": 1, "name": "it"}, "It is broken at `$.hours`."),
        ({"schema_version": 3}, "It is broken at its root."),
        ("no document", "It is no document."),
    ],
)
def test_what_cannot_be_read_says_why_and_repeats_no_value(document: Any, why: str) -> None:
    with pytest.raises(StateUnreadable) as raised:
        STATES.read(SUBJECT, document)
    assert raised.value.why == why
    assert CODES[raised.value.code].actor == "operator"
    assert "secret" not in raised.value.detail


def test_a_kind_of_another_release_cannot_be_read() -> None:
    with pytest.raises(StateUnreadable, match="state-unreadable"):
        STATES.read(Subject("output/o-1"), {"schema_version": 1})
