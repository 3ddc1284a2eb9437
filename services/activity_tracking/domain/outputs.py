"""What the programme brings about that concerns no participant: workplaces carved, managers trained.

Source: docs/field.md, Programme outputs.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from shared.language.access import Actor
from shared.language.checks import Findings
from shared.language.corrections import superseded
from shared.language.days import day_of
from shared.language.decision import Change, subject_of
from shared.language.errors import Forbidden
from shared.language.events import Code, Municipality, Organisation, OutputCorrected, OutputId, OutputLogged
from shared.language.programmes import Programme
from shared.language.rows import as_row

MOST = 1000
"""The largest quantity of one entry; more at once is a slip of the hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOutput:
    """Command: log so many of one output in one municipality."""

    output: str
    quantity: int
    municipality: str
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectOutput:
    """Command: say the right quantity; zero takes the entry back. `occurred_on`: when it was corrected."""

    quantity: int
    occurred_on: date | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One entry of one output as it stands now: the state, and the row that lists are read from."""

    output_id: OutputId
    programme: Code
    programme_version: int
    output: Code
    quantity: int
    municipality: Municipality
    organisation: Organisation
    logged_on: date
    recorded_at: datetime
    corrections: int = 0


def log(
    command: LogOutput, *, programme: Programme, by: Organisation, at: datetime, output: OutputId
) -> Change[Output]:
    """Log an output on a day of the programme's time.

    output: the id of the new entry. at: UTC. Raises Invalid.
    """
    today = day_of(at)
    on = command.occurred_on or today
    found = Findings()
    found.known("output", command.output, (one.code for one in programme.outputs))
    found.known("municipality", command.municipality, (place.code for place in programme.municipalities))
    if not 1 <= command.quantity <= MOST:
        found.add("quantity", f"Takes 1 to {MOST}.")
    found.not_future("occurred_on", on, today)
    found.not_before("occurred_on", on, programme.starts_on, "the programme's start")
    if on > programme.ends_on:
        found.add("occurred_on", f"Lies after the programme's end ({programme.ends_on.isoformat()}).")
    found.raise_any()
    entry = Output(
        output_id=output,
        programme=programme.id,
        programme_version=programme.version,
        output=command.output,
        quantity=command.quantity,
        municipality=command.municipality,
        organisation=by,
        logged_on=on,
        recorded_at=at,
    )
    event = OutputLogged(
        occurred_on=on,
        recorded_at=at,
        programme=programme.id,
        programme_version=programme.version,
        output=command.output,
        quantity=command.quantity,
        municipality=command.municipality,
        organisation=by,
    )
    return Change(entry, events=(event,), rows=(as_row("outputs", output, entry),))


def correct(entry: Output, command: CorrectOutput, *, by: Actor, at: datetime) -> Change[Output]:
    """Set the right quantity; the quantity it already has changes nothing.

    Only the organisation that logged it may. Raises Forbidden, Invalid.
    """
    if by.organisation != entry.organisation:
        raise Forbidden("not-allowed", "Only the organisation that logged an output may correct it.")
    today = day_of(at)
    on = command.occurred_on or today
    found = Findings()
    if not 0 <= command.quantity <= MOST:
        found.add("quantity", f"Takes 0 to {MOST}.")
    found.not_future("occurred_on", on, today)
    found.not_before("occurred_on", on, entry.logged_on, "the output was logged")
    found.raise_any()
    if command.quantity == entry.quantity:
        return Change(entry)
    after = replace(entry, quantity=command.quantity, corrections=entry.corrections + 1)
    event = OutputCorrected(
        occurred_on=on,
        recorded_at=at,
        programme=entry.programme,
        programme_version=entry.programme_version,
        output=entry.output,
        replaced_quantity=entry.quantity,
        quantity=command.quantity,
        municipality=entry.municipality,
    )
    kept = superseded(
        subject_of("output", entry.output_id),
        after.corrections,
        "output",
        {"quantity": entry.quantity},
        recorded_by=entry.organisation,
        by=by,
        at=at,
        why=command.why,
        void=command.quantity == 0,
    )
    return Change(after, events=(event,), rows=(as_row("outputs", entry.output_id, after), kept))
