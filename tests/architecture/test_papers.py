"""Every source that is cited can be opened: pages and headings from the code, links and paths from the pages.

A citation is `docs/<page>.md` or `docs/<page>.md, <Heading>`. Pages outside the project are cited nowhere.
"""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.chaos import scenarios as acts
from tests.chaos.scenario import SCENARIOS
from tests.support.sources import ROOT

TEXTS = {
    *("", ".conf", ".css", ".html", ".in", ".js", ".json", ".md"),
    *(".patch", ".properties", ".py", ".toml", ".yaml", ".yml"),
}
WRITES_PAGES = "tools/contracts/pages.py"
"""Names pages as seen from those that it writes, which are looked at themselves."""
NOT_OURS = ("tests/contract/asyncapi-3.0.0.json", "LICENSE")
PAGE = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w.-]+\.md)\b")
CITED = re.compile(r"(?<![\w/.-])(docs/[\w/-]+\.md), (?=[\"“A-Z§])[\"“]?([^\n]*)")
ANCHORED = re.compile(r"(?<![\w/.-])(docs/[\w/-]+\.md)#([\w-]+)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
OUTSIDE = ("http://", "https://", "mailto:")
PATH = re.compile(r"`((?:services|shared|clients|deploy|tools|tests|programmes|docs)/[\w./-]*[\w/])`")


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the project that git would keep."""
    said = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(name for name in said.stdout.splitlines() if (ROOT / name).is_file())


@cache
def texts() -> dict[str, str]:
    """{path: text} of every text file of the project."""
    return {
        name: (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for name in tracked()
        if Path(name).suffix in TEXTS and name not in NOT_OURS
    }


def pages() -> list[str]:
    """Every Markdown page."""
    return [name for name in texts() if name.endswith(".md")]


@cache
def headings(page: str) -> tuple[str, ...]:
    """The headings of a page, without their marks."""
    without_code = re.sub(r"^```.*?^```", "", texts()[page], flags=re.MULTILINE | re.DOTALL)
    return tuple(re.findall(r"^#+ (.+?)\s*$", without_code, flags=re.MULTILINE))


def anchor(heading: str) -> str:
    """What a heading is called in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def flowing(text: str) -> str:
    """The text with its lines joined, comment signs left out: a citation may go over a line's end."""
    return re.sub(r"\s*\n\s*(?:#+ ?|// ?|\* )?", " ", text)


def places(name: str) -> Iterator[tuple[str, str]]:
    """(page, heading or "") of each citation in the file."""
    for found in CITED.finditer(flowing(texts()[name])):
        yield found[1], found[2]


def test_every_page_that_is_named_exists() -> None:
    known = set(pages())
    lost = [
        f"{name}: {page}"
        for name, text in texts().items()
        for page in PAGE.findall(text)
        if name != WRITES_PAGES and not {page, f"docs/{page}", _within(name, page)} & known
    ]
    assert lost == [], "a source is one that a reader of the project can open"


def _within(name: str, page: str) -> str:
    """The page as its relative address leads to it from the file."""
    target = (ROOT / name).parent / page
    resolved = target.resolve()
    return resolved.relative_to(ROOT).as_posix() if resolved.is_relative_to(ROOT) else ""


def test_every_heading_that_is_cited_exists() -> None:
    lost = []
    for name in texts():
        for page, rest in places(name):
            if page in texts() and not any(rest.startswith(heading) for heading in headings(page)):
                lost.append(f"{name}: {page}, {rest[:60]}")
        for page, heading in ANCHORED.findall(texts()[name]):
            if page in texts() and heading not in {anchor(one) for one in headings(page)}:
                lost.append(f"{name}: {page}#{heading}")
    assert lost == []


@pytest.mark.parametrize("page", pages())
def test_every_link_of_a_page_opens(page: str) -> None:
    without_code = re.sub(r"^```.*?^```", "", texts()[page], flags=re.MULTILINE | re.DOTALL)
    for link in (one or image for one, image in LINK.findall(without_code)):
        if link.startswith(OUTSIDE):
            continue
        path, _, heading = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page} links to {link}"
        if heading:
            known = {anchor(one) for one in headings(target.relative_to(ROOT).as_posix())}
            assert heading in known, f"{page} links to {link}"


def test_every_page_can_be_found_from_another() -> None:
    linked = {
        ((ROOT / page).parent / link.partition("#")[0]).resolve()
        for page in pages()
        for link, _ in LINK.findall(texts()[page])
        if link and not link.startswith(OUTSIDE)
    }
    assert [page for page in pages() if page != "README.md" and (ROOT / page).resolve() not in linked] == []


@pytest.mark.parametrize("page", pages())
def test_every_path_that_a_page_names_exists(page: str) -> None:
    named = {path for path in PATH.findall(texts()[page]) if "<" not in path}
    assert [path for path in sorted(named) if not (ROOT / path).exists() and not list(ROOT.glob(path))] == []


def test_the_page_on_exactly_once_names_every_scenario_and_mutant() -> None:
    page = texts()["docs/architecture/exactly-once.md"]
    rows = [line.split("|") for line in page.splitlines() if line.startswith("|")]
    scenarios = {int(number) for row in rows for number in re.findall(r"\b\d+\b", row[4])}
    mutants = {name for row in rows for name in re.findall(r"`([\w-]+)`", row[5])}

    for module in pkgutil.iter_modules(acts.__path__):
        importlib.import_module(f"{acts.__name__}.{module.name}")
    assert scenarios == {one.number for one in SCENARIOS}
    assert mutants == {path.stem for path in (ROOT / "tests/chaos/mutants").glob("*.patch")}


def test_the_front_page_can_be_read_at_a_sitting() -> None:
    assert len(texts()["README.md"].splitlines()) <= 150


def test_decisions_are_numbered_dated_and_in_the_index() -> None:
    folder = ROOT / "docs/decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    index = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", texts()["docs/decisions/README.md"])
    assert index == files
    for name in files:
        text = texts()[f"docs/decisions/{name}"]
        assert text.startswith(f"# {int(name[:4])}. "), name
        assert re.search(r"^Date: \d{4}-\d\d-\d\d · Status: \w+", text, flags=re.MULTILINE), name
        assert {"Context", "Decision", "Measured"} <= set(headings(f"docs/decisions/{name}")), name
