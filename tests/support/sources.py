"""The product's own source files as syntax trees, for tests of its architecture."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("clients", "deploy", "services", "shared", "tools")
EVERYTHING = (*PRODUCT, "tests")


@dataclass(frozen=True, slots=True)
class Source:
    """One module. `name` is its path from the root."""

    name: str
    tree: ast.Module
    lines: int

    def calls(self, *functions: str) -> Iterator[ast.Call]:
        """Every call of a function or method of one of these names."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and _last_name(node.func) in functions:
                yield node

    def names(self) -> Iterator[str]:
        """Every name that is imported, and every attribute of one: `random`, `datetime.now`, `os.environ`."""
        imported = set()
        for node in ast.walk(self.tree):
            match node:
                case ast.Import(names=names):
                    imported |= {one.asname or one.name.partition(".")[0] for one in names}
                    yield from (one.name for one in names)
                case ast.ImportFrom(module=str(module), names=names):
                    imported |= {one.asname or one.name for one in names}
                    yield module
                    yield from (f"{module}.{one.name}" for one in names)
                case _:
                    pass
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                name = ast.unparse(node)
                if name.partition(".")[0] in imported:
                    yield name


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """Every module below these folders of the repository."""
    found = []
    for folder in folders or PRODUCT:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            found.append(Source(path.relative_to(ROOT).as_posix(), ast.parse(text), len(text.splitlines())))
    return tuple(found)


def text_of(node: ast.expr | None) -> str | None:
    """The literal string that the expression is, or None."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _last_name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
