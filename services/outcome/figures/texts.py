"""The names and meanings of the figures as the page has them, from their declarations. Pure."""

from collections.abc import Mapping
from typing import Any, Literal

from services.outcome.figures.declared import FIGURES, STEPS
from services.outcome.figures.figure import Figure, Step
from shared.language.figures import EACH

Language = Literal["sv", "en"]

PAGE_SECTIONS = {
    "figures": "figures",
    "exits": "exits",
    "handovers": "handovers",
    "sessions": "sessions",
    "where_now": "where",
}
"""Sections of the report, and what their texts are called on the page: there each part has a name."""


def page_texts(lang: Language) -> dict[str, Any]:
    """`{section: {part: {name, means}}}`, the steps, and the rows of the tables of groups in their order.

    The figures of results stand among `figures`, under the name that `page_name` gives them.
    """
    found: dict[str, Any] = {page: {} for page in PAGE_SECTIONS.values()}
    for figure in FIGURES:
        page = PAGE_SECTIONS.get(figure.section)
        if page is not None:
            found[page][figure.part] = _text(figure, lang)
        elif figure.in_groups_on_page:
            found["figures"][page_name(figure)] = _text(figure, lang)
    return {
        **found,
        "steps": {step.code: _text(step, lang) for step in STEPS},
        "group_figures": [
            {"code": one.code, "text": page_name(one)} for one in FIGURES if one.in_groups_on_page
        ],
    }


def page_name(figure: Figure) -> str:
    """What the page calls the figure in its texts: `employed_at_exit`, and of follow-ups `employed_follow_up`."""
    if figure.section == "figures":
        return figure.part
    return figure.code.replace(EACH, "follow_up") if EACH in figure.code else figure.section


def merged(page: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    """The page's own texts with those of the figures in them."""
    found = dict(page)
    for name, texts in page_texts(lang).items():
        found[name] = {**texts, **page.get(name, {})} if isinstance(texts, dict) else texts
    return found


def _text(one: Figure | Step, lang: Language) -> dict[str, str]:
    return {"name": getattr(one.name, lang), "means": getattr(one.means, lang)}
