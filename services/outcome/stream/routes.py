"""The edge of the stream role: who may see which programme's figures, and in which form.

A request is admitted by a bearer token or by the cookie of a login link, neither for longer than the token lasts. In
both cases the role map decides, at every request, whether that organisation may read the report.
"""

import functools
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from pymongo.errors import PyMongoError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from services.outcome.figures.texts import Language
from services.outcome.stream import pages as p
from services.outcome.stream.described import INTERFACE, openapi
from services.outcome.stream.figures_stream import FiguresStream
from services.outcome.stream.hub import Hub
from services.outcome.stream.incoming import header, read_form, refuse_content, require_key, wanted_form
from services.outcome.stream.kept import Kept, Texts
from services.outcome.stream.logins import Login, Logins
from services.outcome.stream.responses import SafeHeaders
from services.outcome.stream.sites import led_from_elsewhere, sent_from_elsewhere
from services.outcome.stream.snapshot import resumed_version
from shared.edge.acting import HEADER as ACTING_AS
from shared.edge.acting import Shown
from shared.edge.callers import Admission, Seats
from shared.edge.documents import FOLDERS, PATHS, Document, documents
from shared.edge.mount import DOCS, ROOT
from shared.edge.ports import TellsTime
from shared.edge.problems import problem
from shared.edge.queries import check_query
from shared.language.access import Actor, authorise_in
from shared.language.errors import CODES, Busy, Invalid, Later, Refused, Unknown
from shared.language.forms import CODE
from shared.language.programmes import Action, Programme
from shared.runtime.published import PublishedHere
from shared.telemetry.traces import start_trace

COOKIE = "page_session"

log = structlog.get_logger()
Answer = Callable[[Request], Awaitable[Response | ASGIApp]]

ACTIONS: Mapping[str, Action] = {
    "POST /programmes/{programmeId}/page-links": "read_report",
    "GET /programmes/{programmeId}": "read_report",
    "GET /programmes/{programmeId}/figures": "read_report",
}
"""What each route takes. POST /login takes its one-use secret, POST …/logout the session that it ends; the login page,
/signed-out, static files and texts are open."""


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Who may see which programme's figures, and until when (UTC)."""

    actor: Actor
    programme: Programme
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The routes and what they rest on.

    now: real time, UTC. public_url: where browsers reach this process; a caller's Host is never asked. contact: e-mail
    address of those who answer for the interface.
    """

    hub: Hub
    logins: Logins
    admission: Admission
    seats: Seats
    published: PublishedHere
    clock: TellsTime
    pages: p.Pages
    cut: Callable[[Scope], None]
    now: Callable[[], datetime]
    public_url: str
    contact: str

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/programmes/{programmeId}", self._asked(self.page, "form", "lang")),
            Route("/programmes/{programmeId}/figures", self._asked(self.figures, "form")),
            Route("/programmes/{programmeId}/page-links", self._asked(self.page_link), methods=["POST"]),
            Route("/programmes/{programmeId}/logout", self._asked(self.logout), methods=["POST"]),
            Route("/signed-out", self._asked(self.signed_out, "lang")),
            Route("/login", self._asked(self.login, "code", "lang"), methods=["GET", "POST"]),
            Mount("/static", Kept(directory=p.STATIC)),
            Mount("/texts", Texts(self.pages)),
            *(Route(path, self._asked(self.document)) for path in PATHS),
            *(Route(f"{folder}/{{name}}", self._asked(self.document)) for folder in FOLDERS),
        ]
        handlers: dict[Any, Any] = {
            Refused: self.refused,
            PyMongoError: self.busy,
            Busy: self.busy,
            HTTPException: self.unroutable,
            Exception: self.failed,
        }
        return Starlette(
            routes=[Mount(ROOT, routes=routes), Route("/", self._asked(self.front))],
            exception_handlers=handlers,
            middleware=[Middleware(SafeHeaders, by_tls=self._by_tls())],
        )

    def _asked(self, answer: Answer, *known: str) -> Answer:
        """The route, with a trace, and closed to parameters of the query other than these."""

        @functools.wraps(answer)
        async def asked(request: Request) -> Response | ASGIApp:
            start_trace(request.headers.get("traceparent", ""))
            try:
                check_query([name for name, _ in request.query_params.multi_items()], known)
            except Refused as refused:
                self._count_anybody(request)
                if not _is_read(request):
                    raise
                return self._odd_address(request, known, refused)
            return await answer(request)

        return asked

    def _odd_address(self, request: Request, known: Collection[str], refused: Refused) -> Response:
        """What a reader sees whose mail program has added something to a link, and the way on without it."""
        kept = {name: request.query_params[name] for name in known if name in request.query_params}
        onward = f"{request.url.path}?{urlencode(kept)}" if kept else request.url.path
        lang = p.language(kept.get("lang"))
        return self._notice("odd-address", lang, CODES[refused.code].status, onward=onward)

    async def front(self, request: Request) -> Response:
        """`/` leads to the documentation."""
        self._count_anybody(request)
        return RedirectResponse(DOCS, 302)

    async def document(self, request: Request) -> Response:
        """What the interface says of itself; open, and the same wherever a problem was met."""
        self._count_anybody(request)
        found = _documents(self.contact).get(request.url.path.removeprefix(ROOT))
        if found is None:
            raise Unknown("document")
        return Response(found.body, headers={"content-type": found.content_type, **found.headers})

    async def page(self, request: Request) -> Response:
        """The page of a programme, or what to do to see it."""
        lang = p.language(request.query_params.get("lang"))
        login = await self._cookie_login(request)
        if login is None and not request.headers.get("authorization"):
            self._count_anybody(request)
            # A strict cookie is left out when another site's link led here; one turn on our own brings it.
            elsewhere = led_from_elsewhere(request.headers)
            onward = str(request.url.replace(scheme="", netloc="")) if elsewhere else None
            return self._notice("opening" if onward else "sign-in", lang, 401, onward=onward)
        try:
            programme = (await self._admit(request, login)).programme
        except Later:
            raise
        except Refused as refused:
            notice: p.Notice = "not-found" if isinstance(refused, Unknown) else "forbidden"
            if refused.code == "unauthenticated":
                notice = "sign-in"
            return self._notice(notice, lang, CODES[refused.code].status)
        try:
            form = wanted_form(request, "exact")
        except Invalid as refused:
            if not _is_read(request):
                raise
            return self._odd_address(request, ("lang",), refused)
        html = self.pages.programme(programme, lang, form, signed_in=login is not None)
        return HTMLResponse(html, headers=p.HEADERS)

    async def figures(self, request: Request) -> FiguresStream:
        """The stream of snapshots; resumes after Last-Event-ID. Exact figures are for those who ask for them."""
        login = await self._cookie_login(request)
        admitted = await self._admit(request, login)
        form = wanted_form(request, "published")
        return FiguresStream(
            self.hub,
            admitted.programme.id,
            form,
            version=resumed_version(request.headers.get("last-event-id")),
            seconds=(admitted.until - self.now()).total_seconds(),
            cut=self.cut,
            permitted=functools.partial(
                self._still_permitted, request.cookies.get(COOKIE) if login else None
            ),
            leave=self.seats.take(admitted.actor),
        )

    async def page_link(self, request: Request) -> Response:
        """A one-use link to the page. Repeating the request gives another: the first is stored nowhere."""
        shown = await self._bearer(request)
        require_key(request)
        await refuse_content(request)
        programme = await self._readable(shown.actor, request.path_params["programmeId"])
        secret = await run_in_threadpool(self.logins.issue_link, shown, programme.id)
        url = f"{self.public_url.rstrip('/')}{ROOT}/login?code={secret}"
        return JSONResponse({"url": url}, 201, headers={"cache-control": "no-store", "location": url})

    async def login(self, request: Request) -> Response:
        """GET shows a button, so that whatever looks ahead in a letter uses nothing up; POST exchanges the link."""
        self._count_anybody(request)
        if request.method == "POST":
            return await self._sign_in(request)
        lang = p.language(request.query_params.get("lang"))
        code = request.query_params.get("code", "")
        if not code or not await run_in_threadpool(self.logins.link_works, code):
            return self._notice("link-spent", lang, 401)
        return self._notice(
            "link", lang, 200, button=p.Button("sign_in", f"{ROOT}/login", {"code": code, "lang": lang})
        )

    async def _sign_in(self, request: Request) -> Response:
        form = await read_form(request)
        lang = p.language(form.get("lang"))
        if sent_from_elsewhere(request.headers, self.public_url):
            return self._notice("sent-from-elsewhere", lang, 403)
        code = form.get("code", "")
        redeemed = await run_in_threadpool(self.logins.redeem_link, code) if code else None
        if redeemed is None:
            return self._notice("link-spent", lang, 401)
        secret, login = redeemed
        path = f"{ROOT}/programmes/{login.programme}"
        response = RedirectResponse(f"{path}?lang={lang}", 303, headers=p.HEADERS)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=max(0, int((login.expires_at - self.now()).total_seconds())),
            path=path,
            httponly=True,
            samesite="strict",
            secure=self._by_tls(),
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session, and every stream that it opened within a heartbeat."""
        self._count_anybody(request)
        if not re.fullmatch(CODE, request.path_params["programmeId"]):
            raise Unknown("programme")
        form = await read_form(request)
        secret = request.cookies.get(COOKIE)
        address = f"{ROOT}/signed-out?lang={p.language(form.get('lang'))}"
        response = RedirectResponse(address, 303, headers=p.HEADERS)
        if secret:
            await run_in_threadpool(self.logins.end_session, secret)
            path = f"{ROOT}/programmes/{request.path_params['programmeId']}"
            response.delete_cookie(COOKIE, path, httponly=True, samesite="strict", secure=self._by_tls())
        return response

    async def signed_out(self, request: Request) -> Response:
        """What is shown after a session was ended."""
        return self._notice("signed-out", p.language(request.query_params.get("lang")), 200)

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
        response = _problem(code, CODES[code].title)
        if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    async def failed(self, request: Request, error: Exception) -> Response:
        """The platform is at fault."""
        log.error("failed", error=type(error).__name__, exc_info=error)
        return _problem("internal", "Tell the operator the trace id.")

    async def _admit(self, request: Request, login: Login | None) -> _Admitted:
        """By cookie or bearer token; the role map decides at every request."""
        wanted = request.path_params["programmeId"]
        if login is not None and login.programme == wanted:
            self.admission.admit_actor(login.actor)
            return _Admitted(login.actor, await self._readable(login.actor, wanted), login.expires_at)
        shown = await self._bearer(request)
        programme = await self._readable(shown.actor, wanted)
        return _Admitted(shown.actor, programme, shown.expires_at)

    async def _readable(self, actor: Actor, wanted: str) -> Programme:
        return await run_in_threadpool(self._allowed, actor, wanted)

    def _allowed(self, actor: Actor, wanted: str) -> Programme:
        programme = self.published.programmes.latest(wanted)
        if programme is None:
            raise Unknown("programme")
        authorise_in(actor, "read_report", programme, self.published.known(self.clock.now()))
        return programme

    async def _cookie_login(self, request: Request) -> Login | None:
        secret = request.cookies.get(COOKIE)
        return await run_in_threadpool(self.logins.session, secret) if secret else None

    async def _still_permitted(self, secret: str | None) -> bool:
        """Whether the session that opened a stream still lasts; a database that is away ends none."""
        if secret is None:
            return True
        try:
            return await run_in_threadpool(self.logins.session, secret) is not None
        except PyMongoError as error:
            log.warning("session-unasked", error=type(error).__name__)
            return True

    async def _bearer(self, request: Request) -> Shown:
        return await run_in_threadpool(
            self.admission.admit,
            header(request, "authorization"),
            _peer(request),
            header(request, "x-forwarded-for"),
            header(request, ACTING_AS),
        )

    def _count_anybody(self, request: Request) -> None:
        self.admission.admit_anybody(_peer(request), header(request, "x-forwarded-for"))

    def _by_tls(self) -> bool:
        return self.public_url.startswith("https:")

    def _notice(
        self,
        notice: p.Notice,
        lang: Language,
        status: int,
        *,
        onward: str | None = None,
        button: p.Button | None = None,
    ) -> Response:
        return HTMLResponse(self.pages.notice(notice, lang, onward, button), status, headers=p.HEADERS)


@functools.cache
def _documents(contact: str) -> Mapping[str, Document]:
    interface = replace(INTERFACE, contact=contact)
    return documents(openapi(interface), interface)


def _is_read(request: Request) -> bool:
    """Whether a person looks at the answer, in a browser."""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def _problem(
    code: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    retry_after_seconds: int | None = None,
) -> Response:
    status, headers, body = problem(code, detail, errors, retry_after_seconds)
    return Response(body, status, headers)
