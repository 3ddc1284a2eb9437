"""Texts: both languages say everything, and every event and every figure has words."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.outcome.figures import report
from services.outcome.stream.pages import language, places, read_pages
from shared.language.events import BY_NAME
from shared.language.programmes import Place
from tests.support.cohort import make_cohort
from tests.support.page_server import read_programme

PAGES = read_pages()
PROGRAMME = read_programme()
REPORT = report.build(make_cohort().cells_on(date(2017, 5, 1)), PROGRAMME, datetime(2017, 5, 1, tzinfo=UTC))


def paths(texts: Any, path: str = "") -> Iterator[str]:
    if not isinstance(texts, dict):
        yield path
        return
    for name, value in texts.items():
        yield from paths(value, f"{path}.{name}")


def test_both_languages_say_the_same_things() -> None:
    assert set(paths(PAGES.texts["sv"])) == set(paths(PAGES.texts["en"]))


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_journey_event_has_words(lang: Any) -> None:
    things = {name.split(".")[2] for name, kind in BY_NAME.items() if kind.subject in ("journey", "output")}
    assert things - set(PAGES.texts[lang]["changes"]) == set()


@pytest.mark.parametrize("lang", ["sv", "en"])
def test_every_figure_that_the_page_shows_has_a_name_and_a_definition(lang: Any) -> None:
    texts = PAGES.texts[lang]
    shown = {
        "figures": set(REPORT["figures"]) - {"exits", "handovers", "sessions", "follow_ups"},
        "exits": set(REPORT["figures"]["exits"]),
        "handovers": set(REPORT["figures"]["handovers"]),
        "sessions": set(REPORT["figures"]["sessions"]) - {"minutes", "reached"},
        "where": set(REPORT["where_now"]) - {"declined", "withdrawn"},
        "steps": {one["step"] for one in REPORT["steps"]},
    }
    for section, codes in shown.items():
        assert codes - set(texts[section]) == set(), section
        assert all(texts[section][code]["name"] and texts[section][code]["means"] for code in codes)


def test_swedish_is_spoken_unless_english_is_asked_for() -> None:
    assert [language(wanted) for wanted in ("en", "sv", "de", None)] == ["en", "sv", "sv", "sv"]


def test_many_municipalities_are_not_all_named() -> None:
    names = ("Boxholm", "Finspång", "Katrineholm", "Kinda", "Linköping")
    of = {n: tuple(Place(code=f"05{i:02}", name=name) for i, name in enumerate(names[:n])) for n in (1, 2, 5)}
    assert [places(replace(PROGRAMME, municipalities=of[n]), "sv") for n in (1, 2, 5)] == [
        "Boxholm",
        "Boxholm och Finspång",
        "Boxholm, Finspång, Katrineholm och 2 till",
    ]
