"""How a browser gets in: a one-use link, and the session it is exchanged for.

EventSource sends no bearer token, so somebody with a token asks for a link, and whoever uses it first gets a cookie.
Neither outlives that token. Only hashes are stored; what is past its time is refused at once and removed by MongoDB
later. All times here are real time, also where the business clock is driven.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from pymongo import ASCENDING, IndexModel
from pymongo.database import Database

from shared.edge.acting import Shown
from shared.language.access import Actor

LINK_LIFE = timedelta(minutes=5)
SESSION_LIFE = timedelta(hours=12)
"""The longest that a session lasts; it ends with the token that the link was asked for with, if that is sooner."""
SECRET_BYTES = 32

INDEXES: dict[str, list[IndexModel]] = {
    # links and sessions are forgotten when their time has passed
    "page_links": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    "page_sessions": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who may see which programme's page, until when (UTC). The role map is asked again at every request."""

    actor: Actor
    programme: str
    expires_at: datetime


class Logins(Protocol):
    """Links and sessions. Every method may block; secrets are never stored as they are."""

    def issue_link(self, shown: Shown, programme: str) -> str:
        """The secret of a new one-use link, asked for with that token."""

    def link_works(self, secret: str) -> bool:
        """Whether the link could be used now. Uses nothing up."""

    def redeem_link(self, secret: str) -> tuple[str, Login] | None:
        """The secret of a new session, and what it opens; None when the link is spent, too old or unknown."""

    def session(self, secret: str) -> Login | None:
        """What the session opens, while it lasts."""

    def end_session(self, secret: str) -> None:
        """Let the session open nothing from now on. Safe to repeat."""


class StoredLogins:
    """Satisfies `Logins` in outcome's database.

    now: real time, UTC. new_secret: a random text that nobody can guess, of at least so many bytes.
    """

    def __init__(
        self,
        database: Database[dict[str, Any]],
        now: Callable[[], datetime],
        new_secret: Callable[[int], str],
    ) -> None:
        self._links = database["page_links"]
        self._sessions = database["page_sessions"]
        self._now = now
        self._new_secret = new_secret

    def issue_link(self, shown: Shown, programme: str) -> str:
        """Store a link and return its secret. A repeated call gives another link."""
        secret = self._new_secret(SECRET_BYTES)
        ends_at = min(self._now() + LINK_LIFE, shown.expires_at)
        document = _document(secret, shown.actor, programme, ends_at)
        self._links.insert_one({**document, "token_ends_at": shown.expires_at})
        return secret

    def link_works(self, secret: str) -> bool:
        """Whether the link could be used now."""
        return self._current(self._links.find_one({"_id": hashed(secret)})) is not None

    def redeem_link(self, secret: str) -> tuple[str, Login] | None:
        """Exchange the link, once however many open it at the same moment."""
        found = self._links.find_one_and_delete({"_id": hashed(secret)})
        link = self._current(found)
        if found is None or link is None:
            return None
        session = self._new_secret(SECRET_BYTES)
        ends_at = min(self._now() + SESSION_LIFE, found["token_ends_at"])
        document = _document(session, link.actor, link.programme, ends_at)
        self._sessions.insert_one(document)
        return session, _login(document)

    def session(self, secret: str) -> Login | None:
        """What the session opens."""
        return self._current(self._sessions.find_one({"_id": hashed(secret)}))

    def end_session(self, secret: str) -> None:
        """Forget the session."""
        self._sessions.delete_one({"_id": hashed(secret)})

    def _current(self, found: Mapping[str, Any] | None) -> Login | None:
        login = None if found is None else _login(found)
        return login if login is not None and self._now() < login.expires_at else None


def hashed(secret: str) -> str:
    """What is stored in a secret's place: the secrets are random and long, so a plain SHA-256 does."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _document(secret: str, actor: Actor, programme: str, expires_at: datetime) -> dict[str, Any]:
    return {
        "_id": hashed(secret),
        "actor": msgspec.to_builtins(actor),
        "programme": programme,
        "expires_at": expires_at,
    }


def _login(document: Mapping[str, Any]) -> Login:
    actor = msgspec.convert(document["actor"], Actor)
    return Login(actor=actor, programme=document["programme"], expires_at=document["expires_at"])
