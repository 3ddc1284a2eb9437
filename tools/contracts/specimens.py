"""Specimens of stored states: built from a type, one with every field filled and one with as little as may be.

They show each field of a version at least once. Whether a state could come about is not their subject.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from msgspec import inspect

TEXTS = ("2482", "journey.intake.journey-started.v1", "urkraft", "code")
"""Texts for fields that hold no plain name: each pattern in use takes one of them."""
DEPTH = 12
"""A type that contains itself ends here."""


def full(kind: type) -> Any:
    """A state with every field filled; collections hold one item, and unions their last kind."""
    return msgspec.convert(_filled(inspect.type_info(kind), "it"), kind, builtin_types=(datetime, bytes))


def least(kind: type) -> Any:
    """A state that leaves out every field which may be left out."""
    return msgspec.convert(_least(inspect.type_info(kind), "it"), kind, builtin_types=(datetime, bytes))


def _filled(kind: inspect.Type, name: str, depth: int = 0) -> Any:
    if isinstance(kind, inspect.DataclassType | inspect.StructType):
        return {one.encode_name: _filled(one.type, one.name, depth + 1) for one in kind.fields}
    if isinstance(kind, inspect.VarTupleType | inspect.ListType | inspect.SetType | inspect.FrozenSetType):
        return [_filled(kind.item_type, name, depth + 1)] if depth < DEPTH else []
    if isinstance(kind, inspect.TupleType):
        return [_filled(one, name, depth + 1) for one in kind.item_types]
    if isinstance(kind, inspect.DictType):
        return {_filled(kind.key_type, name, depth + 1): _filled(kind.value_type, name, depth + 1)}
    if isinstance(kind, inspect.UnionType):
        return _filled(_last(kind.types), name, depth)
    return _plain(kind, name)


def _least(kind: inspect.Type, name: str) -> Any:
    if isinstance(kind, inspect.DataclassType | inspect.StructType):
        return {one.encode_name: _least(one.type, one.name) for one in kind.fields if one.required}
    if isinstance(kind, inspect.VarTupleType | inspect.ListType | inspect.SetType | inspect.FrozenSetType):
        return []
    if isinstance(kind, inspect.TupleType):
        return [_least(one, name) for one in kind.item_types]
    if isinstance(kind, inspect.DictType):
        return {}
    if isinstance(kind, inspect.UnionType):
        empty = any(isinstance(one, inspect.NoneType) for one in kind.types)
        return None if empty else _least(kind.types[0], name)
    return _plain(kind, name)


def _last(kinds: Sequence[inspect.Type]) -> inspect.Type:
    return [one for one in kinds if not isinstance(one, inspect.NoneType)][-1]


def _plain(kind: inspect.Type, name: str) -> Any:
    match kind:
        case inspect.Metadata():
            return _plain(kind.type, name)
        case inspect.BoolType():
            return True
        case inspect.IntType():
            return max(3, kind.ge or 0)
        case inspect.FloatType():
            return 0.5
        case inspect.StrType():
            return _text(kind.pattern, name)
        case inspect.LiteralType():
            return kind.values[-1]
        case inspect.DateTimeType():
            return datetime(2016, 2, 15, 11, 30, tzinfo=UTC)
        case inspect.DateType():
            return date(2016, 2, 15).isoformat()
        case inspect.BytesType():
            return b"sealed"
        case inspect.NoneType():
            return None
    raise TypeError(f"{name} is of {kind}, of which there is no specimen yet.")


def _text(pattern: str | None, name: str) -> str:
    return next(one for one in (name, *TEXTS) if pattern is None or re.search(pattern, one))
