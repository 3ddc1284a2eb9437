"""Which use case a route calls, and which fold an event goes to: read from the code itself, never written by hand."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

USE_CASES = (
    "handlers",
    "attendance",
    "hours",
    "waiting",
    "marking",
    "reporting",
    "due_reports",
    "closing",
    "grouping",
    "counting",
    "correcting",
    "contents",
    "people",
    "merging",
    "candidates",
    "role_map",
    "rights",
    "registering",
    "changes",
    "webhooks",
)
"""Modules of a service that hold use cases."""


def use_case_of(view: Callable[..., Any]) -> str | None:
    """`module.function` within the service of the use case that a view calls; None where it calls none.

    Looks at what the view names, then at the service's functions that it names, and so on.
    """
    waiting, seen = [inspect.unwrap(view)], set[FunctionType]()
    while waiting:
        function = waiting.pop(0)
        seen.add(function)
        if found := next(_named(function), None):
            return found
        waiting += [one for one in _helpers(function) if one not in seen]
    return None


def fold_of(fold: Callable[..., Any]) -> str:
    """`module.function` within the service of a fold. One that is made by another function bears that one's name."""
    name: str = fold.__qualname__.partition(".<locals>")[0]
    return f"{_within(fold.__module__)}.{name}"


def _within(module: str) -> str:
    """The module's name without `services.<service>.`."""
    return module.split(".", 2)[2]


def _named(function: FunctionType) -> Iterator[str]:
    for node in ast.walk(_tree(function)):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                found = _global(function, module)
                if isinstance(found, ModuleType) and _holds_use_cases(found.__name__):
                    yield f"{_within(found.__name__)}.{name}"
            case ast.Name(id=name):
                found = _global(function, name)
                if isinstance(found, FunctionType) and _holds_use_cases(found.__module__):
                    yield f"{_within(found.__module__)}.{found.__name__}"
            case _:
                pass


def _helpers(function: FunctionType) -> Iterator[FunctionType]:
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Name):
            found = _global(function, node.id)
            if isinstance(found, FunctionType) and found.__module__.startswith("services."):
                yield found


def _global(function: FunctionType, name: str) -> Any:
    """What the name stands for in the function: a global, or what surrounds it."""
    around = inspect.getclosurevars(function).nonlocals
    return around.get(name, function.__globals__.get(name))


def _holds_use_cases(module: str) -> bool:
    parts = module.split(".")
    return parts[0] == "services" and len(parts) > 2 and parts[2] in USE_CASES


def _tree(function: FunctionType) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))
