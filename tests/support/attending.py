"""A unit with a register of many people, written into activity tracking's database as the service keeps it."""

from datetime import date
from typing import Any

from pymongo.database import Database

from services.activity_tracking.app import SERVICE
from services.activity_tracking.domain.hours import Hours
from services.activity_tracking.domain.journey import Journey
from services.activity_tracking.domain.plan import PLANNED, PlannedActivity, plan_row
from shared.language.decision import subject_of
from shared.language.events import JourneyId, Organisation, ParticipantId
from shared.language.passage import Passage
from shared.runtime.staged import SubjectDocument, written
from tests.support.fakes import noon

STARTED, LEFT = date(2016, 3, 1), date(2016, 5, 31)


def attend(database: Database[Any], unit: Organisation, people: int, gone: int = 0, first: int = 0) -> None:
    """So many take part at the unit every morning from Monday to Friday, and so many have left. first: their number."""
    numbers = range(first, first + gone + people)
    journeys = [journey_at(number, unit, LEFT if number < first + gone else None) for number in numbers]
    states = [SubjectDocument(subject_of("journey", one.journey_id), state=one) for one in journeys]
    database[SERVICE.repository.collection].bulk_write([written(one, SERVICE.repository) for one in states])
    rows = [plan_row(_plan(one, unit), one.passage) for one in journeys]
    database[PLANNED].insert_many([{"_id": row.key, **row.body} for row in rows])


def journey_at(number: int, unit: Organisation, exited_on: date | None = None) -> Journey:
    """The journey of that number, of somebody who takes part at the unit."""
    return Journey(
        journey_id=JourneyId(f"j-{number:026d}"),
        passage=Passage(
            participant_id=ParticipantId(f"p-{number:026d}"),
            programme="coactive",
            programme_version=1,
            referrer="arbetsformedlingen-skelleftea",
            municipality="2482",
            responsible=unit,
            referred_on=STARTED,
            provider=unit,
            accepted_on=STARTED,
            started_on=STARTED,
            exited_on=exited_on,
        ),
        planned=1,
    )


def _plan(journey: Journey, unit: Organisation) -> PlannedActivity:
    return PlannedActivity(
        plan="a1",
        journey_id=journey.journey_id,
        number=1,
        organisation=unit,
        activity="work_training",
        first_on=STARTED,
        last_on=None,
        planned_on=STARTED,
        recorded_at=noon(STARTED),
        unit=unit,
        on_holidays=True,
        hours=tuple(Hours(weekday=day, starts_at="09:00", ends_at="12:00") for day in range(1, 6)),
    )
