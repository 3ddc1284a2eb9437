"""Every message has one definition: what the code builds, its schema and its frozen examples agree."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from deploy.declaration import declared
from services.intake.api.schemas import ReferralAnswer
from services.intake.domain.participant import Brought, Sealed, erase
from services.intake.inbound import receive
from services.outcome.stream.indicators import Cell, Indicator, record
from shared.language.control import RepublishRequested
from shared.language.erasures import ErasureKept
from shared.language.events import BY_NAME, INDICATORS_TOPIC, SOURCES, HandleId, ParticipantId
from shared.language.indicators import IndicatorPublished
from shared.language.messages import (
    BY_MESSAGE,
    MESSAGES,
    Message,
    MessageType,
    encode_message,
    message_type,
)
from shared.language.replies import RecordAccepted, RecordRejected, Standing
from shared.operations.control import read_request, request
from shared.operations.missing import Missing
from shared.runtime.arrived import Arrived
from tests.support.intake_work import AGENCY, IntakeWork
from tests.support.intake_work import register as registered
from tests.unit.services.intake.test_inbound import body as referral
from tools.contracts.examples import Example, frozen_messages
from tools.contracts.messages import headers, message_types, schema
from tools.contracts.schemas import text

EXAMPLES = frozen_messages()
AT = datetime(2018, 1, 2, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=EXAMPLES, ids=[one.name for one in EXAMPLES])
def example(request: pytest.FixtureRequest) -> Example:
    found: Example = request.param
    return found


@pytest.fixture(params=message_types(), ids=[one.name for one in message_types()])
def kind(request: pytest.FixtureRequest) -> MessageType:
    found: MessageType = request.param
    return found


def faults(kind: MessageType, value: bytes, told: dict[str, str]) -> list[str]:
    """What of a record its published schemas refuse; fields that they do not name among it."""
    closed = {**schema(kind), "additionalProperties": False}
    formats = Draft202012Validator.FORMAT_CHECKER
    found = [
        *Draft202012Validator(closed, format_checker=formats).iter_errors(json.loads(value)),
        *Draft202012Validator(headers(kind), format_checker=formats).iter_errors(told),
    ]
    return [error.message for error in found]


def read_by_the_sdk(key: str, told: dict[str, str], value: bytes) -> Any:
    """The record as the CloudEvents project's own library reads it."""
    raw = {name: text.encode() for name, text in told.items()}
    return from_binary(KafkaMessage(headers=raw, key=key.encode(), value=value), JSONFormat())


# --- definitions ------------------------------------------------------------------------------------------------


def test_each_message_says_what_it_means_who_says_it_and_who_acts_on_it(kind: MessageType) -> None:
    assert kind.summary
    assert set(kind.producers) <= set(SOURCES)
    assert kind.producers
    assert kind.consumers
    assert kind.name not in BY_NAME
    topics = {topic.name for topic in declared().topics}
    assert kind.topic.format(organisation=AGENCY) in topics


def test_each_message_has_frozen_examples(kind: MessageType) -> None:
    assert [one for one in EXAMPLES if one.type == kind.name]


def test_what_may_be_absent_is_shown_filled_and_absent(kind: MessageType) -> None:
    bodies = [one.body for one in EXAMPLES if one.type == kind.name]
    for field, said in schema(kind)["properties"].items():
        if {"type": "null"} in said.get("anyOf", ()):
            assert {body.get(field) is None for body in bodies} == {True, False}, field


def test_each_example_is_of_a_message() -> None:
    assert {one.type for one in EXAMPLES} == set(MESSAGES)


def test_each_schema_is_published_and_one_of_the_standard(kind: MessageType) -> None:
    file = ROOT / "docs/reference/schemas" / f"{kind.name}.json"
    assert file.read_text(encoding="utf-8") == text(schema(kind))
    Draft202012Validator.check_schema(schema(kind))
    assert "$ref" not in text(schema(kind))


# --- frozen examples --------------------------------------------------------------------------------------------


def test_an_example_is_read_and_written_alike(example: Example) -> None:
    read: Message = msgspec.json.decode(example.value, type=MESSAGES[example.type].body)
    assert message_type(read).name == example.type
    written = json.loads(encode_message(read))
    assert {name: written[name] for name in example.body} == example.body


def test_an_example_with_a_field_of_a_later_day_is_the_same_message(example: Example) -> None:
    body = MESSAGES[example.type].body
    later = json.dumps({**example.body, "added_later": 1}).encode()
    assert msgspec.json.decode(later, type=body) == msgspec.json.decode(example.value, type=body)


def test_an_example_satisfies_its_published_schemas(example: Example) -> None:
    assert faults(MESSAGES[example.type], example.value, dict(example.headers)) == []
    assert example.name.startswith(f"{example.type}/")


def test_the_schema_refuses_what_the_code_refuses(example: Example) -> None:
    kind = MESSAGES[example.type]
    for name in schema(kind)["required"]:
        lacking = json.dumps({key: value for key, value in example.body.items() if key != name}).encode()
        assert faults(kind, lacking, dict(example.headers)), name
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(lacking, type=kind.body)


def test_the_official_sdk_reads_an_example(example: Example) -> None:
    event = read_by_the_sdk(example.key, dict(example.headers), example.value)
    assert event.get_type() == example.type
    assert event.get_data() == example.body


# --- what the running code says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [Cell(7), Cell(0.5), Cell(None), Cell(None, hidden=True, few=True)], ids=str)
def test_a_published_figure_is_what_was_described(cell: Cell) -> None:
    sent = record(
        Indicator(
            programme="coactive",
            name="figures.started",
            cell=cell,
            seq=1,
            holds_on=AT.date(),
            published_at=AT,
        )
    )
    told = {name: value.decode() for name, value in sent.headers}
    assert faults(BY_MESSAGE[IndicatorPublished], sent.value, told) == []
    assert sent.topic == INDICATORS_TOPIC
    event = read_by_the_sdk(sent.key.decode(), told, sent.value)
    assert event.get_data()["cell"] == "figures.started"


def test_a_request_to_republish_is_what_was_described() -> None:
    row = request("outcome", "figures", Missing("intake", "programme/coactive@1", 1, 1), 2, AT)
    assert faults(BY_MESSAGE[RepublishRequested], row["body"], row["headers"]) == []
    event = read_by_the_sdk(row["key"], row["headers"], row["body"])
    assert event.get_subject() == row["key"] == "programme/coactive@1"
    read = read_request({name: text.encode() for name, text in row["headers"].items()}, row["body"])
    assert read is not None
    assert (read.source, read.seq, read.last, read.group, read.times) == ("intake", 1, 1, "figures", 2)


def test_what_is_no_request_is_left_alone_and_a_wrong_one_is_refused() -> None:
    kind = BY_MESSAGE[RepublishRequested]
    frozen = next(one for one in EXAMPLES if one.type == kind.name)
    told = dict(frozen.raw_headers)
    for wrong in (b"{}", json.dumps({**frozen.body, "subject": "journey/Anna A"}).encode()):
        with pytest.raises(ValueError, match="`"):
            read_request(told, wrong)
    assert read_request({**told, "ce_type": b"journey.control.other.v1"}, b"{}") is None


def test_an_erasure_kept_is_what_was_described() -> None:
    before = Brought(
        handle=HandleId("h-" + "0" * 26),
        participant_id=ParticipantId("p-" + "0" * 26),
        organisation="forsakringskassan",
        brought_at=AT,
        sealed=Sealed(key_id="k", wrapped_key=b"", ciphertext=b""),
    )
    (notice,) = erase(before, at=AT).notices
    assert notice.body == ErasureKept(
        participant_id=before.participant_id, erased_at=AT, handle=before.handle
    )
    assert list(Draft202012Validator(schema(BY_MESSAGE[ErasureKept])).iter_errors(plain(notice.body))) == []


def plain(message: Message) -> Any:
    """A message as its reader decodes it."""
    return json.loads(encode_message(message))


@pytest.mark.parametrize("accepted", [True, False])
def test_the_answer_to_a_record_is_what_was_described(accepted: bool) -> None:
    work = IntakeWork()
    value = json.dumps(referral(registered(work))) if accepted else "{"
    arrived = Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, [("ce_id", b"5f2c-7")], value.encode())
    answer = receive(work, arrived)
    assert isinstance(answer.body, RecordAccepted if accepted else RecordRejected)
    closed = {**schema(message_type(answer.body)), "additionalProperties": False}
    assert list(Draft202012Validator(closed).iter_errors(plain(answer.body))) == []


def test_a_referrer_reads_over_http_what_it_is_told() -> None:
    assert set(Standing.__struct_fields__) <= set(ReferralAnswer().fields)
    nested = schema(BY_MESSAGE_OF_STANDING)["properties"]
    for name in ("refusal", "withdrawal", "exit"):
        told = next(one for one in nested[name]["anyOf"] if one.get("type") == "object")["properties"]
        assert set(told) == set(ReferralAnswer().fields[name].schema.fields), name  # type: ignore[attr-defined]


BY_MESSAGE_OF_STANDING = MESSAGES["journey.intake.referral-status-changed.v1"]
