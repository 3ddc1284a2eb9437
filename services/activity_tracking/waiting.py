"""The use case of what waits at activity tracking: registers, rounds of the measure, and reports.

No rule lives here.
"""

from collections.abc import Sequence
from datetime import date, datetime

from services.activity_tracking.counting import open_registers
from services.activity_tracking.domain.counted import open_place
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.progress import due_on, measured_from
from services.activity_tracking.domain.reports import REPORTS, Report
from services.activity_tracking.domain.written import DUE, DueReport
from services.activity_tracking.handlers import reader_of
from services.activity_tracking.reporting import may_read
from shared.language.access import Actor, authorise, authorise_somewhere, reach_of
from shared.language.days import day_of, days_after, months_after
from shared.language.decision import Skip, Work, subject_of
from shared.language.errors import Forbidden, Unknown
from shared.language.events import JourneyId
from shared.language.rows import entry_of
from shared.language.waiting import Fetch, Source, Waiting, Waits, gathered

YEAR = 365
"""Days back in which a register that is not filled in still waits."""


def list_waiting(
    work: Work,
    actor: Actor,
    *,
    journey: JourneyId | None,
    after: tuple[str, str] | Skip | None,
    limit: int,
) -> Waiting:
    """A page of what waits for the caller's unit; of one journey where it is named."""
    authorise_somewhere(actor, "log_activity", work)
    today = day_of(work.at)
    measures = _measures(work, actor, today)
    if journey is not None:
        measures = _of_journey(work, actor, journey, today)
    sources: list[Source] = [
        ("measure", measures),
        ("report", _reports(work, actor, journey)),
        ("report_to_send", _unsent(work, actor, journey)),
    ]
    if journey is None:
        sources.insert(0, ("register", _registers(work, actor, today)))
    return Waiting(entries=gathered(sources, after=after, limit=limit), today=today)


def _reports(work: Work, actor: Actor, journey: JourneyId | None) -> Fetch:
    """Reports that the unit owes and the referrer has not acknowledged, by their last day."""
    where = {"provider": actor.organisation, **({} if journey is None else {"journey_id": journey})}

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        found: list[Waits] = []
        place = after or ""
        while missing := most - len(found):
            rows = work.rows(REPORTS, where, order="waits", after=place, limit=missing)
            work.load([subject_of("journey", row["journey_id"]) for row in rows])
            for row in rows:
                place, report = row["waits"], entry_of(Report, row)
                held: Journey | None = work.readable(subject_of("journey", report.journey_id))
                if held is not None and report.made_at is not None and may_read(work, actor, held, report):
                    found.append(_report(report, report.made_at, place))
            if len(rows) < missing:
                break
        return found

    return fetch


def _report(report: Report, made_at: datetime, place: str) -> Waits:
    return Waits(
        kind="report",
        subject=report.report_id,
        place=place,
        journey_id=report.journey_id,
        unit=report.provider,
        since=day_of(made_at),
        due=report.due_on,
        method="GET",
        path=f"/reports/{report.report_id}",
    )


def _unsent(work: Work, actor: Actor, journey: JourneyId | None) -> Fetch:
    """Reports that the unit is to write and send, by their last day."""
    where = {"provider": actor.organisation, **({} if journey is None else {"journey_id": journey})}

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        found: list[Waits] = []
        place = after or ""
        while missing := most - len(found):
            rows = work.rows(DUE, where, order="unsent", after=place, limit=missing)
            work.load([subject_of("journey", row["journey_id"]) for row in rows])
            for row in rows:
                place, due = row["unsent"], entry_of(DueReport, row)
                held: Journey | None = work.readable(subject_of("journey", due.journey_id))
                if held is not None and _may_log(work, actor, held):
                    found.append(_to_send(due, place))
            if len(rows) < missing:
                break
        return found

    return fetch


def _to_send(due: DueReport, place: str) -> Waits:
    return Waits(
        kind="report_to_send",
        subject=due.report_id,
        place=place,
        journey_id=due.journey_id,
        unit=due.provider,
        since=due.since,
        due=due.due_on,
        path=f"/reports/{due.report_id}/submission",
    )


def _may_log(work: Work, actor: Actor, journey: Journey) -> bool:
    try:
        authorise(actor, "log_activity", journey.passage, work)
    except (Forbidden, Unknown):
        return False
    return True


def _registers(work: Work, actor: Actor, today: date) -> Fetch:
    """Registers of the unit that are not filled in, today's and those of a year back. Of no single journey."""

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        first = days_after(today, -YEAR)
        found = open_registers(
            work, actor.organisation, first_on=first, last_on=today, after=after, limit=most
        )
        return [
            Waits(
                kind="register",
                subject=one.register,
                place=open_place(one),
                unit=one.unit,
                since=one.day,
                due=one.day,
                path="/attendance",
            )
            for one in found
        ]

    return fetch


def _measures(work: Work, actor: Actor, today: date) -> Fetch:
    """Journeys that the unit holds, by their last measure; the first that cannot be due yet ends the reading."""
    versions = reach_of(actor.organisation, work, "log_activity", "read_journey").versions
    months = [work.programmes.get(one).progress.every_months for one in versions]
    # A month later may be three days less than a month earlier: from 31 August comes 28 February.
    newest = days_after(months_after(today, -min(months, default=0)), 3).isoformat()

    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        found: list[Waits] = []
        where = {"state.passage.responsible": actor.organisation, "state.programme_key": {"$in": versions}}
        place = after or ""
        while missing := most - len(found):
            rows = work.rows("activities", where, order="state.measured", after=place, limit=missing)
            work.load([row["_id"] for row in rows])
            for row in rows:
                place = row["state"]["measured"]
                if place[: len(newest)] > newest:
                    return found
                waits = _measure(work, actor, work.readable(row["_id"]), today)
                found += [] if waits is None else [waits]
            if len(rows) < missing:
                break
        return found

    return fetch


def _of_journey(work: Work, actor: Actor, journey: JourneyId, today: date) -> Fetch:
    def fetch(after: str | None, most: int) -> Sequence[Waits]:
        held = None if after is not None else work.find(subject_of("journey", journey))
        waits = _measure(work, actor, held, today)
        return [] if waits is None else [waits]

    return fetch


def _measure(work: Work, actor: Actor, journey: Journey | None, today: date) -> Waits | None:
    """The journey's round, where it is due and the caller may record it."""
    measured = None if journey is None else measured_from(journey)
    if journey is None or measured is None or journey.passage.responsible != actor.organisation:
        return None
    try:
        programme = authorise(actor, "log_activity", journey.passage, work)
    except (Forbidden, Unknown):
        return None
    due = due_on(journey, programme)
    if due is None or due > today or reader_of(work, actor, journey).works_there:
        return None
    return Waits(
        kind="measure",
        subject=f"{journey.journey_id}/{journey.last_round + 1}",
        place=measured,
        journey_id=journey.journey_id,
        unit=actor.organisation,
        since=due,
        due=due,
        path=f"/journeys/{journey.journey_id}/progress",
    )
