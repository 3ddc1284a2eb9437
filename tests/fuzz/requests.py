"""One request as a trial: it can be read, sent again, and sent with less in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

from tests.fuzz.wire import Sent
from tests.fuzz.world import Who

SHOWN_BYTES = 320
MOST_FIELDS = 100
"""An object of more is cut like any text."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one process. route: its template, which names what went wrong. who: None where none is said."""

    process: str
    route: str
    sent: Sent
    who: Who | None = None

    def simpler(self) -> Iterator[Self]:
        """With one header, one field or half of the body less."""
        headers = self.sent.headers
        for at in range(len(headers)):
            yield self._with(replace(self.sent, headers=headers[:at] + headers[at + 1 :]))
        for body in smaller_bodies(self.sent.body):
            yield self._with(replace(self.sent, body=body))

    def _with(self, sent: Sent) -> Self:
        return replace(self, sent=sent)

    def __str__(self) -> str:
        by = "" if self.who is None else f" as {self.who.organisation}:{self.who.duty}"
        head = self.sent.head.decode("latin-1").replace("\r\n", "\n").strip()
        lines = [
            line[:SHOWN_BYTES] for line in head.split("\n") if not line.startswith("Authorization: Bearer ey")
        ]
        return "\n".join([f"{self.process}{by}", *lines, shown(self.sent.body)])


def smaller_bodies(body: bytes) -> Iterator[bytes]:
    """The body with one field less, where it is an object; else each of its halves."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if isinstance(fields, dict) and len(fields) <= MOST_FIELDS:
        for name in fields:
            yield json.dumps({other: value for other, value in fields.items() if other != name}).encode()
    elif len(body) > 1:
        half = len(body) // 2
        yield body[:half]
        yield body[half:]


def shown(content: bytes) -> str:
    """Bytes for a reader: all of it where it is short, else both ends and the length."""
    if len(content) <= SHOWN_BYTES:
        return repr(content)
    half = SHOWN_BYTES // 2
    return f"{content[:half]!r} … {content[-half:]!r} ({len(content)} bytes)"
