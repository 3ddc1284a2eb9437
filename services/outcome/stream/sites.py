"""Which site a browser's request comes from, as the browser itself says."""

from collections.abc import Mapping
from urllib.parse import urlsplit

ELSEWHERE = ("cross-site", "same-site")


def led_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether the browser says that a page of another origin began the request."""
    return headers.get("sec-fetch-site") in ELSEWHERE


def sent_from_elsewhere(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether another site's page made the browser send this form. public_url: where browsers reach our own.

    Old browsers name the origin alone, and hide their own by `null`, because our pages send no referrer.
    """
    if "sec-fetch-site" in headers:
        return led_from_elsewhere(headers)
    origin = headers.get("origin", "null")
    return origin != "null" and origin.lower() != _origin(public_url)


def _origin(url: str) -> str:
    parts = urlsplit(url.lower())
    usual = {"https": ":443", "http": ":80"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"
