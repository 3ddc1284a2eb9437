"""MongoDB's indexes and what each serves: the comment that stands over it, where it is declared."""

import ast
import importlib
import io
import itertools
import tokenize
from collections.abc import Iterator
from pathlib import Path

from pymongo import IndexModel

from tools.contracts.services import services
from tools.contracts.tables import table

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ("shared/host/connections.py", "RUNTIME_INDEXES")
CORRECTIONS = ("shared/runtime/corrections.py", "CORRECTION_INDEXES")
OPTIONS = {"partialFilterExpression": "partial", "expireAfterSeconds": "forgets", "sparse": "sparse"}

Row = tuple[str, str, str, str]


class Unexplained(Exception):
    """An index is declared and nothing says what it serves."""


def indexes() -> str:
    """Every index beside the one on `_id` that each collection has. Raises Unexplained."""
    rows = declared("every service", *RUNTIME)
    for name in services():
        rows += declared(name.replace("_", "-"), *CORRECTIONS)
        for path in sorted((ROOT / "services" / name).rglob("*.py")):
            rows += declared(name.replace("_", "-"), path.relative_to(ROOT).as_posix(), "INDEXES")
    return table(("service", "collection", "indexes", "serve"), list(_together(rows)))


def declared(service: str, path: str, name: str, root: Path = ROOT) -> list[Row]:
    """The indexes that the module assigns to this name; none if it does not. Raises Unexplained."""
    source = (root / path).read_text(encoding="utf-8")
    if (declaration := _assigned(source, name)) is None:
        return []
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    said = _comments(source)
    rows = []
    for collection, model, line in _models(getattr(module, name), declaration, vars(module)):
        above = [one for one in said if declaration.lineno < one < line]
        if not above:
            raise Unexplained(
                f"{path}:{line}: say in a comment over it what the index on {collection} serves."
            )
        rows.append((service, f"`{collection}`", _described(model), said[max(above)]))
    return rows


def _together(rows: list[Row]) -> Iterator[Row]:
    """One row for a collection's indexes that one comment explains."""
    for (service, collection, serves), group in itertools.groupby(rows, lambda row: (row[0], row[1], row[3])):
        yield service, collection, "; ".join(row[2] for row in group), serves


def _assigned(source: str, name: str) -> ast.Dict | None:
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == name
            and isinstance(node.value, ast.Dict)
        ):
            return node.value
    return None


def _models(
    values: dict[str, list[IndexModel]], declaration: ast.Dict, names: dict[str, str]
) -> Iterator[tuple[str, IndexModel, int]]:
    """Each model with the line it is declared on; what comes from another module is listed there."""
    for key, value in zip(declaration.keys, declaration.values, strict=True):
        if isinstance(key, ast.Constant | ast.Name) and isinstance(value, ast.List):
            collection = str(key.value) if isinstance(key, ast.Constant) else names[key.id]
            for model, element in zip(values[collection], value.elts, strict=True):
                yield collection, model, element.lineno


def _comments(source: str) -> dict[int, str]:
    """Each comment by its last line; those of several lines are one."""
    found: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            line, text = token.start[0], token.string.lstrip("# ")
            found[line] = f"{found.pop(line - 1)} {text}" if line - 1 in found else text
    return found


def _described(model: IndexModel) -> str:
    """Its fields, `-` before those that descend, and what is special about it."""
    document = model.document
    fields = ", ".join(f"{'-' if order == -1 else ''}{field}" for field, order in document["key"].items())
    special = [words for option, words in OPTIONS.items() if option in document]
    return f"`{fields}`" + (f" ({', '.join(special)})" if special else "")
