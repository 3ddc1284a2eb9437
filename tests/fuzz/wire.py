"""HTTP as bytes: requests that no well-behaved client would send, and answers as they came."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ANSWER_SECONDS = 30.0
PIECE_BYTES = 7000
HOST = "127.0.0.1"


class NoAnswer(Exception):
    """The connection gave no answer: closed, reset, or silent for too long. Its text says which."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. headers: names in lower case. seconds: from the first byte sent to the last one read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self) -> str:
        """The problem's code; empty where the answer is no problem document."""
        said = self.json if "problem+json" in self.headers.get("content-type", "") else None
        return str(said.get("code", "")) if isinstance(said, dict) else ""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, ready to go. headers: as bytes, in order, repeated ones too; chunked: the body goes in pieces."""

    method: bytes
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    chunked: bool = False

    @property
    def head(self) -> bytes:
        """The request's head with its empty line; length and encoding are said here and nowhere else."""
        lines = [b"%s %s HTTP/1.1" % (self.method, self.target), b"Host: 127.0.0.1"]
        lines += [b"%s: %s" % (name, value) for name, value in self.headers]
        if self.chunked:
            lines.append(b"Transfer-Encoding: chunked")
        elif self.body or self.method in (b"POST", b"PUT"):
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", b""])

    @property
    def content(self) -> bytes:
        """The body as it goes over the wire."""
        if not self.chunked:
            return self.body
        pieces = [self.body[at : at + PIECE_BYTES] for at in range(0, len(self.body), PIECE_BYTES)]
        return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


@dataclass
class Line:
    """One kept connection to one port; opened when it is needed, and again when it was closed. Not thread-safe."""

    port: int
    source: str = HOST
    _socket: socket.socket | None = field(default=None, init=False)

    def ask(self, sent: Sent, within: float = ANSWER_SECONDS) -> Reply:
        """Send one request and read its answer. Raises NoAnswer. A kept connection that was closed is opened once."""
        fresh = self._socket is None
        try:
            return self._once(sent, within)
        except NoAnswer:
            self.close()
            if fresh:
                raise
            return self._once(sent, within)

    def _once(self, sent: Sent, within: float) -> Reply:
        began = time.monotonic()
        try:
            line = self._socket = self._socket or connected(self.port, self.source, within)
            line.settimeout(within)
            cut = _sent(line, sent.head + sent.content)
            reply, stays = answer(line, began, sent.method)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__} after {time.monotonic() - began:.1f} s") from error
        if cut or not stays:
            self.close()
        return reply

    def close(self) -> None:
        """Let go of the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def connected(port: int, source: str = HOST, within: float = ANSWER_SECONDS) -> socket.socket:
    """A connection to a port of this machine, from an address of its own. Raises OSError."""
    return socket.create_connection((HOST, port), within, source_address=(source, 0))


def _sent(line: socket.socket, content: bytes) -> bool:
    """Send it; whether the server closed its end before it had all, as it may when it refuses a body."""
    try:
        line.sendall(content)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def answer(line: socket.socket, began: float, method: bytes = b"GET") -> tuple[Reply, bool]:
    """The answer that comes, and whether the connection stays open. Raises OSError, HTTPException."""
    response = http.client.HTTPResponse(line, method=method.decode("latin-1"))
    response.begin()
    try:
        body = response.read()
    finally:
        response.close()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, body, time.monotonic() - began), not response.will_close


def encoded(headers: Mapping[str, str] | Sequence[tuple[str, str]]) -> tuple[tuple[bytes, bytes], ...]:
    """Headers as bytes; what Latin-1 cannot say goes as UTF-8."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return tuple((_bytes(name), _bytes(value)) for name, value in pairs)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
