"""Compares a rebuilt projection with the live one: every subject's state and every counter, in one snapshot.

Two groups that consume a moving log rarely have the same offsets. A subject is compared if both have applied the same
events of it. The counters are shared by all subjects, so they are compared only if both groups have the same offsets.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo import ASCENDING
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.operations.parked import shown_subject
from shared.runtime.groups import Group

FIRST = 10
COMPARED_FIELDS = ("state", "chain", "blocked", "waits")
Document = Mapping[str, Any]


@dataclass(slots=True)
class Comparison:
    """The result of a comparison. elsewhere: subjects of which the two groups have applied different events."""

    same: int = 0
    different: int = 0
    only_live: int = 0
    only_rebuilt: int = 0
    elsewhere: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def note(self, subject: str, fields: Iterable[str]) -> None:
        """Remember the first few subjects that differ, by the names of the differing fields and never by values."""
        if len(self.first) < FIRST:
            self.first.append({"subject": shown_subject(subject), "fields": sorted(fields)})


def compare_states(live: Iterable[Document], rebuilt: Iterable[Document], *, together: bool) -> Comparison:
    """Compare two runs of documents, each ascending by `_id`. together: both groups stand at the same offsets."""
    found = Comparison()
    for mine, theirs in _pairs(iter(live), iter(rebuilt)):
        if theirs is None and mine is not None:
            found.only_live += 1
            if together:
                found.note(mine["_id"], ("_id",))
        elif mine is None and theirs is not None:
            found.only_rebuilt += 1
            if together:
                found.note(theirs["_id"], ("_id",))
        elif mine is not None and theirs is not None:
            _compare(found, mine, theirs)
    return found


def _compare(found: Comparison, mine: Document, theirs: Document) -> None:
    if mine.get("in") != theirs.get("in"):
        found.elsewhere += 1
        return
    differing = list(_differing(mine, theirs))
    if differing:
        found.different += 1
        found.note(mine["_id"], differing)
    else:
        found.same += 1


def _differing(mine: Document, theirs: Document) -> Iterator[str]:
    """The names of the fields that differ, those of the state one by one. Documents older than chains have none."""
    for name in COMPARED_FIELDS:
        one, other = mine.get(name), theirs.get(name)
        if name == "chain" and not (one and other):
            continue
        if one == other:
            continue
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from (
                f"{name}.{key}" for key in one.keys() | other.keys() if one.get(key) != other.get(key)
            )
        else:
            yield name


def _pairs(
    live: Iterator[Document], rebuilt: Iterator[Document]
) -> Iterator[tuple[Document | None, Document | None]]:
    mine, theirs = next(live, None), next(rebuilt, None)
    while mine is not None or theirs is not None:
        if theirs is None or (mine is not None and mine["_id"] < theirs["_id"]):
            yield mine, None
            mine = next(live, None)
        elif mine is None or theirs["_id"] < mine["_id"]:
            yield None, theirs
            theirs = next(rebuilt, None)
        else:
            yield mine, theirs
            mine, theirs = next(live, None), next(rebuilt, None)


def compare_counters(live: Iterable[Document], rebuilt: Iterable[Document]) -> dict[str, Any]:
    """{same, different, first}: each counter summed over its shards; one that is zero is as good as none."""
    sums = [_summed(live), _summed(rebuilt)]
    names = sums[0].keys() | sums[1].keys()
    differing = sorted(name for name in names if sums[0][name] != sums[1][name])
    first = [{"counter": name, "live": sums[0][name], "rebuilt": sums[1][name]} for name in differing[:FIRST]]
    return {"same": len(names) - len(differing), "different": len(differing), "first": first}


def _summed(rows: Iterable[Document]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        for name, amount in _amounts(row):
            found[f"{row['key']}.{name}"] += amount
    return found


def _amounts(row: Document) -> Iterator[tuple[str, int]]:
    """The counts of one row, those within a field by the field's name and their own."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{code}", amount) for code, amount in value.items())
        elif isinstance(value, int) and name not in ("shard", "_id"):
            yield name, value


def compare(database: Database[Any], session: ClientSession, live: Group, rebuilt: Group) -> dict[str, Any]:
    """Compare everything both keep, as the session's snapshot shows it. Blocks for a pass over all documents.

    The session must be a snapshot session. Counters are None when the two do not stand at the same offsets.
    """
    together = same_place(database, session, live, rebuilt)
    order = [("_id", ASCENDING)]
    fields = {"in": 1, **dict.fromkeys(COMPARED_FIELDS, 1)}
    states = live.repository.collection
    found = compare_states(
        database[states].find({}, fields, sort=order, session=session),
        rebuilt.seen(database)[states].find({}, fields, sort=order, session=session),
        together=together,
    )
    counters = {}
    for name in live.keeps if together else ():
        mine = database[name].find(session=session)
        counters[name] = compare_counters(mine, rebuilt.seen(database)[name].find(session=session))
    lacking = (found.only_live + found.only_rebuilt + found.elsewhere) if together else 0
    return {
        "same_place": together,
        "same": found.same,
        "different": found.different,
        "only_live": found.only_live,
        "only_rebuilt": found.only_rebuilt,
        "elsewhere": found.elsewhere,
        "first": found.first,
        "counters": counters if together else None,
        "differs": bool(found.different or lacking or any(one["different"] for one in counters.values())),
    }


def same_place(database: Database[Any], session: ClientSession, live: Group, rebuilt: Group) -> bool:
    """Whether both groups have the same offsets."""
    places = []
    for name in (live.name, rebuilt.name):
        rows = database["offsets"].find({"_id": {"$gte": f"{name}:", "$lt": f"{name};"}}, session=session)
        places.append({row["_id"][len(name) + 1 :]: row["next"] for row in rows})
    return places[0] == places[1]
