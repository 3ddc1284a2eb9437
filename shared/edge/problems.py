"""The problem document (RFC 9457) of an error code, the same from every server and framework here."""

import json
from collections.abc import Mapping
from typing import Any

from shared.edge.bodies import nameable
from shared.edge.interface import PROBLEMS
from shared.language.errors import CODES
from shared.telemetry.traces import current_traceparent, trace_id

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS: Mapping[str, int] = {"busy": 1, "not-yet-seen": 1}
"""Codes after which the same request will do, and in how many seconds unless the error itself knows better."""


def problem(
    code: str,
    detail: str,
    errors: Mapping[str, object] | None = None,
    retry_after_seconds: int | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the document. Raises KeyError for a code that CODES does not list.

    errors: by field; a name that may itself identify somebody is not repeated. `instance` holds the trace id alone,
    because the request's address may contain personal data.
    """
    known = CODES[code]
    document: dict[str, Any] = {
        "type": f"{PROBLEMS}/{code}",
        "title": known.title,
        "status": known.status,
        "detail": detail,
        "instance": f"urn:journeys:request:{trace_id()}",
        "code": code,
        "actor": known.actor,
        "retry": known.retry,
        "trace_id": trace_id(),
    }
    if errors:
        document["errors"] = nameable(errors)
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "traceparent": current_traceparent()}
    seconds = retry_after_seconds or RETRY_SECONDS.get(code)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    if code == "unsupported-encoding":
        headers["Accept-Encoding"] = "identity"
    if code == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return known.status, headers, f"{json.dumps(document)}\n".encode()
