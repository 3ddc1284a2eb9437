"""What a record is taken for, and what an answer repeats of it: enough to find it again, and nobody's name."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain.referral import Refer
from services.intake.inbound import receive
from services.intake.records import read
from shared.edge.bodies import BODY_LIMIT_BYTES
from shared.edge.records import Echo
from shared.edge.texts import names_participant
from shared.language.errors import Refused
from shared.language.replies import RecordAccepted, RecordRejected
from shared.runtime.arrived import Arrived
from tests.support.intake_work import AGENCY, IntakeWork, plain, register
from tests.unit.services.intake.test_inbound import SECRET, body
from tools.contracts.inbound import record_schema

PERSON = "h-" + "0" * 26
STRUCTURED = ("content-type", b"application/cloudevents+json; charset=UTF-8")
Headers = list[tuple[str, bytes | None]]


def record(said: Any, *headers: tuple[str, bytes | None], key: bytes | None = None) -> Arrived:
    value = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Arrived(f"inbound.{AGENCY}.referrals.v1", 0, 7, list(headers), value, key=key)


def event(**what: Any) -> dict[str, Any]:
    """A structured event around a referral; what is None is left out."""
    usual = {
        "specversion": "1.0",
        "id": "5f2c-7",
        "source": "urn:agency:referrals",
        "type": "se.agency.referral-made.v1",
        "time": "2016-03-01T08:00:00Z",
        "datacontenttype": "application/json",
        "data": body(PERSON),
        **what,
    }
    return {name: one for name, one in usual.items() if one is not None}


def refused(arrived: Arrived) -> Refused:
    found = read(arrived).command
    assert isinstance(found, Refused), found
    return found


# --- CloudEvents -----------------------------------------------------------------------------------------------


def in_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.mark.parametrize(
    "arrived",
    [
        record(event(), STRUCTURED),
        record(event(), ("Content-Type", b"Application/CloudEvents+JSON")),
        record(event()),
        record(event(), ("content-type", b"application/json")),
        record(event(data=None, data_base64=in_base64(json.dumps(body(PERSON)).encode())), STRUCTURED),
        record(event(data=None, data_base64=in_base64(json.dumps(body(PERSON)).encode()))),
        record(event(datacontenttype=None), STRUCTURED),
        record(event(datacontenttype="application/json; charset=utf-8"), STRUCTURED),
        record(event(extension="x", subject="any", dataschema="urn:x"), STRUCTURED),
        record(
            body(PERSON),
            ("content-type", b"application/json"),
            ("ce_specversion", b"1.0"),
            ("ce_type", b"anything"),
            ("ce_id", b"5f2c-7"),
            ("ce_source", b"urn:agency:referrals"),
        ),
    ],
)
def test_an_event_in_either_mode_is_the_referral_in_it(arrived: Arrived) -> None:
    found = read(arrived)
    assert found.command == read(record(body(PERSON))).command
    assert isinstance(found.command, Refer)
    assert found.echo == Echo("AF-1", None, {"ce_id": "5f2c-7", "ce_source": "urn:agency:referrals"})


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        (event(specversion="0.3"), {"specversion"}),
        (event(specversion=1.0), {"specversion"}),
        (event(id=None), {"id"}),
        (event(id=7, source="", type=None), {"id", "source", "type"}),
        (event(datacontenttype="application/xml"), {"datacontenttype"}),
        (event(datacontenttype=7), {"datacontenttype"}),
        (event(data=None), {"data"}),
        (event(data_base64="e30="), {"data"}),
        (event(data=[body(PERSON)]), {"data"}),
        (event(data=json.dumps(body(PERSON))), {"data"}),
        (event(data=None, data_base64="{}"), {"data_base64"}),
        (event(data=None, data_base64=7), {"data_base64"}),
        (event(data={**body(PERSON), "municipality": 7}), {"municipality"}),
        (event(specversion=None, id=None, source=None, type=None), {"specversion", "id", "source", "type"}),
        (body(PERSON), {"specversion", "id", "source", "type", "data"}),
    ],
)
def test_what_is_wrong_about_an_event_is_said_at_once(said: dict[str, Any], fields: set[str]) -> None:
    found = refused(record(said, STRUCTURED))
    assert (found.code, set(found.errors or {})) == ("invalid-fields", fields)


def test_a_field_said_twice_inside_the_data_is_refused() -> None:
    twice = json.dumps(event()).replace('"municipality"', '"municipality": "2417", "municipality"').encode()
    assert set(refused(record(twice, STRUCTURED)).errors or {}) == {"municipality"}
    inner = json.dumps(body(PERSON)).replace('"municipality"', '"municipality": "1", "municipality"').encode()
    wrapped = event(data=None, data_base64=in_base64(inner))
    assert set(refused(record(wrapped, STRUCTURED)).errors or {}) == {"municipality"}


@pytest.mark.parametrize("media", [b"application/cloudevents-batch+json", b"application/cloudevents-batch"])
def test_a_batch_is_refused_in_words(media: bytes) -> None:
    found = refused(record([event(), event()], ("content-type", media)))
    assert found.code == "unsupported-media-type"
    assert "One record is one event" in found.detail


@pytest.mark.parametrize("media", [None, b"", b"text/html", b"\xff\xfe", b"x" * 100_000])
def test_any_other_content_type_says_nothing(media: bytes | None) -> None:
    assert isinstance(read(record(body(PERSON), ("content-type", media))).command, Refer)


def test_an_event_is_published_as_a_form_of_the_record() -> None:
    plain, whole = record_schema()["oneOf"]
    assert plain == whole["properties"]["data"]


# --- what an answer repeats ------------------------------------------------------------------------------------


def test_a_rejection_repeats_reference_key_and_the_headers_that_the_contract_names() -> None:
    said = body(PERSON, municipality="2417", provider="nobody-such", reference=" AF-1\u200b")
    headers: Headers = [
        ("correlation-id", b"3f5a/9:b-1"),
        ("ce_id", b"5f2c-7"),
        ("ce_source", b"urn:agency:referrals"),
        ("x-secret", b"7"),
        ("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"),
    ]
    found = receive(IntakeWork(), record(said, *headers, key=b"case/17"))
    assert isinstance(found.body, RecordRejected)
    assert (plain(found.body)["reference"], plain(found.body)["key"]) == ("AF-1", "case/17")
    assert plain(found.body)["headers"] == {
        "correlation-id": "3f5a/9:b-1",
        "ce_id": "5f2c-7",
        "ce_source": "urn:agency:referrals",
    }


def test_so_does_an_acceptance() -> None:
    work = IntakeWork()
    arrived = record(body(register(work)), ("correlation-id", b"c-1"), key=b"k-1")
    found = receive(work, arrived)
    assert isinstance(found.body, RecordAccepted)
    assert (plain(found.body)["key"], plain(found.body)["headers"]) == ("k-1", {"correlation-id": "c-1"})


@pytest.mark.parametrize(
    "said",
    [
        SECRET.encode(),
        b"199001019802",
        f"AF/{SECRET}".encode(),
        b"Ada",
        b"Ada-Prov",
        b"Ada Prov 1",
        b"ada1@example.se",
        "Åsa-1".encode(),
        b"x1" * 65,
        b"\xff1",
        b"a\n1",
        b"",
        b"{1}",
        None,
    ],
)
def test_what_may_name_somebody_is_not_repeated(said: bytes | None) -> None:
    headers: Headers = [("correlation-id", said), ("ce_id", said), ("ce_source", said)]
    found = read(record(body(PERSON), *headers, key=said)).echo
    assert (found.key, dict(found.headers)) == (None, {})
    assert found.reference == "AF-1"


@pytest.mark.parametrize("said", [SECRET, "Ada Prov", "", 7, None, ["AF-1"], "x" * 65, "x" * 100_000])
def test_a_reference_that_could_not_be_taken_is_not_repeated(said: Any) -> None:
    assert read(record(body(PERSON, reference=said))).echo.reference is None


def test_of_two_headers_by_one_name_neither_is_repeated() -> None:
    found = read(record(body(PERSON), ("correlation-id", b"c-1"), ("correlation-id", b"c-2")))
    assert found.echo.headers == {}


@pytest.mark.parametrize(
    "value", [b"{", b"[]", b"x" * (BODY_LIMIT_BYTES + 1), b'{"reference":"A-1","reference":"A-2"}']
)
def test_key_and_headers_are_repeated_though_the_value_cannot_be_read(value: bytes) -> None:
    found = read(record(value, ("correlation-id", b"c-1"), key=b"k-1"))
    assert found.echo == Echo(None, "k-1", {"correlation-id": "c-1"})


TEXTS = st.binary(max_size=200) | st.text(max_size=60).map(lambda one: one.encode(errors="replace"))
NAMES = st.sampled_from(["correlation-id", "ce_id", "ce_source", "content-type", "Content-Type", "key"])


@given(st.lists(st.tuples(NAMES, st.none() | TEXTS), max_size=8), st.none() | TEXTS, TEXTS)
@settings(max_examples=400)
def test_whatever_is_sent_what_is_repeated_is_bounded_and_plain(
    headers: Headers, key: bytes | None, value: bytes
) -> None:
    told = read(record(value, *headers, key=key)).echo
    texts = [told.reference, told.key, *told.headers.values()]
    assert set(told.headers) <= {"correlation-id", "ce_id", "ce_source"}
    for text in filter(None, texts):
        assert len(text) <= 128
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text
        assert not names_participant(text)


# --- a name said twice -----------------------------------------------------------------------------------------


def twice(said: Any, *, at: str) -> bytes:
    """The JSON with another value for one of its names, or of its data's."""
    text = json.dumps(said)
    return text.replace(f'"{at}":', f'"{at}": "x", "{at}":').encode()


def test_a_record_that_says_a_name_twice_is_found_again_by_what_it_says_once() -> None:
    attributes = {"ce_id": "5f2c-7", "ce_source": "urn:agency:referrals"}
    plain, wrapped = body(PERSON), event()
    reference = plain["reference"]
    for arrived, named, echo in (
        (record(twice(plain, at="programme")), "programme", Echo(reference)),
        (record(twice(plain, at="reference")), "reference", Echo()),
        (record(twice(wrapped, at="programme"), STRUCTURED), "programme", Echo(reference, None, attributes)),
        (record(twice(wrapped, at="reference")), "reference", Echo(None, None, attributes)),
        (record(twice(wrapped, at="id")), "id", Echo(reference, None, {"ce_source": "urn:agency:referrals"})),
        (
            record(event(data=None, data_base64=in_base64(twice(plain, at="programme")))),
            "programme",
            Echo(reference, None, attributes),
        ),
    ):
        said = read(arrived)
        assert isinstance(said.command, Refused)
        assert set(said.command.errors or {}) == {named}
        assert said.echo == echo


def test_an_attribute_that_is_null_is_one_that_is_not_there() -> None:
    said = read(
        record({**event(), "datacontenttype": None, "data_base64": None, "subject": None}, STRUCTURED)
    )
    assert isinstance(said.command, Refer)
