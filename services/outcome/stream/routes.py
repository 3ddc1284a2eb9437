"""The edge of the stream role: who may see which programme's figures, and in which form.

A request is let in by a bearer token or by the cookie of a login link; either way the role map decides, at every
request, whether that organisation may read the report.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import orjson
import structlog
from pymongo.errors import PyMongoError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from services.outcome.stream import pages as p
from services.outcome.stream.figures_stream import FiguresStream
from services.outcome.stream.hub import Hub
from services.outcome.stream.logins import SESSION_LIFE, Login, Logins
from services.outcome.stream.snapshot import resumed_version
from shared.access import Actor, authorise_in
from shared.errors import CODES, Forbidden, Invalid, Refused, Unknown
from shared.problems import problem
from shared.programmes import Action, Programme, Programmes
from shared.telemetry import start_trace

COOKIE = "page_session"
TOKEN_LIFE = timedelta(hours=1)
"""How long a stream opened with a bearer token lasts before the token must be shown again."""
BODY_LIMIT_BYTES = 64 * 1024
IDEMPOTENCY_KEY = re.compile(r"^[\x21-\x7e]{1,200}$")
STATIC_SECONDS = 300

log = structlog.get_logger()
Answer = Callable[[Request], Awaitable[Response | ASGIApp]]

ACTIONS: Mapping[str, Action] = {
    "POST /programmes/{programme}/page-links": "read_report",
    "GET /programmes/{programme}": "read_report",
    "GET /programmes/{programme}/figures": "read_report",
}
"""What each route takes. GET /login takes its one-use secret; static files and texts are open."""


class Verifier(Protocol):
    """Checks a bearer token; may block. Raises Forbidden("unauthenticated")."""

    def verify(self, token: str) -> Actor:
        """The actor whom the token names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The routes and what they rest on.

    now: real time, UTC. public_url: where browsers reach this process, when that is not the address they ask.
    """

    hub: Hub
    logins: Logins
    tokens: Verifier
    programmes: Programmes
    pages: p.Pages
    cut: Callable[[Scope], None]
    now: Callable[[], datetime]
    public_url: str | None = None

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/programmes/{programme}", self.page),
            Route("/programmes/{programme}/figures", self.figures),
            Route("/programmes/{programme}/page-links", self.page_link, methods=["POST"]),
            Route("/login", self.login),
            Mount("/static", _Kept(directory=p.STATIC)),
            Mount("/texts", _Kept(directory=p.TEXTS)),
        ]
        handlers: dict[Any, Any] = {
            Refused: self.refused,
            PyMongoError: self.busy,
            HTTPException: self.unroutable,
            Exception: self.failed,
        }
        return Starlette(routes=routes, exception_handlers=handlers)

    async def page(self, request: Request) -> Response:
        """The page of a programme, or what to do to see it."""
        start_trace(request.headers.get("traceparent", ""))
        lang = p.language(request.query_params.get("lang"))
        login = await self._cookie_login(request)
        if login is None and not request.headers.get("authorization"):
            # A strict cookie is left out when another site's link led here; one turn on our own brings it.
            elsewhere = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
            onward = str(request.url.replace(scheme="", netloc="")) if elsewhere else None
            return self._notice("opening" if onward else "sign-in", lang, 401, onward)
        try:
            programme, _ = await self._admit(request, login)
        except Refused as refused:
            notice: p.Notice = "not-found" if isinstance(refused, Unknown) else "forbidden"
            if refused.code == "unauthenticated":
                notice = "sign-in"
            return self._notice(notice, lang, CODES[refused.code].status)
        return HTMLResponse(self.pages.programme(programme, lang), headers=p.HEADERS)

    async def figures(self, request: Request) -> FiguresStream:
        """The stream of snapshots; resumes after Last-Event-ID."""
        start_trace(request.headers.get("traceparent", ""))
        programme, until = await self._admit(request, await self._cookie_login(request))
        return FiguresStream(
            self.hub,
            programme.id,
            version=resumed_version(request.headers.get("last-event-id")),
            seconds=(until - self.now()).total_seconds(),
            cut=self.cut,
        )

    async def page_link(self, request: Request) -> Response:
        """A one-use link to the page. Repeating the request gives another: the first is stored nowhere."""
        start_trace(request.headers.get("traceparent", ""))
        actor = await self._bearer(request)
        if not IDEMPOTENCY_KEY.match(request.headers.get("idempotency-key", "")):
            raise Refused("idempotency-key-missing", "Name the request in an Idempotency-Key header.")
        await _refuse_content(request)
        programme = await self._readable(actor, request.path_params["programme"])
        secret = await run_in_threadpool(self.logins.issue_link, actor, programme.id)
        base = self.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(
            {"url": f"{base}/login?code={secret}"}, 201, headers={"cache-control": "no-store"}
        )

    async def login(self, request: Request) -> Response:
        """Exchange a link for a session and go on to the page."""
        start_trace(request.headers.get("traceparent", ""))
        code = request.query_params.get("code", "")
        redeemed = await run_in_threadpool(self.logins.redeem_link, code) if code else None
        if redeemed is None:
            return self._notice("link-spent", p.language(request.query_params.get("lang")), 401)
        secret, login = redeemed
        path = f"/programmes/{login.programme}"
        response = RedirectResponse(path, 303, headers=p.HEADERS)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=int(SESSION_LIFE.total_seconds()),
            path=path,
            httponly=True,
            samesite="strict",
            secure=(self.public_url or str(request.url)).startswith("https:"),
        )
        return response

    async def refused(self, request: Request, error: Exception) -> Response:
        """The caller must act."""
        assert isinstance(error, Refused)
        return _problem(error.code, error.detail, error.errors, error.retry_after_seconds)

    async def busy(self, request: Request, error: Exception) -> Response:
        """The database did not answer."""
        log.warning("busy", error=type(error).__name__)
        return _problem("busy", "Nothing was stored; the same request again is safe.")

    async def unroutable(self, request: Request, error: Exception) -> Response:
        """No such route, or not this method of it."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == 404 and "text/html" in request.headers.get("accept", ""):
            return self._notice("not-found", p.language(request.query_params.get("lang")), 404)
        code = "method-not-allowed" if status == 405 else "unknown-route"
        return _problem(code, CODES[code].title)

    async def failed(self, request: Request, error: Exception) -> Response:
        """The platform is at fault."""
        log.error("failed", error=type(error).__name__, exc_info=error)
        return _problem("internal", "Tell the operator the trace id.")

    async def _admit(self, request: Request, login: Login | None) -> tuple[Programme, datetime]:
        """The programme asked for, once the caller may read its report, and until when (UTC)."""
        wanted = request.path_params["programme"]
        if login is not None and login.programme == wanted:
            return await self._readable(login.actor, wanted), login.expires_at
        actor = await self._bearer(request)
        return await self._readable(actor, wanted), self.now() + TOKEN_LIFE

    async def _readable(self, actor: Actor, wanted: str) -> Programme:
        programme = await run_in_threadpool(self.programmes.latest, wanted)
        if programme is None:
            raise Unknown("programme")
        authorise_in(actor, "read_report", programme)
        return programme

    async def _cookie_login(self, request: Request) -> Login | None:
        secret = request.cookies.get(COOKIE)
        return await run_in_threadpool(self.logins.session, secret) if secret else None

    async def _bearer(self, request: Request) -> Actor:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Forbidden("unauthenticated", "Send a bearer token, or open a login link to the page first.")
        return await run_in_threadpool(self.tokens.verify, token)

    def _notice(self, notice: p.Notice, lang: p.Language, status: int, onward: str | None = None) -> Response:
        return HTMLResponse(self.pages.notice(notice, lang, onward), status, headers=p.HEADERS)


class _Kept(StaticFiles):
    """Static files that a browser keeps for a while and then asks about."""

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, or that it has not changed."""
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = f"public, max-age={STATIC_SECONDS}"
        response.headers["x-content-type-options"] = "nosniff"
        return response


async def _refuse_content(request: Request) -> None:
    """The request says all in its address: no body, or an empty JSON object."""
    body = b""
    with contextlib.suppress(ClientDisconnect):
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT_BYTES:
                raise Refused("body-too-large", f"The body may be at most {BODY_LIMIT_BYTES} bytes.")
    if not body.strip():
        return
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused("unsupported-media-type", "Send application/json, or nothing.")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("unreadable-body", "The body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise Invalid({"body": ["Must be a JSON object."]})
    if content:
        raise Invalid({field: ["Unknown field."] for field in content})


def _problem(
    code: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    retry_after_seconds: int | None = None,
) -> Response:
    status, headers, body = problem(code, detail, errors, retry_after_seconds)
    return Response(body, status, headers)
