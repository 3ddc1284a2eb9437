"""Bodies: never longer than their route allows, however they come, and JSON that is read strictly."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.edge.bodies import MOST_TOLD, SAID_TWICE, content_of, nameable, read_object, whole_body
from shared.language.errors import Invalid, Refused

LIMIT = 1000


class Dripping(io.RawIOBase):
    """A body that arrives in pieces; told of is how much was taken of it."""

    def __init__(self, body: bytes, piece: int) -> None:
        self.taken = 0
        self._body = body
        self._piece = piece

    def read(self, size: int = -1, /) -> bytes:
        end = self.taken + min(self._piece, size)
        found = self._body[self.taken : end]
        self.taken += len(found)
        return found


@given(
    body=st.binary(max_size=3).map(lambda seed: seed * 500),
    piece=st.sampled_from([1, 7, 999, 1000, 1001, 10_000]),
    told=st.one_of(st.none(), st.integers(0, 1600)),
    chunked=st.booleans(),
)
def test_a_body_is_had_whole_or_refused_and_never_read_far_beyond_the_limit(
    body: bytes, piece: int, told: int | None, chunked: bool
) -> None:
    stream = Dripping(body, piece)
    environ: dict[str, Any] = {"wsgi.input": stream}
    if chunked:
        environ["wsgi.input_terminated"] = True
    if told is not None:
        environ["CONTENT_LENGTH"] = str(told)
    meant = body if chunked else body[: told or 0]
    lacking = not chunked and told is not None and len(body) < told
    try:
        found = whole_body(environ, LIMIT)
    except Refused as refused:
        too_long = len(meant) > LIMIT or (not chunked and (told or 0) > LIMIT)
        assert refused.code == ("body-too-large" if too_long else "unreadable-body")
        assert too_long or lacking
    else:
        assert found == meant
        assert not lacking
    assert stream.taken <= LIMIT + 1


@pytest.mark.parametrize("told", ["-1", "+5", "1e3", "٣", "9" * 5000, "x", "5, 6"])
def test_a_length_that_is_none_is_refused(told: str) -> None:
    with pytest.raises(Refused, match="unreadable-body"):
        whole_body({"wsgi.input": io.BytesIO(b"{}"), "CONTENT_LENGTH": told}, LIMIT)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 65_536,
        b'{"a":' * 10_000,
        b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"a":' + b"1" * 5_000 + b"}",
        b'{"a":-' + b"9" * 60_000 + b"}",
        b'{"a":0.' + b"9" * 60_000 + b"e999}",
        b'{"a":1e999}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xe5"}',
        '{"a":1}'.encode("utf-16"),
        b'\xef\xbb\xbf\xef\xbb\xbf{"a":1}',
        b'{"a":1} {"a":2}',
        b'{"a":"\n"}',
        b"[]",
        b"7",
        b"null",
    ],
    ids=lambda text: text[:16].hex(),
)
def test_what_is_no_json_object_is_refused_at_once(text: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_object(text)
    assert refused.value.code in ("unreadable-body", "invalid-fields")
    assert len(str(refused.value)) < 100


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=20,
)


@given(said=st.dictionaries(st.text(), JSON, max_size=5), escaped=st.booleans())
def test_json_is_read_as_it_was_said(said: dict[str, Any], escaped: bool) -> None:
    assert read_object(json.dumps(said, ensure_ascii=escaped).encode("utf-8")) == said


# --- a name said twice -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'{"minutes":60,"minutes":90}', "minutes"),
        (b'{"minutes":60,"minutes":60}', "minutes"),
        (b'{"a":1,"b":[{},{"c":{"minutes":1,"x":2,"minutes":1}}]}', "minutes"),
        (b'{"min\\u0075tes":60,"minutes":90}', "minutes"),
        (b'{"19900101-2385":1,"19900101-2385":1}', "body"),
        ('{"Åsa":1,"Åsa":1}'.encode(), "body"),
        (b'{"":1,"":1}', "body"),
        (b'{"answers":{"q1-b":1,"q1-b":2}}', "q1-b"),
        (b'[{"reason":1,"reason":2}]', "reason"),
    ],
)
def test_a_name_said_twice_is_refused_and_named_where_it_names_nobody(text: bytes, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_object(text)
    assert refused.value.errors == {named: [SAID_TWICE]}


def test_every_name_said_twice_is_told() -> None:
    with pytest.raises(Invalid) as refused:
        read_object(b'{"a":1,"b":1,"a":1,"c":1,"b":1}')
    assert set(refused.value.errors or {}) == {"a", "b"}


@given(said=st.dictionaries(st.text(), JSON, max_size=5), at=st.integers(0, 4), depth=st.integers(0, 5))
def test_no_object_says_a_name_twice_wherever_it_lies(said: dict[str, Any], at: int, depth: int) -> None:
    members = [f"{json.dumps(name)}:{json.dumps(one)}" for name, one in said.items()]
    members += members[:1] if at == 0 else []
    text = '{"in":[1,' * depth + "{" + ",".join(members) + "}" + "]}" * depth
    if at == 0 and said:
        with pytest.raises(Invalid):
            read_object(text.encode())
    else:
        assert isinstance(read_object(text.encode()), dict)


# --- what an answer may name -------------------------------------------------------------------------------


def test_a_name_that_may_identify_somebody_is_repeated_at_no_depth() -> None:
    errors = {
        "mood": ["a"],
        "19900101-2385": ["a"],
        "Kim Exempel": ["b"],
        "body": ["a"],
        "contact": {"0701234567": ["c"], "phone": ["d"]},
        "organisations": {0: ["e"], 1234: ["f"]},
    }
    assert nameable(errors) == {
        "mood": ["a"],
        "body": ["a", "b"],
        "contact": {"body": ["c"], "phone": ["d"]},
        "organisations": {"0": ["e"], "1234": ["f"]},
    }


@pytest.mark.parametrize("name", ["1234", "kim1-9-9-0", "a b", "\u00e5", "", "x" * 41, "a\n"])
def test_four_digits_may_be_somebody_s(name: str) -> None:
    assert nameable({name: ["a"]}, "row") == {"row": ["a"]}


# --- what is said, however it is written -------------------------------------------------------------------


def _shuffled(said: Any, nulls: int) -> Any:
    """The same, with each object's fields turned round and fields added that say nothing."""
    if isinstance(said, dict):
        turned = {name: _shuffled(one, nulls) for name, one in reversed(said.items())}
        return {**{f"nothing {n}": None for n in range(nulls)}, **turned}
    return [_shuffled(one, nulls) for one in said] if isinstance(said, list) else said


@given(
    said=st.dictionaries(st.text(), JSON, max_size=5),
    nulls=st.integers(0, 2),
    indent=st.sampled_from([None, 0, 2]),
    escaped=st.booleans(),
)
def test_the_same_content_is_told_by_the_same_bytes_however_it_is_written(
    said: dict[str, Any], nulls: int, indent: int | None, escaped: bool
) -> None:
    written = json.dumps(_shuffled(said, nulls), indent=indent, ensure_ascii=escaped).encode()
    assert content_of(read_object(written)) == content_of(said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 0}, {"a": -0.0}),
        ({"a": "\u00e5"}, {"a": "a\u030a"}),
        ({"a": 1, "b": None}, {"a": 1}),
        ({"reference": "AF\u20111 \u200b"}, {"reference": "AF-1"}),
        ({"a": [{"reference": " x  y"}]}, {"a": [{"reference": "x y"}]}),
    ],
)
def test_what_means_the_same_is_the_same(one: Any, other: Any) -> None:
    assert content_of(one) == content_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": 1}, {"a": 1.5}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [None]}, {"a": []}),
        ({"a": "b "}, {"a": "b"}),
        ({"reference": "a"}, {"reference": "A"}),
        ({"reference": " " * 400 + "a"}, {"reference": "a"}),
        ({"a": {}}, {"a": []}),
        ({"a": {}}, {}),
    ],
)
def test_what_means_something_else_is_something_else(one: Any, other: Any) -> None:
    assert content_of(one) != content_of(other)


def test_what_is_nested_too_deep_to_be_compared_is_refused() -> None:
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(Refused, match="unreadable-body"):
        content_of({"a": deep})


def test_an_answer_is_not_many_times_what_it_answers() -> None:
    said = {
        f"unknown_{'x' * (n % 20)}{n % 1000:03}": ["There is no such field; there are a, b, c."]
        for n in range(6000)
    }
    told = nameable(said)
    assert len(told) <= MOST_TOLD + 1
    assert f"And {len(said) - MOST_TOLD} more fields are wrong." in str(told["body"])
