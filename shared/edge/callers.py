"""Authentication and rate limits, once for every role: the token, and the limits of its person and organisation.

Limits are counted in this process alone, so n replicas together allow n times as much. A limit bounds the share of
one process that one client can use.
"""

import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from shared.edge.acting import Held, Shown
from shared.edge.issuers import issuers_of
from shared.language.access import Actor
from shared.language.errors import Forbidden, Later, Refused
from shared.runtime.settings import Allowance, Settings

BURST_SECONDS = 10.0
"""The requests of this many seconds may arrive at once."""
BUCKETS = 10_000
"""Clients that are remembered. The one seen longest ago is forgotten first; its bucket is full by then."""


_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]{1,5})?", re.ASCII)
"""An address as some proxies write it: IPv4 with a port, IPv6 in brackets with or without one."""


class Shower(Protocol):
    """Checks a bearer token; may block. Raises Forbidden("unauthenticated"), Later."""

    def show(self, token: str) -> Held:
        """What the token holds."""


class Buckets:
    """Token buckets by client. Thread-safe; bounded."""

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = max(1.0, per_second * BURST_SECONDS)
        self._now = now
        self._lock = threading.Lock()
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """0.0 when the request may pass, else the seconds until one may."""
        if self._per_second <= 0:
            return 0.0
        with self._lock:
            now = self._now()
            level, at = self._levels.pop(client, (self._burst, now))
            level = min(self._burst, level + (now - at) * self._per_second)
            passes = level >= 1
            self._levels[client] = (level - 1 if passes else level, now)
            if len(self._levels) > BUCKETS:
                self._levels.popitem(last=False)
            return 0.0 if passes else (1 - level) / self._per_second


class Proxies:
    """The addresses whose `X-Forwarded-For` counts: those of our own proxy; none unless set."""

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [ipaddress.ip_network(one, strict=False) for one in networks]

    def __contains__(self, address: object) -> bool:
        parsed = _parsed(str(address))
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the peer, or what our own proxy says; of IPv6 the network that one client has."""
        address = peer
        for said in reversed([one.strip() for one in forwarded_for.split(",")] if forwarded_for else []):
            if address not in self:
                break
            address = _bare(said)
        parsed = _parsed(address)
        if parsed is None:
            return peer
        return str(ipaddress.ip_network((parsed, 64), strict=False) if parsed.version == 6 else parsed)


def _bare(said: str) -> str:
    """The address without brackets and port."""
    found = _WITH_PORT.fullmatch(said)
    return said if found is None else found[1] or found[2]


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address. An IPv4 one that a socket for both writes as IPv6 is itself, or all of those were one /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if parsed.version == 6 else parsed


class Admission:
    """Admits callers with a valid token that are within their rate limits."""

    def __init__(
        self, tokens: Shower, allowance: Allowance | None = None, proxies: Proxies | None = None
    ) -> None:
        allowance = allowance or Allowance()
        self._tokens = tokens
        self._proxies = proxies or Proxies(())
        self._persons = Buckets(allowance.per_person)
        self._organisations = Buckets(allowance.per_organisation)
        self._addresses = Buckets(allowance.per_address)

    def admit(self, authorization: str, peer: str, forwarded_for: str, acting_as: str = "") -> Shown:
        """Return the one of the caller's bearer token that the request acts as. May block as `Tokens.show` does.

        acting_as: the header that names it, or nothing. Raises as `Tokens.show` and `Held.acting`, Forbidden
        ("unauthenticated") without a token, and Later("too-many-requests").
        """
        scheme, _, token = authorization.partition(" ")
        try:
            if scheme.lower() != "bearer" or not token.strip():
                raise Forbidden("unauthenticated", "Send a bearer token.")
            shown = self._tokens.show(token.strip()).acting(acting_as)
        except Refused:
            self.admit_anybody(peer, forwarded_for)
            raise
        self.admit_actor(shown.actor)
        return shown

    def admit_anybody(self, peer: str, forwarded_for: str) -> None:
        """Count a request without a valid token against its address. Raises Later."""
        _refuse_for(self._addresses.take(self._proxies.client(peer, forwarded_for)), "address")

    def admit_actor(self, actor: Actor) -> None:
        """Count a request of this person and organisation. Raises Later."""
        _refuse_for(self._persons.take(f"{actor.organisation} {actor.person}"), "person")
        _refuse_for(self._organisations.take(actor.organisation), "organisation")


def admission_of(settings: Settings) -> Admission:
    """The admission of a process that answers callers."""
    return Admission(issuers_of(settings), settings.allowance, Proxies(settings.trusted_proxies))


class Seats:
    """Counts the connections that a person and an organisation hold open at once. Thread-safe."""

    def __init__(self, allowance: Allowance) -> None:
        self._most = (allowance.streams_per_person, allowance.streams_per_organisation)
        self._lock = threading.Lock()
        self._taken: dict[str, int] = {}

    def take(self, actor: Actor) -> Callable[[], None]:
        """Take a seat; returns how to give it back. Raises Later when all are taken."""
        keys = (f"{actor.organisation} {actor.person}", actor.organisation)
        with self._lock:
            for key, most, whose in zip(keys, self._most, ("person", "organisation"), strict=True):
                if 0 < most <= self._taken.get(key, 0):
                    raise Later(
                        "too-many-requests",
                        f"The {whose} has as many streams open as it may.",
                        retry_after_seconds=30,
                    )
            for key in keys:
                self._taken[key] = self._taken.get(key, 0) + 1
        return lambda: self._give_back(keys)

    def _give_back(self, keys: tuple[str, str]) -> None:
        with self._lock:
            for key in keys:
                self._taken[key] -= 1
                if not self._taken[key]:
                    del self._taken[key]


def _refuse_for(seconds: float, whose: str) -> None:
    if seconds > 0:
        raise Later(
            "too-many-requests",
            f"The {whose} has asked more often than it may.",
            retry_after_seconds=max(1, round(seconds)),
        )
