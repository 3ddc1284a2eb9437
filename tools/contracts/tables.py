"""The README's tables: events, error codes, metrics and routes."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from shared.edge.openapi import template
from shared.language.access import RULES
from shared.language.errors import CODES
from shared.language.programmes import Action, ProgrammePublished
from shared.telemetry.metrics import METRICS
from tools.contracts.services import application, event_types, handlers, services, stream_routes

PROGRAMME = Path(__file__).resolve().parents[2] / "programmes" / "coactive.yaml"
NOBODY = "–"
Cells = tuple[str, str, str, str]
OPEN: Cells = ("open", "no token needed", NOBODY, NOBODY)


def events() -> str:
    """Every event version: what it means, who says it, who acts on it, and of what it speaks."""
    rows = []
    for kind in event_types():
        if kind.body is ProgrammePublished:
            acting = "every service"
        else:
            acting = ", ".join(handler.group for handler in handlers(kind)) or NOBODY
        rows.append((f"`{kind.name}`", kind.summary, kind.source, acting, kind.subject))
    return table(("event", "meaning", "said by", "acted on by", "subject"), rows)


def errors() -> str:
    """Every code that a caller can see."""
    rows = [(f"`{code}`", str(known.status), known.title, known.actor) for code, known in CODES.items()]
    return table(("code", "status", "meaning", "who must act"), rows)


def metrics() -> str:
    """Every metric."""
    rows = [
        (f"`{one.name}`", one.kind, one.unit, ", ".join(one.labels) or NOBODY, one.meaning) for one in METRICS
    ]
    return table(("metric", "kind", "unit", "labels", "meaning"), rows)


def routes() -> str:
    """Every route of every service, and who may call it; first the platform's, which all services have."""
    platform: dict[tuple[str, ...], None] = {}
    own = []
    for name in services():
        app = application(name)
        for rule in sorted(
            app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))
        ):
            view = app.view_functions[rule.endpoint]
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                cells = (f"`{method} {template(rule.rule)}`", *_who(view))
                if "." in rule.endpoint:
                    own.append((name, *cells))
                else:
                    platform["every service", *cells] = None
    own += [
        ("outcome, stream", f"`{method} {path}`", *(_may(action) if action else OPEN))
        for method, path, action in stream_routes()
    ]
    return table(
        ("service", "route", "action", "duties", "part in the journey", "roles in CoActive"),
        [*platform, *own],
    )


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [_line(heads), _line("---" for _ in heads), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _who(view: Callable[..., Any]) -> Cells:
    if not hasattr(view, "action"):
        return OPEN
    if getattr(view, "operator", False):
        return "operate", "operator", NOBODY, NOBODY
    return ("any", "any", NOBODY, NOBODY) if view.action is None else _may(view.action)


def _may(action: Action) -> Cells:
    rule = RULES[action]
    roles = [role["code"] for role in _programme()["roles"] if action in role["may"]]
    return (
        action,
        ", ".join(sorted(rule.duties)),
        ", ".join(sorted(rule.parts)) or NOBODY,
        ", ".join(roles) or NOBODY,
    )


@cache
def _programme() -> Any:
    return yaml.safe_load(PROGRAMME.read_text(encoding="utf-8"))
