"""Tokens: what is taken, what is refused, and that nobody waits for an issuer whose key is known."""

import base64
import itertools
import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from shared.edge.tokens import ASK_SECONDS, REFRESH_SECONDS, REMEMBERED, TOKEN_CHARACTERS, Keys, Tokens
from shared.language.access import Actor
from shared.language.errors import Forbidden, Later, Refused
from tests.support.unfinished import in_thread

ISSUER, AUDIENCE = "https://issuer.example", "journeys"


def new_key() -> RSAKey:
    key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"})
    key.ensure_kid()
    return key


KEY, OTHER = new_key(), new_key()


def key_set(*keys: RSAKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


class Issuer:
    """Gives keys, fails or makes its callers wait, as told; and the time that passes for `Keys`."""

    def __init__(self, *keys: RSAKey) -> None:
        self.document: Any = key_set(*keys)
        self.error: Exception | None = None
        self.fetches = 0
        self.clock = 1000.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()

    def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        self.asked.set()
        self.may_answer.wait(20)
        if self.error is not None:
            raise self.error
        return self.document  # type: ignore[no-any-return]

    def tokens(self) -> Tokens:
        return Tokens(Keys(self.fetch, lambda: self.clock), ISSUER, AUDIENCE, lambda _: True)


def signed(key: RSAKey = KEY, header: Mapping[str, Any] | None = None, **changed: Any) -> str:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "person-1",
        "organisation": "urkraft",
        "duty": "caseworker",
        "iat": now,
        "exp": now + 600,
    }
    claims |= changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "RS256", "kid": key.kid, **(header or {})}, claims, key)


def claiming(claim: str, value: Any) -> str:
    changed: dict[str, Any] = {claim: value}
    return signed(**changed)


def code(tokens: Tokens, token: str) -> str:
    with pytest.raises(Refused) as refused:
        tokens.show(token)
    return refused.value.code


def test_a_good_token_shows_who_asks_and_until_when() -> None:
    shown = Issuer(KEY).tokens().show(signed(exp=2_000_000_000))
    assert shown.actors == (Actor("person-1", "urkraft", "caseworker"),)
    assert shown.expires_at.timestamp() == 2_000_000_000


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_the_issuer_s_clock_may_be_a_minute_ahead(name: str) -> None:
    tokens = Issuer(KEY).tokens()
    assert tokens.show(claiming(name, int(time.time()) + 50)).actors[0].person
    assert code(tokens, claiming(name, int(time.time()) + 90)) == "unauthenticated"


def test_a_token_is_taken_for_a_minute_after_its_end_and_no_longer() -> None:
    tokens = Issuer(KEY).tokens()
    assert tokens.show(signed(exp=int(time.time()) - 40)).actors[0].person
    assert code(tokens, signed(exp=int(time.time()) - 90)) == "unauthenticated"


def test_a_remembered_token_ends_when_it_ends() -> None:
    tokens = Issuer(KEY).tokens()
    token = signed(exp=int(time.time()) - 55)
    assert tokens.show(token) is tokens.show(token)
    give_up_at = time.monotonic() + 20
    with pytest.raises(Refused) as refused:
        while time.monotonic() < give_up_at:
            tokens.show(token)
    assert refused.value.code == "unauthenticated"


def test_one_more_token_than_are_remembered_forgets_the_one_seen_longest_ago_alone() -> None:
    tokens = Issuer(KEY).tokens()
    seen = [signed(sub=f"person-{number}") for number in range(REMEMBERED + 1)]
    shown = [tokens.show(token) for token in seen[:-1]]
    assert tokens.show(seen[0]) is shown[0]
    tokens.show(seen[-1])
    assert [tokens.show(one) is known for one, known in zip(seen[2:], shown[2:], strict=False)] == [True] * (
        REMEMBERED - 2
    )
    assert tokens.show(seen[0]) is shown[0]
    assert tokens.show(seen[1]) is not shown[1]


WRONG: list[Any] = [
    None,
    1,
    1.5,
    True,
    [],
    ["caseworker"],
    {},
    {"a": 1},
    "",
    " ",
    "a\x00b",
    "å",
    "a\u202eb",
    "x" * 300,
]

NO_TIMES: list[Any] = ["x", [], {}, True, 1e300]
NO_NAMES: list[Any] = [None, 1, [], {}, [1], "other"]


@pytest.mark.parametrize("claim", ["sub", "organisation", "duty"])
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_claims_of_another_type_or_pattern_are_refused(claim: str, value: Any) -> None:
    assert code(Issuer(KEY).tokens(), claiming(claim, value)) == "unauthenticated"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *itertools.product(("exp", "iat", "nbf"), NO_TIMES),
        ("exp", None),
        ("exp", 10**18),
        *itertools.product(("iss", "aud"), NO_NAMES),
        ("organisation", "urkraft:x"),
        ("organisation", "Urkraft"),
        ("organisation", "urkraft\n"),
        ("organisation", "19900101-2385"),
        ("duty", "owner\n"),
        ("sub", "19900101-2385"),
        ("sub", "x-199001012385"),
    ],
    ids=repr,
)
def test_what_no_good_token_says_is_refused(claim: str, value: Any) -> None:
    assert code(Issuer(KEY).tokens(), claiming(claim, value)) == "unauthenticated"


def test_a_uuid_that_holds_digits_is_a_handle() -> None:
    assert Issuer(KEY).tokens().show(signed(sub="19900101-2385-4000-8000-000000000000")).actors[0].person


def test_no_refusal_repeats_what_the_token_says() -> None:
    for claim, value in (("sub", "19900101-2385"), ("organisation", "sekret:x"), ("duty", "sekret")):
        with pytest.raises(Forbidden) as refused:
            Issuer(KEY).tokens().show(claiming(claim, value))
        assert "sekret" not in str(refused.value)
        assert "2385" not in str(refused.value)


def encoded(text: str | bytes) -> str:
    data = text.encode() if isinstance(text, str) else text
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "..",
        "a.b",
        "a.b.c.d",
        "å.b.c",
        f"{encoded('[]')}.b.c",
        f"{encoded('null')}.b.c",
        f"{encoded('{')}.b.c",
        f"{encoded('[' * 700)}.b.c",
        f"{encoded(json.dumps({'alg': ['RS256']}))}.b.c",
        f"{encoded(json.dumps({'alg': 'none'}))}.b.",
        f"{encoded(json.dumps({'alg': 'HS256', 'kid': KEY.kid}))}.b.c",
        f"{encoded(json.dumps({'alg': 'RS256', 'kid': ['x']}))}.b.c",
        f"{encoded(json.dumps({'alg': 'RS256', 'kid': 'x' * 300}))}.b.c",
        f"{encoded(json.dumps({'alg': 'RS256', 'crit': ['x'], 'x': 'y' * 2000}))}.b.c",
        f"{encoded(json.dumps({'alg': 'RS256'}))}.{'b' * TOKEN_CHARACTERS}.c",
    ],
    ids=lambda token: token[:30],
)
def test_what_is_no_token_is_refused_before_the_issuer_is_asked(token: str) -> None:
    issuer = Issuer(KEY)
    assert code(issuer.tokens(), token) == "unauthenticated"
    assert issuer.fetches == 0


@given(st.text(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_any_text_is_refused_or_not_known_never_an_error(head: str, payload: bytes, signature: bytes) -> None:
    tokens = Issuer(KEY).tokens()
    header = json.dumps({"alg": "RS256", "kid": KEY.kid})
    for token in (head, f"{encoded(header)}.{encoded(payload)}.{encoded(signature)}", f"{encoded(head)}.x.y"):
        assert code(tokens, token) == "unauthenticated"


def test_claims_nested_deeper_than_can_be_read_are_refused() -> None:
    payload = encoded('{"a":' * 1500 + "1" + "}" * 1500)
    tokens = Issuer(KEY).tokens()
    head = encoded(json.dumps({"alg": "RS256", "kid": KEY.kid}))
    assert len(payload) > TOKEN_CHARACTERS or code(tokens, f"{head}.{payload}.x") == "unauthenticated"


def test_another_s_signature_under_a_known_key_asks_nobody() -> None:
    issuer = Issuer(KEY)
    tokens = issuer.tokens()
    tokens.show(signed())
    for _ in range(5):
        assert code(tokens, signed(OTHER, {"kid": KEY.kid})) == "unauthenticated"
    assert issuer.fetches == 1


def test_a_new_key_is_asked_for_once_and_an_unknown_one_not_again_soon() -> None:
    issuer = Issuer(KEY)
    tokens = issuer.tokens()
    tokens.show(signed())
    issuer.document = key_set(KEY, OTHER)
    issuer.clock += ASK_SECONDS
    assert tokens.show(signed(OTHER)).actors[0].person
    for number in range(20):
        assert code(tokens, signed(header={"kid": f"unknown-{number}"})) == "unauthenticated"
    assert issuer.fetches == 2


def test_without_keys_the_answer_is_later_and_the_issuer_is_left_in_peace() -> None:
    issuer = Issuer(KEY)
    issuer.error = OSError("away")
    tokens = issuer.tokens()
    with pytest.raises(Later) as later:
        tokens.show(signed())
    assert (later.value.code, later.value.retry_after_seconds) == ("issuer-unreachable", 2)
    for _ in range(5):
        assert code(tokens, signed()) == "issuer-unreachable"
    assert issuer.fetches == 1
    issuer.clock += 2
    assert code(tokens, signed()) == "issuer-unreachable"
    issuer.clock += 2
    assert code(tokens, signed()) == "issuer-unreachable"
    assert issuer.fetches == 2, "the pause doubles"
    issuer.clock += 2
    issuer.error = None
    assert tokens.show(signed()).actors[0].person


@pytest.mark.parametrize(
    "document", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": [1]}, {"keys": [{}]}, "x"]
)
def test_what_is_no_key_set_is_an_issuer_that_cannot_be_had(document: Any) -> None:
    issuer = Issuer(KEY)
    issuer.document = document
    assert code(issuer.tokens(), signed()) == "issuer-unreachable"


def test_known_keys_are_kept_while_the_issuer_is_away_and_followed_when_it_is_back() -> None:
    issuer = Issuer(KEY)
    tokens = issuer.tokens()
    tokens.show(signed())
    issuer.error = OSError("away")
    issuer.clock += 100 * REFRESH_SECONDS
    issuer.asked.clear()
    assert tokens.show(signed(sub="person-2")).actors[0].person
    assert issuer.asked.wait(5)
    assert tokens.show(signed(sub="person-3")).actors[0].person
    issuer.error, issuer.document = None, key_set(OTHER)
    issuer.clock += 100
    give_up_at = time.monotonic() + 5
    while time.monotonic() < give_up_at:
        try:
            tokens.show(signed(sub=f"person-{time.monotonic()}"))
        except Forbidden:
            return
    raise AssertionError("a key that was taken back is still good")


def test_whose_key_is_known_never_waits_for_the_issuer() -> None:
    issuer = Issuer(KEY)
    tokens = issuer.tokens()
    tokens.show(signed())
    issuer.clock += ASK_SECONDS
    issuer.may_answer.clear()
    issuer.asked.clear()
    codes: list[str] = []
    first = in_thread(lambda: codes.append(code(tokens, signed(OTHER))))
    assert issuer.asked.wait(5)
    began = time.monotonic()
    for number in range(36):
        assert code(tokens, signed(header={"kid": f"garbage-{number}"})) == "issuer-unreachable"
        assert tokens.show(signed(sub=f"honest-{number}")).actors[0].person
    assert time.monotonic() - began < 5
    assert codes == []
    issuer.may_answer.set()
    first.join(5)
    assert codes == ["unauthenticated"]
    assert issuer.fetches == 2


def test_all_wait_for_the_first_keys_and_one_fetches() -> None:
    issuer = Issuer(KEY)
    tokens = issuer.tokens()
    issuer.may_answer.clear()
    actors: list[Actor] = []
    threads = [in_thread(lambda: actors.append(tokens.show(signed()).actors[0])) for _ in range(8)]
    assert issuer.asked.wait(5)
    issuer.may_answer.set()
    for thread in threads:
        thread.join(10)
    assert (len(actors), issuer.fetches) == (8, 1)
