"""A consumer group as a value: what it folds, into which collections, and what becomes of one batch.

The live consumer, an operator's replay and a rebuild beside the live one all fold through here, so that what is
mended by hand is what the consumer would have done.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import Fact, Source
from shared.runtime.change import Fold, Repository
from shared.runtime.fold import Enrich


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of one service.

    name: names its offsets and what it has parked. own_source: the service's, whose events it does not hear; None for
    a projection, which hears everybody and says nothing. keeps: collections that its folds write beside the states.
    """

    name: str
    repository: Repository
    folds: Mapping[type[Fact], Fold]
    topics: tuple[str, ...]
    own_source: Source | None
    enrich: Enrich | None = None
    keeps: tuple[str, ...] = ()

    @property
    def is_projection(self) -> bool:
        """Whether it can be made anew from the log alone."""
        return self.own_source is None

    @property
    def collections(self) -> tuple[str, ...]:
        """Everything it writes: the states first."""
        return (self.repository.collection, *self.keeps)
