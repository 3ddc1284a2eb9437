"""How a subject's state is stored: as a document with its version. A reader lifts older versions to the newest.

A new version of a kind of state adds one lift: a pure function from the previous version's document to the new one.
Lifts form a chain, so a document of any released version can be read. A document that is broken, or newer than this
release, raises StateUnreadable. The runtime then parks the subject and goes on with all others. How to change a
stored state: docs/how-to/change-a-stored-state.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from shared.language.decision import Subject, kind_of
from shared.language.errors import StateUnreadable

VERSION = "schema_version"
"""The field of a stored state that holds its version."""

Lift = Callable[[dict[str, Any]], dict[str, Any]]
"""A document of one version -> the document of the next. Pure; may change the document that it is given."""


def valid_as_it_is(document: dict[str, Any]) -> dict[str, Any]:
    """The lift to a version that only adds fields with a default: older documents are valid as they are."""
    return document


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of state: the type of its newest version, and the chain of lifts that leads to it.

    lifts: the first makes version 2 out of version 1, the second version 3 out of version 2, and so on.
    """

    type: type
    lifts: tuple[Lift, ...] = ()

    @property
    def version(self) -> int:
        """The version that this release writes."""
        return len(self.lifts) + 1


class StoredStates:
    """The states of one collection. Each service's repository names its kinds. Satisfies `decision.Repository`.

    collection: the collection that holds every subject's state. kinds: by the kind of subject. keeps: types that
    MongoDB stores itself, so they stay as they are in a document; days become ISO strings.
    """

    collection: str
    kinds: Mapping[str, Kind]
    keeps: tuple[type, ...] = (datetime,)

    def __init__(self) -> None:
        self._versions = {kind.type: kind.version for kind in self.kinds.values()}

    def write(self, state: Any) -> dict[str, Any]:
        """The state as a document of the newest version."""
        document: dict[str, Any] = msgspec.to_builtins(state, builtin_types=self.keeps)
        document[VERSION] = self._versions[type(state)]
        return document

    def read(self, subject: Subject, document: Mapping[str, Any]) -> Any:
        """The state in a document of any version up to the newest. Raises StateUnreadable."""
        name = kind_of(subject)
        kind = self.kinds.get(name)
        if kind is None:
            raise StateUnreadable(name, "This release keeps no such kind of state.")
        if not isinstance(document, Mapping):
            raise StateUnreadable(name, "It is no document.")
        if document.get(VERSION) != kind.version:
            document = _lifted(name, kind, document)
        try:
            return msgspec.convert(document, kind.type, builtin_types=self.keeps)
        except (msgspec.ValidationError, RecursionError) as error:
            # The place alone: msgspec's own words may repeat a value.
            place = str(error).partition(" - at")[2] or " its root"
            raise StateUnreadable(name, f"It is broken at{place}.") from None


def _lifted(name: str, kind: Kind, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document in the newest version. Raises StateUnreadable."""
    version = document.get(VERSION)
    if type(version) is not int or version < 1:
        raise StateUnreadable(name, "It does not say its version.")
    if version > kind.version:
        raise StateUnreadable(
            name, f"It is of version {version}; this release reads up to version {kind.version}."
        )
    lifted = dict(document)
    for known, lift in enumerate(kind.lifts[version - 1 :], version):
        try:
            lifted = lift(lifted)
        except Exception as error:  # whatever a lift raises, the document was not as it expects
            raise StateUnreadable(
                name, f"It cannot be lifted from version {known}: {type(error).__name__}."
            ) from error
    return lifted
