"""Forms and limits stand in one place each: no second copy in the code, and what is published is what is checked.

A copy is a literal: text that holds the pattern, or a number that is the limit, wherever it stands in an expression.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.outcome.stream import described
from shared.edge.bodies import BODY_LIMIT_BYTES
from shared.edge.openapi import PARAMETERS, PATH_PATTERNS
from shared.edge.paths import IDS
from shared.language import forms
from shared.telemetry.traces import TRACEPARENT

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("clients", "deploy", "services", "shared", "tools")
FORMS, TRACES = Path("shared/language/forms.py"), Path("shared/telemetry/traces.py")
PATTERNS = {
    "[0-9a-hjkmnp-tv-z]": FORMS,
    "[a-z0-9_-]{0,39}": FORMS,
    "[a-z0-9-]{1,62}": FORMS,
    "[a-z0-9_@-]{1,119}": FORMS,
    "h[1-9][0-9]{0,5}": FORMS,
    "[!-~]{1,200}": FORMS,
    "[0-9a-f]{2}-": TRACES,
}
"""{a part that only this form has: where the form stands}."""


def _sources() -> Iterator[Path]:
    for room in PRODUCT:
        yield from sorted((ROOT / room).rglob("*.py"))
        yield from sorted((ROOT / room).rglob("*.js"))


def _texts(source: Path) -> str:
    """Every literal text of the file, f-strings with single braces; of a script all of it."""
    content = source.read_text(encoding="utf-8")
    if source.suffix != ".py":
        return content
    return "\n".join(
        node.value
        for node in ast.walk(ast.parse(content))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@pytest.fixture(scope="module")
def texts() -> dict[Path, str]:
    return {path.relative_to(ROOT): _texts(path) for path in _sources()}


@pytest.mark.parametrize("part", PATTERNS)
def test_a_form_stands_in_one_place(texts: dict[Path, str], part: str) -> None:
    assert {path for path, said in texts.items() if part in said} == {PATTERNS[part]}


def _whole_products(tree: ast.AST) -> Iterator[int]:
    """What each literal number, and each product of literal numbers that is no part of another, comes to."""
    inside: set[int] = set()
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        product = _product(node)
        if product is not None:
            inside |= {id(child) for child in ast.walk(node)}
            yield product


def _product(node: ast.AST) -> int | None:
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            first, second = _product(left), _product(right)
            return None if first is None or second is None else first * second
        case ast.BinOp(left=left, op=ast.LShift(), right=right):
            first, second = _product(left), _product(right)
            return None if first is None or second is None else first << second
    return None


def test_the_limit_of_a_body_stands_in_one_place() -> None:
    found = [
        path.relative_to(ROOT)
        for path in _sources()
        if path.suffix == ".py"
        for one in _whole_products(ast.parse(path.read_text(encoding="utf-8")))
        if one == BODY_LIMIT_BYTES
    ]
    assert found == [Path("shared/edge/bodies.py")]


def test_one_module_finds_a_personnummer_and_one_reads_it() -> None:
    """Found where none may be by `personal_numbers`; read where one belongs by intake, with the library."""
    sources = {path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in _sources()}
    assert [str(path) for path, said in sources.items() if "def _luhn" in said or "% 10 == 0" in said] == [
        "shared/language/personal_numbers.py"
    ]
    assert [str(path) for path, said in sources.items() if "import personnummer" in said] == [
        "services/intake/identity.py"
    ]


def test_documents_publish_the_forms_that_are_checked() -> None:
    assert {name: PATH_PATTERNS[name] for name in IDS} == {
        name: forms.whole(one.form) for name, one in IDS.items()
    }
    own = forms.whole(forms.IDEMPOTENCY_KEY)
    assert PARAMETERS["IdempotencyKey"]["schema"]["pattern"] == own
    stream = described.openapi()["paths"]["/programmes/{programmeId}/page-links"]["post"]
    assert own in {one.get("schema", {}).get("pattern") for one in stream["parameters"]}
    assert stream["x-body-limit-bytes"] == BODY_LIMIT_BYTES
    assert PARAMETERS["Traceparent"]["schema"]["pattern"] == forms.whole(TRACEPARENT)
