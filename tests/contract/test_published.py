"""What is published is what the code says, and readers who know only the standards can read it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft7Validator, Draft202012Validator

from services.intake.domain.participant import Sealed, erase, register
from services.intake.erasures import ErasureKept
from services.outcome.stream.indicators import TYPE, Cell, Indicator, record
from shared.language.codec import encode_plain
from shared.language.events import (
    CONTROL_TOPIC,
    ERASURES_TOPIC,
    INDICATORS_TOPIC,
    PROGRAMMES_TOPIC,
    TOPICS,
    ParticipantId,
)
from shared.operations.control import read_request, request
from shared.operations.missing import Missing
from tools.contracts import asyncapi, control, erasures, indicators, published
from tools.contracts.services import application, event_types, services
from tools.contracts.use_cases import use_case_of

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / published.CONTRACTS
# The AsyncAPI initiative's own schema: npm package @asyncapi/specs 6.11.1, unchanged, Apache-2.0.
ASYNCAPI_SCHEMA = Path(__file__).with_name("asyncapi-3.0.0.json")


def test_nothing_published_is_stale() -> None:
    assert published.stale(ROOT) == []


def test_a_change_of_the_code_is_noticed(tmp_path: Path) -> None:
    published.write(tmp_path)
    assert published.stale(tmp_path) == []
    schemas = tmp_path / published.CONTRACTS / "schemas"
    (schemas / "journey.intake.journey-started.v1.json").unlink()
    (schemas / "journey.intake.never-said.v1.json").write_text("{}")
    errors = tmp_path / "docs/reference/errors.md"
    errors.write_text(errors.read_text().replace("`invalid-fields`", "`invalid-field`"))
    assert published.stale(tmp_path) == [
        "docs/reference/schemas/journey.intake.journey-started.v1.json is missing",
        "docs/reference/errors.md differs from the code",
        "docs/reference/schemas/journey.intake.never-said.v1.json describes no event",
    ]
    published.write(tmp_path)
    assert published.stale(tmp_path) == []


def test_every_route_of_a_service_s_own_names_its_use_case() -> None:
    lacking = [
        rule.endpoint
        for name in services()
        for rule in application(name).url_map.iter_rules()
        if rule.endpoint.partition(".")[0] not in ("operations", "rebuilds", "audit")
        if "." in rule.endpoint and use_case_of(application(name).view_functions[rule.endpoint]) is None
    ]
    assert lacking == []


@pytest.mark.parametrize("name", [kind.name for kind in event_types()])
def test_each_schema_is_a_schema_of_the_standard(name: str) -> None:
    schema = json.loads((CONTRACTS / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:journeys:event:{name}"


def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONTRACTS / "asyncapi.yaml").read_text(encoding="utf-8"))
    return found


def test_the_asyncapi_document_is_one_of_the_standard() -> None:
    schema = json.loads(ASYNCAPI_SCHEMA.read_text(encoding="utf-8"))
    # The schema's own file says http://json-schema.org/draft-07/schema, without the fragment.
    errors = sorted(Draft7Validator(schema).iter_errors(document()), key=lambda error: list(error.path))
    assert [f"{list(error.path)}: {error.message[:300]}" for error in errors] == []


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole = document()
    lost = []
    for reference in _references(whole):
        if reference.startswith("#/"):
            target: Any = whole
            for step in reference.removeprefix("#/").split("/"):
                target = target.get(step) if isinstance(target, dict) else None
            if target is None:
                lost.append(reference)
        elif not (CONTRACTS / reference).exists():
            lost.append(reference)
    assert lost == []


def test_every_topic_is_a_channel() -> None:
    addresses = {channel["address"] for channel in document()["channels"].values()}
    further = {PROGRAMMES_TOPIC, CONTROL_TOPIC, ERASURES_TOPIC, INDICATORS_TOPIC}
    assert {*TOPICS.values(), *further} <= addresses


def test_every_message_has_a_frozen_example_that_fits_its_headers() -> None:
    whole = document()
    headers = Draft202012Validator(asyncapi.HEADERS)
    for kind in event_types():
        example = whole["components"]["messages"][kind.name]["examples"][0]
        assert list(headers.iter_errors(example["headers"])) == []


def test_a_published_indicator_is_what_was_described() -> None:
    at = datetime(2018, 1, 2, tzinfo=UTC)
    for cell in (Cell(7), Cell(0.5), Cell(None, hidden=True, few=True)):
        sent = record(
            Indicator(programme="coactive", name="figures.started", cell=cell, seq=1, published_at=at)
        )
        closed = {**indicators.schema(), "additionalProperties": False}
        assert list(Draft202012Validator(closed).iter_errors(json.loads(sent.value))) == []
        told = {name: value.decode() for name, value in sent.headers}
        assert list(Draft202012Validator(indicators.HEADERS).iter_errors(told)) == []
        message = KafkaMessage(headers=dict(sent.headers), key=sent.key, value=sent.value)
        event: Any = from_binary(message, JSONFormat())
        assert event.get_type() == TYPE
        assert event.get_data()["cell"] == "figures.started"


def test_a_request_to_republish_is_what_was_described() -> None:
    at = datetime(2018, 1, 2, tzinfo=UTC)
    row = request("outcome", "figures", Missing("intake", "programme/coactive@1", 1, 1), 2, at)
    closed = {**control.schema(), "additionalProperties": False}
    assert list(Draft202012Validator(closed).iter_errors(json.loads(row["body"]))) == []
    assert list(Draft202012Validator(control.HEADERS).iter_errors(row["headers"])) == []
    headers = {name: text.encode() for name, text in row["headers"].items()}
    message = KafkaMessage(headers=headers, key=row["key"].encode(), value=row["body"])
    event: Any = from_binary(message, JSONFormat())
    assert event.get_subject() == row["key"] == "programme/coactive@1"
    read = read_request(headers, row["body"])
    assert read is not None
    assert (read.source, read.seq, read.last, read.group, read.times) == ("intake", 1, 1, "figures", 2)


def test_an_erasure_kept_is_what_was_described() -> None:
    at = datetime(2018, 1, 2, tzinfo=UTC)
    handle = ParticipantId("p-" + "0" * 26)
    sealed = Sealed(key_id="k", wrapped_key=b"", ciphertext=b"")
    before = register(handle, sealed, by="forsakringskassan", at=at).state
    (notice,) = erase(before, by="forsakringskassan", at=at, announced=False).notices
    assert notice.topic == ERASURES_TOPIC
    body = json.loads(encode_plain(notice.body))
    assert list(Draft202012Validator(erasures.schema()).iter_errors(body)) == []
    read = msgspec.json.decode(encode_plain(notice.body), type=ErasureKept)
    assert (read.participant_id, read.erased_at) == (handle, at)


def test_the_frozen_request_is_read_and_what_is_none_is_left_alone() -> None:
    frozen = control.example()
    headers = {name: text.encode() for name, text in frozen["headers"].items()}
    read = read_request(headers, json.dumps({**frozen["body"], "added_later": 1}).encode())
    assert read is not None
    assert msgspec.to_builtins(read) == frozen["body"]
    closed = {**control.schema(), "additionalProperties": False}
    assert list(Draft202012Validator(closed).iter_errors(frozen["body"])) == []
    for wrong in (b"{}", json.dumps({**frozen["body"], "subject": "journey/Anna A"}).encode()):
        with pytest.raises(ValueError, match="`"):
            read_request(headers, wrong)
    assert read_request({**headers, "ce_type": b"journey.control.other.v1"}, b"{}") is None


def _references(node: Any) -> list[str]:
    match node:
        case {"$ref": str(reference)}:
            return [reference]
        case dict():
            return [found for value in node.values() for found in _references(value)]
        case list():
            return [found for value in node for found in _references(value)]
        case _:
            return []
