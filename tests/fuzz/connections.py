"""Connections that are never finished, or slowly, or by the hundred: while honest requests are answered."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from tests.fuzz.findings import Outcome
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.judging import judge
from tests.fuzz.wire import NoAnswer, Reply, answer, connected
from tests.fuzz.world import PROVIDER, REPORTER, Who, World
from tools.stack.settings import root_of

HEAD_SECONDS, BODY_SECONDS = 10.0, 30.0
"""What a whole head and a whole body may take."""
SLACK_SECONDS = 8.0
HONEST_SECONDS = 6.0
"""Of an honest request beside them, on a machine that has others to serve."""
LOOKS = 3
PROCESSES = ("intake-web", "activity-tracking-web", "outcome-stream")
ROUTES = {"intake-web": "/programmes", "activity-tracking-web": "", "outcome-stream": "/programmes/coactive"}


@dataclass(frozen=True, slots=True)
class Hold:
    """So many connections of one manner. seconds: how long they are held; source: the address they come from."""

    process: str
    manner: str
    count: int
    seconds: float
    source: str = "127.0.0.77"
    beyond: bool = False
    """Whether they are held past the limit, and must have been closed."""

    def simpler(self) -> Iterator[Hold]:
        """With half as many connections."""
        if self.count > 1 and not self.beyond:
            yield replace(self, count=self.count // 2)

    def __str__(self) -> str:
        held = f"held {self.seconds:.0f} s from {self.source}"
        return f"{self.count} connections to {self.process}: {self.manner}, {held}"


class Connections(Fuzzer[Hold]):
    """Whatever connections do, a process answers others in time, and closes what is not finished in its limits."""

    name: ClassVar[str] = "connections"

    def __init__(self, world: World, chance: random.Random) -> None:
        super().__init__(world, chance)
        self._journey = world.at("started").journey

    # --- what is sent --------------------------------------------------------------------------------

    def known(self) -> Sequence[Hold]:
        """Forty unfinished heads, forty unfinished bodies, three hundred connections without a byte."""
        return [
            Hold("intake-web", "unfinished head", 40, 1.5),
            Hold("activity-tracking-web", "unfinished body", 40, 1.5),
            Hold("outcome-stream", "no byte", 300, 1.5),
            Hold("intake-web", "unfinished head", 12, HEAD_SECONDS + SLACK_SECONDS, beyond=True),
        ]

    def generated(self) -> Hold:
        """Any manner, in any number, to any process; sometimes for longer than is allowed."""
        manner = self.chance.choice(list(MANNERS))
        process = self.chance.choice(PROCESSES)
        source = f"127.0.0.{self.chance.randint(60, 250)}"
        if self.chance.random() < 0.1 and manner in BEYOND:
            return Hold(process, manner, 20, BEYOND[manner] + SLACK_SECONDS, source, beyond=True)
        if manner in ANSWERED:
            # Each is real work, as much as the callers' limits let through: that is load, and no unfinished connection.
            return Hold(process, manner, self.chance.choice((1, 5, 20)), 1, source)
        return Hold(
            process, manner, self.chance.choice((1, 5, 40, 200, 400)), self.chance.choice((0.5, 1, 3)), source
        )

    # --- what comes of it ----------------------------------------------------------------------------

    def attempt(self, trials: Sequence[Hold]) -> Outcome:
        """Hold each, and ask honestly meanwhile."""
        outcome = Outcome()
        for hold in trials:
            self._attempt(hold, outcome)
        return outcome

    def _attempt(self, hold: Hold, outcome: Outcome) -> None:
        lines = self._opened(hold)
        stop = threading.Event()
        dripping = threading.Thread(target=drip, args=(lines, stop), daemon=True)
        if hold.manner.startswith("drip"):
            dripping.start()
        try:
            for look in range(LOOKS):
                self._ask(hold, outcome)
                if look + 1 < LOOKS:
                    stop.wait(hold.seconds / (LOOKS - 1))
            if hold.beyond:
                still = sum(is_open(line) for line in lines)
                if still:
                    outcome.problem(
                        f"{hold.manner} kept open",
                        f"{still} of {len(lines)} after {hold.seconds:.0f} s by {hold.process}",
                    )
            elif hold.manner in ANSWERED:
                self._read(hold, lines, outcome)
        finally:
            stop.set()
            if dripping.is_alive():
                dripping.join(5)
            for line in lines:
                line.close()

    def _opened(self, hold: Hold) -> list[socket.socket]:
        """Those that the process, or the machine, lets in."""
        port = self.world.stack.settings.port(hold.process)
        said = (
            MANNERS[hold.manner]
            .replace(b"{token}", self._token(hold.process).encode())
            .replace(b"{target}", self._target(hold.process).encode())
        )
        lines = []
        for _ in range(hold.count):
            with suppress(OSError):
                line = connected(port, hold.source, 2.0)
                lines.append(line)
                line.sendall(said)
        return lines

    @staticmethod
    def _reader(process: str) -> Who:
        return REPORTER if process == "outcome-stream" else PROVIDER

    def _token(self, process: str) -> str:
        return self.world.token(self._reader(process))

    def _target(self, process: str) -> str:
        return root_of(process) + (ROUTES[process] or f"/journeys/{self._journey}")

    def _ask(self, hold: Hold, outcome: Outcome) -> None:
        """An honest request and the probes, from another address."""
        try:
            sent = self.world.request("GET", self._target(hold.process), self._reader(hold.process))
            port = self.world.stack.settings.port(hold.process)
            reply = self.world.send_anew(port, sent, HONEST_SECONDS)
        except NoAnswer as silent:
            outcome.failed += 1
            outcome.problem(f"no answer beside connections: {hold.manner}", f"{hold.process}: {silent}")
        else:
            judge(reply, f"{hold.process} beside {hold.manner}", outcome)
        if not self.world.is_healthy(hold.process, HONEST_SECONDS):
            outcome.problem(f"not healthy beside connections: {hold.manner}", hold.process)

    def _read(self, hold: Hold, lines: Sequence[socket.socket], outcome: Outcome) -> None:
        """What was finished must be answered, if it was let in at all."""
        answered: list[Reply] = []
        for line in lines[:20]:
            line.settimeout(HONEST_SECONDS)
            with suppress(OSError, http.client.HTTPException):
                answered.append(answer(line, time.monotonic())[0])
        for reply in answered:
            if reply.status != 400 or "html" not in reply.headers.get("content-type", ""):
                judge(reply, f"{hold.process}: {hold.manner}", outcome)


def drip(lines: Sequence[socket.socket], stop: threading.Event) -> None:
    """A byte on each line, again and again, until told to stop."""
    while not stop.wait(0.4):
        for line in lines:
            with suppress(OSError):
                line.sendall(b"x")


def is_open(line: socket.socket) -> bool:
    """Whether the other side still holds the connection."""
    line.setblocking(False)
    try:
        while line.recv(65536):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


_GET = b"GET {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
_POST = (
    b"POST {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    b"Content-Type: application/json\r\nIdempotency-Key: k\r\n"
)
MANNERS: dict[str, bytes] = {
    "no byte": b"",
    "one byte": b"G",
    "unfinished head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "unfinished head with a token": _GET,
    "drip of a head": _GET + b"X-Long: ",
    "unfinished body": _POST + b"Content-Length: 20000\r\n\r\n{",
    "drip of a body": _POST + b"Content-Length: 20000\r\n\r\n{",
    "unfinished pieces": _POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    "bad pieces": _POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a huge piece": _POST + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{",
    "both lengths": _POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "pipelined": (_GET + b"\r\n") * 20,
    "whole": _GET + b"\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "a long head": _GET + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n",
    "many headers": _GET + b"".join(b"X-%d: x\r\n" % one for one in range(500)) + b"\r\n",
}
"""What each connection says at first, by manner."""
ANSWERED = frozenset({"whole", "pipelined"})
BEYOND = {
    "one byte": HEAD_SECONDS,
    "unfinished head": HEAD_SECONDS,
    "unfinished head with a token": HEAD_SECONDS,
    "drip of a head": HEAD_SECONDS,
    "unfinished body": BODY_SECONDS,
    "drip of a body": BODY_SECONDS,
    "unfinished pieces": BODY_SECONDS,
}
"""After how many seconds each must have been closed."""
