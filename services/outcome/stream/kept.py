"""What a browser keeps for a while and then asks about: static files, and the texts of the page."""

import hashlib
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from services.outcome.stream.pages import LANGUAGES, Pages
from shared.edge.queries import check_query

KEPT_SECONDS = 300


class Texts:
    """`/texts/sv.json`, `/texts/en.json`: what the page says, for its scripts; kept for a while like static files."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The texts, or that they have not changed. Takes no parameters."""
        request = Request(scope)
        check_query([name for name, _ in request.query_params.multi_items()], ())
        path = scope["path"].removeprefix(scope["root_path"])
        lang = next((one for one in LANGUAGES if path == f"/{one}.json"), None)
        if lang is None:
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405)
        body = orjson.dumps(self._pages.texts[lang])
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"cache-control": f"public, max-age={KEPT_SECONDS}", "etag": tag}
        if request.headers.get("if-none-match") == tag:
            response = Response(status_code=304, headers=headers)
        else:
            response = Response(body, media_type="application/json", headers=headers)
        await response(scope, receive, send)


class Kept(StaticFiles):
    """Static files that a browser keeps for a while and then asks about."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file; it takes no parameters."""
        check_query([name for name, _ in QueryParams(scope["query_string"]).multi_items()], ())
        return await super().get_response(path, scope)

    def file_response(self, *args: Any, **options: Any) -> Response:
        """The file, or that it has not changed."""
        response = super().file_response(*args, **options)
        response.headers["cache-control"] = f"public, max-age={KEPT_SECONDS}"
        return response
