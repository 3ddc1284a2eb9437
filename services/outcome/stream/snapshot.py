"""A programme's figures as one whole, versioned snapshot: pure, from a reading to the bytes sent.

In two forms, each with versions of its own: `exact`, for those who may read the report, and `published`, with the few
hidden. A change that is hidden makes no new published snapshot.

Always whole, never "what changed since": ids commit out of order, so a reader that resumes cannot know what it
missed. Whoever misses one has missed nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import orjson

from shared.language.days import day_of
from shared.language.programmes import Name, Programme

MOST_CHANGES = 9

Form = Literal["exact", "published"]
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at the data gave.

    moment: the database's own time of the look, a number that only grows, whichever process looks.
    exact: the report. newest: [{type, recorded_at}], newest first.
    """

    programme: Programme
    moment: int
    as_of: datetime
    exact: Mapping[str, Any]
    newest: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One state of the figures. `version` grows; `seen` is what decides whether the next one differs.

    report: what is shown, in this form. frame: the same as bytes, made once for however many are sent it.
    """

    programme: str
    form: Form
    version: int
    as_of: datetime
    report: Mapping[str, Any]
    seen: bytes
    frame: bytes


def follow(held: Snapshot | None, reading: Reading, form: Form, report: Mapping[str, Any]) -> Snapshot:
    """The snapshot after this reading: the held one itself when a viewer would see no difference.

    report: the reading's, in this form.

    The passing of time alone is no difference until the Swedish day changes.
    """
    content = {
        **report,
        "form": form,
        "as_of": day_of(reading.as_of).isoformat(),
        "labels": labels(reading.programme),
        "newest": gather(reading.newest),
    }
    seen = orjson.dumps(content)
    if held is not None and held.seen == seen:
        return held
    version = reading.moment if held is None else max(reading.moment, held.version + 1)
    body = {**content, "as_of": reading.as_of.isoformat(), "version": str(version)}
    return Snapshot(
        programme=reading.programme.id,
        form=form,
        version=version,
        as_of=reading.as_of,
        report=report,
        seen=seen,
        frame=b"id: %d\nevent: snapshot\ndata: %s\n\n" % (version, orjson.dumps(body)),
    )


def labels(programme: Programme) -> dict[str, Any]:
    """What the codes in the figures are called, so that a reader needs no second source."""
    return {
        "municipalities": {place.code: place.name for place in programme.municipalities},
        "follow_ups": {one.code: _name(one.name) for one in programme.follow_ups},
    }


def gather(newest: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Kinds of events by the minute, newest first: [{type, at, times}], at most nine.

    The minute, so that no row can be laid beside a log. Never whose.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for change in newest:
        at = change["recorded_at"].replace(second=0, microsecond=0).isoformat()
        row = rows.setdefault((change["type"], at), {"type": change["type"], "at": at, "times": 0})
        row["times"] += 1
    return list(rows.values())[:MOST_CHANGES]


def resumed_version(last_event_id: str | None) -> int:
    """The version that a returning reader has; 0 when it has none or names something that is no version."""
    text = last_event_id or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _name(name: Name) -> dict[str, str]:
    return {"sv": name.sv, "en": name.en}
