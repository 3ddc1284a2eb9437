"""No event can carry who somebody is, in words or in a field of another name; and every topic is declared."""

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from msgspec import Meta

from deploy.declaration import declared
from shared.language.codec import HEADERS
from shared.language.events import (
    ANSWERS_TOPIC,
    CONTROL_TOPIC,
    ERASURES_TOPIC,
    INDICATORS_TOPIC,
    PROGRAMMES_TOPIC,
    REGISTER_TOPIC,
    SOURCES,
    TOPICS,
    EventType,
)
from tools.contracts.services import event_types

JOURNEY_EVENTS = [kind for kind in event_types() if kind.topic not in (PROGRAMMES_TOPIC, REGISTER_TOPIC)]
"""Programmes and the register say of organisations alone, by name."""

ALLOWED_FIELDS = {
    # when, and who among the organisations
    *("occurred_on", "recorded_at", "organisation", "referrer", "provider", "validated_by"),
    *("from_organisation", "to_organisation", "organisations"),
    # which: pseudonymous ids
    *(
        "participant_id",
        "previous_journey",
        "beside",
        "session",
        "corrects",
        "handover",
        "follow_up",
        "report",
    ),
    *("journey", "first", "started"),
    # which of the programme's codes
    *("programme", "programme_version", "municipality", "activity", "goal", "competence", "output", "kind"),
    *("reason", "purpose", "why"),
    # what
    *("attendance", "minutes", "void", "unsent", "replaced", "round", "answered", "level", "quantity"),
    *("replaced_quantity", "complete", "way", "situation", "plan", "correction"),
    *("counted", "logged", "attended", "late", "missed", "planned_minutes", "marked_minutes"),
    *("activities", "expected", "not_marked", "replaced_expected", "replaced_not_marked"),
    *("participation", "left"),
    # days
    *("on", "days", "first_on", "last_on", "last_day", "deadline_on", "offered_on", "answer_by", "due_on"),
    *("referred_on", "again_on", "started_on", "left_on"),
}
TELLING = (
    *(
        "name",
        "personnummer",
        "text",
        "note",
        "comment",
        "gender",
        "born",
        "birth",
        "phone",
        "email",
        "address",
    ),
    *("contact", "disability", "minority", "health", "diagnosis", "citizenship", "reference", "description"),
)


@pytest.mark.parametrize("kind", JOURNEY_EVENTS, ids=[kind.name for kind in JOURNEY_EVENTS])
def test_an_event_says_only_what_events_may_say(kind: EventType) -> None:
    names = set(_field_names(kind.body))
    assert names <= ALLOWED_FIELDS, (
        "a new field: may it leave the service? (docs/architecture/privacy.md) Then allow it here."
    )
    assert not [name for name in names if any(word in name for word in TELLING)]


def test_nothing_is_allowed_that_no_event_says() -> None:
    assert {name for kind in JOURNEY_EVENTS for name in _field_names(kind.body)} == ALLOWED_FIELDS


def test_an_event_has_no_header_that_was_not_decided() -> None:
    """docs/architecture/privacy.md, Where they never go: what a header says of a person leaves the service."""
    cloud = {"specversion", "id", "source", "type", "subject", "time", "sequence", "after", "organisation"}
    assert {f"ce_{name}" for name in cloud} | {"traceparent", "content-type"} == HEADERS


@pytest.mark.parametrize("kind", JOURNEY_EVENTS, ids=[kind.name for kind in JOURNEY_EVENTS])
def test_no_event_has_room_for_free_text(kind: EventType) -> None:
    """Every string is an id of the platform's own, one of a closed list, or held to a pattern without spaces."""
    for name, said in _leaves(kind.body):
        assert not _is_free_text(said), f"{name} takes any text"


def test_a_field_for_a_name_would_be_noticed() -> None:
    assert _is_free_text(str)
    assert "name" not in ALLOWED_FIELDS
    assert not _is_free_text(Annotated[str, Meta(pattern="^[a-z]+$")])


def _field_names(body: Any) -> Iterator[str]:
    for one in fields(body):
        yield one.name
        for part in _parts(get_type_hints(body, include_extras=True)[one.name]):
            if is_dataclass(part):
                yield from _field_names(part)


def _leaves(body: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, said in get_type_hints(body, include_extras=True).items():
        for part in _parts(said):
            if is_dataclass(part):
                yield from _leaves(part, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", part


def _parts(said: Any) -> Iterator[Any]:
    """What the type is made of: the members of a union, the items of a tuple, also of one that is held to a length."""
    if get_origin(said) is Annotated and get_origin(get_args(said)[0]) is tuple:
        said = get_args(said)[0]
    if get_origin(said) in (Union, types.UnionType, tuple):
        for part in get_args(said):
            if part not in (types.NoneType, Ellipsis):
                yield from _parts(part)
    else:
        yield said


def _is_free_text(said: Any) -> bool:
    if get_origin(said) is Annotated:
        inner, *extras = get_args(said)
        held = any(isinstance(one, Meta) and one.pattern for one in extras)
        return not held and _is_free_text(inner)
    if get_origin(said) is Literal or said in (date, datetime, int, bool, float):
        return False
    # NewType: the platform makes these ids itself
    return not (hasattr(said, "__supertype__") and said.__name__.endswith("Id"))


# --- topics ----------------------------------------------------------------------------------------------------


def test_the_declared_topics_are_those_that_the_code_speaks_on() -> None:
    spoken = {
        *TOPICS.values(),
        PROGRAMMES_TOPIC,
        REGISTER_TOPIC,
        CONTROL_TOPIC,
        ERASURES_TOPIC,
        INDICATORS_TOPIC,
        ANSWERS_TOPIC,
    }
    shared_topics = {topic.name for topic in declared().topics if not topic.name.startswith("inbound.")}
    assert shared_topics == spoken
    assert {kind.topic for kind in event_types()} <= spoken


def test_journey_topics_have_equal_partition_counts() -> None:
    """One process then gets the same partition of every topic, so that one process writes a journey."""
    shared_topics = [one for one in declared().topics if not one.name.startswith("inbound.")]
    assert len({one.partitions for one in shared_topics if one.name != REGISTER_TOPIC}) == 1


def test_the_register_is_one_partition_kept_whole() -> None:
    """Its entries come in the order in which they were said, and who took part long ago can be asked of it."""
    (register,) = [one for one in declared().topics if one.name == REGISTER_TOPIC]
    assert (register.partitions, register.config) == (1, {"retention.ms": "-1"})


def test_each_agency_has_two_topics_in_and_one_out_of_one_partition() -> None:
    inbound = {topic.name: topic for topic in declared().topics if topic.name.startswith("inbound.")}
    agencies = {name.split(".")[1] for name in inbound}
    assert agencies
    assert inbound.keys() == {
        f"inbound.{agency}.{way}.v1" for agency in agencies for way in ("attendance", "referrals", "replies")
    }
    assert {topic.partitions for topic in inbound.values()} == {1}


def test_only_the_owner_of_a_topic_may_write_it() -> None:
    writers: dict[str, set[str]] = {}
    for principal in declared().principals:
        for topic in principal.write:
            writers.setdefault(topic, set()).add(principal.name)
    for source in SOURCES:
        assert writers[TOPICS[source]] == {source}
    assert writers[PROGRAMMES_TOPIC] == writers[REGISTER_TOPIC] == writers[ERASURES_TOPIC] == {"intake"}
    assert writers[ANSWERS_TOPIC] == {"activity-tracking"}
    for topic, names in writers.items():
        if topic.startswith("inbound."):
            agency, way = topic.split(".")[1:3]
            assert names == ({"intake"} if way == "replies" else {agency}), topic


def test_what_happened_is_kept_for_good() -> None:
    by_name = {topic.name: topic for topic in declared().topics}
    for topic in TOPICS.values():
        assert by_name[topic].config["retention.ms"] == "-1"
    for topic in (PROGRAMMES_TOPIC, ERASURES_TOPIC, INDICATORS_TOPIC):
        assert by_name[topic].config["cleanup.policy"] == "compact"
