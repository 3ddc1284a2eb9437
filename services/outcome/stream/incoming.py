"""What a request to the stream role brings: its key, and its body or form, bounded."""

import contextlib
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from services.outcome.stream.snapshot import FORMS, Form
from shared.edge.bodies import BODY_LIMIT_BYTES, doubled, read_object
from shared.edge.fields import no_such
from shared.edge.headers import JSON, content_type, harmless_key, refuse_coded
from shared.language.errors import Invalid, Refused

FORM_BYTES = 4096
FORM = "application/x-www-form-urlencoded"


def header(request: Request, name: str) -> str:
    """The header, with commas between those of the same name, as every server of a service has it."""
    return ", ".join(request.headers.getlist(name))


def require_key(request: Request) -> None:
    """Raises Refused for a request that does not name itself, or names somebody."""
    harmless_key(header(request, "idempotency-key"))


def wanted_form(request: Request, otherwise: Form) -> Form:
    """The form of the figures that is asked for. Raises Invalid for one that there is not."""
    wanted = request.query_params.get("form", otherwise)
    form = next((one for one in FORMS if one == wanted), None)
    if form is None:
        raise Invalid({"form": [f"Must be one of: {', '.join(FORMS)}."]}, "The query is wrong.")
    return form


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
    content_type(header(request, "content-type"), (FORM,))
    refuse_coded(header(request, "content-encoding"))
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
    content_type(header(request, "content-type"), (JSON,))
    refuse_coded(header(request, "content-encoding"))
    if content := read_object(body):
        raise Invalid({field: [no_such("field", ())] for field in content})
