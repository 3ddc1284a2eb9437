"""Every kind of bad input for every command of an OpenAPI document, and for an inbound record: pure, no I/O.

A case is the command that would succeed (its baseline) with one thing wrong. `edge` cases are refused before any use
case runs, whatever is stored; the others need the baseline's world to be judged. Nothing of a case may be stored.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.edge.described import operations
from tests.support.schema_samples import JSON, concrete, fits, resolve, sample, types
from tests.support.unfit_texts import NUMBERS, SHOWS_NOTHING, UNFIT

Bearer = Literal["own", "none", "unreadable", "other_signer", "outsider", "analyst", "caseworker"]
"""`own`: of the duty that the command takes, in the organisation that may give it."""


OPERATE, KEEP = "operate", ("keep_register", "keep_organisation")
"""`x-action` of what only operators do, and of what those do who keep the register or their own organisation."""
UNKNOWN_ID = "zzzzzzzzzzzzzzzzzzzzzzzzzz"


NOT_YET = ("occurred_on", "born_on", "unemployed_since", "deadline_on")
"""Days that may not lie in the far future; a plan's or a consent's last day may."""


FAR_DAY = "2999-01-01"
NO_DAYS = (
    *("2016-02-30", "16-02-01", "2016-02-01T00:00:00Z", "", "20160201", "2016-W05-1", "2016W051", "2016-032"),
    *("2016-2-1", " 2016-02-01", "2016-02-01\n", "２０１６-02-01", "+2016-02-01"),
)


ORGANISATION = "^[a-z0-9][a-z0-9-]{1,62}$"


CODE = "^[a-z0-9][a-z0-9_-]{0,39}$"
MUNICIPALITY = "^[0-9]{4}$"


MISSHAPEN = ("Not a Code!", " ", "å", "x" * 300)


WRONG_TYPES: tuple[Any, ...] = (7, "x y", True, [], {}, 1.5, "7", "true", None)


NAMES_ANEW = ("reference", "unit_id", "legal_person_id", "code")
"""What a caller names itself, so that none is unknown; a certificate's code too."""


UNKNOWN = {ORGANISATION: "no-such-organisation", CODE: "no_such_code", MUNICIPALITY: "9999"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A command that would succeed: path and body. text: of a body that is no JSON. headers: beside the usual ones."""

    path: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    text: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One bad request. codes: the error codes that may answer it. where: the field, header or parameter."""

    kind: str
    where: str
    operation: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    codes: frozenset[str]
    bearer: Bearer = "own"
    edge: bool = True

    @property
    def name(self) -> str:
        """What is wrong where, for a test's report."""
        return f"{self.operation}: {self.kind} ({self.where})"


Judge = Literal["schema", "edge", "state"]
"""What refuses a wrong value: the published schema alone, the edge by a rule of its own, or what is stored."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A body with one thing wrong, and what refuses it."""

    kind: str
    where: str
    body: Any
    judge: Judge = "schema"


@dataclass(frozen=True, slots=True)
class _Command:
    document: Mapping[str, Any]
    operation: Mapping[str, Any]
    method: str
    template: str
    baseline: Baseline

    @property
    def identity(self) -> str:
        found: str = self.operation["operationId"]
        return found

    @property
    def content_type(self) -> str:
        found: str = next(iter(self.operation["requestBody"]["content"]))
        return found

    @property
    def schema(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.operation["requestBody"]["content"][JSON]["schema"]
        return found

    def case(
        self,
        kind: str,
        where: str,
        *codes: str,
        path: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
        bearer: Bearer = "own",
        edge: bool = True,
    ) -> Case:
        given: dict[str, str | None] = {"Content-Type": self.content_type}
        if self.method == "POST":
            given["Idempotency-Key"] = f"bad-{self.identity}-{kind}-{where}".replace(" ", "-")[:200]
        given.update(self.baseline.headers)
        given.update(headers or {})
        return Case(
            kind=kind,
            where=where,
            operation=self.identity,
            method=self.method,
            path=self.template.format(**{**self.baseline.path, **(path or {})}),
            headers={name: value for name, value in given.items() if value is not None},
            body=self.text if body is None else body,
            codes=frozenset(codes),
            bearer=bearer,
            edge=edge,
        )

    @property
    def text(self) -> bytes:
        """The baseline's body as it would be sent."""
        return json.dumps(self.baseline.body).encode() if self.content_type == JSON else self.baseline.text


def commands(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(method, path, operation) of everything that changes something."""
    return (one for one in operations(document) if one[0] in ("POST", "PUT"))


def cases(document: Mapping[str, Any], operation_id: str, baseline: Baseline) -> Iterator[Case]:
    """Every kind of bad input for one command."""
    for method, template, operation in commands(document):
        if operation["operationId"] == operation_id:
            command = _Command(document, operation, method, template, baseline)
            yield from _transport(command)
            yield from _callers(command)
            yield from _paths(command)
            if is_object(operation):
                yield from _bodies(command)


def is_object(operation: Mapping[str, Any]) -> bool:
    """Whether the operation takes one JSON object. Rows of an array are judged each for itself."""
    content = operation["requestBody"]["content"].get(JSON)
    return content is not None and content["schema"].get("type") != "array"


def faults(
    schema: Mapping[str, Any], document: Mapping[str, Any], body: Mapping[str, Any]
) -> Iterator[Fault]:
    """Every way in which one field of the body can be wrong. The body itself must be right."""
    whole = resolve(schema, document)
    fields = whole.get("properties", {})
    for name in ("no_such_field", "name", "personnummer"):
        if name not in fields:
            yield Fault("unknown field", name, {**body, name: "x"})
    for name in whole.get("required", ()):
        yield Fault("missing field", name, {key: value for key, value in body.items() if key != name})
    for name, said in fields.items():
        for kind, value, judge in _wrong(said, document, body.get(name), name):
            yield Fault(kind, name, {**body, name: value}, judge)


def inbound_faults(schema: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """(what is wrong, record) of every kind for a record of an inbound topic."""
    text = json.dumps(body).encode()
    for kind, record in _unreadable(text):
        yield kind, record
    for kind, record in NOT_OBJECTS.items():
        yield f"not an object: {kind}", record
    yield "oversized", text + b" " * 70_000
    for fault in faults(schema, {}, body):
        yield f"{fault.kind}: {fault.where}", json.dumps(fault.body).encode()


NOT_OBJECTS = {"array": b"[]", "text": b'"x"', "number": b"1", "null": b"null", "true": b"true"}


def _unreadable(text: bytes) -> Iterator[tuple[str, bytes]]:
    yield "empty body", b""
    yield "broken JSON", text[:-1] + b","
    yield "not UTF-8", b'{"a": "\xff"}'
    yield "not a number", b'{"a": NaN}'
    yield "too deep", b"[" * 20_000


def _transport(command: _Command) -> Iterator[Case]:
    limit = command.operation["x-body-limit-bytes"]
    yield command.case(
        "oversized", "body", "body-too-large", body=command.text + b" " * (limit + 1 - len(command.text))
    )
    for media_type in ("text/plain", "application/xml", None):
        header = {"Content-Type": media_type}
        yield command.case("content type", str(media_type), "unsupported-media-type", headers=header)
    header = {"Journey-Vector": "intake"}
    if command.content_type == JSON:
        yield command.case("unreadable header", "Journey-Vector", "invalid-header", headers=header)
    if command.method == "POST":
        yield command.case(
            "no key", "Idempotency-Key", "idempotency-key-missing", headers={"Idempotency-Key": None}
        )
        for what, key in (("too long", "k" * 201), ("with a space", "a key"), ("twice", "one, two")):
            yield command.case("Idempotency-Key", what, "invalid-header", headers={"Idempotency-Key": key})
    for what in ("gzip", "br", "identity, gzip"):
        yield command.case("compressed", what, "unsupported-encoding", headers={"Content-Encoding": what})
    header = {"Content-Type": f"{command.content_type}, {command.content_type}"}
    yield command.case("two headers", "Content-Type", "invalid-header", headers=header)
    if command.method == "PUT":
        for what, code in (
            *(("nonsense", "invalid-header"), ("3", "invalid-header"), ('"3', "invalid-header")),
            *(('"987654"', "stale-revision"), ('W/"1"', "stale-revision"), ('"a", W/"b"', "stale-revision")),
        ):
            yield command.case("If-Match", what, code, headers={"If-Match": what}, edge=False)
    if command.content_type == JSON:
        header = {"Content-Type": f"{JSON}; charset=iso-8859-1"}
        yield command.case("charset", "Content-Type", "unsupported-media-type", headers=header)
        for kind, body in _unreadable(command.text):
            yield command.case(kind, "body", "unreadable-body", body=body)
        for kind, body in NOT_OBJECTS.items():
            yield command.case("not an object", kind, "invalid-fields", body=body)


def _callers(command: _Command) -> Iterator[Case]:
    bearer: Bearer
    for bearer in ("none", "unreadable", "other_signer"):
        yield command.case("token", bearer, "unauthenticated", bearer=bearer)
    action = command.operation["x-action"]
    if action == OPERATE:
        for bearer in ("outsider", "analyst", "caseworker"):
            yield command.case("wrong duty", bearer, "wrong-duty", bearer=bearer)
        return
    if action in KEEP:
        for bearer in ("outsider", "analyst", "caseworker"):
            yield command.case("wrong duty", bearer, "wrong-duty", bearer=bearer, edge=False)
        return
    if command.content_type == JSON and action != "authenticated":
        foreign = ("not-allowed", "not-your-journey", "not-found")
        yield command.case("foreign organisation", "token", *foreign, bearer="outsider", edge=False)
        yield command.case("wrong duty", "token", "wrong-duty", "not-found", bearer="analyst", edge=False)


def _paths(command: _Command) -> Iterator[Case]:
    for name, value in command.baseline.path.items():
        unknown = f"{value[:2]}{UNKNOWN_ID}{value[28:]}" if value[1:2] == "-" else "no-such-thing"
        yield command.case("unknown id", name, "not-found", path={name: unknown}, edge=False)
        for shape in ("x", f"{value}x"[1:], "%00", "'"):
            yield command.case("malformed id", f"{name} {shape}", "not-found", path={name: shape}, edge=False)


def _bodies(command: _Command) -> Iterator[Case]:
    for fault in faults(command.schema, command.document, command.baseline.body):
        body = json.dumps(fault.body).encode()
        # Half of a surrogate pair is no character, so a body with one is no JSON that could be kept.
        code = "unreadable-body" if "lone surrogate" in fault.kind else "invalid-fields"
        yield command.case(fault.kind, fault.where, code, body=body, edge=fault.judge != "state")


def _wrong(
    said: Mapping[str, Any], document: Mapping[str, Any], good: Any, name: str
) -> Iterator[tuple[str, Any, Judge]]:
    """(kind, value, what refuses it) of wrong values for one field."""
    schema = resolve(said, document)
    accepted = types(schema, document)
    for value in WRONG_TYPES:
        if not fits(value, accepted):
            yield "wrong type", value, "schema"
    schema = concrete(schema, document)
    if "enum" in schema:
        yield "not one of the list", "no_such_value", "schema"
    if "minimum" in schema:
        yield "too small", schema["minimum"] - 1, "schema"
    if "maximum" in schema:
        yield "too large", schema["maximum"] + 1, "schema"
    if "string" in accepted:
        yield from _wrong_text(schema, name)
    if "array" in accepted:
        for kind, value, judge in _wrong(schema["items"], document, None, name):
            yield f"item: {kind}", [value], judge
    if "object" in accepted:
        whole = {} if "properties" not in schema else sample(schema, document)
        yield from _wrong_object(schema, document, good if isinstance(good, Mapping) else whole, name)


def _wrong_text(schema: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any, Judge]]:
    if "pattern" in schema:
        yield from (
            ("wrong form", text, "schema") for text in MISSHAPEN if not re.search(schema["pattern"], text)
        )
        ended = f"{sample(schema)}\n"
        if not schema.get("x-normal-form") and not re.search(
            re.sub(r"\$$", r"\\Z", schema["pattern"]), ended
        ):
            yield "line feed at the end", ended, "schema"
    if schema.get("minLength"):
        yield "empty text", "", "schema"
    if "maxLength" in schema:
        yield "too long", "x" * (schema["maxLength"] + 1), "schema"
    if schema.get("format") == "date":
        for value in NO_DAYS:
            yield "no day", value, "schema"
        for value in ("0001-01-01", "1899-12-31"):
            yield "day before anybody's birth", value, "edge"
        if name in NOT_YET:
            yield "future day", FAR_DAY, "state"
            yield "last day there is", "9999-12-31", "state"
    unknown = UNKNOWN.get(schema.get("pattern", ""))
    if unknown is not None and name not in NAMES_ANEW:
        yield "unknown code", unknown, "state"
    for kind, value in _unfit(schema, name):
        yield kind, value, "schema" if _published_refuses(schema, value) else "edge"
    for prefix in ("h", "j"):
        if schema.get("pattern", "").startswith(f"^{prefix}-"):
            yield "unknown id", f"{prefix}-{UNKNOWN_ID}", "state"


def _unfit(schema: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of what no text may hold, put into a text that is right but for this."""
    good = "ada@example.se" if schema.get("format") == "email" else sample(schema)
    for kind, form in UNFIT.items():
        # What is taken in its normal form is taken without them.
        if not (schema.get("x-normal-form") and kind in SHOWS_NOTHING):
            yield f"text with {kind}", form.format(good)
    for kind, number in NUMBERS.items():
        if name != "personnummer":
            yield f"text with {kind}", number


def _published_refuses(schema: Mapping[str, Any], text: str) -> bool:
    """Whether the published schema of a text alone refuses this one."""
    if "enum" in schema or schema.get("format") in ("date", "date-time"):
        return True
    if schema.get("format") == "email" and "@" not in text:
        return True
    return "pattern" in schema and re.search(schema["pattern"], text) is None


def _wrong_object(
    schema: Mapping[str, Any], document: Mapping[str, Any], good: Mapping[str, Any], name: str
) -> Iterator[tuple[str, Any, Judge]]:
    if "properties" in schema:
        for fault in faults(schema, document, good):
            # A unit may be in any municipality, also in one where no programme is.
            if (name, fault.where, fault.kind) != ("site", "municipality", "unknown code"):
                yield f"{fault.kind} in {name}.{fault.where}", fault.body, fault.judge
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping) and values:
        for kind, value, judge in _wrong(values, document, None, name):
            key = next(iter(good), "a")
            yield f"value: {kind}", {**good, key: value}, judge
        for kind, key in _unfit({"type": "string"}, name):
            yield f"key: {kind}", {**good, key: next(iter(good.values()), 1)}, "edge"
        yield "unknown code", {**good, "no_such_code": next(iter(good.values()), 1)}, "state"


def sample_baseline(document: Mapping[str, Any], operation_id: str) -> Baseline:
    """A baseline of the right form, for cases that are refused whatever is stored."""
    for _, template, operation in commands(document):
        if operation["operationId"] == operation_id:
            parameters = document["paths"][template].get("parameters", ())
            path = {one["name"]: sample(one["schema"]) for one in parameters if one["in"] == "path"}
            content = operation["requestBody"]["content"]
            body = sample(content[JSON]["schema"], document) if is_object(operation) else {}
            return Baseline(path=path, body=copy.deepcopy(body))
    raise KeyError(operation_id)
