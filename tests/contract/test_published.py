"""What is published is what the code says, and readers who know only the standards can read it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator

from shared.language.events import (
    CONTROL_TOPIC,
    ERASURES_TOPIC,
    INDICATORS_TOPIC,
    PROGRAMMES_TOPIC,
    REGISTER_TOPIC,
    TOPICS,
)
from tools.contracts import asyncapi, published
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
        "docs/reference/schemas/journey.intake.never-said.v1.json describes no event and no message",
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
    further = {PROGRAMMES_TOPIC, REGISTER_TOPIC, CONTROL_TOPIC, ERASURES_TOPIC, INDICATORS_TOPIC}
    assert {*TOPICS.values(), *further} <= addresses


def test_every_message_has_a_frozen_example_that_fits_its_headers() -> None:
    whole = document()
    headers = Draft202012Validator(asyncapi.HEADERS)
    for kind in event_types():
        example = whole["components"]["messages"][kind.name]["examples"][0]
        assert list(headers.iter_errors(example["headers"])) == []


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
