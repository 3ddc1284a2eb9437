"""The major version in every URL of the interface.

This is the one place that knows the version. Views and routes are written without it: `mounted` mounts the WSGI
applications, and the ASGI application uses its own `Mount` with the same ROOT. Only `/` is served beside it, and
leads to the documentation. Health ports are no part of the interface and have no version.
"""

from collections.abc import Callable, Iterable
from typing import Any

VERSION = "1"
"""The major version, which is all that a URL says of it; `info.version` of the documents says the rest."""
ROOT = f"/v{VERSION}"
DOCS = f"{ROOT}/docs"
"""The address to which `/` leads."""

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def mounted(application: WsgiApplication) -> WsgiApplication:
    """The application with ROOT as its SCRIPT_NAME for every path below ROOT.

    A path that is not below ROOT keeps an empty SCRIPT_NAME, by which `is_versioned` knows it.
    """

    def mount(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if not environ.get("SCRIPT_NAME") and (path == ROOT or path.startswith(f"{ROOT}/")):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = ROOT, path[len(ROOT) :]
        return application(environ, start_response)

    return mount


def is_versioned(script_root: str) -> bool:
    """Whether a request came by the mount. script_root: its SCRIPT_NAME."""
    return script_root == ROOT
