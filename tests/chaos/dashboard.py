"""A dashboard: reads the stream of a programme's figures as a browser does, through whatever happens to the stream.

It keeps to what Server-Sent Events prescribe. It comes back after the `retry` that it was told, and names the last id
that it was given in `Last-Event-ID`. It throws away an event that was cut off.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from services.outcome.stream.snapshot import Form
from tests.chaos.observe import note
from tools.stack.trouble import Trouble

SILENT_SECONDS = 25.0
"""The stream says something every 15 seconds; who hears nothing for so long goes elsewhere."""
FIRST_RETRY_SECONDS = 1.0
TOKEN_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Event:
    """One whole event. id: None where it has none."""

    data: str
    id: str | None = None
    retry_seconds: float | None = None


def events(lines: Iterable[str]) -> Iterator[Event]:
    """The events in lines without their ends. What no empty line has ended is no event."""
    data: list[str] = []
    name: str | None = None
    retry: float | None = None
    for line in lines:
        if not line:
            if data or retry is not None:
                yield Event("\n".join(data), name, retry)
            data, name, retry = [], None, None
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "data":
            data.append(value)
        elif key == "id":
            name = value
        elif key == "retry" and value.isascii() and value.isdigit():
            retry = int(value) / 1000


@dataclass(slots=True)
class Connection:
    """One connection that the stream answered. resumed: the id that it named. given: how many snapshots it brought."""

    address: str
    resumed: str | None
    given: int = 0


@dataclass(slots=True)
class Watched:
    """What a dashboard was given. last: the newest snapshot.

    ids: by address, the newest, and those on either side of a decrease.
    """

    ids: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    last: Mapping[str, Any] = field(default_factory=dict)
    snapshots: int = 0
    connections: list[Connection] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """A whole event came on the newest connection. Raises ValueError for one that is no snapshot with an id."""
        connection = self.connections[-1]
        self.last = json.loads(event.data)
        note(self.ids[connection.address], int(event.id or ""))
        self.snapshots += 1
        connection.given += 1


class Dashboard(threading.Thread):
    """Reads until it is closed.

    addresses: where instances of the stream are now, `http://host:port/v1`; another one is tried after each end.
    token: a new bearer token. form: of the figures.
    """

    def __init__(
        self,
        addresses: Callable[[], Sequence[str]],
        token: Callable[[], str],
        programme: str,
        form: Form,
    ) -> None:
        super().__init__(name=f"dashboard-{form}", daemon=True)
        self.form: Form = form
        self.watched = Watched()
        self.failed: Exception | None = None
        self._addresses = addresses
        self._new_token = token
        self._path = f"/programmes/{programme}/figures?form={form}"
        self._stopping = threading.Event()
        self._socket: socket.socket | None = None
        self._id: str | None = None
        self._retry_seconds = FIRST_RETRY_SECONDS
        self._turn = 0
        self._token = ("", 0.0)

    @property
    def at(self) -> str:
        """The address of the connection that is or was the last."""
        return self.watched.connections[-1].address if self.watched.connections else ""

    def run(self) -> None:
        """Connect, read, and come back."""
        while not self._stopping.is_set():
            try:
                self._read_once()
            except (OSError, http.client.HTTPException, Trouble):
                pass  # it comes back, as a browser does
            except Exception as error:  # noqa: BLE001 - told to the invariants, which fail on it
                self.failed = error
                return
            self._turn += 1
            self._stopping.wait(self._retry_seconds)

    def _read_once(self) -> None:
        addresses = self._addresses()
        if not addresses:
            return
        address = addresses[self._turn % len(addresses)]
        where = urlsplit(address)
        connection = http.client.HTTPConnection(where.netloc, timeout=SILENT_SECONDS)
        with contextlib.closing(connection):
            connection.connect()
            self._socket = connection.sock
            connection.request("GET", f"{where.path}{self._path}", headers=self._headers())
            response = connection.getresponse()
            if response.status == 200:
                self.watched.connections.append(Connection(address, self._id))
                for event in events(raw.decode().rstrip("\r\n") for raw in response):
                    self._take(event)
            elif response.status == 401:
                self._token = ("", 0.0)

    def _headers(self) -> dict[str, str]:
        token, until = self._token
        if time.monotonic() > until:
            token = self._new_token()
            self._token = token, time.monotonic() + TOKEN_SECONDS
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        return headers if self._id is None else {**headers, "Last-Event-ID": self._id}

    def _take(self, event: Event) -> None:
        if event.retry_seconds is not None:
            self._retry_seconds = event.retry_seconds
        if event.data:
            self.watched.take(event)
            self._id = event.id

    def close(self) -> None:
        """Leave."""
        self._stopping.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self.join(5)
