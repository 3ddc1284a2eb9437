"""Words for what an OpenAPI document names: fields by their schema, path parameters, and what an answer always has."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marshmallow import fields as ma

from shared.edge.field_words import FIELDS, PATH_PARAMETERS
from shared.edge.fields import Incoming, takes
from shared.edge.paths import snake_case

METHODS = ("get", "post", "put", "patch", "delete")


def describe_field(_: Any, field: ma.Field[Any], **__: Any) -> dict[str, str]:
    """The description of a field: its own, or the one of its name; an incoming field also says what it takes.

    An attribute function of apispec. An item of a list has no name and gets no description.
    """
    name = field.data_key or getattr(field, "name", None)
    told = field.metadata.get("description") or (FIELDS.get(str(name), "") if name else "")
    if isinstance(getattr(field, "parent", None), Incoming):
        told = f"{told.rstrip('. ')}. Takes {takes(field)}." if told else f"Takes {takes(field)}."
    return {"description": told[0].upper() + told[1:]} if told else {}


def describe_parameters(parameters: Iterable[dict[str, Any]]) -> None:
    """Describe the path parameters among these, in place."""
    for one in parameters:
        if one.get("in") == "path":
            one.setdefault("description", PATH_PARAMETERS.get(snake_case(one["name"]), ""))


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of each operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def require_answers(document: dict[str, Any]) -> None:
    """Say in `required` that an answer has all its fields: a field without a value is null and never left out.

    A field of which `x-absent` says when it is left out is not required.
    """
    schemas = document["components"]["schemas"]
    requests: set[str] = set()
    answers: set[str] = set()
    for _, _, operation in operations(document):
        requests |= _named(schemas, operation.get("requestBody", {}))
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                answers |= _named(schemas, answer)
    for name in answers - requests:
        properties = schemas[name].get("properties", {})
        schemas[name]["required"] = [
            field for field, schema in properties.items() if "x-absent" not in schema
        ]


def _named(schemas: Mapping[str, Any], node: Any) -> set[str]:
    """The schemas that the node refers to, at any depth."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} if reference.startswith("#/components/schemas/"):
                name = reference.rpartition("/")[2]
                if name not in found:
                    found.add(name)
                    waiting.append(schemas[name])
            case dict() as one:
                waiting.extend(one.values())
            case list() as several:
                waiting.extend(several)
    return found
