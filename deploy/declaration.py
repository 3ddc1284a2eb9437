"""Every topic and every principal with its grants, as `topics.yaml` declares them. It asks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from deploy.trouble import CannotApply

DECLARATION = Path(__file__).with_name("topics.yaml")
REFERRALS = "inbound.{agency}.referrals.v1"
"""The topic on which an agency refers; who may write it has joined."""
ATTENDANCE = "inbound.{agency}.attendance.v1"
"""The topic on which an organisation sends marks of its registers."""
DASHBOARD, VIEWER = "dashboard.{dashboard}.v1", "dashboard_{dashboard}"
"""The topic of a dashboard, and the user that reads it. No unit's code has an underscore."""


@dataclass(frozen=True)
class Topic:
    """A topic as declared. `config` values are strings, as Kafka holds them."""

    name: str
    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class Principal:
    """A Kafka user and the topics it may write and read, each by its whole name.

    groups: the consumer groups it may use; a trailing `*` is a prefix. quotas: by Kafka's names, per broker.
    """

    name: str
    write: tuple[str, ...]
    read: tuple[str, ...]
    groups: tuple[str, ...]
    quotas: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Declaration:
    """All of `topics.yaml`, with every agency and dashboard spelled out.

    former: users of earlier releases, which are taken away.
    """

    agencies: tuple[str, ...]
    dashboards: tuple[str, ...]
    topics: tuple[Topic, ...]
    principals: tuple[Principal, ...]
    former: tuple[str, ...] = ()

    def beside(self, agencies: Iterable[str] = (), dashboards: Iterable[str] = ()) -> Declaration:
        """The same, and what `topics.yaml` declares for each of these. Raises CannotApply."""
        further = tuple(one for one in agencies if one not in self.agencies)
        shown = tuple(one for one in dashboards if one not in self.dashboards)
        if not further and not shown:
            return self
        whole, before = declared(agencies=further, dashboards=shown), declared()
        theirs = {one.name for one in whole.topics} - {one.name for one in before.topics}
        granted = {one.name: one for one in whole.principals}

        def widened(one: Principal) -> Principal:
            more = granted.get(one.name, one)
            write, read = (tuple(name for name in kind if name in theirs) for kind in (more.write, more.read))
            return replace(one, write=(*one.write, *write), read=(*one.read, *read))

        known = {one.name for one in before.principals}
        own = [one for one in whole.principals if one.name not in known]
        topics = [one for one in whole.topics if one.name in theirs]
        return Declaration(
            (*self.agencies, *further),
            (*self.dashboards, *shown),
            (*self.topics, *topics),
            (*map(widened, self.principals), *own),
            self.former,
        )


def declared(
    path: Path = DECLARATION, *, agencies: Iterable[str] = (), dashboards: Iterable[str] = ()
) -> Declaration:
    """Read the declaration. agencies, dashboards: those beside what it names, for `{agency}` and `{dashboard}`.

    Raises CannotApply where a principal would be granted another's consumer groups.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    named = {
        "{agency}": tuple(dict.fromkeys((*document["agencies"], *agencies))),
        "{dashboard}": tuple(dict.fromkeys((*document["dashboards"], *dashboards))),
    }

    def owners(pattern: str) -> Iterator[tuple[str, str]]:
        """(variable, its value) for each that the pattern stands for; two empty texts where it has no variable."""
        found = [(variable, one) for variable, names in named.items() if variable in pattern for one in names]
        yield from found or ([] if "{" in pattern else [("", "")])

    def spelled_out(pattern: str) -> Iterator[str]:
        yield from (
            pattern.replace(variable, one) if variable else pattern for variable, one in owners(pattern)
        )

    topics = tuple(
        Topic(name, declared["partitions"], {key: str(value) for key, value in declared["config"].items()})
        for pattern, declared in document["topics"].items()
        for name in spelled_out(pattern)
    )
    principals: list[Principal] = []
    for pattern, grants in document["principals"].items():
        for variable, value in owners(pattern):
            # Grants of an agency's own name that agency; a service's grants name all of them.
            def grant(
                kind: str, own: tuple[str, str] = (variable, value), grants: Any = grants
            ) -> tuple[str, ...]:
                return tuple(
                    topic
                    for entry in _flat(grants.get(kind, ()))
                    for topic in ([entry.replace(*own)] if own[0] else spelled_out(entry))
                )

            name = pattern.replace(variable, value) if variable else pattern
            read = grant("read")
            groups = (name, f"{name}.*", *grants.get("groups", ())) if read else ()
            quotas = document["quotas"].get(pattern, {})
            principals.append(Principal(name, grant("write"), read, groups, quotas))
    _tell_apart(principals)
    return Declaration(
        named["{agency}"], named["{dashboard}"], topics, tuple(principals), tuple(document.get("former", ()))
    )


def _flat(entries: Iterable[Any]) -> Iterator[str]:
    """The names, lists within the list too: an alias of YAML's stands for a list."""
    for entry in entries:
        yield from [entry] if isinstance(entry, str) else entry


def covers(granted: str, group: str) -> bool:
    """Whether what is granted takes in that group; a trailing `*` of either is a prefix."""
    if granted.endswith("*"):
        return group.startswith(granted[:-1])
    return granted == group


def _tell_apart(principals: Iterable[Principal]) -> None:
    """Raise CannotApply where a principal's groups take in another's: a name may be the beginning of another."""
    for one in principals:
        for other in principals:
            taken = [
                group
                for granted in one.groups
                for group in (other.name, *other.groups)
                if one is not other and covers(granted, group)
            ]
            if taken:
                raise CannotApply(f"{one.name} would be granted {taken[0]}, a consumer group of {other.name}")
