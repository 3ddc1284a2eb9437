"""Every topic and every principal with its grants, as `topics.yaml` declares them. It asks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from deploy.trouble import CannotApply

DECLARATION = Path(__file__).with_name("topics.yaml")
REFERRALS, REPLIES = "inbound.{agency}.referrals.v1", "inbound.{agency}.replies.v1"
"""The two topics of an agency."""


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
    """All of `topics.yaml`, with every agency spelled out."""

    agencies: tuple[str, ...]
    topics: tuple[Topic, ...]
    principals: tuple[Principal, ...]

    def beside(self, agencies: Iterable[str]) -> Declaration:
        """The same, and what `topics.yaml` declares for each of these agencies. Raises CannotApply."""
        further = tuple(one for one in agencies if one not in self.agencies)
        if not further:
            return self
        theirs = {pattern.format(agency=one) for one in further for pattern in (REFERRALS, REPLIES)}
        whole = declared(also=further)
        topics = [one for one in whole.topics if one.name in theirs]
        granted = {one.name: one for one in whole.principals}

        def widened(one: Principal) -> Principal:
            more = granted.get(one.name, one)
            write, read = (tuple(name for name in kind if name in theirs) for kind in (more.write, more.read))
            return replace(one, write=(*one.write, *write), read=(*one.read, *read))

        own = [one for one in whole.principals if one.name in further]
        principals = (*map(widened, self.principals), *own)
        return Declaration((*self.agencies, *further), (*self.topics, *topics), principals)


def declared(path: Path = DECLARATION, *, also: Iterable[str] = ()) -> Declaration:
    """Read the declaration; `{agency}` is replaced by each agency in turn. also: agencies beside those that it names.

    Raises CannotApply where a principal would be granted another's consumer groups.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    agencies: list[str] = [*document["agencies"], *(one for one in also if one not in document["agencies"])]

    def spelled_out(name: str) -> Iterator[str]:
        if "{agency}" in name:
            yield from (name.replace("{agency}", agency) for agency in agencies)
        else:
            yield name

    topics = tuple(
        Topic(name, declared["partitions"], {key: str(value) for key, value in declared["config"].items()})
        for pattern, declared in document["topics"].items()
        for name in spelled_out(pattern)
    )
    principals: list[Principal] = []
    for pattern, grants in document["principals"].items():
        for name in spelled_out(pattern):
            # An agency's own grants name that agency; a service's grants name all of them.
            own = {"{agency}": name} if "{agency}" in pattern else {}

            def grant(kind: str, own: Mapping[str, str] = own, grants: Any = grants) -> tuple[str, ...]:
                return tuple(
                    topic
                    for entry in _flat(grants.get(kind, ()))
                    for topic in ([entry.replace(*pair) for pair in own.items()] or spelled_out(entry))
                )

            read = grant("read")
            groups = (name, f"{name}.*", *grants.get("groups", ())) if read else ()
            quotas = document["quotas"].get(pattern, {})
            principals.append(Principal(name, grant("write"), read, groups, quotas))
    _tell_apart(principals)
    return Declaration(tuple(agencies), topics, tuple(principals))


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
