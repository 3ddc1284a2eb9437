"""The edge: HTTP in, problem documents out. Deny by default; all faults of a request are told at once.

A route declares its action (`guarded`) and runs as a command (`command`, POST and PUT) or as a read (`query`, GET).
It knows nothing of transactions or tokens.
"""

import functools
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import structlog
from flask import Flask, Response, after_this_request, g, redirect, request
from flask_smorest import Api, Blueprint

from shared.edge import readings
from shared.edge.acting import HEADER as ACTING_AS
from shared.edge.bodies import BODY_LIMIT_BYTES, content_of
from shared.edge.callers import Admission
from shared.edge.documents import is_open
from shared.edge.fields import Incoming, Moment
from shared.edge.headers import precondition
from shared.edge.interface import API_VERSION, OPENAPI_VERSION, Interface
from shared.edge.locations import add_location
from shared.edge.mount import DOCS, ROOT, is_versioned, mounted
from shared.edge.openapi import Examples, describe_fields, publish, query_parameters
from shared.edge.paths import view_arguments
from shared.edge.ports import RunsCommands, TellsTime, commands_of_this_app, install
from shared.edge.queries import check_query
from shared.edge.refusals import add_refusals
from shared.edge.request_checks import (
    caller_vector,
    check_body,
    check_right,
    idempotency_key,
    leave_place,
    long_places,
    said,
    take_place,
)
from shared.language.access import Actor
from shared.language.codec import vector_text
from shared.language.decision import Subject, Vector, Work
from shared.language.errors import Invalid, Refused
from shared.language.events import Organisation
from shared.language.programmes import Action
from shared.language.revisions import Precondition, etag
from shared.runtime.commands import Again
from shared.telemetry.logs import LOGGED_SUBJECTS, log_answered
from shared.telemetry.metrics import metric
from shared.telemetry.traces import current_traceparent, start_trace, trace_id

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    # Read by browsers over TLS alone, which is how they reach a service in production.
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
}
"""Headers of every answer, unless the route sets its own."""

log = structlog.get_logger()
View = TypeVar("View", bound=Callable[..., Any])


# --- what a route says -----------------------------------------------------------------------------------


def guarded(
    action: Action | None,
    *,
    media_types: tuple[str, ...] = ("application/json",),
    body_limit: int = BODY_LIMIT_BYTES,
    operator: bool = False,
    keeper: bool = False,
    registrar: bool = False,
    somewhere: bool = False,
    long: bool = False,
    rows: bool = False,
) -> Callable[[View], View]:
    """Declare the route's action, for the authorisation, the OpenAPI document and the access test.

    None: any authenticated caller. With `operator` it is an operator of the platform, with `keeper` who keeps some part
    of the register, and with `registrar` a registrar for their own organisation. The duty is checked before the body is
    read, and with `somewhere` also whether any programme lets the organisation do this. The handler itself
    authorises the action, because only it knows the journey. long: it takes seconds, so few may run at once. rows:
    its JSON is an array of rows, which it reads itself. The view takes the path's parameters in snake_case; the form
    of ids among them is checked.
    """

    def mark(view: View) -> View:
        @functools.wraps(view)
        def wrapped(*args: Any, **path: str) -> Any:
            return view(*args, **view_arguments(path))

        wrapped.action = action  # type: ignore[attr-defined]
        wrapped.media_types = media_types  # type: ignore[attr-defined]
        wrapped.body_limit = body_limit  # type: ignore[attr-defined]
        wrapped.operator = operator  # type: ignore[attr-defined]
        wrapped.keeper = keeper  # type: ignore[attr-defined]
        wrapped.registrar = registrar  # type: ignore[attr-defined]
        wrapped.somewhere = somewhere  # type: ignore[attr-defined]
        wrapped.long = long  # type: ignore[attr-defined]
        wrapped.rows = rows  # type: ignore[attr-defined]
        return wrapped  # type: ignore[return-value]

    return mark


def actor() -> Actor:
    """The caller of this request."""
    who: Actor = g.actor
    return who


def command(
    use_case: Callable[[Work], dict[str, Any]],
    subject: Subject | None = None,
    *,
    content: bytes | None = None,
    again: Again | None = None,
) -> dict[str, Any]:
    """Run the use case as one transaction under the request's Idempotency-Key; answer with vector and revision.

    A POST with If-Match is refused where the subject has another revision; a PUT checks this itself. content: the
    canonical content of a body that is no JSON. again: raises Refused when the stored answer may no longer be given.
    """
    asked = if_match() if subject is not None and request.method == "POST" else None
    answer = commands_of_this_app().run(
        use_case if asked is None or subject is None else _resting(use_case, subject, asked),
        key=_key(idempotency_key()) if request.method == "POST" else None,
        body=content_of(said()) if content is None else content,
        subject=subject,
        vector=caller_vector(),
        organisation=actor().organisation,
        again=again,
    )
    _set_headers(answer.vector, answer.revision)
    g.subject, g.emitted = answer.subject, answer.emitted
    return answer.body


def _resting(
    use_case: Callable[[Work], dict[str, Any]], subject: Subject, asked: Precondition
) -> Callable[[Work], dict[str, Any]]:
    """The use case, undone where the subject had another revision; who may not do it is refused by itself first."""

    def run(work: Work) -> dict[str, Any]:
        current = work.revision(subject)
        answer = use_case(work)
        if asked.revision(current) != current:
            raise Refused("stale-revision", "It has changed since.")
        return answer

    return run


def own_key() -> tuple[str, str]:
    """Key and content's fingerprint of a command that keeps a transaction of its own. Raises Refused for headers."""
    caller_vector()
    return _key(idempotency_key()), commands_of_this_app().fingerprints.of("body", content_of(said()))


def _key(name: str) -> str:
    """The key of one request of one person, as a fingerprint; it shows neither the person nor the key."""
    who = actor()
    return commands_of_this_app().fingerprints.of(
        "request", who.organisation, who.person, request.method, request.path, name
    )


def query(
    use_case: Callable[[Work], dict[str, Any]], subject: Subject | None = None, *, purpose: str | None = None
) -> dict[str, Any]:
    """Answer from one snapshot, once the events that the caller has seen are here; note a read about a person first.

    purpose: in the caller's own words, where the route asks for it.
    """
    g.purpose = purpose
    answer = commands_of_this_app().read(
        use_case, subject=subject, vector=caller_vector(), organisation=actor().organisation
    )
    readings.note_given(answer.body, named=subject is not None)
    _set_headers(answer.vector, answer.revision)
    g.subject = answer.subject
    return answer.body


def if_match() -> Precondition | None:
    """The revision on which the caller's change rests, or None. Raises Refused for an unreadable header."""
    return precondition(request.headers.get("If-Match"))


def _set_headers(vector: Vector, revision: int) -> None:
    @after_this_request
    def add(response: Response) -> Response:
        if vector:
            response.headers["Journey-Vector"] = vector_text(vector)
        if revision:
            response.headers["ETag"] = etag(revision)
        return response


# --- the application -------------------------------------------------------------------------------------


def create_app(
    *,
    interface: Interface,
    blueprints: tuple[Blueprint, ...],
    commands: RunsCommands,
    admission: Admission,
    operators: Collection[Organisation],
    clock: TellsTime,
    examples: Examples | None = None,
    provided: object = None,
) -> Flask:
    """The web application of one service. operators: the organisations whose operators may operate it.

    examples: recorded requests and answers for its document, by operation. provided: what its own routes need beside a
    `Work`.
    """
    app = Flask(interface.title, static_folder=None)
    app.config.update(
        API_TITLE=interface.title,
        API_VERSION=API_VERSION,
        OPENAPI_VERSION=OPENAPI_VERSION,
        PROPAGATE_EXCEPTIONS=False,
        APPLICATION_ROOT=ROOT,
    )
    app.wsgi_app = mounted(app.wsgi_app)  # type: ignore[assignment,method-assign]
    install(app, commands, provided, operators)
    readings.prepare(app)
    _add_hooks(app, admission, operators)
    api = Api(app)
    describe_fields(api)
    add_refusals(app)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    publish(app, api, interface, examples or {})
    if clock.driven:
        _add_clock(app, clock)
    return app


def _add_hooks(app: Flask, admission: Admission, operators: Collection[Organisation]) -> None:
    places = long_places()

    @app.before_request
    def admit() -> Any:
        g.began = time.perf_counter()
        start_trace(request.headers.get("traceparent", ""))
        caller = (request.remote_addr or "", request.headers.get("X-Forwarded-For", ""))
        versioned = is_versioned(request.script_root)
        if not versioned:
            # Views know their paths without the version; here none of them is meant.
            request.url_rule = None
        if _is_open(versioned):
            admission.admit_anybody(*caller)
            check_query(_asked(), ())
            return None if versioned else redirect(DOCS)
        bearer, acting_as = request.headers.get("Authorization", ""), request.headers.get(ACTING_AS, "")
        g.actor = admission.admit(bearer, *caller, acting_as).actor
        if not versioned:
            raise Refused("unknown-route", f"Every route begins with {ROOT}.")
        if request.routing_exception is None:
            view = app.view_functions[request.endpoint or ""]
            check_right(view, g.actor, commands_of_this_app(), operators)
            check_query(_asked(), query_parameters(app).get(request.endpoint or "", ()))
            take_place(view, g.actor, places)
            if request.method in ("POST", "PUT"):
                check_body(view)
        return None

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        leave_place()

    @app.after_request
    def account(response: Response) -> Response:
        # Closed lists both: whoever makes up methods or paths makes up no labels.
        method = request.method if request.method in METHODS else "other"
        route = f"{method} {request.url_rule.rule if request.url_rule else 'unknown'}"
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        if not is_open(request.path):
            metric("journey_commands_total", route=route, status=str(response.status_code)).inc()
            metric("journey_command_seconds", route=route).observe(seconds)
            log_answered(
                route=route,
                status=response.status_code,
                milliseconds=round(seconds * 1000, 1),
                subject=_loggable(g.get("subject", "")),
                emitted=g.get("emitted", ()),
                organisation=g.actor.organisation if "actor" in g else None,
            )
        if response.status_code == 201:
            add_location(app, response)
        response.headers["Trace-Id"] = trace_id()
        response.headers["traceparent"] = current_traceparent()
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _is_open(versioned: bool) -> bool:
    """Whether the path needs no token: the documents of the interface, and `/`, which leads to them."""
    if not versioned:
        return request.path == "/"
    return is_open(request.path)


def _asked() -> list[str]:
    """The names in the query, each as often as it is there."""
    return [name for name, _ in request.args.items(multi=True)]


def _loggable(subject: str) -> str | None:
    """Journeys may be named in the log; participants may not."""
    return subject if subject.startswith(LOGGED_SUBJECTS) else None


def _add_clock(app: Flask, clock: TellsTime) -> None:
    class MoveClock(Incoming):
        at = Moment(required=True)

    @app.get("/clock")
    @guarded(None)
    def read_clock() -> dict[str, str]:
        return {"at": clock.now().isoformat()}

    @app.post("/clock")
    @guarded(None, operator=True)
    def move_clock() -> dict[str, str]:
        errors = MoveClock().validate(said())
        if errors:
            raise Invalid(errors)
        return {"at": clock.move(MoveClock().load(said())["at"]).isoformat()}
