"""Requests to the operators' routes. A change is repeated under its own key while the platform does not answer."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx

from clients.operator.surroundings import Surroundings
from clients.operator.trouble import NO_ANSWER, REFUSED, Trouble

TIMEOUT_SECONDS = 40.0
"""Longer than the longest transaction of a service."""
TRIES = 3
PAUSE_SECONDS = 1.0
ROOT = "/v1"
"""The version of the API that this client speaks."""
AGAIN = frozenset({502, 503, 504})


class Wire:
    """Speaks with the services. Blocks; every request may be repeated safely."""

    def __init__(
        self,
        surroundings: Surroundings,
        client: httpx.Client | None = None,
        *,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self.services = tuple(surroundings.urls)
        self._surroundings = surroundings
        self._pause_seconds = pause_seconds
        self._client = client or httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)

    def get(self, service: str, path: str, **query: Any) -> dict[str, Any]:
        """What the service answers. Raises Trouble when it refuses or does not answer."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._asked(service, "GET", path, params=asked)

    def post(self, service: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What the change came to; done once, however often it has to be sent. Raises Trouble."""
        return self._asked(service, "POST", path, json=dict(body), headers={"Idempotency-Key": uuid4().hex})

    def pages(self, service: str, path: str, field: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every row of a list, page after page. Raises Trouble."""
        cursor: str | None = None
        while True:
            answer = self.get(service, path, cursor=cursor, **query)
            yield from answer[field]
            cursor = answer["next_cursor"]
            if cursor is None:
                return

    def holder(self, path: str) -> tuple[str, dict[str, Any]]:
        """The one service that knows what the path names, and its answer. Raises Trouble when none does."""
        for service in self.services:
            answer = self._send(service, "GET", path)
            if answer.status_code == 200:
                return service, answer.json()
            if answer.status_code != 404:
                raise _refused(service, answer)
        raise Trouble(
            f"None of {', '.join(self.services)} knows it; it may have been mended already.", REFUSED
        )

    def _asked(self, service: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._send(service, method, path, **options)
        if answer.status_code >= 300:
            raise _refused(service, answer)
        found: dict[str, Any] = answer.json()
        return found

    def _send(self, service: str, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._surroundings.token}", **options.pop("headers", {})}
        if self._surroundings.acting_as:
            headers["Acting-As"] = self._surroundings.acting_as
        url = f"{self._surroundings.urls[service]}{ROOT}{path}"
        why, code = "", None
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self._pause_seconds)
            try:
                answer = self._client.request(method, url, headers=headers, **options)
            except httpx.TransportError as error:
                why, code = type(error).__name__, None
                continue
            if answer.status_code not in AGAIN:
                return answer
            why, code = f"it answers {answer.status_code}: {_detail(answer)}", _code(answer)
        raise Trouble(
            f"{service} at {self._surroundings.urls[service]} does not answer: {why}", NO_ANSWER, code
        )


def _refused(service: str, answer: httpx.Response) -> Trouble:
    return Trouble(f"{service} refused: {_detail(answer)}", REFUSED)


def _code(answer: httpx.Response) -> str | None:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _detail(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
        errors = f" {problem['errors']}" if problem.get("errors") else ""
        return f"{problem['code']}: {problem['detail']}{errors}"
    except (ValueError, KeyError):
        return f"HTTP {answer.status_code}"
