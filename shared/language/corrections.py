"""Corrections: a record is replaced or taken back, and its earlier content stays readable.

A correction never overwrites. The state holds the present content, and the event announces it. A row here keeps the
earlier content, the corrector, the time and the reason. The reason is free text and stays in the service that
received it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from shared.language.access import Actor, Reader
from shared.language.decision import Row, Skip, Subject, Work
from shared.language.events import Organisation

SUPERSEDED = "superseded"
"""The collection of rows that no longer hold, numbered within their subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correcting:
    """The fields of every correcting command. void: the record is taken back, and nothing replaces it."""

    why: str
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A row: the content of one record until it was corrected.

    what: the record, `exit` or `progress/3`. recorded_by: the organisation that recorded it. organisation, person: of
    the corrector.
    """

    subject: Subject
    number: int
    what: str
    said: Mapping[str, Any]
    voided: bool
    why: str | None
    recorded_by: Organisation | None
    organisation: Organisation
    person: str
    recorded_at: datetime


def superseded(
    subject: Subject,
    number: int,
    what: str,
    said: Mapping[str, Any],
    *,
    recorded_by: Organisation | None,
    by: Actor,
    at: datetime,
    why: str | None,
    void: bool = False,
) -> Row:
    """The row that keeps the earlier content. number: of this correction within its subject, 1, 2, 3 …"""
    kept = Superseded(
        subject=subject,
        number=number,
        what=what,
        said={name: plain(value) for name, value in said.items()},
        voided=void,
        why=why,
        recorded_by=recorded_by,
        organisation=by.organisation,
        person=by.person,
        recorded_at=at,
    )
    body = msgspec.to_builtins(kept, builtin_types=(datetime,))
    return Row(SUPERSEDED, f"{subject}:{number:06d}", body)


def plain(value: Any) -> Any:
    """A day as its text, everything else as it is."""
    return value.isoformat() if isinstance(value, date) else value


def page(
    work: Work, subject: Subject, *, after: int | Skip | None, limit: int, hidden: str | None = None
) -> Sequence[Superseded]:
    """A page of the subject's corrections, in the order in which they were made; without those of the `hidden` kind."""
    where = {"subject": subject} if hidden is None else {"subject": subject, "what": {"$ne": hidden}}
    rows = work.rows(SUPERSEDED, where, order="number", after=after, limit=limit)
    return [msgspec.convert({**row}, Superseded) for row in rows]


def show(entry: Superseded, who: Reader) -> dict[str, Any] | None:
    """The entry for its reader, or None where the reader may not know of it.

    The organisation that recorded it sees the earlier content. A workplace sees nothing of others' records. A reader
    from outside sees when and what kind. Only the corrector's own organisation sees the person.
    """
    if not who.sees(entry.recorded_by) and entry.recorded_by != who.organisation:
        if who.works_there:
            return None
        return {**_outline(entry), "said": None, "why": None, "person": None}
    own = entry.organisation == who.organisation
    return {
        **_outline(entry),
        "said": dict(entry.said),
        "why": entry.why,
        "person": entry.person if own else None,
    }


def _outline(entry: Superseded) -> dict[str, Any]:
    return {
        "number": entry.number,
        "what": entry.what,
        "voided": entry.voided,
        "organisation": entry.organisation,
        "recorded_at": entry.recorded_at.isoformat(),
    }
