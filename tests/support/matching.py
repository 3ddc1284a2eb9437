"""How the fakes of `memory` read: rows by MongoDB's conditions, and what a row of many announced, nothing else."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.language.codec import encode_body, encode_headers, event_type
from shared.language.decision import Subject, event_id
from shared.language.events import Fact
from shared.runtime.many import OneOfMany


def added(amounts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Both amounts of each cell, added up."""
    return {cell: amounts.get(cell, 0) + more.get(cell, 0) for cell in {**amounts, **more}}


def matches(body: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    """Whether a row is one of those asked for."""
    either = where.get("$or")
    rest = {name: wanted for name, wanted in where.items() if name != "$or"}
    return all(_matches(field_at(body, name), wanted) for name, wanted in rest.items()) and (
        either is None or any(matches(body, one) for one in either)
    )


def field_at(body: Mapping[str, Any], name: str) -> Any:
    """The field, or the one inside another that dots lead to; None where there is none."""
    found: Any = body
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def is_beyond(body: Mapping[str, Any], name: str, after: Any) -> bool:
    """Whether the field lies beyond that value; one that is not there does not."""
    found = field_at(body, name)
    return found is not None and bool(found > after)


def _matches(found: Any, wanted: Any) -> bool:
    """As MongoDB compares: a list matches what it contains, `$in` any of what it lists, `$ne` what is none of it."""
    if isinstance(wanted, Mapping) and "$ne" in wanted:
        return not _matches(found, wanted["$ne"])
    if isinstance(wanted, Mapping) and "$in" in wanted:
        return any(_matches(found, one) for one in wanted["$in"])
    return found == wanted or (isinstance(found, list | tuple) and wanted in found)


def archived(said: Iterable[tuple[Subject, Fact]], asked_by: Iterable[str]) -> list[dict[str, Any]]:
    """What was said, and for whom, as the rows of the archive."""
    counts, rows = Counter[Subject](), []
    for (subject, fact), by in zip(said, asked_by, strict=True):
        counts[subject] += 1
        kind, at = event_type(fact), fact.recorded_at
        headers = encode_headers(kind, subject, counts[subject], at, {}, "", by)
        key = event_id(subject, counts[subject])
        rows.append({"_id": key, "type": kind.name, "headers": headers, "body": encode_body(fact)})
    return rows


@dataclass
class Announced:
    """A Work in which a row of many asks for nothing that it has not named: the rest would cost a question each."""

    work: Any
    row_of_many: OneOfMany
    fetched: set[tuple[str, str]] = field(default_factory=set)

    def fetch(self, collection: str, keys: Collection[str]) -> None:
        """Rows that only the loaded state names: one question for all of its subject."""
        self.fetched |= {(collection, key) for key in keys}

    def row(self, collection: str, key: str) -> Mapping[str, Any] | None:
        """The row, which was fetched ahead."""
        wanted = {(one.collection, one.key): one.leads for one in self.row_of_many.rows}
        found = {at: self.work.row(*at) for at in wanted}
        led = {
            (leads[0], named[leads[1]])
            for at, leads in wanted.items()
            if leads is not None and (named := found[at]) is not None
        }
        assert (collection, key) in {*wanted, *led, *self.fetched}, f"{collection} was not fetched ahead"
        row: Mapping[str, Any] | None = self.work.row(collection, key)
        return row

    def get(self, subject: Subject) -> Any:
        """The subject's state, which was fetched ahead."""
        assert subject == self.row_of_many.subject
        return self.work.get(subject)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.work, name)


def announced(row: OneOfMany) -> Callable[[Any], dict[str, Any]]:
    return lambda work: row.use_case(Announced(work, row))
