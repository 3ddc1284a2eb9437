"""The events that a waiting event waits for: a pure question to the subject's vector and to its parked events."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from shared.language.events import SOURCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One parked event. after: the events of its subject that the emitter had applied. needs: a programme version, or
    None.
    """

    source: str
    seq: int
    after: Mapping[str, int]
    needs: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Missing:
    """The events that `source` numbered `seq` to `last` on `subject`, and that have not come."""

    source: str
    subject: str
    seq: int
    last: int


def missing(
    subject: str,
    waiting: Iterable[Waiting],
    applied: Mapping[str, int],
    *,
    own_source: str | None,
    programmes: Collection[str] = (),
) -> frozenset[Missing]:
    """The events that have to come before these can be applied; none: they can be applied now.

    applied: how many of each source's events have been. own_source: the service's own, which its events never wait
    for; None for a projection. programmes: the versions that are here.
    """
    rows = list(waiting)
    here = {(row.source, row.seq) for row in rows}
    found: set[Missing] = set()
    last: dict[str, int] = {}
    for row in rows:
        wanted: dict[str, int] = {source: count for source, count in row.after.items() if source in SOURCES}
        wanted[row.source] = row.seq - 1
        for source, count in wanted.items():
            following = applied.get(source, 0) + 1
            if source != own_source and following <= count and (source, following) not in here:
                last[source] = max(last.get(source, 0), _gap_end(source, count, here))
        if row.needs is not None and row.needs not in programmes:
            found.add(Missing("intake", f"programme/{row.needs}", 1, 1))
    found |= {Missing(source, subject, applied.get(source, 0) + 1, count) for source, count in last.items()}
    return frozenset(found)


def _gap_end(source: str, count: int, here: Collection[tuple[str, int]]) -> int:
    """The last one missing before one that is here, or the last that is wanted."""
    parked = [seq for of, seq in here if of == source]
    return min([count, *(seq - 1 for seq in parked)])
