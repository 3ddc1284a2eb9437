"""The tables of the reference: routes, events, replies, published figures, error codes, metrics and alerts."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.outcome.figures.declared import FIGURES, SHARES, STEPS
from shared.edge.openapi import template
from shared.language.access import RULES
from shared.language.errors import CODES
from shared.language.events import PROGRAMMES_TOPIC, REGISTER_TOPIC
from shared.language.figures import EACH
from shared.language.indicators import IndicatorPublished
from shared.language.messages import BY_MESSAGE, EVERY_SERVICE
from shared.language.programmes import Action
from shared.language.replies import REPLIES_TOPIC
from shared.telemetry.metrics import METRICS
from tools.contracts.messages import message_types, on_topic
from tools.contracts.messages import schema as message_schema
from tools.contracts.services import application, event_types, handlers, services, stream_routes
from tools.contracts.use_cases import fold_of, use_case_of

ROOT = Path(__file__).resolve().parents[2]
PROGRAMME = ROOT / "programmes" / "coactive.yaml"
ALERTS = ROOT / "deploy" / "prometheus" / "rules.yml"
NOBODY = "–"
KEPT_BY_ALL = frozenset({PROGRAMMES_TOPIC, REGISTER_TOPIC})
Cells = tuple[str, str, str, str]
OPEN: Cells = ("open", "no token needed", NOBODY, NOBODY)


def events() -> str:
    """Every event version: what it means, who says it, and which fold of which group acts on it."""
    rows = []
    for kind in event_types():
        if kind.topic in KEPT_BY_ALL:
            acting = "every service keeps it"
        else:
            acting = ", ".join(f"{one.group}: `{fold_of(one.fold)}`" for one in handlers(kind)) or NOBODY
        schema = f"[`{kind.name}`](schemas/{kind.name}.json)"
        rows.append((schema, kind.summary, kind.source, acting, kind.subject))
    return table(("event", "meaning", "said by", "acted on by", "subject"), rows)


def messages() -> str:
    """Every message that is no event: what it means, who says it and who acts on it."""
    rows = [
        (
            f"[`{kind.name}`](schemas/{kind.name}.json)",
            kind.summary,
            f"`{kind.topic.replace('{', '<').replace('}', '>')}`",
            "every service" if kind.producers == EVERY_SERVICE else ", ".join(kind.producers),
            "every service" if kind.consumers == EVERY_SERVICE else ", ".join(kind.consumers),
        )
        for kind in message_types()
    ]
    return table(("message", "meaning", "topic", "said by", "acted on by"), rows)


def replies() -> str:
    """Every reply to an agency, and what answers a record."""
    rows = [
        (
            f"[`{kind.name}`](schemas/{kind.name}.json)",
            kind.summary,
            "yes" if kind.answers else "no",
            ", ".join(f"`{name}`" for name in kind.body.__struct_fields__),
        )
        for kind in on_topic(REPLIES_TOPIC)
    ]
    return table(("reply", "meaning", "answers a record", "fields"), rows)


def indicator_fields() -> str:
    """The fields of a published figure's record."""
    described = message_schema(BY_MESSAGE[IndicatorPublished])["properties"]
    rows = [(f"`{name}`", _type_of(one), one.get("description", "")) for name, one in described.items()]
    return table(("field", "type", "meaning"), rows)


def figures() -> str:
    """Every figure as it is declared: its name and meaning, what it counts, its groups and its day."""
    counted = [
        (
            f"`{one.code.replace(EACH, '<code>')}`",
            one.name.en,
            one.means.en,
            one.counts,
            ", ".join(one.by) or NOBODY,
            one.no_day or "yes",
            "yes" if one.may_be_target else NOBODY,
            f"[{one.source.partition('#')[2].replace('-', ' ')}](../{one.source.removeprefix('docs/')})",
        )
        for one in FIGURES
    ]
    return table(
        ("figure", "name", "meaning", "counts", "broken down by", "in a period", "target", "source"), counted
    )


def shares() -> str:
    """Every rate, and the median days of each step."""
    rates = [(f"`{one.code.replace(EACH, '<code>')}`", one.name.en, one.means.en) for one in SHARES]
    steps = [(f"`days/{one.code}`", one.name.en, one.means.en) for one in STEPS]
    return table(("rate or median", "name", "meaning"), [*rates, *steps])


def alerts() -> str:
    """Every alert of Prometheus' rules: how urgent, what happened, why, and what ends it."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rows = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return "\n".join(_alert(rule) for rule in rows)


def _alert(rule: dict[str, Any]) -> str:
    said = {name: _without_template(text) for name, text in rule["annotations"].items()}
    waits = f", after {rule['for']}" if "for" in rule else ""
    condition = " ".join(rule["expr"].split())
    return (
        f"## {rule['alert']}\n\n"
        f"*{rule['labels']['severity']}{waits}* – {said['summary']}\n\n"
        f"- **Cause.** {said['cause']}\n- **Cure.** {said['cure']}\n- **Fires on** `{condition}`\n"
    )


def _without_template(text: str) -> str:
    """The text with `<service>` where Prometheus puts the label's value."""
    return re.sub(r"{{ \$(?:labels\.)?(\w+)[^}]*}}", r"`<\1>`", text)


def errors() -> str:
    """Every code that a caller can see."""
    rows = [
        (f"`{code}`", str(known.status), known.title, known.actor, known.retry)
        for code, known in CODES.items()
    ]
    return table(("code", "status", "meaning", "who must act", "retry"), rows)


def metrics() -> str:
    """Every metric."""
    rows = [
        (f"`{one.name}`", one.kind, one.unit, ", ".join(one.labels) or NOBODY, one.meaning) for one in METRICS
    ]
    return table(("metric", "kind", "unit", "labels", "meaning"), rows)


def routes() -> str:
    """Every route of every service, what it calls and who may call it; first those that all services have."""
    own = [(name, *cells) for name in services() for cells in _routes_of(name)]
    seen = Counter(cells[1:] for cells in own)
    platform = [("every service", *cells) for cells, count in seen.items() if count == len(services())]
    shared = {cells[1:] for cells in platform}
    stream = [
        ("outcome, stream", f"`{method} {path}`", NOBODY, *(_may(action) if action else OPEN))
        for method, path, action in stream_routes()
    ]
    heads = ("service", "route", "use case", "action", "duties", "part in the journey", "roles in CoActive")
    return table(heads, [*platform, *(cells for cells in own if cells[1:] not in shared), *stream])


def _routes_of(name: str) -> Iterator[tuple[str, ...]]:
    app = application(name)
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ()))):
        view = app.view_functions[rule.endpoint]
        use_case = use_case_of(view)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            called = f"`{use_case}`" if use_case else NOBODY
            yield f"`{method} {template(rule.rule)}`", called, *_who(view)


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [_line(heads), _line("---" for _ in heads), *(_line(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _type_of(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(str(one.get("type")) for one in field["anyOf"])
    return str(field.get("format", field.get("type", "")))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _who(view: Callable[..., Any]) -> Cells:
    if not hasattr(view, "action"):
        return OPEN
    if getattr(view, "operator", False):
        return "operate", "operator", NOBODY, NOBODY
    if getattr(view, "keeper", False):
        return "keep_register", "operator, registrar", NOBODY, NOBODY
    if getattr(view, "registrar", False):
        return "keep_organisation", "registrar", NOBODY, NOBODY
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
