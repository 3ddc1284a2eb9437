"""A database of which only collections are asked for."""

from typing import Any, Protocol

from pymongo.collection import Collection


class Collections(Protocol):
    """Collections by name: PyMongo's database, or the one that a rebuild sees."""

    def __getitem__(self, name: str, /) -> Collection[Any]:
        """The collection of this name."""
