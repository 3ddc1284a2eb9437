"""The answers at entry: recorded whole, corrected whole; only that they are there, and complete, is announced.

Source: domain.md, §4, "Who is counted" and "Status, age, calendar".
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import get_args

from services.outcome.domain.journey import Employment, Entry, Gender, Outcome, Refusable, YesNo
from shared.calendar import day_of
from shared.checks import Findings
from shared.errors import Conflict, Refused
from shared.events import EntryRecorded
from shared.passage import Stage
from shared.runtime.change import Change, Row

BEGUN: tuple[Stage, ...] = ("accepted", "started", "ready", "exited", "closed")
OLDEST = date(1900, 1, 1)
ISCED = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEntry:
    """Command: the answers at entry, all of them; None is not known. occurred_on: None is today."""

    gender: Gender | None = None
    born_on: date | None = None
    employment: Employment | None = None
    unemployed_since: date | None = None
    isced: int | None = None
    disability: Refusable = "not_asked"
    minority: Refusable = "not_asked"
    third_country: YesNo = "not_asked"
    foreign_background: YesNo = "not_asked"
    homeless: YesNo = "not_asked"
    rural: YesNo = "not_asked"
    occurred_on: date | None = None


def record_entry(
    state: Outcome, command: RecordEntry, *, rests_on: int | None, revision: int, at: datetime
) -> Change[Outcome]:
    """Record or replace the entry answers; the same answers again change nothing.

    rests_on: the revision that the caller saw, needed to replace; revision: the current one. Raises Invalid; Conflict
    before a provider has accepted, and after a mistake; Refused `revision-missing` or `stale-revision`.
    """
    today = day_of(at)
    _check(command, today)
    if state.passage.stage not in BEGUN:
        raise Conflict(
            "wrong-stage", f"The journey is {state.passage.stage}; a provider must have accepted it."
        )
    fields = {**asdict(command), "recorded_on": command.occurred_on or today}
    del fields["occurred_on"]
    entry = Entry(**fields)
    undated = state.entry and replace(state.entry, recorded_on=today)
    if entry == (state.entry if command.occurred_on else undated):
        return Change(state)
    _check_revision(rests_on, revision, replaces=state.entry is not None)
    event = EntryRecorded(occurred_on=entry.recorded_on, recorded_at=at, complete=entry.complete)
    row = Row(
        "entries", state.journey_id, {"gender": entry.gender or "not_known", "complete": entry.complete}
    )
    return Change(replace(state, entry=entry), events=(event,), rows=(row,))


def _check_revision(rests_on: int | None, revision: int, *, replaces: bool) -> None:
    if rests_on is None and replaces:
        raise Refused(
            "revision-missing", "The entry is recorded already; a change names its revision in If-Match."
        )
    if rests_on not in (None, revision):
        raise Refused("stale-revision", "The journey's outcome has changed since.")


def _check(command: RecordEntry, today: date) -> None:
    found = Findings()
    found.known("gender", command.gender, get_args(Gender))
    found.known("employment", command.employment, get_args(Employment))
    for name in ("disability", "minority"):
        found.known(name, getattr(command, name), get_args(Refusable))
    for name in ("third_country", "foreign_background", "homeless", "rural"):
        found.known(name, getattr(command, name), get_args(YesNo))
    found.not_future("occurred_on", command.occurred_on, today)
    found.not_future("born_on", command.born_on, today)
    found.not_before("born_on", command.born_on, OLDEST, "any living person's birth")
    found.not_future("unemployed_since", command.unemployed_since, today)
    found.not_before("unemployed_since", command.unemployed_since, command.born_on, "the birth")
    if command.unemployed_since is not None and command.employment != "unemployed":
        found.add("unemployed_since", "Only the unemployed have a day since which they are.")
    if command.isced is not None and command.isced not in ISCED:
        found.add("isced", "Must be 0 to 8.")
    found.raise_any()
