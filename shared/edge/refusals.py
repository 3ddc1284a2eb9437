"""The answers of a WSGI application when a request is refused or the platform fails: always a problem document."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from shared.edge import readings
from shared.edge.problems import problem
from shared.language.errors import Busy, Refused

log = structlog.get_logger()


def _problem(
    code: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    retry_after_seconds: int | None = None,
) -> Response:
    status, headers, body = problem(code, detail, errors, retry_after_seconds)
    return Response(body, status, headers)


def add_refusals(app: Flask) -> None:
    """Make the application answer every exception by a problem document, and note refusals that concern a person."""
    by_status = {
        400: "unreadable-request",
        404: "unknown-route",
        405: "method-not-allowed",
        413: "body-too-large",
        415: "unsupported-media-type",
    }

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        try:
            readings.note_refused(error)
        except Busy as unnoted:
            return busy(unnoted)
        return _problem(error.code, error.detail, error.errors, error.retry_after_seconds)

    @app.errorhandler(Busy)
    def busy(error: Busy) -> Response:
        log.warning("busy", reason=str(error))
        return _problem("busy", "Nothing is known to be stored; repeat the request with the same key.")

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        data = getattr(error, "data", None)
        if error.code == 422 and data:
            return _problem("invalid-fields", "One or more fields are wrong.", _flat(data["messages"]))
        response = _problem(by_status.get(error.code or 500, "internal"), error.name)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        log.error("failed", error=type(error).__name__, exc_info=error)
        return _problem("internal", "Tell the operator the trace id.")


def _flat(messages: Mapping[str, Any]) -> Mapping[str, object]:
    """Field errors without webargs' location level; an error of the whole body is named `body`."""
    flat: dict[str, object] = {}
    for location in messages.values():
        if isinstance(location, Mapping):
            flat.update({str(name).replace("_schema", "body"): reasons for name, reasons in location.items()})
        else:
            flat["body"] = location
    return flat
