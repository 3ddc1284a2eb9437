"""The answers at entry: recorded whole, corrected whole; only that they are there, and complete, is announced.

Source: docs/field.md, Entry answers.
"""

from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import get_args

from services.outcome.domain.journey import (
    Employment,
    Entry,
    Gender,
    Outcome,
    Refusable,
    YesNo,
    entry_row,
)
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import superseded
from shared.language.days import day_of
from shared.language.decision import Change, subject_of
from shared.language.errors import Conflict, Refused
from shared.language.events import EntryRecorded
from shared.language.passage import Passage

OLDEST = date(1900, 1, 1)
ISCED = range(9)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEntry:
    """Command: the answers at entry, all of them; None is not known. occurred_on: None is today.

    why: what was wrong with those that they replace.
    """

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
    why: str | None = None


def record_entry(
    state: Outcome, command: RecordEntry, *, rests_on: int | None, revision: int, by: Actor, at: datetime
) -> Change[Outcome]:
    """Record or replace the entry answers; the same answers again change nothing.

    rests_on: the revision that the caller saw, needed to replace; revision: the current one. Raises Invalid; Conflict
    before a provider has accepted, and after a mistake; Refused `revision-missing` or `stale-revision`.
    """
    today = day_of(at)
    passage = state.passage
    fields = {**asdict(command), "recorded_on": command.occurred_on or today}
    del fields["occurred_on"], fields["why"]
    entry = Entry(**fields)
    _check(command, entry, passage, today)
    if passage.accepted_on is None or passage.mistake:
        raise Conflict("wrong-stage", f"The journey is {passage.stage}; a provider must have accepted it.")
    undated = state.entry and replace(state.entry, recorded_on=today)
    if entry == (state.entry if command.occurred_on else undated):
        return Change(state)
    _check_revision(rests_on, revision, replaces=state.entry is not None)
    after = replace(state, entry=entry)
    event = EntryRecorded(
        occurred_on=entry.recorded_on,
        recorded_at=at,
        complete=after.entry_complete,
        correction="replaces" if state.entry else None,
    )
    if state.entry is None:
        return Change(after, events=(event,), rows=(entry_row(after),))
    # What the answers were is nobody's to know any more; that they were others is.
    after = replace(after, corrections=state.corrections + 1)
    kept = superseded(
        subject_of("journey", state.journey_id),
        after.corrections,
        "entry",
        {"recorded_on": state.entry.recorded_on, "complete": state.entry_complete},
        recorded_by=None,
        by=by,
        at=at,
        why=command.why,
    )
    return Change(after, events=(event,), rows=(entry_row(after), kept))


def _check_revision(rests_on: int | None, revision: int, *, replaces: bool) -> None:
    if rests_on is None and replaces:
        raise Refused(
            "revision-missing", "The entry is recorded already; a change names its revision in If-Match."
        )
    if rests_on not in (None, revision):
        raise Refused("stale-revision", "The journey's outcome has changed since.")


def _check(command: RecordEntry, entry: Entry, passage: Passage, today: date) -> None:
    found = Findings()
    found.known("gender", command.gender, get_args(Gender))
    found.known("employment", command.employment, get_args(Employment))
    for name in ("disability", "minority"):
        found.known(name, getattr(command, name), get_args(Refusable))
    for name in ("third_country", "foreign_background", "homeless", "rural"):
        found.known(name, getattr(command, name), get_args(YesNo))
    found.not_future("occurred_on", command.occurred_on, today)
    found.not_before("occurred_on", command.occurred_on, passage.referred_on, "the referral")
    found.not_after("occurred_on", entry.recorded_on, passage.withdrawn_on, "the withdrawal")
    found.not_future("born_on", command.born_on, today)
    found.not_before("born_on", command.born_on, OLDEST, "any living person's birth")
    found.not_future("unemployed_since", command.unemployed_since, today)
    found.not_before("unemployed_since", command.unemployed_since, command.born_on, "the birth")
    for name in entry.contradicts(passage.started_on):
        found.add(name, f"Must lie before the start ({passage.started_on}).")
    if command.unemployed_since is not None and command.employment != "unemployed":
        found.add("unemployed_since", "Only the unemployed have a day since which they are.")
    if command.isced is not None and command.isced not in ISCED:
        found.add("isced", "Must be 0 to 8.")
    found.raise_any()
