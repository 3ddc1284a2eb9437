"""The pages on which a person reads an interface: its operations, its events, its problems and its terms.

They are written from the OpenAPI document and the closed list of codes. They are whole without a script, so that the
strictest policy lets them through and a screen reader finds everything in order.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from shared.edge.interface import ASYNC, PROBLEMS
from shared.edge.mount import ROOT
from shared.language.errors import CODES, RETRIES

METHODS = ("get", "post", "put", "patch", "delete")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
STYLE = """:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; color: #1a1a1a; background: #fff; overflow-wrap: anywhere; }
a { color: #0b4f8a; }
pre { background: #f2f2f2; padding: .5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
th:first-child { width: 40%; }
th, td { border: 1px solid #767676; padding: .25rem .5rem; text-align: left; vertical-align: top; }
article { border-top: 1px solid #767676; margin-top: 1.5rem; }
@media (prefers-color-scheme: dark) {
  body { color: #f0f0f0; background: #161616; }
  a { color: #8cc8ff; }
  pre { background: #262626; }
}
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/docs/page.css">
</head>
<body>
<header><nav aria-label="Documentation">
<a href="{root}/docs">Interface</a> · <a href="{root}/openapi.json">OpenAPI</a> · <a href="{root}/asyncapi">Events</a> ·
<a href="{root}/problems">Problems</a> · <a href="{root}/terms">Terms</a>
</nav></header>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """A whole page. title: text; body: HTML."""
    return _PAGE.format(title=escape(title), body=body, root=ROOT)


def interface_page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    parts = [_paragraphs(info["description"].replace("**", ""))]
    parts.append(f'<p>The same for programs: <a href="{ROOT}/openapi.json">openapi.json</a>.</p>')
    operations = list(_operations(document))
    parts.append("<h2>Operations</h2><ul>")
    parts += [
        f'<li><a href="#{escape(one["operationId"])}">{method} {escape(path)}</a>: '
        f"{escape(one.get('summary', ''))}</li>"
        for method, path, one in operations
    ]
    parts.append("</ul>")
    parts += [_operation(document, method, path, one) for method, path, one in operations]
    return page(f"{info['title']}: HTTP interface", "\n".join(parts))


def problems_page() -> str:
    """The list of all problems."""
    rows = [
        f'<tr><td><a href="{PROBLEMS}/{code}">{code}</a><br>{known.status}</td>'
        f"<td>{escape(known.title)}<br>Must act: {known.actor}. Repeat: {known.retry}.</td></tr>"
        for code, known in CODES.items()
    ]
    return page("Problems", _table(("code, status", "meaning, who must act, whether to repeat"), rows))


def problem_page(code: str) -> str:
    """The page of one problem, which its `type` opens."""
    known = CODES[code]
    told = {
        "Status": str(known.status),
        "Meaning": known.title,
        "Who must act": known.actor,
        "May the same request be repeated?": f"{known.retry}. {RETRIES[known.retry]}",
    }
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in told.items())
    return page(f"Problem: {code}", f'<dl>{rows}</dl><p><a href="{PROBLEMS}">All problems</a></p>')


def terms_page(contact: str) -> str:
    """Terms of use, service level and contact. contact: an e-mail address."""
    address = escape(contact)
    return page(
        "Terms and service level",
        "<p>An organisation may use the interface for the programmes that give it a role, with the tokens of its own "
        "people, and for nothing else. Whoever reads about a person does so for a purpose of the programme, and every "
        "reading is noted. The software is open source (Apache-2.0).</p>"
        '<p lang="sv">En organisation får använda gränssnittet för de program där den har en roll, med sina egna '
        "medarbetares behörighet, och inte till något annat. Den som läser om en person gör det för programmets "
        "ändamål, och varje läsning antecknas.</p><h2>Service level</h2><p>The software promises none. Whoever runs "
        "this installation agrees with each organisation on availability, response times and support.</p>"
        '<p lang="sv">Programvaran utlovar ingen servicenivå. Den som driver installationen avtalar om '
        "tillgänglighet, svarstider och support med varje organisation.</p>"
        f'<h2>Contact</h2><p><a href="mailto:{address}">{address}</a></p>',
    )


def events_page(schemas: list[str]) -> str:
    """The page with links to the AsyncAPI document and the schemas of its messages."""
    items = "".join(
        f'<li><a href="{ROOT}/schemas/{escape(name)}">{escape(name.removesuffix(".json"))}</a></li>'
        for name in schemas
    )
    return page(
        "Events: AsyncAPI",
        f'<p>The platform\'s topics and messages are described by <a href="{ASYNC}.yaml">asyncapi.yaml</a> '
        f"(AsyncAPI 3.0), with a JSON Schema for each message.</p><h2>Schemas</h2><ul>{items}</ul>",
    )


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                shared = item.get("parameters", [])
                yield (
                    method.upper(),
                    path,
                    {**item[method], "parameters": [*shared, *item[method].get("parameters", [])]},
                )


def _operation(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    name = escape(operation["operationId"])
    parts = [f'<article aria-labelledby="{name}"><h2 id="{name}">{method} {escape(path)}</h2>']
    parts.append(_paragraphs("\n\n".join(filter(None, map(operation.get, ("summary", "description"))))))
    rows = [
        f"<tr><td>{escape(one['name'])}<br>{one['in']}, {'required' if one.get('required') else 'optional'}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in (_resolved(document, parameter) for parameter in operation["parameters"])
    ]
    if rows:
        parts.append(_table(("parameter", "meaning"), rows))
    if "requestBody" in operation:
        parts.append(_contents("Request", _resolved(document, operation["requestBody"])))
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            parts.append(_contents(f"Answer {status}", _resolved(document, answer)))
    refused = [status for status in operation["responses"] if status[0] in "45"]
    parts.append(
        f'<p>Refused with {", ".join(refused) or "a problem document"}: see <a href="{PROBLEMS}">problems</a>.</p>'
    )
    return "\n".join([*parts, "</article>"])


def _table(heads: tuple[str, str], rows: list[str]) -> str:
    """A table of two columns: more do not fit a narrow screen. rows: HTML."""
    said = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return f"<table><thead><tr>{said}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _contents(title: str, held: Mapping[str, Any]) -> str:
    parts = []
    for media_type, content in held.get("content", {}).items():
        parts.append(f"<h3>{escape(title)}: {escape(media_type)}</h3>")
        for one in content.get("examples", {}).values():
            value = one.get("value")
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
            parts.append(f"<pre>{escape(text)}</pre>")
    return "\n".join(parts)


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{escape(one)}</p>" for one in text.split("\n\n") if one.strip())


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = node
    while "$ref" in found:
        reference, found = found["$ref"], document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    whole: Mapping[str, Any] = found
    return whole
