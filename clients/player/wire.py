"""HTTP as a careful client speaks it: a token per organisation and duty, a connection per thread and service.

A request is repeated with the same Idempotency-Key while the platform is busy, behind, or gone. A service may be
killed and restarted in the middle of a play. Any other refusal is an answer, and the caller judges it. Python's own
http.client is used because on two cores the client's share of each of some ten thousand requests counts.
"""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from clients.player.surroundings import HOST, SERVICES, Surroundings
from clients.player.trouble import Trouble

PATIENCE_SECONDS = 90.0
"""How long a request is repeated: longer than any process of the stack takes to come back."""
TIMEOUT_SECONDS = 15.0
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0
ROOT = "/v1"
"""The version of the API that the player speaks."""
AGAIN = frozenset({429, 500, 502, 503, 504})
FAILED = 500
FAILURE_SECONDS = 10.0
"""How long a request is repeated that the platform itself fails on: a database on its way down may be why."""
TOKEN_RESERVE_SECONDS = 60.0

Vector = dict[str, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. tries: 1 when the first request was answered for good."""

    status: int
    body: Any
    headers: Mapping[str, str]
    tries: int

    @property
    def code(self) -> str | None:
        """The problem's code, when this is one."""
        return self.body.get("code") if self.status >= 400 and isinstance(self.body, dict) else None

    @property
    def vector(self) -> Vector:
        """What the answer had applied and caused, per source."""
        return read_vector(self.headers.get("journey-vector", ""))


def root_of(name: str) -> str:
    """What the paths of a service or the stream begin with; the issuer and health pages have no version."""
    return ROOT if name in SERVICES or name == "stream" else ""


def read_vector(header: str) -> Vector:
    """`intake=3, outcome=1` as a mapping."""
    return {
        source.strip(): int(seq)
        for source, _, seq in (part.partition("=") for part in header.split(",") if "=" in part)
    }


def write_vector(vector: Mapping[str, int]) -> str:
    """The mapping as a header."""
    return ", ".join(f"{source}={seq}" for source, seq in vector.items())


class Wire:
    """Requests to all parts of one stack. Safe for many threads; each has its own connections."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self._own = threading.local()
        self._tokens: dict[str, tuple[str, float]] = {}
        self._signing = threading.Lock()
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Let nobody wait any longer: the play has ended early."""
        self._given_up.set()

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        actor: tuple[str, str] | None = None,
        body: Any = None,
        key: str | None = None,
        vector: Mapping[str, int] | None = None,
        headers: Mapping[str, str] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Answer:
        """One request, repeated until it is answered for good. Blocks; raises Trouble when patience ends.

        name: a service, `stream`, `issuer` or a consumer. actor: organisation and duty. body: bytes go as
        they are, anything else as JSON. key: the Idempotency-Key, the same in every repetition.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body, default=str).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        if key:
            sent["Idempotency-Key"] = key
        if vector:
            sent["Journey-Vector"] = write_vector(vector)
        began_at = time.monotonic()
        ends_at = began_at + patience_seconds
        pause, tries, why, renewed = FIRST_PAUSE_SECONDS, 0, "", False
        while True:
            tries += 1
            if actor:
                sent["Authorization"] = f"Bearer {self._token(*actor, renew=renewed)}"
            try:
                answer = self._once(name, method, path, data, sent, tries)
            except (OSError, http.client.HTTPException) as error:
                why = f"{type(error).__name__}: {error}"
            else:
                if answer.status == 401 and actor and not renewed:
                    renewed = True
                    continue
                if answer.status not in AGAIN and answer.code != "not-yet-seen":
                    return answer
                why = f"{answer.status} {answer.code}"
                if answer.status == FAILED:
                    ends_at = min(ends_at, began_at + FAILURE_SECONDS)
                    why += f" (trace {answer.headers.get('trace-id')})"
            if time.monotonic() + pause > ends_at:
                raise Trouble(
                    f"{method} {path} at {name} got no lasting answer in {ends_at - began_at:.0f} s; "
                    f"the last was: {why}. `make status` says which process is down."
                )
            if self._given_up.wait(pause):
                raise Trouble(f"{method} {path} at {name} was given up: the play has ended.")
            pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)

    def _once(
        self, name: str, method: str, path: str, data: bytes | None, headers: Mapping[str, str], tries: int
    ) -> Answer:
        connections: dict[str, http.client.HTTPConnection] = self._own.__dict__.setdefault("connections", {})
        connection = connections.get(name)
        if connection is None:
            port = self.surroundings.port(name)
            connection = connections[name] = http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, f"{root_of(name)}{path}", data, dict(headers))
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        received = {header.lower(): value for header, value in response.getheaders()}
        readable = raw and "json" in received.get("content-type", "")
        return Answer(response.status, json.loads(raw) if readable else raw, received, tries)

    def _token(self, organisation: str, duty: str, *, renew: bool) -> str:
        client = f"{organisation}:{duty}"
        with self._signing:
            token, ends_at = self._tokens.get(client, ("", 0.0))
            if token and not renew and time.monotonic() < ends_at:
                return token
            form = {
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": self.surroundings.secret("client-secret"),
            }
            answer = self.ask(
                "issuer",
                "POST",
                "/token",
                body=urlencode(form).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            if answer.status != 200:
                raise Trouble(f"The issuer gave no token for {client}: {answer.status} {answer.body!r}.")
            lasts = float(answer.body.get("expires_in", 3600)) - TOKEN_RESERVE_SECONDS
            self._tokens[client] = (answer.body["access_token"], time.monotonic() + lasts)
            return str(answer.body["access_token"])
