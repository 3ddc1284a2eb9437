"""A running stack, seen and steered from outside it: by the commands, the player, or a chaos test.

It talks to the stack by its recorded process ids and by `hold` files, which the supervisor watches.
"""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Mapping
from typing import Any

import httpx

from tools.stack.record import Entry, Record
from tools.stack.settings import Settings
from tools.stack.trouble import Trouble


class Control:
    """Steers the stack that runs in `settings.folder`, whoever started it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._record = Record(settings.folder)

    def is_up(self) -> bool:
        """Whether a supervisor owns the stack's folder."""
        return self._record.supervisor() is not None

    def entries(self) -> dict[str, Entry]:
        """What the supervisor last wrote of each process."""
        return self._record.read()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process and all it started, returning its id. Its supervisor may restart it."""
        entry = self._entry(name)
        if entry.running is None or not entry.running.signal(number):
            raise Trouble(f"{name} does not run now.")
        return entry.running.pid

    def stop(self, name: str, within_seconds: float = 60.0) -> None:
        """Stop a process and hold it stopped until `start`. Blocks until it is."""
        self._entry(name)
        (self.settings.folder / "hold" / name).touch()
        self._await(name, ("held", "stopped"), within_seconds)

    def start(self, name: str, within_seconds: float = 60.0) -> None:
        """Let a held process run again. Blocks until it is ready."""
        self._entry(name)
        (self.settings.folder / "hold" / name).unlink(missing_ok=True)
        self._await(name, ("ready",), within_seconds)

    def down(self, within_seconds: float = 120.0) -> bool:
        """Tell the supervisor to stop everything and wait; False if there is none."""
        supervisor = self._record.supervisor()
        if supervisor is None:
            return False
        supervisor.terminate()
        supervisor.await_end(within_seconds)
        return True

    def token(self, organisation: str, duty: str, **optional: str) -> str:
        """A bearer token from the stack's issuer. `optional`: person, expires_in."""
        form = {
            "grant_type": "client_credentials",
            "client_id": f"{organisation}:{duty}",
            "client_secret": self.settings.credentials.client_secret(),
            **optional,
        }
        try:
            answer = httpx.post(f"{self.settings.url('issuer')}/token", data=form, trust_env=False)
        except httpx.TransportError as error:
            raise Trouble("The issuer does not answer: start the stack with `make up`.") from error
        document: Mapping[str, Any] = answer.json()
        if answer.status_code != 200:
            raise Trouble(f"The issuer refused: {document.get('error_description', document['error'])}.")
        return str(document["access_token"])

    def page_link(self, programme: str, organisation: str, duty: str) -> str:
        """A new one-use link to the live page of the programme. Raises Trouble when the stream gives none."""
        headers = {
            "Authorization": f"Bearer {self.token(organisation, duty)}",
            "Idempotency-Key": secrets.token_hex(12),
        }
        url = f"{self.settings.url('outcome-stream')}/programmes/{programme}/page-links"
        try:
            answer = httpx.post(url, headers=headers, timeout=10, trust_env=False)
        except httpx.HTTPError as error:
            raise Trouble("The stream of figures does not answer: start the stack with `make up`.") from error
        document: Mapping[str, Any] = answer.json()
        if answer.status_code != 201:
            raise Trouble(f"The stream gives no link: {document['detail']}")
        return str(document["url"])

    def progress(self, name: str) -> Mapping[str, Any] | None:
        """What a consumer says of itself at /progress; None when it does not answer, or does not know all of it."""
        told = self.told(name)
        return None if told is None or told.get("unanswered") else told

    def told(self, name: str) -> Mapping[str, Any] | None:
        """The same, with None for what it cannot know now: `unanswered` says because of whom. None: no answer."""
        try:
            answer = httpx.get(f"{self.settings.health_url(name)}/progress", timeout=5.0, trust_env=False)
            document: Mapping[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            return None
        return document if "unanswered" in document else None

    def is_ready(self, name: str) -> bool:
        """Whether a process answers 200 at /readyz now."""
        try:
            return (
                httpx.get(
                    f"{self.settings.health_url(name)}/readyz", timeout=2.0, trust_env=False
                ).status_code
                == 200
            )
        except httpx.HTTPError:
            return False

    def _entry(self, name: str) -> Entry:
        entries = self.entries()
        if not self.is_up() or name not in entries:
            raise Trouble(
                f"There is no process {name!r}; there are: {', '.join(entries) or 'none (run `make up`)'}."
            )
        return entries[name]

    def _await(self, name: str, states: tuple[str, ...], within_seconds: float) -> None:
        give_up_at = time.monotonic() + within_seconds
        while self._entry(name).state not in states:
            if time.monotonic() > give_up_at:
                raise Trouble(f"{name} was not {' or '.join(states)} within {within_seconds:.0f} s.")
            time.sleep(0.05)
