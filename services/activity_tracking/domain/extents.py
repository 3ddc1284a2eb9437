"""The extent that was agreed with a person, in percent of a full week, as a series of days from which each holds.

Source: docs/field.md, Hours and dose.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import Journey, require_stage
from services.activity_tracking.domain.plan import ANEW, CORRIGIBLE, PLANNABLE
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Unknown
from shared.language.events import JourneyId, Organisation
from shared.language.rows import as_row

EXTENTS = "extents"
"""Rows `<journey>.<extent>`: one agreed extent each."""
FULL = 100
"""Percent of a full week; nobody agrees to more."""
TOO_MUCH = f"Takes 1 to {FULL} percent of a full week; who comes for more hours still has {FULL}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreeExtent:
    """Command: from that day on the person takes part to so many percent of a full week."""

    from_on: date
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectExtent(Correcting):
    """Command: say the day and the percent anew, or, `void`, that nothing was agreed."""

    from_on: date | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A row: the extent that holds from a day on, until another does. void: it was taken back."""

    extent: str
    journey_id: JourneyId
    number: int
    organisation: Organisation
    from_on: date
    percent: int
    recorded_at: datetime
    void: bool = False


def extent_key(journey_id: JourneyId, extent: str) -> str:
    """The key of the extent's row: extents are numbered within their journey."""
    return f"{journey_id}.{extent}"


def extent_on(day: date, extents: Iterable[Extent]) -> int | None:
    """The percent that holds on that day; None before the first. Of two from one day, the one recorded later holds."""
    holding = [one for one in extents if not one.void and one.from_on <= day]
    newest = max(holding, key=lambda one: (one.from_on, one.number), default=None)
    return None if newest is None else newest.percent


def agree_extent(
    journey: Journey, command: AgreeExtent, *, by: Organisation, at: datetime
) -> tuple[Change[Journey], Extent]:
    """Enter an extent, ahead or past. Raises Invalid, Conflict `wrong-stage`."""
    found = Findings()
    _check(found, command.from_on, command.percent, journey)
    found.raise_any()
    require_stage(journey, PLANNABLE)
    number = journey.extents + 1
    entry = Extent(
        extent=f"e{number}",
        journey_id=journey.journey_id,
        number=number,
        organisation=by,
        from_on=command.from_on,
        percent=command.percent,
        recorded_at=at,
    )
    return Change(replace(journey, extents=number), rows=(_row(entry),)), entry


def correct_extent(
    journey: Journey, entry: Extent, command: CorrectExtent, *, by: Actor, at: datetime
) -> tuple[Change[Journey], Extent]:
    """Say an extent anew, or take it back. Raises Invalid, Conflict `wrong-stage`, Unknown once taken back."""
    if entry.void:
        raise Unknown("extent", within=True)
    anew = replace(entry, void=True)
    if not command.void:
        found = Findings()
        for name in ("from_on", "percent"):
            if getattr(command, name) is None:
                found.add(name, ANEW)
        found.raise_any()
        assert command.from_on is not None and command.percent is not None
        _check(found, command.from_on, command.percent, journey)
        found.raise_any()
        anew = replace(entry, from_on=command.from_on, percent=command.percent)
    require_stage(journey, CORRIGIBLE)
    if anew == entry:
        return Change(journey), entry
    anew = replace(anew, organisation=by.organisation)
    number = journey.corrections + 1
    kept = superseded(
        subject_of("journey", journey.journey_id),
        number,
        f"extent/{entry.extent}",
        {"from_on": entry.from_on, "percent": entry.percent},
        recorded_by=entry.organisation,
        by=by,
        at=at,
        why=command.why,
        void=command.void,
    )
    return Change(replace(journey, corrections=number), rows=(_row(anew), kept)), anew


def _check(found: Findings, from_on: date, percent: int, journey: Journey) -> None:
    found.not_before("from_on", from_on, journey.passage.accepted_on, "the acceptance")
    found.not_after("from_on", from_on, journey.passage.exited_on, "the exit")
    if not 1 <= percent <= FULL:
        found.add("percent", TOO_MUCH)


def _row(entry: Extent) -> Row:
    return as_row(EXTENTS, extent_key(entry.journey_id, entry.extent), entry)
