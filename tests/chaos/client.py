"""Commands as clients gave them, with every attempt and every answer: the third source that invariants rest on."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from clients.player.wire import read_vector, write_vector

AGAIN = frozenset({429, 500, 502, 503, 504})
TIMEOUT_SECONDS = 12.0
TOKEN_SECONDS = 1800.0

Actor = tuple[str, str]
"""Organisation and duty."""


@dataclass(slots=True)
class Attempt:
    """One sending. status 0: no answer came, and `why` says how it ended."""

    at: float
    status: int
    why: str


@dataclass(slots=True)
class Command:
    """One command of one client, however often it was sent. Times are of the monotonic clock.

    says: the type of the event that it must lead to, `says_times`; None when it leads to none. trace: the 32 hex digits
    by which that event is found in the log. status: the lasting answer's, None while there is none.
    """

    deed: str
    process: str
    method: str
    path: str
    body: bytes
    actor: Actor
    key: str
    trace: str
    says: str | None
    media: str = "application/json"
    vector: Mapping[str, int] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    status: int | None = None
    answer: Any = None
    seen: Mapping[str, int] = field(default_factory=dict)

    @property
    def says_times(self) -> int:
        """How many events it must have led to, by its lasting answer."""
        if self.status is None or self.says is None or not 200 <= self.status < 300:
            return 0
        if self.deed == "log_sessions":
            return sum(row["status"] == 201 for row in self.answer["results"])
        if self.deed == "mark_register":
            return sum(row["changed"] for row in self.answer["results"])
        return 1


class Client:
    """Sends commands to one stack, one thread at a time; tokens are shared between clients.

    url: where a process is. token: a bearer token for an actor. chance: whence keys and traces come.
    """

    def __init__(
        self, url: Callable[[str], str], token: Callable[[str, str], str], chance: random.Random
    ) -> None:
        self._url = url
        self._token_of = token
        self._chance = chance
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._roots: dict[str, str] = {}
        self._tokens: dict[Actor, tuple[str, float]] = {}

    def command(
        self,
        deed: str,
        process: str,
        path: str,
        body: Mapping[str, Any] | bytes,
        actor: Actor,
        says: str | None,
        *,
        method: str = "POST",
        media: str = "application/json",
        vector: Mapping[str, int] | None = None,
    ) -> Command:
        """A new command, not yet sent, under a key and a trace of its own."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        trace = f"{self._chance.getrandbits(128):032x}"
        return Command(
            deed, process, method, path, raw, actor, f"c-{trace}", trace, says, media, dict(vector or {})
        )

    def send(self, command: Command) -> bool:
        """Send it once. Returns whether the answer is a lasting one, which is kept with the command."""
        headers = {
            "Content-Type": command.media,
            "Accept": "application/json",
            "Idempotency-Key": command.key,
            "traceparent": f"00-{command.trace}-{self._chance.getrandbits(64):016x}-01",
        }
        if command.vector:
            headers["Journey-Vector"] = write_vector(command.vector)
        try:
            headers["Authorization"] = f"Bearer {self._token(command.actor)}"
            status, answer, received = self._once(command, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            command.attempts.append(Attempt(time.monotonic(), 0, type(error).__name__))
            return False
        code = answer.get("code", "") if isinstance(answer, dict) else ""
        if command.deed == "log_sessions" and status == 200 and not self._rows_last(answer):
            code = "rows-busy"
        command.attempts.append(Attempt(time.monotonic(), status, str(code)))
        if status in AGAIN or code in ("not-yet-seen", "rows-busy"):
            return False
        command.status, command.answer = status, answer
        command.seen = read_vector(received.get("journey-vector", ""))
        return True

    @staticmethod
    def _rows_last(answer: Any) -> bool:
        """Whether every row of a bulk answer is a lasting one; the file is sent again for those that were not."""
        return all(
            row["status"] not in AGAIN and (row["problem"] or {}).get("code") != "not-yet-seen"
            for row in ({"problem": None, **one} for one in answer["results"])
        )

    def _once(self, command: Command, headers: Mapping[str, str]) -> tuple[int, Any, Mapping[str, str]]:
        connection = self._connections.get(command.process)
        if connection is None:
            where = urlsplit(self._url(command.process))
            self._roots[command.process] = where.path
            connection = http.client.HTTPConnection(where.netloc, timeout=TIMEOUT_SECONDS)
            self._connections[command.process] = connection
        try:
            path = f"{self._roots[command.process]}{command.path}"
            connection.request(command.method, path, command.body, dict(headers))
            response = connection.getresponse()
            raw = response.read()
        except BaseException:
            connection.close()
            raise
        received = {name.lower(): value for name, value in response.getheaders()}
        readable = raw and "json" in received.get("content-type", "")
        return response.status, json.loads(raw) if readable else None, received

    def _token(self, actor: Actor) -> str:
        token, until = self._tokens.get(actor, ("", 0.0))
        if time.monotonic() > until:
            token = self._token_of(*actor)
            self._tokens[actor] = token, time.monotonic() + TOKEN_SECONDS
        return token

    def close(self) -> None:
        """Let go of all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()


class Records:
    """Everything that clients did on one stack. Safe for many threads."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.inbound: dict[str, str] = {}
        """`topic:partition:offset` of each record that an agency published and Kafka acknowledged: its trace."""
        self.inbound_unsure: set[str] = set()
        """Traces of records whose acknowledgement never came."""
        self._lock = threading.Lock()

    def begun(self, command: Command) -> Command:
        """Keep a command from its first sending on."""
        with self._lock:
            self.commands.append(command)
        return command

    def unresolved(self) -> list[Command]:
        """Commands that have no lasting answer yet."""
        with self._lock:
            return [one for one in self.commands if one.status is None]

    def retire(self) -> list[Command]:
        """Commands with a lasting answer, which are forgotten here: whoever asks keeps them elsewhere."""
        with self._lock:
            gone = [one for one in self.commands if one.status is not None]
            self.commands = [one for one in self.commands if one.status is None]
            return gone

    def resolved(self) -> list[Command]:
        """Commands with a lasting answer."""
        with self._lock:
            return [one for one in self.commands if one.status is not None]
