"""Reads JSON schemas: what types a value may have, and a value that fits."""

import re
from collections.abc import Mapping
from typing import Any

JSON = "application/json"


TEST_PERSONNUMMER = "19850709-9805"
"""A number that the tax agency publishes for tests: it parses, and is nobody's."""


# --- reading schemas -------------------------------------------------------------------------------------------


def resolve(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema that a reference leads to."""
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    assert isinstance(found, Mapping)
    return found


def types(schema: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that the schema accepts."""
    if "anyOf" in schema or "oneOf" in schema:
        members = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return frozenset().union(*(types(resolve(one, document), document) for one in members))
    said = schema.get("type", "object" if "properties" in schema else ())
    found = {said} if isinstance(said, str) else set(said)
    enum = schema.get("enum", ())
    return frozenset(found | ({"null"} if None in enum else set()))


def concrete(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The member of a union that is not null; any other schema as it is."""
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        member = resolve(one, document)
        if types(member, document) != {"null"}:
            return member
    return schema


def fits(value: Any, accepted: frozenset[str]) -> bool:
    """Whether the value is of one of these JSON types."""
    match value:
        case None:
            return "null" in accepted
        case bool():
            return "boolean" in accepted
        case int():
            return bool(accepted & {"integer", "number"})
        case float():
            return "number" in accepted
        case str():
            return "string" in accepted
        case list():
            return "array" in accepted
        case _:
            return "object" in accepted


SAMPLES = (
    *("journey", "0" * 32),
    *("sv", "urkraft", "2482", "A-1", "g1", "sharing"),
    *(f"{prefix}-{'0' * 26}" for prefix in "jhpsocg"),
    *(f"j-{'0' * 26}.h1", f"j-{'0' * 26}.28d", f"j-{'0' * 26}.r1"),
    "5560360793",
    "https://agency.example/journeys",
    "09:00",
)


BY_NAME = {"personnummer": TEST_PERSONNUMMER}


def sample(schema: Mapping[str, Any], document: Mapping[str, Any] | None = None) -> Any:
    """A value that the schema accepts; what the field means is not known here."""
    document = document or {}
    whole = concrete(resolve(schema, document), document)
    whole = resolve(whole, document)
    accepted = types(whole, document)
    if "enum" in whole:
        return whole["enum"][0]
    if "object" in accepted:
        values = whole.get("additionalProperties")
        required = whole.get("required", ())
        body = {name: BY_NAME.get(name, sample(whole["properties"][name], document)) for name in required}
        return body if body or not isinstance(values, Mapping) else {"a": sample(values, document)}
    if "array" in accepted:
        return [sample(whole["items"], document)]
    if "boolean" in accepted:
        return True
    if "integer" in accepted or "number" in accepted:
        return whole.get("minimum", 1)
    if whole.get("format") in ("date", "date-time"):
        return "2016-03-01" if whole["format"] == "date" else "2016-03-01T08:00:00+00:00"
    if "pattern" in whole:
        return next(text for text in SAMPLES if re.search(whole["pattern"], text))
    return "x" * max(1, whole.get("minLength", 1))
