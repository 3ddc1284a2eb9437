"""The documents and pages that an interface publishes without a token, whole in memory.

The WSGI applications and the stream serve the same set by path, so a problem's `type` opens at the host that sent the
problem. Nothing is fetched from elsewhere, and no file is read by a path that a caller names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.edge import docs_page
from shared.edge.interface import Interface
from shared.language.errors import CODES

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "reference"
"""The folder of the generated AsyncAPI document, in a checkout and in the image."""

PATHS = (
    "/openapi.json",
    "/docs",
    "/docs/page.css",
    "/api-info",
    "/asyncapi",
    "/asyncapi.yaml",
    "/problems",
    "/terms",
)
"""The paths of single documents, below the API's root."""
FOLDERS = ("/problems", "/schemas")
"""The paths below which documents lie, one per problem and one per message."""
HTML = "text/html; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Document:
    """One document to be served. headers: beside its content type."""

    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def is_open(path: str) -> bool:
    """Whether the path, below the API's root, is that of a document, which needs no token."""
    return path in PATHS or path.startswith(tuple(f"{folder}/" for folder in FOLDERS))


def documents(openapi: Mapping[str, Any], interface: Interface) -> Mapping[str, Document]:
    """{path below the API's root: the document}. Reads the AsyncAPI document and the schemas, once."""
    schemas = {path.name: path.read_bytes() for path in sorted((REFERENCE / "schemas").glob("*.json"))}
    found = {
        "/openapi.json": Document(JSON, json.dumps(openapi, ensure_ascii=False).encode()),
        "/docs": _page(docs_page.interface_page(openapi)),
        "/docs/page.css": Document("text/css; charset=utf-8", docs_page.STYLE.encode()),
        "/api-info": Document(JSON, json.dumps(interface.told(), ensure_ascii=False).encode()),
        "/asyncapi": _page(docs_page.events_page(list(schemas))),
        "/asyncapi.yaml": Document("application/yaml", (REFERENCE / "asyncapi.yaml").read_bytes()),
        "/problems": _page(docs_page.problems_page()),
        "/terms": _page(docs_page.terms_page(interface.contact)),
    }
    found |= {f"/problems/{code}": _page(docs_page.problem_page(code)) for code in CODES}
    found |= {f"/schemas/{name}": Document(JSON, body) for name, body in schemas.items()}
    return found


def _page(html: str) -> Document:
    return Document(HTML, html.encode(), {"Content-Security-Policy": docs_page.POLICY})
