"""Who may say what where: any source, type, topic and subject together, and what becomes of the record."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database

from shared.language import codec
from shared.language import events as e
from shared.language.codec import Envelope, Undecodable
from shared.language.control import RepublishRequested
from shared.language.decision import Subject
from shared.operations.control import check_asking
from shared.runtime.arrived import Arrived
from shared.runtime.breaker import Breaker
from shared.runtime.fold import Batch
from shared.runtime.origin import SPEAKERS, check_origin
from shared.runtime.staged import SubjectDocument
from shared.runtime.unit import Unit
from tests.support import toy
from tests.support.published import FakeProgrammes, FakePublished

WRITERS = {
    "journey.intake.v1": "intake",
    "journey.activity-tracking.v1": "activity-tracking",
    "journey.handover.v1": "handover",
    "journey.outcome.v1": "outcome",
    "journey.programmes.v1": "intake",
    "journey.register.v1": "intake",
}
"""Who may write which topic by `deploy/topics.yaml`, said a second time on purpose."""

SOURCES = st.sampled_from([*e.SOURCES, "", "$where", "a.b", "intake\0", "dashboard"]) | st.text(max_size=9)
LATER = [f"journey.{source}.later.v2" for source in e.SOURCES]
TYPES = st.sampled_from([*e.BY_NAME, *LATER, "", "journey.intake", "journey.x.y.v1"]) | st.text(max_size=12)
TOPICS = st.sampled_from([*WRITERS, "journey.control.v1", "journey.indicators.v1", "inbound.a.referrals.v1"])
APART = {
    "journey.programmes.v1": ["programme"],
    "journey.register.v1": ["legal-person", "unit", "membership"],
}
KINDS = ("journey", "output", "participant", "programme", "unit", "membership")
SUBJECTS = st.sampled_from([f"{kind}/x-1" for kind in KINDS] + ["", "journey", "$where/x"]) | st.text(
    max_size=9
)


def may_be_said(topic: str, source: str, name: str, subject: str) -> bool:
    """The rule in other words: a list of all that there is."""
    if WRITERS.get(topic) != source:
        return False
    if name in LATER:
        kinds = APART.get(topic, ["journey", "output", "participant"])
        return name.split(".")[1] == source and subject.split("/", maxsplit=1)[0] in kinds and "/" in subject
    found = e.BY_NAME.get(name)
    return (
        found is not None
        and found.source == source
        and (found.topic if found.topic in APART else "") == (topic if topic in APART else "")
        and subject.startswith(f"{found.subject}/")
    )


@given(SOURCES, TYPES, TOPICS, SUBJECTS)
def test_an_event_counts_only_where_its_source_speaks_of_its_own(
    source: str, name: str, topic: str, subject: str
) -> None:
    envelope = Envelope(b"", name, source, subject, 1, {}, "")
    if may_be_said(topic, source, name, subject):
        check_origin(topic, SPEAKERS, envelope)
    else:
        with pytest.raises(Undecodable) as refused:
            check_origin(topic, SPEAKERS, envelope)
        assert source == "" or f"'{source}'" not in str(refused.value)


def test_every_event_that_there_is_may_be_said() -> None:
    for kind in e.BY_NAME.values():
        check_origin(
            kind.topic, SPEAKERS, Envelope(b"", kind.name, kind.source, f"{kind.subject}/x", 1, {}, "")
        )


# --- what becomes of the record -----------------------------------------------------------------------------


@dataclass
class Store:
    """What a batch asks of its unit, in memory."""

    states: dict[str, SubjectDocument] = field(default_factory=dict)
    puts: dict[str, Any] = field(default_factory=dict)

    def load(self, subjects: Iterable[Subject]) -> None:
        """All is here."""

    def held(self, subject: Subject) -> SubjectDocument:
        return self.states.setdefault(subject, SubjectDocument(subject))

    def put(self, collection: str, key: str, body: Any) -> None:
        if collection == "parked":
            self.puts[key] = body

    def take(self, held: SubjectDocument, change: Any) -> None:
        held.state = change.state


def folded(store: Store, *records: Arrived) -> None:
    """Fold one batch, as a service that hears everybody."""
    batch = Batch(
        cast("Unit", store),
        cast("Database[Any]", None),
        None,  # type: ignore[arg-type]
        group="toys",
        own_source=None,
        sources=frozenset(e.SOURCES),
        folds=dict.fromkeys(e.BY_BODY, toy.note),
        published=FakePublished(FakeProgrammes()),  # type: ignore[arg-type]
        breaker=Breaker(),
        enrich=None,
    )
    batch.fold(records)


def arrived(body: e.Fact, subject: str, seq: int = 1, **wrong: Any) -> Arrived:
    topic, headers, value = toy.record(body, subject, seq, wrong.get("after"))
    texts = {**dict(headers), **wrong.get("headers", {})}
    return Arrived(wrong.get("topic", topic), 0, 7, list(texts.items()), value)


STRANGERS = {source: e.TOPICS[source] for source in e.SOURCES if source != "intake"}


@pytest.mark.parametrize("topic", [*STRANGERS.values(), e.PROGRAMMES_TOPIC])
def test_what_a_stranger_says_neither_counts_nor_stands_in_the_way(topic: str) -> None:
    store = Store()
    forged = arrived(toy.accepted(), "journey/j-1", topic=topic)
    folded(store, forged, arrived(toy.accepted(), "journey/j-1"))
    held = store.states["journey/j-1"]
    assert (held.applied, held.blocked, held.waits) == ({"intake": 1}, False, 0)
    assert [row["subject"] for row in store.puts.values()] == [f"unreadable/{topic}:0:7"]


@pytest.mark.parametrize("headers", [{}, {"ce_id": None}])
def test_however_many_strangers_speak_the_group_goes_on(headers: dict[str, bytes | None]) -> None:
    store = Store()
    topic = e.TOPICS["handover"]
    forged = [arrived(toy.accepted(), "journey/j-1", topic=topic, headers=headers)] * 1_100
    folded(store, *forged, arrived(toy.accepted(), "journey/j-1"))
    assert store.states["journey/j-1"].applied == {"intake": 1}


@given(SOURCES, TYPES, TOPICS, SUBJECTS, st.dictionaries(SOURCES, st.integers(0, 9), max_size=3))
def test_no_name_from_outside_becomes_a_field_of_a_state(
    source: str, name: str, topic: str, subject: str, after: dict[str, int]
) -> None:
    store = Store()
    headers = {
        "ce_source": source.encode(),
        "ce_type": name.encode(),
        "ce_subject": subject.encode(),
        "ce_after": ", ".join(f"{one}={count}" for one, count in after.items()).encode(),
    }
    folded(store, arrived(toy.session(1), "journey/j-1", headers=headers, topic=topic))
    for held in store.states.values():
        assert {*held.applied, *held.chain, *held.seen} <= {*e.SOURCES}


def test_an_effect_of_a_later_service_does_not_wait_for_it() -> None:
    store = Store()
    folded(store, arrived(toy.accepted(), "journey/j-1", after={"pension": 3}))
    assert store.states["journey/j-1"].seen == {"intake": 1}


# --- vectors and requests -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "intake",
        "intake=-1",
        "intake=1_0",
        "intake=١",
        "intake= 1",
        "intake=" + "9" * 16,
    ],
)
def test_a_vector_holds_counts_and_nothing_else(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codec.parse_past(text)


def test_a_good_vector_is_read() -> None:
    assert codec.parse_past("handover=2, intake=3") == {"handover": 2, "intake": 3}
    assert codec.parse_past("") == {}


def test_no_name_from_outside_becomes_a_field() -> None:
    assert codec.parse_past("handover=2, pension=3, $where=1, a.b=1, =1") == {"handover": 2}


@pytest.mark.parametrize(
    ("asking", "group", "right"),
    [
        (b"outcome", "outcome", True),
        (b"outcome", "figures", True),
        (b"handover", "outcome", False),
        (b"handover", "intake-inbound", False),
        (b"intake", "intake-inbound", True),
        (b"$where", "figures", False),
        (b"", "figures", False),
        (None, "figures", False),
        (b"\xff", "figures", False),
    ],
)
def test_a_service_asks_and_for_no_group_of_another(asking: bytes | None, group: str, right: bool) -> None:
    asked = RepublishRequested(source="intake", subject="journey/j-1", seq=1, last=2, group=group, times=1)
    if right:
        check_asking(asking, asked)
    else:
        with pytest.raises(ValueError, match=r"."):
            check_asking(asking, asked)
