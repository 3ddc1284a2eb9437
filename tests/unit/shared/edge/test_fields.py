"""Every field of every body and query: what it refuses, it says what it takes instead."""

import ast
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError
from marshmallow import fields as ma

from shared.edge.fields import (
    Day,
    Form,
    Incoming,
    Moment,
    Number,
    PageArguments,
    QuerySchema,
    StrictBoolean,
    number_cursor_field,
    takes,
)
from shared.language.checks import MOST_NAMED, Findings
from shared.language.decision import Skip
from shared.language.errors import Invalid
from tests.support.sources import ROOT
from tools.contracts.services import application, services

VAGUE = re.compile(
    r"^(not (a|an|one|valid|known)\b|invalid|unknown|string does not|missing data|field may not|must be a valid|wrong)"
    r"|not valid\b|does not match|expected pattern",
    re.IGNORECASE,
)
"""A text that says only that something is wrong."""
WRONG: tuple[Any, ...] = (
    *(
        None,
        True,
        7,
        -1,
        10**30,
        1.5,
        "",
        " ",
        "x" * 5000,
        "Not a Code!",
        "å",
        "A\0",
        "\u2800",
        [],
        [[]],
        {},
        {"": 1},
    ),
    *(
        "2017-W09-3",
        "20170301",
        "0001-01-01",
        "2017-03-01T00",
        "19850709-9805",
        "a@",
        ["x y"],
        {"x y": "x y"},
    ),
)


def schemas() -> list[type[Incoming]]:
    """Every schema of what comes in, of all services."""
    for name in services():
        application(name)
    found: list[type[Incoming]] = []
    left = [Incoming]
    while left:
        one = left.pop()
        left += one.__subclasses__()
        found.append(one)
    return sorted((one for one in found if one().fields), key=lambda one: one.__qualname__)


def reasons(messages: Any) -> Iterator[str]:
    """The texts in what marshmallow says, whatever their depth."""
    if isinstance(messages, str):
        yield messages
    for one in (
        messages.values() if isinstance(messages, dict) else messages if isinstance(messages, list) else ()
    ):
        yield from reasons(one)


@pytest.mark.parametrize("schema", schemas(), ids=lambda one: one.__qualname__)
def test_every_refusal_of_a_field_says_what_it_takes(schema: type[Incoming]) -> None:
    seen = 0
    for name in schema().fields:
        for value in WRONG:
            for text in reasons(schema().validate({name: value}, partial=False)):
                assert not VAGUE.search(text), (name, value, text)
                seen += 1
    for text in reasons(schema().validate({"no_such": 1})):
        assert not VAGUE.search(text), text
    assert seen


def test_an_unknown_field_is_told_which_there_are() -> None:
    class Two(Incoming):
        one = ma.Integer()
        other = ma.Integer()

    assert Two().validate({"x": 1}) == {"x": ["There is no such field; there are one, other."]}


def test_no_text_of_an_error_says_only_that_something_is_wrong() -> None:
    """The texts in what raises or collects errors of fields, read from the source."""
    found = [
        f"{path.relative_to(ROOT)}: {text}"
        for folder in ("shared", "services")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for text in texts_in(ast.parse(path.read_text(encoding="utf-8")))
        if VAGUE.search(text)
    ]
    assert found == []


def texts_in(tree: ast.AST) -> Iterator[str]:
    """Every text given to Invalid, ValidationError, a finding, a fault of a programme, or an error's `errors`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("Invalid", "ValidationError", "fault", "add", "Fault"):
                for given in node.args:
                    yield from plain_texts(given)
            if name == "Refused" and len(node.args) == 3:
                yield from plain_texts(node.args[2])


def plain_texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        # The names of the fields are no texts.
        for value in node.values:
            yield from plain_texts(value)
    elif isinstance(node, ast.List | ast.Tuple):
        for value in node.elts:
            yield from plain_texts(value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


# --- codes ---------------------------------------------------------------------------------------------------


def found_of(value: str | None, among: list[str]) -> list[str]:
    findings = Findings()
    findings.known("reason", value, among)
    try:
        findings.raise_any()
    except Invalid as wrong:
        assert isinstance(wrong.errors, dict)
        told: list[str] = wrong.errors["reason"]
        return told
    return []


def test_an_unknown_code_is_told_which_there_are_or_how_many() -> None:
    assert found_of("c", ["b", "a", "b"]) == ["Takes one of a, b."]
    assert found_of("c", ["a"]) == ["Takes a."]
    assert found_of("c", []) == ["Takes no code here."]
    assert found_of("c", [f"a{number}" for number in range(MOST_NAMED + 1)]) == [
        "Takes one of 21 codes, which the programme lists."
    ]
    assert found_of("a", ["a"]) == found_of(None, []) == []


# --- days and moments ----------------------------------------------------------------------------------------


class Dated(Incoming):
    """A day, a moment, a yes or no."""

    on = Day()
    at = Moment()
    given = StrictBoolean()


@given(st.dates(min_value=date(1900, 1, 1)))
def test_a_day_is_taken_as_it_is_written(on: date) -> None:
    assert Dated().load({"on": on.isoformat()}) == {"on": on}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2017-W09-3",
            "2017W093",
            "20170301",
            "2017-060",
            "2017-3-1",
            "17-03-01",
            "0001-01-01",
            "1899-12-31",
        ),
        *(
            "2017-02-29",
            "2017-03-01T00:00:00",
            " 2017-03-01",
            "2017-03-01\n",
            "２０１７-03-01",
            "2017/03/01",
            "",
            20170301,
        ),
    ],
)
def test_a_day_is_written_in_one_way(text: Any) -> None:
    assert Dated().validate({"on": text}) == {"on": ["Takes a day as yyyy-mm-dd, from 1900-01-01 on."]}


@pytest.mark.parametrize(
    "text", ["１２", "1_0", " 5", "+5", "5.0", "\u0663", "1e1", "-0", "0", "201", "", "9" * 400]
)
def test_a_number_of_a_query_is_written_in_plain_digits(text: str) -> None:
    assert set(PageArguments().validate({"limit": text})) == {"limit"}
    assert set(PageArguments().validate({"page": text, "limit": "1"})) - {"limit"} <= {"page"}
    assert PageArguments().load({"limit": "012"}) == {"limit": 12, "after": None}


class Listed(PageArguments):
    """A list whose cursor is a number."""

    cursor = number_cursor_field(10**9)


@pytest.mark.parametrize(
    ("asked", "limit", "after"),
    [
        ({}, 20, None),
        ({"page": "1"}, 20, None),
        ({"page": "3"}, 20, Skip(40)),
        ({"page": "50", "limit": "200"}, 200, Skip(9800)),
        ({"page": "10000", "limit": "1"}, 1, Skip(9999)),
        ({"cursor": "7", "limit": "2"}, 2, 7),
    ],
)
def test_a_page_begins_behind_others_or_behind_a_cursor(
    asked: dict[str, str], limit: int, after: object
) -> None:
    assert Listed().load(asked) == {"limit": limit, "after": after}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"page": "0"}, "Takes a whole number from 1 to 10000."),
        (
            {"page": "501"},
            "Takes 1 to 500 with this limit: pages reach the first 10000 entries; use cursor beyond them.",
        ),
        (
            {"page": "51", "limit": "200"},
            "Takes 1 to 50 with this limit: pages reach the first 10000 entries; use cursor beyond them.",
        ),
        ({"page": "2", "cursor": "7"}, "Takes a page or a cursor, not both."),
    ],
)
def test_a_page_that_cannot_be_is_refused_with_what_can(asked: dict[str, str], said: str) -> None:
    assert Listed().validate(asked) == {"page": [said]}


def test_every_number_of_a_query_is_of_that_kind() -> None:
    for schema in schemas():
        for name, field in schema().fields.items():
            if issubclass(schema, QuerySchema) and isinstance(field, ma.Number):
                assert isinstance(field, Number), f"{schema.__qualname__}.{name}"


@pytest.mark.parametrize(
    "text", ["2017-03-01T08:00:00Z", "2017-03-01T09:00:00+01:00", "2017-03-01T08:00:00.000000Z"]
)
def test_a_moment_is_taken_as_it_is_written(text: str) -> None:
    assert Dated().load({"at": text})["at"] == datetime.fromisoformat("2017-03-01T08:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2017-W09-3T08:00:00Z",
            "20170301T080000Z",
            "2017-03-01T08:00Z",
            "2017-03-01 08:00:00Z",
            "2017-03-01",
        ),
        *(
            "2017-03-01T08:00:00",
            "1969-12-31T23:59:59Z",
            "9999-12-31T00:00:00Z",
            "2017-03-01T08Z",
            "",
            1488355200,
        ),
        *("2017-03-01T24:00:01Z", "2017-03-01T08:00:00+25:00", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_a_moment_is_written_in_one_way(text: Any) -> None:
    (told,) = Dated().validate({"at": text})["at"]
    assert told.startswith("Takes a moment as yyyy-mm-ddThh:mm:ss")


def test_every_day_that_comes_in_is_of_the_strict_kind() -> None:
    loose = [
        f"{schema.__qualname__}.{name}"
        for schema in schemas()
        for name, field in schema().fields.items()
        if isinstance(field, ma.Date | ma.DateTime | ma.Boolean)
        and not isinstance(field, Day | Moment | StrictBoolean)
    ]
    assert loose == []


def test_every_form_says_itself_in_words() -> None:
    assert takes(ma.String(validate=Form(r"^a\Z", "an a"))) == "an a"
    for schema in schemas():
        assert issubclass(schema, QuerySchema) or issubclass(schema, Incoming)
        for name, field in schema().fields.items():
            assert "pattern" not in takes(field), name


@pytest.mark.parametrize("kind", ["body", "query"])
def test_every_schema_of_what_comes_in_is_of_the_house(kind: str) -> None:
    """A schema of another base would refuse in marshmallow's own words, and take what it does not know."""
    for name in services():
        for view in application(name).view_functions.values():
            for one in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
                schema = one["schema"]
                schema = schema if isinstance(schema, type) else type(schema)
                if (one["in"] == "query") == (kind == "query"):
                    assert issubclass(schema, QuerySchema if kind == "query" else Incoming), schema


def test_a_schema_keeps_its_own_words_apart_from_another_s() -> None:
    class One(Incoming):
        number = ma.Integer()

    assert One().validate({"number": "x"}) == {"number": ["Takes a whole number."]}
    assert ma.Integer().error_messages["invalid"] != "Takes a whole number."
    with pytest.raises(ValidationError, match="Not a valid integer"):
        Schema.from_dict({"number": ma.Integer()})().load({"number": "x"})
