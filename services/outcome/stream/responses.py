"""What every answer of the stream role carries."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.outcome.stream import pages as p
from shared.telemetry.traces import current_traceparent, trace_id


class SafeHeaders:
    """Every answer, static files and refusals too: what a browser may do with it. by_tls: and that only TLS will do."""

    def __init__(self, app: ASGIApp, *, by_tls: bool) -> None:
        self._app = app
        self._headers = dict(p.SAFE_HEADERS)
        if by_tls:
            self._headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add them to the answer's own."""

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["trace-id"] = trace_id()
                headers["traceparent"] = current_traceparent()
            await send(message)

        await self._app(scope, receive, safely)
