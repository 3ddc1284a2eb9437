"""What a request to the stream role brings: its key, and its body or form, bounded."""

import contextlib
import re
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from shared.bodies import doubled, read_object
from shared.errors import Invalid, Refused
from shared.fields import no_such

BODY_LIMIT_BYTES = 64 * 1024
FORM_BYTES = 4096
IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,200}\Z")


def require_key(request: Request) -> None:
    """Raises Refused for a request that does not name itself."""
    if not IDEMPOTENCY_KEY.match(request.headers.get("idempotency-key", "")):
        raise Refused("idempotency-key-missing", "Name the request in an Idempotency-Key header.")


async def _body(request: Request, limit: int) -> bytes:
    body = b""
    with contextlib.suppress(ClientDisconnect):
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise Refused("body-too-large", f"The body may be at most {limit} bytes.")
    return body


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a page's own form."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        raise Refused("unsupported-media-type", "Send application/x-www-form-urlencoded.")
    try:
        fields = parse_qsl((await _body(request, FORM_BYTES)).decode("ascii"), True, max_num_fields=8)
    except ValueError:
        raise Refused("unreadable-body", "The form cannot be read.") from None
    if errors := doubled(name for name, _ in fields):
        raise Invalid(errors)
    return dict(fields)


async def refuse_content(request: Request) -> None:
    """The request says all in its address: no body, or an empty JSON object."""
    body = await _body(request, BODY_LIMIT_BYTES)
    if not body.strip():
        return
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refused("unsupported-media-type", "Send application/json, or nothing.")
    if content := read_object(body):
        raise Invalid({field: [no_such("field", ())] for field in content})
