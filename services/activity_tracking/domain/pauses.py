"""Planned pauses: days between two on which a person is not expected anywhere."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import Journey, require_stage
from services.activity_tracking.domain.plan import ANEW, CORRIGIBLE, PLANNABLE, check_period
from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import Correcting, superseded
from shared.language.decision import Change, Row, subject_of
from shared.language.errors import Unknown
from shared.language.events import JourneyId, Organisation
from shared.language.rows import as_row

PAUSES = "pauses"
"""Rows `<journey>.<pause>`: one pause each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPause:
    """Command: expect the person nowhere from one day to another, both included."""

    first_on: date
    last_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectPause(Correcting):
    """Command: say the days anew, or, `void`, that no pause was planned."""

    first_on: date | None = None
    last_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A row: one pause. void: it was taken back."""

    pause: str
    journey_id: JourneyId
    number: int
    organisation: Organisation
    first_on: date
    last_on: date
    recorded_at: datetime
    void: bool = False

    def holds_on(self, day: date) -> bool:
        """Whether the person pauses on that day."""
        return not self.void and self.first_on <= day <= self.last_on


def pause_key(journey_id: JourneyId, pause: str) -> str:
    """The key of the pause's row: pauses are numbered within their journey."""
    return f"{journey_id}.{pause}"


def pause_code(number: int) -> str:
    """The code of the journey's pause of that number."""
    return f"u{number}"


def plan_pause(
    journey: Journey, command: PlanPause, *, by: Organisation, at: datetime
) -> tuple[Change[Journey], Pause]:
    """Enter a pause, ahead or past. Raises Invalid, Conflict `wrong-stage`."""
    found = Findings()
    check_period(found, command.first_on, command.last_on, journey)
    found.raise_any()
    require_stage(journey, PLANNABLE)
    number = journey.pauses + 1
    entry = Pause(
        pause=pause_code(number),
        journey_id=journey.journey_id,
        number=number,
        organisation=by,
        first_on=command.first_on,
        last_on=command.last_on,
        recorded_at=at,
    )
    return Change(replace(journey, pauses=number), rows=(_row(entry),)), entry


def _row(entry: Pause) -> Row:
    return as_row(PAUSES, pause_key(entry.journey_id, entry.pause), entry)


def correct_pause(
    journey: Journey, entry: Pause, command: CorrectPause, *, by: Actor, at: datetime
) -> tuple[Change[Journey], Pause]:
    """Say a pause anew, or take it back. Raises Invalid, Conflict `wrong-stage`, Unknown once taken back."""
    if entry.void:
        raise Unknown("pause", within=True)
    anew = replace(entry, void=True)
    if not command.void:
        found = Findings()
        for name in ("first_on", "last_on"):
            if getattr(command, name) is None:
                found.add(name, ANEW)
        if command.first_on is not None:
            check_period(found, command.first_on, command.last_on, journey)
        found.raise_any()
        assert command.first_on is not None and command.last_on is not None
        anew = replace(entry, first_on=command.first_on, last_on=command.last_on)
    require_stage(journey, CORRIGIBLE)
    if anew == entry:
        return Change(journey), entry
    anew = replace(anew, organisation=by.organisation)
    number = journey.corrections + 1
    kept = superseded(
        subject_of("journey", journey.journey_id),
        number,
        f"pause/{entry.pause}",
        {"first_on": entry.first_on, "last_on": entry.last_on},
        recorded_by=entry.organisation,
        by=by,
        at=at,
        why=command.why,
        void=command.void,
    )
    return Change(replace(journey, corrections=number), rows=(_row(anew), kept)), anew
