"""What headers mean: by RFC 9110, and one answer for each cause."""

import contextlib
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.purposes import purpose_of_reading
from shared.edge.callers import Admission
from shared.edge.headers import (
    acceptable,
    content_type,
    header_text,
    idempotency_key,
    precondition,
    refuse_coded,
)
from shared.language.errors import Refused
from shared.language.revisions import NO_REVISION
from tests.support.fakes import UNLIMITED, NamedTokens, RealTime
from tools.contracts.services import application_of, services

FORMS = ("application/json", "text/csv")
POST = {
    "Authorization": "Bearer urkraft:caseworker",
    "Content-Type": "application/json",
    "Idempotency-Key": "k",
}
OFFERS = f"/journeys/j-{'0' * 26}/handovers"


@pytest.fixture
def client() -> FlaskClient:
    admission = Admission(NamedTokens(), UNLIMITED)
    return application_of(services()["handover"], None, admission, RealTime()).test_client()  # type: ignore[arg-type]


# --- Accept ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        *((None, "application/json"), ("", "application/json"), ("*/*", "application/json")),
        *(
            ("text/csv", "text/csv"),
            ("TEXT/CSV", "text/csv"),
            ("text/*", "text/csv"),
            ("application/*", "application/json"),
        ),
        *(("text/csv; charset=utf-8", "text/csv"), ('text/csv;charset="UTF-8"', "text/csv")),
        *(
            ("text/csv; header=present", "text/csv"),
            ("application/json;odata.metadata=minimal", "application/json"),
        ),
        ("text/csv;q=0.5, application/json;q=0.4", "text/csv"),
        ("application/json;q=0.5, text/csv", "text/csv"),
        ("text/csv, application/json", "application/json"),
        ("text/csv, */*", "text/csv"),
        ("text/csv, */*;q=0.1", "text/csv"),
        ("application/json;q=0, */*", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        ("image/png, text/csv;q=0.1", "text/csv"),
        ("text/csv; charset=iso-8859-1, application/json", "application/json"),
        ("text/html, image/gif, *; q=.2, */*; q=.2", "application/json"),
        ("nonsense", "application/json"),
        (",,;;=", "application/json"),
        ('text/csv; x="a,b;c"', "text/csv"),
    ],
)
def test_the_type_that_is_liked_best_is_taken(accept: str | None, form: str) -> None:
    assert acceptable(accept, FORMS) == form


@pytest.mark.parametrize(
    "accept", ["image/png", "text/csv;q=0", "*/*;q=0", "text/html", "text/csv;charset=utf-16"]
)
def test_where_nothing_is_acceptable_it_is_said_what_there_is(accept: str) -> None:
    with pytest.raises(Refused, match=r"not-acceptable: There is application/json and text/csv\."):
        acceptable(accept, FORMS)


@given(st.text(alphabet='ab/*;=q01. ,"\\', max_size=60))
def test_an_odd_accept_is_no_fault_of_ours(accept: str) -> None:
    try:
        assert acceptable(accept, FORMS) in FORMS
    except Refused as refused:
        assert refused.code == "not-acceptable"


# --- texts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Uppföljning", "follow-up", "متابعة", "Följ upp – nu", "Zażółć"])
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_a_text_in_a_header_is_what_was_meant(text: str, charset: str) -> None:
    try:
        sent = text.encode(charset)
    except UnicodeEncodeError:
        return
    with Flask("intake").test_request_context(environ_overrides={"HTTP_PURPOSE": sent.decode("latin-1")}):
        assert header_text(sent.decode("latin-1")) == purpose_of_reading() == text


def test_a_text_that_is_neither_utf_8_nor_latin_1_is_refused_by_its_header() -> None:
    windows = "Ring – nu, ö".encode("cp1252").decode("latin-1")
    with (
        Flask("intake").test_request_context(environ_overrides={"HTTP_PURPOSE": windows}),
        pytest.raises(Refused) as refused,
    ):
        purpose_of_reading()
    assert (refused.value.code, refused.value.errors) == (
        "invalid-header",
        {"Purpose": ["Takes text in UTF-8 or Latin-1."]},
    )


# --- If-Match --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("if_match", "holds"),
    [
        *(
            ('"3"', True),
            ("*", True),
            (" * ", True),
            ('"1", "3"', True),
            ('"3","4"', True),
            ('"1" ,W/"2", "3"', True),
        ),
        *(
            ('"4"', False),
            ('W/"3"', False),
            ('W/"3", W/"4"', False),
            ('"03"', False),
            ('"abc"', False),
            ('""', False),
        ),
        *(('"a,b", "3"', True), (f'"{"9" * 300}"', False)),
    ],
)
def test_a_change_rests_on_what_if_match_names(if_match: str, holds: bool) -> None:
    asked = precondition(if_match)
    assert asked is not None
    assert asked.revision(3) == (3 if holds else NO_REVISION)


@pytest.mark.parametrize("if_match", ["", "3", '"3', "nonsense", '"3" "4"', '*, "3"', 'w/"3"', ",", '"3"x'])
def test_what_is_no_etag_is_refused_by_its_header(if_match: str) -> None:
    with pytest.raises(Refused) as refused:
        precondition(if_match)
    assert refused.value.code == "invalid-header"
    assert set(refused.value.errors or {}) == {"If-Match"}


def test_without_if_match_a_change_rests_on_nothing() -> None:
    assert precondition(None) is None


# --- bodies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        *(
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            'application/json; Charset="UTF-8"',
        ),
        *(
            "application/json; charset=us-ascii",
            "application/json;",
            "application/json; profile=x",
            " application/json ",
        ),
    ],
)
def test_json_is_json_however_its_type_is_written(value: str, client: FlaskClient) -> None:
    assert content_type(value, ("application/json",)) == "application/json"
    answer = client.post(OFFERS, data=b"{", headers={**POST, "Content-Type": value})
    assert (answer.status_code, answer.json["code"]) == (400, "unreadable-body")  # type: ignore[index]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "application/json; charset=iso-8859-1"}, (415, "unsupported-media-type")),
        ({"Content-Type": "application/json; charset=utf-16"}, (415, "unsupported-media-type")),
        ({"Content-Type": "application/json, text/plain"}, (400, "invalid-header")),
        ({"Content-Type": "application/xml"}, (415, "unsupported-media-type")),
        ({"Content-Encoding": "gzip"}, (415, "unsupported-encoding")),
        ({"Content-Encoding": "identity, deflate"}, (415, "unsupported-encoding")),
        ({"Content-Range": "bytes 0-2/9"}, (400, "invalid-header")),
        ({"Content-Encoding": "Identity"}, (400, "unreadable-body")),
        ({"Idempotency-Key": ""}, (400, "idempotency-key-missing")),
        ({"Idempotency-Key": "one, two"}, (400, "invalid-header")),
        ({"Idempotency-Key": "ö"}, (400, "invalid-header")),
        ({"Idempotency-Key": "k" * 201}, (400, "invalid-header")),
        ({"Authorization": f"{POST['Authorization']}, {POST['Authorization']}"}, (401, "unauthenticated")),
    ],
)
def test_each_cause_has_its_answer(
    headers: dict[str, str], expected: tuple[int, str], client: FlaskClient
) -> None:
    answer = client.post(OFFERS, data=b"\x1f\x8b\x08", headers={**POST, **headers})
    assert (answer.status_code, answer.json["code"]) == expected  # type: ignore[index]
    assert answer.headers.get("Accept-Encoding") == (
        "identity" if expected[1] == "unsupported-encoding" else None
    )


def test_two_fields_of_a_name_are_no_single_value(client: FlaskClient) -> None:
    for name, expected in (("Idempotency-Key", 400), ("Authorization", 401)):
        answer = client.post(OFFERS, data=b"{}", headers=[*POST.items(), (name, POST[name])])
        assert answer.status_code == expected, name


def test_a_body_with_a_mark_is_read_and_one_with_two_is_not(client: FlaskClient) -> None:
    marked = b"\xef\xbb\xbf" + json.dumps({}).encode()
    assert client.post(OFFERS, data=marked, headers=POST).status_code == 422
    assert client.post(OFFERS, data=b"\xef\xbb\xbf" + marked, headers=POST).status_code == 400


@pytest.mark.parametrize("coding", ["", "identity", " IDENTITY "])
def test_a_body_as_it_is_passes(coding: str) -> None:
    refuse_coded(coding)


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=40))
def test_no_header_makes_a_fault_of_ours(value: str) -> None:
    calls: list[Any] = [
        *(lambda: content_type(value, FORMS), lambda: refuse_coded(value), lambda: precondition(value)),
        *(lambda: acceptable(value, FORMS), lambda: idempotency_key(value)),
    ]
    for call in calls:
        with contextlib.suppress(Refused):
            call()
