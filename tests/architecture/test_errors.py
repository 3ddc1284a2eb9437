"""Every exception of the product stands once in the tree that says who must act, at its own place."""

import ast
import builtins
import re
from collections.abc import Iterator

from shared.language import errors
from tests.support.sources import sources

LINE = re.compile(r"^(?P<indent> {4,8})(?P<name>_?[A-Z]\w+)  +\S", re.MULTILINE)
BUILT_IN = {
    name for name, one in vars(builtins).items() if isinstance(one, type) and issubclass(one, BaseException)
}


def in_the_tree() -> list[str]:
    return [found["name"] for found in LINE.finditer(errors.__doc__ or "")]


def defined() -> Iterator[tuple[str, str]]:
    """(class, module) of every exception in product code, those derived from another of ours included."""
    classes = [
        (node, source.name)
        for source in sources("deploy", "services", "shared")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    ]
    known, size = set(BUILT_IN), -1
    while len(known) != size:
        size = len(known)
        known |= {node.name for node, _ in classes if known & {ast.unparse(base) for base in node.bases}}
    yield from ((node.name, name) for node, name in classes if node.name in known)


def test_every_exception_stands_in_the_tree_and_every_name_of_the_tree_is_one() -> None:
    found = [name for name, _ in defined()]
    assert len(found) == len(set(found)), "two exceptions of one name"
    assert sorted(in_the_tree()) == sorted(found)


def test_a_name_stands_below_the_class_it_derives_from() -> None:
    derived = {one.__name__ for one in errors.Refused.__subclasses__()}
    deeper = {found["name"] for found in LINE.finditer(errors.__doc__ or "") if len(found["indent"]) > 4}
    assert derived <= deeper
