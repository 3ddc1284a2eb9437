"""A consumer group as a value: what it applies, into which collections, and under which names.

The live consumer, an operator's replay and a rebuild all use it. So a replay does exactly what the consumer would
have done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo.collection import Collection

from shared.language.decision import Fold, Repository
from shared.language.events import Fact, Source
from shared.runtime.collections import Collections
from shared.runtime.fold import Enrich


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of one service.

    name: names its offsets and its parked events. own_source: the service's own source, whose events the group does
    not read; None for a projection, which reads all sources and emits nothing. keeps: collections that its folds
    write beside the states. run: 0, or the number of this rebuild. In a rebuild `live` names the live group, and
    `renamed` maps each of its collections to the rebuild's own.
    """

    name: str
    repository: Repository
    folds: Mapping[type[Fact], Fold]
    topics: tuple[str, ...]
    own_source: Source | None
    enrich: Enrich | None = None
    keeps: tuple[str, ...] = ()
    run: int = 0
    live: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_projection(self) -> bool:
        """Whether the group can be rebuilt from the log alone."""
        return self.own_source is None

    @property
    def collections(self) -> tuple[str, ...]:
        """Everything it writes: the states first."""
        return (self.repository.collection, *self.keeps)

    def beside(self, run: int) -> "Group":
        """The group of one rebuild: the same folds from the log's beginning, with offsets, states and counters of its
        own.
        """
        renamed = {name: f"{name}__r{run}" for name in self.collections}
        return replace(self, name=f"{self.name}-r{run}", run=run, live=self.name, renamed=renamed)

    def seen(self, database: Collections) -> Collections:
        """The database as this group sees it: what it keeps goes by its own names."""
        return CollectionsOfARebuild(database, self.renamed) if self.renamed else database


class CollectionsOfARebuild:
    """A database in which a rebuild's collections go by other names."""

    def __init__(self, database: Collections, names: Mapping[str, str]) -> None:
        self._database = database
        self._names = names

    def __getitem__(self, name: str, /) -> Collection[Any]:
        return self._database[self._names.get(name, name)]
