"""Every frozen example is handled by every consumer that subscribes to it, at the end of its own history."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from services.activity_tracking.domain.bounds import Beside
from shared.language import codec
from shared.language.decision import Change, Fold, Received, Reply, Repository, Subject
from shared.language.errors import Unready
from shared.language.events import BY_BODY, BY_NAME, Fact
from shared.language.messages import encode_message, message_type
from shared.language.passage import Stage
from shared.language.programmes import Programme, ProgrammeKey, ProgrammePublished
from shared.language.replies import JourneyMoved, ReferralStatusChanged, ReportTold
from tests.support.own_facts import after_own
from tools.contracts.examples import Example, frozen
from tools.contracts.messages import schema
from tools.contracts.services import services

EXAMPLES = frozen()
ENTRY = {"gender": "woman", "complete": True, "first_gender": "man"}
STAGES: dict[str, Stage] = {
    "1ab": "closed",
    "2cd": "declined",
    "3ef": "withdrawn",
    "4gh": "exited",
    "5jk": "mistake",
    "6mn": "exited",
    "7pq": "declined",
    "8rs": "declined",
}
"""Where the story of each example journey ends, by the end of its id."""


class Published:
    """Satisfies `shared.language.programmes.Programmes` with what the examples published."""

    def __init__(self) -> None:
        self._known: dict[ProgrammeKey, Programme] = {}

    def add(self, programme: Programme) -> None:
        self._known[programme.key] = programme

    def get(self, key: ProgrammeKey) -> Programme:
        if key not in self._known:
            raise Unready(key)
        return self._known[key]

    def latest(self, programme: str) -> Programme | None:
        return self.all_latest().get(programme)

    def all_latest(self) -> Mapping[str, Programme]:
        return {one.id: one for one in self.every_version()}

    def every_version(self) -> Collection[Programme]:
        return sorted(self._known.values(), key=lambda one: one.version)


@dataclass
class Group:
    """One consumer group on its way through the examples."""

    name: str
    service: str
    source: str | None
    folds: Mapping[type[Fact], Fold]
    repository: Repository
    states: dict[Subject, Any] = field(default_factory=dict)
    handled: dict[str, Change[Any]] = field(default_factory=dict)


def groups() -> list[Group]:
    found = []
    for name, service in services().items():
        found.append(Group(name, name, service.source, service.folds, service.repository))
        projections = service.projections.values()
        found += [Group(one.group, name, None, one.folds, one.repository) for one in projections]
    return found


EXTRAS: Mapping[str, Any] = {"activity-tracking": Beside(), "figures": ENTRY}
"""What the folds of a group are given beside an event."""


def received(example: Example, group: str = "figures") -> Received:
    envelope = codec.read_envelope(example.raw_headers)
    body = codec.read_body(envelope.type, example.value)
    source = BY_NAME[envelope.type].source
    return Received(
        Subject(envelope.subject),
        source,
        envelope.seq,
        envelope.type,
        body,
        envelope.after,
        EXTRAS.get(group),
    )


@pytest.fixture(scope="module", params=[group.name for group in groups()])
def group(request: pytest.FixtureRequest) -> Group:
    return replayed(next(one for one in groups() if one.name == request.param))


def replayed(group: Group) -> Group:
    programmes = Published()
    for example in EXAMPLES:
        event = received(example, group.name.replace("_", "-"))
        state = group.states.get(event.subject)
        if isinstance(event.body, ProgrammePublished):
            programmes.add(event.body.programme)
        elif event.source == group.source:
            group.states[event.subject] = after_own(group.service, state, event, programmes)
        elif type(event.body) in group.folds:
            change = group.folds[type(event.body)](state, event, programmes)
            group.states[event.subject] = change.state
            group.handled[example.name] = change
    return group


def test_every_subscription_was_exercised(group: Group) -> None:
    foreign = {BY_BODY[body].name for body in group.folds if BY_BODY[body].source != group.source}
    assert {name.partition("/")[0] for name in group.handled} == foreign


def test_what_a_consumer_says_in_answer_is_its_own_and_can_be_said(group: Group) -> None:
    for name, change in group.handled.items():
        for body in change.events:
            assert group.source is not None, f"{name}: a projection says nothing"
            assert codec.event_type(body).source == group.source, name
            assert codec.read_body(codec.event_type(body).name, codec.encode_body(body)) == body


def test_states_survive_being_stored(group: Group) -> None:
    for subject, state in group.states.items():
        if state is not None:
            assert group.repository.read(subject, group.repository.write(state)) == state


def test_handling_an_example_twice_from_the_same_state_gives_the_same(group: Group) -> None:
    again = replayed(replace(group, states={}, handled={}))
    assert again.handled == group.handled


def test_every_service_tells_the_same_story() -> None:
    """Own and foreign facts move a journey alike, so all four end with the same stage and the same one responsible."""
    told = [replayed(one) for one in groups() if one.source is not None]
    journeys = sorted({received(one).subject for one in EXAMPLES if one.key.startswith("journey/")})
    for subject in journeys:
        passages = [one.states[subject].passage for one in told]
        assert {passage.stage for passage in passages} == {STAGES[subject[-3:]]}
        assert len({passage.responsible for passage in passages}) == 1
        assert all(passage == passages[0] for passage in passages), subject


def test_a_withdrawn_consent_recalls_the_open_offer() -> None:
    handover = replayed(next(one for one in groups() if one.name == "handover"))
    change = handover.handled["journey.intake.consent-withdrawn.v1/1.json"]
    frozen_answer = next(
        one for one in EXAMPLES if one.name == "journey.handover.handover-recalled.v1/1.json"
    )
    said = msgspec.to_builtins(change.events[0])
    assert {**said, "recorded_at": ""} == {"correction": None, **frozen_answer.body, "recorded_at": ""}


def test_figures_of_the_examples_are_never_negative_and_count_no_mistake() -> None:
    figures = replayed(next(one for one in groups() if one.name == "figures"))
    cells: Counter[tuple[str, str]] = Counter()
    for change in figures.handled.values():
        for add in change.adds:
            for name, amount in add.cells.items():
                cells[add.key, name] += amount
    assert min(cells.values()) >= 0
    assert cells["coactive|received", "n"] == 7
    assert cells["coactive|started", "n"] == 3


def replies() -> list[tuple[str, Reply]]:
    intake = replayed(next(one for one in groups() if one.name == "intake"))
    return [(name, reply) for name, change in intake.handled.items() for reply in change.replies]


def test_what_organisations_are_told_is_what_was_published() -> None:
    told = replies()
    assert {type(reply.body) for _, reply in told} == {ReferralStatusChanged, JourneyMoved, ReportTold}
    for name, reply in told:
        closed = {**schema(message_type(reply.body)), "additionalProperties": False}
        errors = list(Draft202012Validator(closed).iter_errors(json.loads(encode_message(reply.body))))
        assert [error.message for error in errors] == [], name
