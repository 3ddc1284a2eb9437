"""How far the participant has come: repeated measures, and competences that somebody validated.

The answers of a measure stay in this service; its event says only how many there are. Source:
docs/field.md, Progress and competence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.activity_tracking.domain.journey import BEGUN, Journey, check_day, require_stage
from shared.language.checks import Findings
from shared.language.days import day_of, months_after
from shared.language.decision import Change
from shared.language.errors import Conflict
from shared.language.events import Code, CompetenceValidated, JourneyId, Organisation, ProgressMeasured
from shared.language.programmes import Measure, Programme
from shared.language.rows import as_row

ROUNDS = 200
"""More rounds than any journey has: every third month for fifty years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureProgress:
    """Command: record the answers of one round, {indicator: answer on the programme's scale}."""

    round: int
    answers: Mapping[str, int]
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateCompetence:
    """Command: record a competence and the level it was found to have."""

    competence: str
    level: int
    occurred_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRound:
    """A row: the answers of one round. void: it was taken back."""

    journey_id: JourneyId
    round: int
    answers: dict[Code, int]
    measured_on: date
    organisation: Organisation
    recorded_at: datetime
    void: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Competence:
    """A row: one competence at one level, and who validated it. void: it was taken back."""

    journey_id: JourneyId
    competence: Code
    level: int
    validated_on: date
    validated_by: Organisation
    recorded_at: datetime
    void: bool = False


def round_key(journey_id: JourneyId, number: int) -> str:
    """The key of the row of that round."""
    return f"{journey_id}.{number}"


def competence_key(journey_id: JourneyId, competence: str, level: int) -> str:
    """The key of the row of that competence at that level."""
    return f"{journey_id}.{competence}.{level}"


def measure(
    journey: Journey,
    command: MeasureProgress,
    *,
    programme: Programme,
    by: Organisation,
    at: datetime,
    earlier: ProgressRound | None,
) -> tuple[Change[Journey], ProgressRound]:
    """Record a round of the programme's indicators; at least one is answered.

    earlier: the earlier record of this round. The same answers by the same organisation change nothing. Any other
    organisation could find out by guessing. Returns the change and the round that stands. Raises Invalid, Conflict
    `wrong-stage`, Conflict `already-measured`.
    """
    on = command.occurred_on or day_of(at)
    found = Findings()
    if not 1 <= command.round <= ROUNDS:
        found.add("round", f"Rounds are numbered from 1 to {ROUNDS}.")
    check_answers(found, command.answers, programme.progress)
    check_day(found, "occurred_on", on, journey, at)
    found.raise_any()
    if earlier is not None and not earlier.void:
        said = (by, command.answers, command.occurred_on or earlier.measured_on)
        if said == (earlier.organisation, earlier.answers, earlier.measured_on):
            return Change(journey), earlier
        raise Conflict("already-measured", f"Round {command.round} was recorded already.")
    require_stage(journey, BEGUN)
    entry = ProgressRound(
        journey_id=journey.journey_id,
        round=command.round,
        answers=dict(command.answers),
        measured_on=on,
        organisation=by,
        recorded_at=at,
    )
    after = replace(
        journey,
        last_round=max(journey.last_round, command.round),
        last_measured_on=max(journey.last_measured_on or on, on),
    )
    event = ProgressMeasured(
        occurred_on=on, recorded_at=at, round=command.round, answered=len(command.answers)
    )
    row = as_row("progress", round_key(journey.journey_id, command.round), entry)
    return Change(after, events=(event,), rows=(row,)), entry


def check_answers(found: Findings, answers: Mapping[str, int], scale: Measure) -> None:
    """Answers are to the programme's indicators, on its scale, and at least one."""
    if not answers:
        found.add("answers", "At least one indicator is answered.")
    known = {indicator.code for indicator in scale.indicators}
    for indicator, answer in answers.items():
        found.known("answers", indicator, known)
        if not scale.scale_min <= answer <= scale.scale_max:
            found.add("answers", f"{indicator} takes {scale.scale_min} to {scale.scale_max}.")


def validate(
    journey: Journey,
    command: ValidateCompetence,
    *,
    programme: Programme,
    by: Organisation,
    at: datetime,
    earlier: Competence | None,
) -> tuple[Change[Journey], Competence]:
    """Record a validated competence; the same one at the same level counts once.

    earlier: that competence at that level, when it was validated before: then nothing changes. Returns the
    change and the competence that stands. Raises Invalid, Conflict `wrong-stage`. Source:
    docs/field.md, Progress and competence.
    """
    on = command.occurred_on or day_of(at)
    found = Findings()
    found.known("competence", command.competence, (one.code for one in programme.competences))
    if not 1 <= command.level <= programme.competence_levels:
        found.add("level", f"Takes 1 to {programme.competence_levels}.")
    check_day(found, "occurred_on", on, journey, at)
    found.raise_any()
    if earlier is not None and not earlier.void:
        return Change(journey), earlier
    require_stage(journey, BEGUN)
    entry = Competence(
        journey_id=journey.journey_id,
        competence=command.competence,
        level=command.level,
        validated_on=on,
        validated_by=by,
        recorded_at=at,
    )
    event = CompetenceValidated(
        occurred_on=on, recorded_at=at, competence=command.competence, level=command.level, validated_by=by
    )
    row = as_row("competences", competence_key(journey.journey_id, command.competence, command.level), entry)
    return Change(replace(journey, competences=journey.competences + 1), events=(event,), rows=(row,)), entry


def measured_from(journey: Journey) -> str | None:
    """The place of an open journey by the day of its last round, or of its start: `<day>|<journey>`; None of others."""
    passage = journey.passage
    if passage.mistake or passage.started_on is None or passage.exited_on is not None:
        return None
    return f"{(journey.last_measured_on or passage.started_on).isoformat()}|{journey.journey_id}"


def due_on(journey: Journey, programme: Programme) -> date | None:
    """The day on which the next round is due; None where none is asked."""
    last = journey.last_measured_on or journey.passage.started_on
    if last is None or not programme.progress.indicators:
        return None
    return months_after(last, programme.progress.every_months)
