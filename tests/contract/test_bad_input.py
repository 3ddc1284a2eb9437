"""Bad input is refused at the edge: every kind, on every command of every service, before any use case runs."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from services.intake.records import read
from shared.edge.acting import Held
from shared.edge.callers import Admission
from shared.edge.described import operations
from shared.edge.openapi import document_of
from shared.language.access import Actor
from shared.language.errors import CODES, Busy, Forbidden, Refused
from shared.runtime.arrived import Arrived
from shared.runtime.fingerprint import Fingerprints
from tests.support.bad_input import (
    OPERATE,
    Baseline,
    Case,
    cases,
    commands,
    faults,
    inbound_faults,
    is_object,
    sample_baseline,
)
from tests.support.fakes import UNLIMITED
from tests.support.schema_samples import JSON, sample
from tests.support.unfit_texts import NUMBERS, UNFIT
from tools.contracts.inbound import referral_schema
from tools.contracts.services import application, application_of, services

KINDS = {
    *("unknown field", "missing field", "wrong type", "future day", "no day", "broken JSON", "content type"),
    *("oversized", "not an object", "Idempotency-Key", "token", "foreign organisation", "wrong duty"),
    *("unknown code", "unknown id", "malformed id", "not UTF-8", "wrong form"),
    *(f"text with {kind}" for kind in (*UNFIT, *NUMBERS)),
}
COMMANDS = [
    (name, operation["operationId"])
    for name in services()
    for _, _, operation in commands(document_of(application(name)))
]
REFERRAL = {
    "reference": "AF-2016-0001",
    "participant_id": f"h-{'0' * 26}",
    "programme": "coactive",
    "municipality": "2482",
    "occurred_on": "2016-02-08",
}


class NothingRuns:
    """Stands for the transactions: none may be begun."""

    fingerprints = Fingerprints(bytes(32))

    def run(self, *_: Any, **__: Any) -> None:
        raise Busy("a use case ran")

    read = run

    def judge(self, _: Any) -> None:
        """Every organisation may do everything somewhere."""


class OneToken:
    """Satisfies what the edge asks of tokens: those that name a duty are good."""

    def show(self, token: str) -> Held:
        if token not in ("caseworker", "operator", "analyst"):
            raise Forbidden("unauthenticated", "Refused.")
        organisation = "plattform" if token == "operator" else "urkraft"
        actor = Actor("person", organisation, token)  # type: ignore[arg-type]
        return Held((actor,), datetime.now(UTC) + timedelta(hours=1))


class NoClock:
    """A clock that nobody drives."""

    driven = False


@pytest.fixture(scope="module")
def clients() -> Mapping[str, FlaskClient]:
    found = {}
    for name, service in services().items():
        app: Flask = application_of(service, NothingRuns(), Admission(OneToken(), UNLIMITED), NoClock())  # type: ignore[arg-type]
        found[name] = app.test_client()
    return found


def document(name: str) -> dict[str, Any]:
    return document_of(application(name))


def generated(name: str, operation: str) -> list[Case]:
    return list(cases(document(name), operation, sample_baseline(document(name), operation)))


@pytest.mark.parametrize(("name", "operation"), COMMANDS, ids=[one[1] for one in COMMANDS])
def test_what_the_contract_refuses_is_refused_at_the_edge(
    name: str, operation: str, clients: Mapping[str, FlaskClient]
) -> None:
    (found,) = [one for _, _, one in commands(document(name)) if one["operationId"] == operation]
    own = "operator" if found["x-action"] == OPERATE else "caseworker"
    tokens = {"own": own, "unreadable": "bad", "other_signer": "forged", "analyst": "analyst"}
    tokens |= {"outsider": "caseworker", "caseworker": "caseworker"}
    surprises = []
    for case in generated(name, operation):
        if not case.edge:
            continue
        headers = dict(case.headers)
        if case.bearer in tokens:
            headers["Authorization"] = f"Bearer {tokens[case.bearer]}"
        answer = clients[name].open(case.path, method=case.method, headers=headers, data=case.body)
        problem = answer.json if answer.mimetype == "application/problem+json" else {}
        assert problem is not None
        code = problem.get("code")
        if code not in case.codes or answer.status_code != CODES[code].status:
            surprises.append(
                f"{case.name}: {answer.status_code} {code}, not {sorted(case.codes)}: {case.body[:90]!r}"
            )
        elif code == "invalid-fields" and "text with" in case.kind and case.where not in problem["errors"]:
            surprises.append(f"{case.name}: the field is not named: {problem}")
    assert surprises == []


@pytest.mark.parametrize(("name", "operation"), COMMANDS, ids=[one[1] for one in COMMANDS])
def test_the_sample_is_right_and_each_fault_of_form_is_wrong_by_the_published_schema(
    name: str, operation: str
) -> None:
    whole = document(name)
    (found,) = [one for _, _, one in commands(whole) if one["operationId"] == operation]
    content = found["requestBody"]["content"]
    if not is_object(found):
        return
    schema = {**content[JSON]["schema"], "components": whole["components"]}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    body = sample_baseline(whole, operation).body
    assert list(validator.iter_errors(body)) == []
    for fault in faults(content[JSON]["schema"], whole, body):
        if "line feed at the end" in fault.kind:
            continue  # `$` of Python's expressions is before it; other readers' is not
        assert bool(list(validator.iter_errors(fault.body))) == (fault.judge == "schema"), (
            f"{fault.kind} {fault.where}: {fault.body}"
        )


def test_every_kind_of_bad_input_is_generated() -> None:
    kinds = {
        case.kind.rpartition(": ")[2] for name, operation in COMMANDS for case in generated(name, operation)
    }
    assert KINDS - kinds == set()


def test_every_command_is_asked_by_strangers_and_every_id_is_doubted() -> None:
    for name, operation in COMMANDS:
        found = generated(name, operation)
        assert {case.where for case in found if case.kind == "token"} == {
            "none",
            "unreadable",
            "other_signer",
        }
        parameters = set(sample_baseline(document(name), operation).path)
        assert {case.where for case in found if case.kind == "unknown id" and not case.body} >= set()
        assert {case.where for case in found if case.kind == "unknown id"} >= parameters


def test_cases_of_one_command_have_names_and_keys_of_their_own() -> None:
    for name, operation in COMMANDS:
        keys = [(case.headers.get("Idempotency-Key"), case.body) for case in generated(name, operation)]
        assert len({key for key, _ in keys if key}) > 5 or not any(key for key, _ in keys)


def test_the_generator_changes_one_thing_only() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "additionalProperties": False,
        "properties": {"a": {"type": "integer", "minimum": 1}, "on": {"type": "string", "format": "date"}},
    }
    body = {"a": 1, "on": "2016-02-01"}
    found = list(faults(schema, {}, body))
    for fault in found:
        same = {key: value for key, value in fault.body.items() if body.get(key) == value and key in body}
        assert len(same) >= 1, fault
    assert ("missing field", "a") in {(fault.kind, fault.where) for fault in found}
    assert {"b": 1} not in [fault.body for fault in found]
    assert {"a": 0, "on": "2016-02-01"} in [fault.body for fault in found]


def test_a_sample_follows_references_and_unions() -> None:
    whole = {
        "x": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 3}}}
    }
    assert sample({"anyOf": [{"type": "null"}, {"$ref": "#/x"}]}, whole) == {"n": 3}


def test_a_baseline_stands_in_the_path() -> None:
    baseline = Baseline(path={"journeyId": f"j-{'1' * 26}"}, body={"occurred_on": "2016-02-08"})
    found = list(cases(document("intake"), "accept_referral", baseline))
    paths = {case.path for case in found if case.kind not in ("unknown id", "malformed id")}
    assert paths == {f"/referrals/j-{'1' * 26}/acceptance"}


def test_inbound_records_are_refused_for_the_same_reasons() -> None:
    found = {kind: _refusal(record) for kind, record in inbound_faults(referral_schema(), REFERRAL)}
    named = {kind: kind.removeprefix("item: ").partition(": ")[0] for kind in found}
    accepted = {named[kind] for kind, refusal in found.items() if refusal is None}
    assert accepted <= {"future day", "last day there is", "unknown code", "unknown id"}, (
        "these rest on what is stored"
    )
    assert {refusal.code for refusal in found.values() if refusal is not None} <= CODES.keys()
    assert _refusal(json.dumps(REFERRAL).encode()) is None


def _refusal(record: bytes) -> Refused | None:
    found = read(Arrived("inbound.any.referrals.v1", 0, 0, [], record)).command
    return found if isinstance(found, Refused) else None


def test_a_refused_record_does_not_repeat_what_it_held() -> None:
    named = ("name", b'{"Anna Andersson": 1, "reference": "850709-9805"}')
    for kind, record in (*inbound_faults(referral_schema(), REFERRAL), named):
        refusal = _refusal(record)
        said = "" if refusal is None else f"{refusal.detail} {refusal.errors}"
        assert not [word for word in ("no_such_value", "9805", "Anna") if word in said], kind


# --- what stands in queries and headers ------------------------------------------------------------------

QUERIES = [
    (name, path, parameter)
    for name in services()
    for method, path, operation in operations(document(name))
    for parameter in operation.get("parameters", ())
    if method == "GET" and parameter.get("in") == "query"
]
STRANGE = [
    *(
        "",
        "-1",
        "0",
        str(2**31),
        str(2**63),
        str(2**64),
        "9" * 5000,
        "1e9",
        "1.0",
        "NaN",
        "\u0661",
        "\0",
        "a\nb",
    ),
    *("19850709-9805", "\u202e", "%ff", "%ed%a0%80", "'", "$where", "[]", "x" * 3000),
]


@pytest.mark.parametrize(
    ("name", "path", "parameter"), QUERIES, ids=[f"{one[1]}-{one[2]['name']}" for one in QUERIES]
)
def test_a_query_is_taken_as_it_is_published_or_refused_by_its_name(
    name: str, path: str, parameter: dict[str, Any], clients: Mapping[str, FlaskClient]
) -> None:
    own = "operator" if path.startswith("/operations") else "caseworker"
    place = re.sub(r"\{(\w+)\}", lambda found: SAMPLE_PATH.get(found[1], "coactive"), path)
    for value in STRANGE:
        text = value if value.startswith("%") else quote(value)
        query, token = f"{place}?{parameter['name']}={text}", {"Authorization": f"Bearer {own}"}
        answer = clients[name].get(query, headers=token)
        problem = answer.json
        assert problem is not None
        if problem["code"] == "invalid-fields":
            assert set(problem["errors"]) == {parameter["name"]}
        else:
            assert answer.status_code == 503 or own == "operator", f"{value[:20]!r}: {problem}"
            assert not list(_number_or_text(parameter["schema"], value)), f"{value[:20]!r} was taken"


LETTERS = {"journeyId": "j", "participantId": "h", "outputId": "o", "closureId": "c", "groupId": "g"}
SAMPLE_PATH = {name: f"{letter}-{'0' * 26}" for name, letter in LETTERS.items()}
SAMPLE_PATH["action"] = "log_activity"


def _number_or_text(schema: dict[str, Any], value: str) -> Iterator[Any]:
    """What the published schema finds wrong with the value as it stands in a query."""
    said: Any = value
    if "integer" in str(schema.get("type")):
        said = int(value) if re.fullmatch(r"-?\d{1,4000}", value) else value
    yield from Draft202012Validator(schema).iter_errors(said)


@pytest.mark.parametrize("key", ["19850709-9805", "AF.850709-9805", "row/1985-07-09/9805"])
def test_a_key_that_names_somebody_is_refused(key: str, clients: Mapping[str, FlaskClient]) -> None:
    headers = {"Authorization": "Bearer caseworker", "Idempotency-Key": key}
    answer = clients["intake"].post("/referrals", json=REFERRAL, headers=headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-header")
    assert set(answer.json["errors"]) == {"Idempotency-Key"}
    assert "9805" not in answer.text


@pytest.mark.parametrize(
    "purpose", ["", "ok", "x" * 201, "Ring 2 850709-9805", "om 850709 nr 9805", "a\xadb om henne", "sant\x9f"]
)
def test_a_purpose_that_names_somebody_or_shows_nothing_is_refused(
    purpose: str, clients: Mapping[str, FlaskClient]
) -> None:
    headers = {"Authorization": "Bearer caseworker", "Purpose": purpose}
    answer = clients["intake"].get(f"/participants/h-{'0' * 26}", headers=headers)
    assert answer.json is not None
    assert (answer.status_code, set(answer.json["errors"])) == (400, {"Purpose"})


HEADERS = [
    (name, value)
    for name, values in {
        "Journey-Vector": (
            "intake",
            "intake=",
            "intake=x",
            "=1,",
            "intake=1;",
            "9" * 4000,
            f"intake={'9' * 5000}",
        ),
        "If-Match": ("x", '"x"', f'"{2**63}"', '"1", "2"', "*", 'W/"1"'),
        "traceparent": ("x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "\xff", "00-" * 100),
        "Accept": ("x", "\xff", "*/*;q=9e99", "text/csv;" * 50),
    }.items()
    for value in values
]


@pytest.mark.parametrize(("header", "value"), HEADERS)
def test_a_strange_header_is_read_or_refused_and_breaks_nothing(
    header: str, value: str, clients: Mapping[str, FlaskClient]
) -> None:
    journey = f"/journeys/j-{'0' * 26}"
    for method, path in (
        ("GET", journey),
        ("PUT", f"{journey}/entry"),
        ("GET", "/programmes/coactive/report"),
    ):
        headers = {"Authorization": "Bearer caseworker", header: value}
        body: dict[str, Any] | None = {} if method == "PUT" else None
        answer = clients["outcome"].open(path, method=method, json=body, headers=headers)
        assert answer.status_code in (400, 503), f"{method} {path}: {answer.status_code} {answer.text}"


class DrivenClock:
    """A clock that somebody drives, and that tells where to."""

    driven = True

    def __init__(self) -> None:
        self.moved: list[datetime] = []

    def move(self, at: datetime) -> datetime:
        self.moved.append(at)
        return at


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2017-04-02T08:00:00+02:00", 200),
        ("2199-12-31T23:59:59Z", 200),
        ("9999-12-31T23:59:59Z", 422),
        ("2200-01-01T00:00:01Z", 422),
        ("0001-01-01T00:00:00+14:00", 422),
        ("1969-12-31T23:59:59Z", 422),
        ("2017-04-02T08:00:00", 422),
        ("\ud800", 400),
    ],
)
def test_a_driven_clock_stays_where_there_are_days_to_count(at: str, status: int) -> None:
    clock = DrivenClock()
    known = Admission(OneToken(), UNLIMITED)
    app: Flask = application_of(services()["intake"], NothingRuns(), known, clock)  # type: ignore[arg-type]
    answer = app.test_client().post(
        "/clock",
        data=json.dumps({"at": at}),
        headers={
            "Authorization": "Bearer operator",
            "Idempotency-Key": "k",
            "Content-Type": "application/json",
        },
    )
    assert answer.status_code == status, answer.text
    assert len(clock.moved) == (status == 200)
