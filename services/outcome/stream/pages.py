"""The HTML of the page and of what is shown instead of it, in both languages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.outcome.figures.texts import Language, merged
from services.outcome.stream.snapshot import Form
from shared.edge.mount import ROOT
from shared.language.programmes import Programme

HERE = Path(__file__).parent
STATIC = HERE / "static"
TEXTS = HERE / "texts"

LANGUAGES: tuple[Language, ...] = ("sv", "en")
FIRST: Language = "sv"
AND: Mapping[Language, str] = {"sv": "och", "en": "and"}
LOCALES: Mapping[Language, str] = {"sv": "sv_SE", "en": "en_GB"}
MANY_PLACES = 4

Notice = Literal[
    "sign-in",
    "link",
    "link-spent",
    "sent-from-elsewhere",
    "signed-out",
    "forbidden",
    "not-found",
    "opening",
    "odd-address",
]

SAFE_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "x-content-type-options": "nosniff",
}
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""no-referrer, because the address of a login link carries its secret."""


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one button: the name of its text, where it leads, and what it sends."""

    text: str
    action: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pages:
    """Everything needed to write a page: templates and texts, read once."""

    templates: Environment
    texts: Mapping[Language, Mapping[str, Any]]

    def programme(self, programme: Programme, lang: Language, form: Form, *, signed_in: bool) -> str:
        """The page of a programme; its figures come by the stream, in that form.

        signed_in: by a session, which can be ended.
        """
        name = getattr(programme.name, lang)
        return self._write(
            "page.html",
            lang,
            title=self.texts[lang]["title"].format(programme=name),
            programme={"id": programme.id, "name": name},
            form=form,
            signed_in=signed_in,
            codes=" ".join(place.code for place in programme.municipalities),
            places=places(programme, lang),
            period=" – ".join(
                format_date(day, format="long", locale=LOCALES[lang])
                for day in (programme.starts_on, programme.ends_on)
            ),
        )

    def notice(
        self, notice: Notice, lang: Language, onward: str | None = None, button: Button | None = None
    ) -> str:
        """What is shown instead of the page. onward: where it leads; the browser goes there by itself to open it."""
        text = self.texts[lang]["notices"][notice]
        return self._write(
            "notice.html",
            lang,
            title=text["title"],
            body=text["body"],
            onward=onward,
            at_once=notice == "opening",
            button=button,
        )

    def _write(self, template: str, lang: Language, **values: Any) -> str:
        languages = [{"code": code, "name": self.texts[code]["language"]} for code in LANGUAGES]
        values = {"root": ROOT, "lang": lang, "texts": self.texts[lang], "languages": languages, **values}
        return self.templates.get_template(template).render(values)


def read_pages() -> Pages:
    """Read templates and texts from beside this module; the texts of the figures come from their declarations."""
    return Pages(
        templates=Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        ),
        texts={
            lang: merged(json.loads((TEXTS / f"{lang}.json").read_text("utf-8")), lang) for lang in LANGUAGES
        },
    )


def language(wanted: str | None) -> Language:
    """The language asked for, or Swedish."""
    return next((lang for lang in LANGUAGES if lang == wanted), FIRST)


def places(programme: Programme, lang: Language) -> str:
    """`Skellefteå och Norsjö`; of many, the first few and how many more."""
    names = [place.name for place in programme.municipalities]
    if len(names) > MANY_PLACES:
        names = [
            *names[: MANY_PLACES - 1],
            f"{len(names) - MANY_PLACES + 1} {'till' if lang == 'sv' else 'more'}",
        ]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {AND[lang]} {names[-1]}"
