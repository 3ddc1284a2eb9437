"""Every event version that was ever published stays readable: by this code, by its schema, by the standard's SDK."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from shared.language import codec
from shared.language.events import BY_NAME
from tools.contracts import examples
from tools.contracts.examples import Example, frozen
from tools.contracts.schemas import schema
from tools.contracts.services import event_types

EXAMPLES = frozen()
NAMES = [one.name for one in EXAMPLES]
GONE = {
    "journey.activity-tracking.session-logged.v1": frozenset({"reason"}),
    "journey.activity-tracking.session-corrected.v1": frozenset({"reason"}),
    "journey.intake.programme-published.v1": frozenset({"long_term_months"}),
}
"""Optional fields of early examples that nobody filled or read, and that are ignored since."""


@pytest.fixture(params=EXAMPLES, ids=NAMES)
def example(request: pytest.FixtureRequest) -> Example:
    found: Example = request.param
    return found


def test_no_frozen_example_has_changed() -> None:
    assert examples.changed() == []


def test_every_example_is_frozen() -> None:
    assert examples.unfrozen() == []


def test_every_event_version_has_an_example() -> None:
    assert {one.type for one in EXAMPLES} == {kind.name for kind in event_types()}


@pytest.mark.parametrize("name", [kind.name for kind in event_types()])
def test_optional_fields_are_shown_filled_and_empty(name: str) -> None:
    optional = {one.name for one in fields(BY_NAME[name].body) if one.default is not MISSING}
    bodies = [one.body for one in EXAMPLES if one.type == name]
    assert len(bodies) >= (2 if optional else 1)
    for field in optional:
        shown = {bool(body.get(field)) for body in bodies}
        assert shown == {True, False}, field


def test_an_example_is_read_and_written_alike(example: Example) -> None:
    envelope = codec.read_envelope(example.raw_headers)
    body = codec.read_body(envelope.type, example.value)
    assert codec.event_type(body).name == example.type
    said = _without(example.body, GONE.get(example.type, frozenset()))
    assert _as_far_as(said, json.loads(codec.encode_body(body))) == said
    written = codec.encode_headers(
        BY_NAME[envelope.type],
        envelope.subject,
        envelope.seq,
        body.recorded_at,
        envelope.after,
        envelope.traceparent,
    )
    assert written == example.headers


def _without(said: Any, gone: frozenset[str]) -> Any:
    """What was said, without the fields that have gone; at every depth."""
    if isinstance(said, dict):
        return {name: _without(value, gone) for name, value in said.items() if name not in gone}
    return [_without(one, gone) for one in said] if isinstance(said, list) else said


def test_no_published_schema_has_a_field_that_has_gone() -> None:
    for name, gone in GONE.items():
        text = json.dumps(schema(BY_NAME[name]))
        assert not [field for field in gone if f'"{field}":' in text], name


def _as_far_as(said: Any, written: Any) -> Any:
    """What is written, without the fields that were added to the version since: they have defaults."""
    if isinstance(said, dict):
        return {name: _as_far_as(said[name], value) for name, value in written.items() if name in said}
    if isinstance(said, list) and isinstance(written, list) and len(said) == len(written):
        return [_as_far_as(one, value) for one, value in zip(said, written, strict=True)]
    return written


def test_an_example_without_its_empty_fields_is_the_same_event(example: Example) -> None:
    bare = json.dumps({name: value for name, value in example.body.items() if value is not None}).encode()
    assert codec.read_body(example.type, bare) == codec.read_body(example.type, example.value)


def test_an_example_with_a_field_of_a_later_day_is_the_same_event(example: Example) -> None:
    later = json.dumps({**example.body, "added_later": {"by": "a newer emitter"}}).encode()
    assert codec.read_body(example.type, later) == codec.read_body(example.type, example.value)


def test_an_example_satisfies_its_published_schema(example: Example) -> None:
    validator = Draft202012Validator(
        schema(BY_NAME[example.type]), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    assert [error.message for error in validator.iter_errors(example.body)] == []


def test_the_schema_refuses_what_the_code_refuses(example: Example) -> None:
    validator = Draft202012Validator(schema(BY_NAME[example.type]))
    for name in ("occurred_on", "recorded_at"):
        lacking = {key: value for key, value in example.body.items() if key != name}
        assert list(validator.iter_errors(lacking))
        with pytest.raises(codec.Undecodable):
            codec.read_body(example.type, msgspec.json.encode(lacking))


def test_the_official_sdk_reads_an_example(example: Example) -> None:
    message = KafkaMessage(headers=dict(example.raw_headers), key=example.key.encode(), value=example.value)
    event: Any = from_binary(message, JSONFormat())
    assert event.get_specversion() == "1.0"
    assert event.get_id() == example.headers["ce_id"]
    assert event.get_type() == example.type
    assert event.get_source() == example.headers["ce_source"]
    assert event.get_subject() == example.key
    assert event.get_time().isoformat() == example.headers["ce_time"]
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("sequence") == example.headers["ce_sequence"]
    assert event.get_data() == example.body


def test_identity_key_and_order_agree(example: Example) -> None:
    envelope = codec.read_envelope(example.raw_headers)
    assert example.key == envelope.subject
    assert example.headers["ce_id"] == f"{envelope.source}:{envelope.subject}:{envelope.seq}"
    assert envelope.subject.startswith(BY_NAME[example.type].subject + "/")
    assert example.name == f"{example.type}/{Path(example.name).name}"


def test_the_examples_of_a_subject_are_whole_histories() -> None:
    """Contiguous per source, and no effect before its cause: what a consumer's runtime would apply in this order."""
    applied: dict[str, dict[str, int]] = {}
    for example in EXAMPLES:
        envelope = codec.read_envelope(example.raw_headers)
        known = applied.setdefault(envelope.subject, {})
        assert envelope.seq == known.get(envelope.source, 0) + 1, example.name
        assert all(known.get(source, 0) >= count for source, count in envelope.after.items()), example.name
        known[envelope.source] = envelope.seq


def test_a_changed_example_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "journey.intake.journey-started.v1"
    folder.mkdir()
    (folder / "1.json").write_text("{}")
    assert examples.unfrozen(tmp_path) == ["journey.intake.journey-started.v1/1.json"]
    assert examples.freeze(tmp_path) == ["journey.intake.journey-started.v1/1.json"]
    assert examples.freeze(tmp_path) == []
    (folder / "1.json").write_text("{ }")
    assert len(examples.changed(tmp_path)) == 1
    with pytest.raises(examples.Changed, match="new version"):
        examples.freeze(tmp_path)
    (folder / "1.json").unlink()
    assert "is gone" in examples.changed(tmp_path)[0]
