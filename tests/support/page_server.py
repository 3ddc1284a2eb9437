"""Serves the real page on made-up figures: `python -m tests.support.page_server [port] [day] [days per step]`.

Everything but the data and the issuer is the real thing: routes, login, stream, texts, disclosure. Login links are
printed; each works once.
"""

import asyncio
import contextlib
import itertools
import secrets
import socket
import sys
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Self, get_args

import msgspec
import yaml
from starlette.routing import Mount

from services.outcome.figures import report
from services.outcome.stream.hub import Hub
from services.outcome.stream.logins import LINK_LIFE, SESSION_LIFE, Login
from services.outcome.stream.pages import read_pages
from services.outcome.stream.reader import Reader, Wakeup
from services.outcome.stream.routes import Edge
from services.outcome.stream.server import Connections, Server, make_server
from services.outcome.stream.snapshot import Reading, Snapshot
from shared.edge.acting import Held, Shown
from shared.edge.callers import Admission, Seats
from shared.edge.interface import NO_CONTACT
from shared.edge.mount import ROOT
from shared.language.access import Actor, Duty
from shared.language.errors import Forbidden
from shared.language.programmes import Programme
from shared.runtime.settings import Allowance
from tests.support.cohort import make_cohort
from tests.support.fakes import UNLIMITED, NamedTokens, RealTime
from tests.support.published import FakeProgrammes, FakePublished

STEERING = Actor("steering-member", "styrgruppen", "owner")
COACTIVE = Path(__file__).parents[2] / "programmes" / "coactive.yaml"
CHANGES = (
    "journey.intake.referral-received.v1",
    "journey.activity-tracking.session-logged.v1",
    "journey.handover.handover-accepted.v1",
    "journey.activity-tracking.goal-reached.v1",
    "journey.outcome.follow-up-answered.v1",
    "journey.intake.journey-started.v1",
    "journey.activity-tracking.output-logged.v1",
)


def read_programme(path: Path = COACTIVE) -> Programme:
    """The programme in that file."""
    return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Programme)


class FakeLogins:
    """Satisfies `Logins` in memory, with a clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._links: dict[str, Login] = {}
        self._sessions: dict[str, Login] = {}
        self._token_ends: dict[str, datetime] = {}

    def issue_link(self, shown: Shown, programme: str) -> str:
        """A new link."""
        secret = secrets.token_urlsafe(8)
        self._links[secret] = Login(actor=shown.actor, programme=programme, expires_at=self.now + LINK_LIFE)
        self._token_ends[secret] = shown.expires_at
        return secret

    def link_works(self, secret: str) -> bool:
        """Whether it could be used now."""
        link = self._links.get(secret)
        return link is not None and self.now < link.expires_at

    def redeem_link(self, secret: str) -> tuple[str, Login] | None:
        """The session in exchange, once."""
        link = self._links.pop(secret, None)
        if link is None or link.expires_at <= self.now:
            return None
        session = secrets.token_urlsafe(8)
        # A stream lasts as long as its session in real time.
        ends_at = min(datetime.now(UTC) + SESSION_LIFE, self._token_ends[secret])
        self._sessions[session] = replace(link, expires_at=ends_at)
        return session, self._sessions[session]

    def session(self, secret: str) -> Login | None:
        """What the session opens."""
        return self._sessions.get(secret)

    def end_session(self, secret: str) -> None:
        """It opens nothing from now on."""
        self._sessions.pop(secret, None)


class FakeTokens:
    """Satisfies `Shower`: tokens are names, with the seconds that they last after a colon.

    Or `<organisation>:<duty>`, as elsewhere.
    """

    def __init__(self, **actors: Actor) -> None:
        self._actors = actors

    def show(self, token: str) -> Held:
        """The actor of that name."""
        name, _, seconds = token.partition(":")
        if "+" in token or seconds in get_args(Duty):
            return NamedTokens().show(token)
        if name not in self._actors:
            raise Forbidden("unauthenticated", "The bearer token was refused.")
        one = shown(self._actors[name], float(seconds or 24 * 3600))
        return Held((one.actor,), one.expires_at)


def shown(actor: Actor, seconds: float = 24 * 3600) -> Shown:
    """What a token shows that lasts so long."""
    return Shown(actor, datetime.now(UTC) + timedelta(seconds=seconds))


class MovingFigures:
    """Satisfies `Source`: a cohort on a day that moves on when told."""

    def __init__(self, programme: Programme, day: date) -> None:
        self.programme = programme
        self.day = day
        self._cohort = make_cohort()
        self._moved = threading.Event()
        self._moments = itertools.count(1)

    def move(self, days: int) -> None:
        """Let days pass and wake the reader."""
        self.day += timedelta(days=days)
        self._moved.set()

    def watch(self) -> AbstractContextManager[Wakeup]:
        """Listen from now on."""
        self._moved.clear()
        return contextlib.nullcontext(self)

    def wait(self, seconds: float) -> None:
        """Until the day moves."""
        self._moved.wait(min(seconds, 0.5))

    def read(self) -> Sequence[Reading]:
        """The figures of the day."""
        as_of = datetime.combine(self.day, time(14), UTC)
        exact = report.build(self._cohort.cells_on(self.day), self.programme, as_of)
        number = self.day.toordinal()
        newest: list[dict[str, Any]] = [
            {"type": CHANGES[(number - age) % len(CHANGES)], "recorded_at": as_of - timedelta(hours=7 * age)}
            for age in range(9)
        ]
        return [
            Reading(
                programme=self.programme,
                moment=next(self._moments),
                as_of=as_of,
                exact=exact,
                newest=newest,
            )
        ]


class PageServer:
    """The source with its server and its reader; used as a context, it serves in threads of its own."""

    def __init__(
        self, source: MovingFigures, port: int = 0, allowance: Allowance = UNLIMITED, public_url: str = ""
    ) -> None:
        self.source = source
        port = port or free_port()
        self.logins = FakeLogins()
        self.hub = Hub()
        self._loops: list[asyncio.AbstractEventLoop] = []
        self._stop = threading.Event()
        self._opened = threading.Event()
        connections = Connections()
        app = make_edge(
            source, self.hub, connections, self.logins, public_url or f"http://127.0.0.1:{port}", allowance
        ).app()
        (self.mount,) = (one for one in app.routes if isinstance(one, Mount))
        self.server: Server = make_server(app, self.hub, connections, "127.0.0.1", port, self._begin)
        self._reader = Reader(source, [self._show], self._stop, most_rest_seconds=0.05)
        self._threads = [threading.Thread(target=self.server.run), threading.Thread(target=self._reader.run)]

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loops.append(loop)
        self._threads[1].start()
        self._opened.set()

    def _show(self, snapshot: Snapshot) -> None:
        self._loops[0].call_soon_threadsafe(self.hub.publish, snapshot)

    @property
    def origin(self) -> str:
        """Where it is served: `http://host:port`."""
        host, port = self.server.servers[0].sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def address(self) -> str:
        """The address below which its routes are."""
        return f"{self.origin}{ROOT}"

    def secret(self) -> str:
        """The secret of a session that a member of the steering group has opened."""
        redeemed = self.logins.redeem_link(self.logins.issue_link(shown(STEERING), self.source.programme.id))
        if redeemed is None:
            raise LookupError("The link was refused.")
        return redeemed[0]

    def link(self) -> str:
        """A new login link for a member of the steering group."""
        return (
            f"{self.address}/login?code={self.logins.issue_link(shown(STEERING), self.source.programme.id)}"
        )

    def __enter__(self) -> Self:
        self._threads[0].start()
        if not self._opened.wait(10):
            raise TimeoutError("The source did not open.")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; again is no error."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._loops[0].call_soon_threadsafe(self.hub.close)
        self.server.should_exit = True
        for thread in self._threads:
            thread.join(10)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_edge(
    source: MovingFigures,
    hub: Hub,
    connections: Connections,
    logins: FakeLogins,
    public_url: str,
    allowance: Allowance,
) -> Edge:
    """The real routes on the source."""
    tokens = FakeTokens(
        steering=STEERING,
        stranger=Actor("x", "hotell-statt", "owner"),
        operator=Actor("x", "styrgruppen", "operator"),
    )
    return Edge(
        hub=hub,
        logins=logins,
        admission=Admission(tokens, allowance),
        seats=Seats(allowance),
        public_url=public_url,
        contact=NO_CONTACT,
        published=FakePublished(FakeProgrammes(source.programme)),
        clock=RealTime(),
        pages=read_pages(),
        cut=connections.cut,
        now=lambda: datetime.now(UTC),
    )


def main() -> None:
    """Serve until Ctrl-C; the day moves on every second."""
    arguments = sys.argv[1:]
    port = int(arguments[0]) if arguments else 8700
    source = MovingFigures(
        read_programme(), date.fromisoformat(arguments[1]) if len(arguments) > 1 else date(2017, 5, 1)
    )
    days = int(arguments[2]) if len(arguments) > 2 else 6
    pause = threading.Event()
    with PageServer(source, port) as page_server, contextlib.suppress(KeyboardInterrupt):
        for _ in range(9):
            print(page_server.link(), flush=True)
        while not pause.wait(1):
            source.move(days if source.day < source.programme.ends_on else 0)


if __name__ == "__main__":
    main()
