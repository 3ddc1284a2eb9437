"""Bearer tokens with claims of every type and odd headers, at the services' edge and at the stream's."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from joserfc.errors import JoseError

from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.requests import shown
from tests.fuzz.wire import NoAnswer, Sent
from tests.fuzz.world import OTHER_PROVIDER, PROVIDER, REPORTER, Who, World
from tests.support.schema_samples import TEST_PERSONNUMMER

ABSENT = object()
WILD: Sequence[Any] = (
    ABSENT,
    None,
    True,
    False,
    0,
    7,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x",
    "\x00",
    "a\x00b",
    "a:b",
    "å",
    "\u202eabc",
    "x" * 5000,
    "urkraft\n",
    [],
    ["urkraft"],
    ["supervisor"],
    {},
    {"a": 1},
    [[]],
    "../..",
    "$where",
    "supervisor ",
    "SUPERVISOR",
    "operator,supervisor",
    TEST_PERSONNUMMER,
    TEST_PERSONNUMMER.replace("-", ""),
    "\ud800",
)
TYPED = ("iss", "aud", "sub", "organisation", "organisations", "duty", "exp", "iat", "nbf")
ROUTES = (("intake-web", "GET", "/programmes"), ("outcome-stream", "POST", "/programmes/coactive/page-links"))
"""One for any caller, one for whoever reads reports: both let an ordinary token in."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """One request with a token. header: of the token; wrap: how the whole header Authorization is written."""

    process: str
    method: str
    target: str
    claims: Mapping[str, Any]
    header: Mapping[str, Any]
    wrap: str = "Bearer {token}"
    let_in: bool | None = None
    """Whether it must be let in (True), must not (False), or may (None)."""

    def simpler(self) -> Iterator[Bearer]:
        """Without one member of the token's header."""
        for name in self.header:
            yield replace(
                self, header={other: value for other, value in self.header.items() if other != name}
            )

    def __str__(self) -> str:
        claims = {
            name: (value if len(repr(value)) < 200 else shown(repr(value).encode()))
            for name, value in self.claims.items()
        }
        where = f"{self.process} {self.method} {self.target}"
        return f"{where} Authorization: {self.wrap!r} claims={claims} header={dict(self.header)}"


class Tokens(Fuzzer[Bearer]):
    """Only a token whose every claim is of its type and value is let in; anything else is 401 or 403."""

    name: ClassVar[str] = "tokens"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        journey = world.at("started").journey
        self._routes = (
            *ROUTES,
            ("activity-tracking-web", "GET", f"/journeys/{journey}"),
            ("outcome-web", "GET", f"/journeys/{journey}"),
        )

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Bearer]:
        """Claims of the wrong type that were a fault of ours or were taken as they are, and clocks a little ahead."""
        found = []
        for route in self._routes[:2]:
            for name, values in {
                "duty": (["supervisor"], {"supervisor": 1}, None, True),
                "organisation": (["urkraft"], "urkraft:x", None, 7),
                "organisations": ({}, {"urkraft": ["supervisor"]}, {"urkraft": "supervisor"}, [], None),
                "sub": ("a\x00b", TEST_PERSONNUMMER, ["x"], {}, 7, "x" * 100_000),
                "exp": ("tomorrow", 10**400, None, True, [1]),
            }.items():
                found += [self._with(route, name, value) for value in values]
            now = int(time.time())
            found.append(replace(self._with(route, "iat", now + 2), let_in=True))
            found.append(replace(self._with(route, "nbf", now + 2), let_in=True))
        return found

    def generated(self) -> Bearer:
        """A token that must be let in, in two of five; else one with a claim or a header that is not right."""
        route = self.chance.choice(self._routes)
        if self.chance.random() < 0.45:
            return self._right(route)
        change = self.chance.random()
        if change < 0.65:
            return self._with(route, self.chance.choice(TYPED), self.chance.choice(WILD))
        right = self._right(route)
        if change < 0.85:
            return replace(right, header={**right.header, **self._odd_header()}, let_in=False)
        wrap = self.chance.choice(
            (
                "{token}",
                "Basic {token}",
                "Bearer",
                "Bearer ",
                "Bearer {token}.x",
                "Bearer {token}{token}",
                "Bearer .{token}",
                "Bearer a.b.c",
                "Bearer {token}, Bearer {token}",
                "bearer\t{token}",
                "Bearer " + "a" * 6000,
                "Bearer \xff\xfe",
                "Bearer e30.e30.",
                "Bearer ..",
                "\x01",
            )
        )
        return replace(right, wrap=wrap, let_in=False if "{token}" not in wrap else None)

    def _right(self, route: tuple[str, str, str]) -> Bearer:
        """An ordinary token, with what an issuer may add to it."""
        claims = self.world.claims(self._reader(route))
        now = int(time.time())
        claims["iat"] = now - self.chance.choice((0, 1, 500, -2))
        claims["exp"] = now + self.chance.choice((60, 3600, 86_400, 3600.5))
        claims["sub"] = self.chance.choice(
            (f"person-{self.world.letters(8)}", "a" * 30, f"u.{self.world.letters(3)}")
        )
        if self.chance.random() < 0.3:
            claims["aud"] = [claims["aud"], "other"]
        if self.chance.random() < 0.3:
            claims["nbf"] = now - 10
        if self.chance.random() < 0.3:
            claims |= {"groups": ["x"] * 40, "name": None, "realm": {"roles": [{}]}, "nonce": 1.5}
        return Bearer(*route, claims, {"typ": "JWT"}, let_in=True)

    def _reader(self, route: tuple[str, str, str]) -> Who:
        if route[0] == "outcome-stream":
            return REPORTER
        anybody = route[2] == "/programmes"
        return self.chance.choice((PROVIDER, OTHER_PROVIDER)) if anybody else PROVIDER

    def _with(self, route: tuple[str, str, str], name: str, value: Any) -> Bearer:
        """An ordinary token but for one claim."""
        claims = self.world.claims(self._reader(route))
        if value is ABSENT:
            claims.pop(name, None)
        else:
            claims[name] = value
        return Bearer(
            *route,
            claims,
            {"typ": "JWT"},
            let_in=must_be_let_in(name, value, self.world.claims(self._reader(route))),
        )

    def _odd_header(self) -> Mapping[str, Any]:
        made: Sequence[Mapping[str, Any]] = (
            {"alg": "none"},
            {"alg": "HS256"},
            {"alg": ["RS256"]},
            {"alg": None},
            {"alg": 7},
            {"kid": "no-such-key"},
            {"kid": None},
            {"kid": ["a"]},
            {"kid": {"a": 1}},
            {"kid": 7},
            {"kid": "x" * 5000},
            {"kid": "\x00"},
            {"crit": ["exp"]},
            {"crit": "exp"},
            {"b64": False},
        )
        return self.chance.choice(made)

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Bearer]) -> Outcome:
        """Send each and see who was let in."""
        outcome = Outcome()
        for bearer in trials:
            self._attempt(bearer, outcome)
        return outcome

    def _attempt(self, bearer: Bearer, outcome: Outcome) -> None:
        token = self._token(bearer)
        value = bearer.wrap.replace("{token}", token).encode("latin-1", "replace")
        headers: tuple[tuple[bytes, bytes], ...] = ((b"Authorization", value),)
        if bearer.method == "POST":
            headers += (
                (b"Idempotency-Key", self.world.name().encode()),
                (b"Content-Type", b"application/json"),
            )
        sent = Sent(
            bearer.method.encode(), bearer.target.encode(), headers, b"{}" if bearer.method == "POST" else b""
        )
        try:
            reply = self.world.patiently(lambda: self.world.send(bearer.process, sent))
        except NoAnswer as silent:
            outcome.failed += 1
            outcome.problem(f"no answer of {bearer.process}", str(silent))
            return
        judge(reply, f"{bearer.process} {bearer.target.rpartition('/')[0] or bearer.target}", outcome)
        if reply.status < 400 and bearer.let_in is False:
            outcome.problem(f"let in by {bearer.process}", f"{reply.status}")
        if reply.status in (401, 403) and bearer.let_in is True:
            outcome.problem(f"kept out by {bearer.process}", f"{reply.status} {reply.body[:300]!r}")

    def _token(self, bearer: Bearer) -> str:
        """The token, signed by the issuer's key where the header allows; else with an ordinary token's signature."""
        odd = {name: value for name, value in bearer.header.items() if name != "typ"}
        try:
            return self.world.token_of(bearer.claims, bearer.header)
        except (JoseError, ValueError, TypeError, AttributeError):
            _, payload, signature = self.world.token_of(self.world.claims(PROVIDER)).split(".")
            return f"{segment(odd or bearer.claims)}.{payload if odd else segment(bearer.claims)}.{signature}"


def segment(said: Mapping[str, Any]) -> str:
    """One part of a token."""
    return base64.urlsafe_b64encode(json.dumps(dict(said)).encode()).decode().rstrip("=")


def must_be_let_in(name: str, value: Any, right: Mapping[str, Any]) -> bool | None:
    """Whether a token must be let in whose one claim has that value: True, False, or None where both would do."""
    if name in right and name != "iat":
        return _right_value(name, value, right)
    # It need not be there; a number of an odd kind is read in more than one way.
    return None if value is ABSENT or isinstance(value, bool | int | float) else False


def _right_value(name: str, value: Any, right: Mapping[str, Any]) -> bool | None:
    if name == "exp":
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return None if numeric and value > time.time() else False
    if name == "aud":
        return value == right["aud"] or (isinstance(value, list) and right["aud"] in value)
    if name == "sub":
        plain = isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= 100
        named = isinstance(value, str) and value in (TEST_PERSONNUMMER, TEST_PERSONNUMMER.replace("-", ""))
        return None if plain and not named else False
    if name == "organisation":
        return None if value == "x" or value == right[name] else False
    return bool(value == right[name])
