"""Corrections: what was recorded is said anew or taken back, and what it said before stays readable.

A correction never overwrites: the state says what holds now, the event says so to everybody, and a row here keeps what
was said before, who corrected it, when and why. The reason is free text and stays in the service that it was given to.
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
"""Rows: what no longer holds, numbered within their subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correcting:
    """What every correcting command says. void: it never was, and nothing stands instead."""

    why: str
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A row: what was said of one thing until it was corrected.

    what: the thing, `exit` or `progress/3`. recorded_by: who had said it. organisation, person: who corrected it.
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
    """The row that keeps what was said. number: of this correction within its subject, 1, 2, 3 …"""
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


def page(work: Work, subject: Subject, *, after: int | Skip | None, limit: int) -> Sequence[Superseded]:
    """A page of what was corrected on the subject, in the order of correcting."""
    rows = work.rows(SUPERSEDED, {"subject": subject}, order="number", after=after, limit=limit)
    return [msgspec.convert({**row}, Superseded) for row in rows]


def show(entry: Superseded, who: Reader) -> dict[str, Any] | None:
    """The entry for its reader, or None where it is not told of at all.

    Whoever recorded it sees what it said. Of others' a workplace is told nothing, and who sees from outside when and of
    what kind. The person who corrected it is known to their own organisation.
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
