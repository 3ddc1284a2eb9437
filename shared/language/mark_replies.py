"""Activity tracking's answers to records of marks, which intake numbers in the sender's own sequence.

Activity tracking says an answer on ANSWERS_TOPIC, whose key is the organisation. Intake gives it a number, as it does
with what it says itself. So a sender reads one sequence: on its topic, by `GET /changes` and by webhook.
"""

from datetime import date
from typing import Any, Literal

from shared.language.events import Attendance, Code, JourneyId, SessionId
from shared.language.messages import Message, message
from shared.language.replies import KEY, REPLIES_TOPIC, SEQUENCE

ATTENDANCE_TOPIC = "inbound.{organisation}.attendance.v1"
SENDER = ("the organisation that sends marks",)
RECORD = "one record of `inbound.<organisation>.attendance.v1`"
IDENTITY = "`activity-tracking:<topic>:<partition>:<offset>` of the record"


@message(
    "journey.activity-tracking.mark-accepted.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("activity-tracking",),
    consumers=SENDER,
    subject="^journey/.+$",
    identity=IDENTITY,
    answers=RECORD,
)
class MarkAccepted(Message, frozen=True, kw_only=True):
    """An inbound mark stands; `topic`, `partition` and `offset` say which record.

    plan, day, hour: which stretch; plan: null of who came unplanned. changed: false where it was marked so already.
    session_id, attendance, minutes: of the mark, null where nothing is marked now. key, headers: see `MarkRejected`.
    """

    status: Literal["accepted"]
    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    journey_id: JourneyId
    plan: Code | None
    day: date
    hour: str
    changed: bool
    session_id: SessionId | None
    attendance: Attendance | None
    minutes: int | None


@message(
    "journey.activity-tracking.mark-rejected.v1",
    topic=REPLIES_TOPIC,
    key=KEY,
    sequence=SEQUENCE,
    producers=("activity-tracking",),
    consumers=SENDER,
    subject=r"^record/inbound\..+$",
    identity=IDENTITY,
    answers=RECORD,
)
class MarkRejected(Message, frozen=True, kw_only=True):
    """An inbound mark changed nothing; `code` is one of the error codes, `errors` names every wrong field.

    key, headers: the record's own, by which its sender finds it again. Each is repeated only where it is a plain
    identifier that cannot name anybody; else it is null, or left out. headers: `correlation-id`, `ce_id` and
    `ce_source`, and a structured event's `id` and `source`.
    """

    status: Literal["rejected"]
    topic: str
    partition: int
    offset: int
    key: str | None
    headers: dict[str, str]
    code: str
    detail: str
    errors: dict[str, Any]
