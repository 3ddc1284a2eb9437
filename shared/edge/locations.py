"""The `Location` of an answer with 201: the address of the resource that the command created.

It is taken from the service's own document, so no route can forget it and none can name an address that does not
exist. It is the address of the created resource where there is one, else that of the list or resource that contains
it.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Flask, Response, request

from shared.edge.described import operations
from shared.edge.mount import ROOT
from shared.edge.paths import in_snake_case, snake_case

_NAMES = re.compile(r"{(\w+)}")
LOCATIONS = "locations"
"""The application's extension: {`METHOD path`: the path at which the created resource is read}."""


def locations(document: Mapping[str, Any]) -> dict[str, str]:
    """{`POST path`: template of the path of the created resource}, of all operations that answer 201.

    Raises LookupError for an operation for which the document has no such path.
    """
    readable = [path for method, path, _ in operations(document) if method == "GET"]
    return {
        f"{method} {path}": _location(path, _fields(document, operation), readable)
        for method, path, operation in operations(document)
        if "201" in operation["responses"]
    }


def _location(path: str, made: set[str], readable: list[str]) -> str:
    """The created resource, by an id in the answer; else the longest path that begins alike; else the ids' resource."""
    named = {snake_case(name) for name in _NAMES.findall(path)}
    last = path.rpartition("/")[2]

    def names(one: str) -> list[str]:
        return [snake_case(name) for name in _NAMES.findall(one)]

    ids = [one for one in readable if one.endswith("}") and set(names(one)) <= named | made]
    below = [one for one in ids if one.rpartition("/")[0] == path]
    own = [one for one in ids if last.startswith(names(one)[-1].removesuffix("_id"))]
    around = [one for one in readable if path == one or path.startswith(f"{one}/")]
    beside = [one for one in ids if set(names(one)) <= named]
    for found in (below, own, sorted(around, key=len, reverse=True), beside):
        if found:
            return found[0]
    raise LookupError(f"What POST {path} makes can be read nowhere.")


def _fields(document: Mapping[str, Any], operation: Mapping[str, Any]) -> set[str]:
    """The fields of the operation's answer."""
    content = operation["responses"]["201"].get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return set(document["components"]["schemas"].get(name, {}).get("properties", {}))


def add_location(app: Flask, response: Response) -> None:
    """Add the address of the created resource to an answer with 201."""
    rule = request.url_rule.rule if request.url_rule else ""
    template = app.extensions[LOCATIONS].get(f"{request.method} {_template(rule)}")
    if template is None or not response.is_json:
        return
    made = msgspec.json.decode(response.get_data())
    if not isinstance(made, dict):
        return
    values = {**made, **in_snake_case(request.view_args or {})}
    path = _NAMES.sub(lambda found: str(values[snake_case(found[1])]), template)
    response.headers["Location"] = f"{ROOT}{path}"


@functools.cache
def _template(rule: str) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
