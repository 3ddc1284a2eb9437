"""Marks that organisations publish on topics of their own, `inbound.<organisation>.attendance.v1`.

A record is a row of POST /attendance/marks, read with the same schema and judged by the same rules. Its answer goes
through intake into the sender's one numbered sequence. How records are read, answered and kept stands in
`shared.edge.inbound`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.activity_tracking import marking
from services.activity_tracking.api.mark_row import RowOfMark, rows_of
from services.activity_tracking.domain.marks import DayMark
from shared.edge.inbound import Answer, Inbound
from shared.edge.records import Echo, Records
from shared.language.access import Actor
from shared.language.decision import Work, subject_of
from shared.language.events import Organisation
from shared.language.forms import ORGANISATION
from shared.language.mark_replies import MarkAccepted, MarkRejected
from shared.language.messages import Message
from shared.runtime.many import fetch_ahead
from shared.runtime.parts import Parts, Runnable
from shared.runtime.unit import Unit

GROUP = "activity-tracking-inbound"
TOPIC = re.compile(rf"inbound\.({ORGANISATION})\.attendance\.v1")
RECORDS: Records[DayMark] = Records(schema=RowOfMark(), of="the mark")


def _mark(
    work: Work, sender: Actor, command: DayMark, echo: Echo, place: Mapping[str, Any]
) -> tuple[str, Message]:
    found = marking.mark_one(work, sender, command)
    head = found.head
    body = MarkAccepted(
        status="accepted",
        **place,
        key=echo.key,
        headers=dict(echo.headers),
        journey_id=command.journey_id,
        plan=command.plan,
        day=command.day,
        hour=command.hour,
        changed=found.changed,
        session_id=None if head is None else head.session_id,
        attendance=None if head is None else head.attendance,
        minutes=None if head is None else head.minutes,
    )
    return f"journey/{command.journey_id}", body


def _rejected(
    place: Mapping[str, Any], echo: Echo, code: str, detail: str, errors: Mapping[str, object]
) -> Message:
    return MarkRejected(
        status="rejected",
        **place,
        key=echo.key,
        headers=dict(echo.headers),
        code=code,
        detail=detail,
        errors=dict(errors),
    )


def _fetch(unit: Unit, marks: Sequence[tuple[Organisation, DayMark]]) -> None:
    """Ask once for what all these marks speak of, not once each."""
    unit.load({subject_of("journey", one.journey_id) for _, one in marks})
    fetch_ahead([wanted for _, one in marks for wanted in rows_of(one)], unit)


def _say(unit: Unit, answer: Answer) -> None:
    unit.say_answer(answer.organisation, answer.identity, answer.subject, answer.body)


MARKS: Inbound[DayMark] = Inbound(
    group=GROUP,
    topic=TOPIC,
    read=RECORDS.read,
    decide=_mark,
    reject=_rejected,
    fetch=_fetch,
    answer=_say,
)


def readers(parts: Parts) -> list[tuple[str, Runnable]]:
    """The thread that reads the organisations' marks."""
    return [("inbound", MARKS.consumer(parts))]
