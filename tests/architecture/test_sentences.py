"""Sentences stay short enough for a reader whose first language is another: at most 30 words, in docstrings and pages.

Code, tables, aligned lists and diagrams are not prose. A parameter of a docstring (`at: …`) begins a sentence of its
own, and so does an item of a list. The house aims at 25 words (CONTRIBUTING.md, Plain English); this test holds the
limit without any exception.
"""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from tests.support.sources import EVERYTHING, ROOT, sources

MOST_WORDS = 30
CODE = re.compile(r"^ *```.*?^ *```$|(?:^|(?<=\n\n))(?: {4}.*\n)+", re.MULTILINE | re.DOTALL)
"""A fenced block, within a list too, or an indented one."""
FENCE = re.compile(r" *```[a-z]*")
ITEM = re.compile(r"(?:[-*]|\d+\.)\s+")
NOT_PROSE = re.compile(r"^[|#>]|\S {2,}\S|[├└│─►]")
PARAMETER = re.compile(r"(?<=[.;:}]) (?=[a-z_-]+(?:, [a-z_-]+)*: )")
END = re.compile(r"(?<=[.!?])[\"”*)]*\s+|(?<=[:;])[\"”*)]*\s+(?=[\"“A-Z`*(\[])")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md"))
)


def paragraphs(text: str) -> Iterator[str]:
    """Each paragraph, and each item of a list, on one line."""
    held: list[str] = []
    for line in (*CODE.sub("", text).splitlines(), ""):
        stripped = line.strip()
        item = ITEM.match(stripped)
        if held and (not stripped or item or NOT_PROSE.search(stripped)):
            yield " ".join(held)
            held = []
        if stripped and not NOT_PROSE.search(stripped):
            held.append(stripped[item.end() :] if item else stripped)


def long_sentences(text: str) -> list[str]:
    """The sentences with too many words, each with its number of words."""
    return [
        f"{words}: {sentence}"
        for paragraph in paragraphs(text)
        for part in PARAMETER.split(paragraph)
        for sentence in END.split(part)
        if (words := sum(bool(re.search(r"\w", word)) for word in sentence.split())) > MOST_WORDS
    ]


def docstrings(tree: ast.Module) -> Iterator[str]:
    """Every string that stands as a statement: of modules, classes, functions, and behind constants and fields."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield inspect.cleandoc(text)
            case _:
                pass


def test_docstrings_have_short_sentences() -> None:
    found = [
        f"{source.name}: {sentence}"
        for source in sources(*EVERYTHING)
        for text in docstrings(source.tree)
        for sentence in long_sentences(text)
    ]
    assert found == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_short_sentences(page: str) -> None:
    assert long_sentences((ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_block_of_code_stands_on_lines_of_its_own(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "```" in line and not FENCE.fullmatch(line)] == []


def test_a_long_sentence_is_found_in_a_paragraph_a_list_and_a_docstring() -> None:
    text = " ".join(["word"] * (MOST_WORDS + 1))
    for one in (f"{text}.", f"Short. {text}.", f"- short\n- {text}", f"at: now. later: {text}"):
        assert len(long_sentences(one)) == 1, one
    assert long_sentences(f"| {text} |\n\n```\n{text}\n```\n\na    {text}\n\n{text[5:]}.") == []
    assert long_sentences(f"- item\n\n  ```sh\n  {text}\n  ```\n\n    {text}\n") == []
    assert list(docstrings(ast.parse(f'A = 1\n"""{text}"""\n\ndef f():\n    """Short."""\n'))) == [
        text,
        "Short.",
    ]
